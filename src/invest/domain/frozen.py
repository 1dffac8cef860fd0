"""The base of every shared model."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of every shared model: immutable, no unknown fields, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Model = TypeVar("Model", bound=Frozen)


def bare(model: type[Model], **values: Any) -> Model:
    """A model of values that need no check, every field given: like `model_construct`, at an eighth of its time.

    For what was computed here, or checked when it was stored: an analysis makes a hundred of these, and ten years of a
    company's accounts are ten thousand.
    """
    made = model.__new__(model)
    place = object.__setattr__
    place(made, "__dict__", values)
    place(made, "__pydantic_fields_set__", _fields_of(model))
    place(made, "__pydantic_extra__", None)
    place(made, "__pydantic_private__", None)
    return made


@cache
def _fields_of(model: type[Frozen]) -> set[str]:
    return set(model.model_fields)  # shared by all of them: a frozen model never adds to it
