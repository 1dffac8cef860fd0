"""What became of one child of a workflow: `Ok` with its value or `Err` with its error."""

from __future__ import annotations

from typing import Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from invest.engine.errors import ErrorInfo

T_co = TypeVar("T_co", covariant=True)


class Ok(BaseModel, Generic[T_co]):
    """A child that succeeded."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    value: T_co
    ok: Literal[True] = True


class Err(BaseModel):
    """A child that failed, was cancelled, or never ran because something before it failed."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    error: ErrorInfo
    ok: Literal[False] = False


Outcome: TypeAlias = Ok[T_co] | Err
