"""A call of a job as data: nothing has run, it can be enqueued, delayed, or made part of a workflow."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

from pydantic import TypeAdapter

R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")
LEAST_TTL = 0.001
MOST_SECONDS = 10 * 366 * 86400


Scope: TypeAlias = Literal["read", "write", "admin"]
# Parameters and the kinds of things they name, or "everybody": it reads what belongs to all.
Owner: TypeAlias = Mapping[str, str] | Literal["everybody"]


class Named(Protocol):
    """Whatever has a name: a queue."""

    @property
    def name(self) -> str: ...


class Arguments(Protocol):
    """What is known of a job's arguments and result."""

    parameters: list[inspect.Parameter]

    def bind(self, args: tuple[Any, ...] | list[Any], kwargs: dict[str, Any]) -> dict[str, Any]: ...
    @property
    def result(self) -> TypeAdapter[Any]: ...
    @property
    def result_type(self) -> Any: ...


class Declared(Protocol[R_co]):
    """A declared job, as a call sees it."""

    name: str
    priority: int
    key: str | None
    result_ttl: float | None
    scope: Scope
    owner: Owner | None

    @property
    def queue(self) -> Named: ...
    @property
    def signature(self) -> Arguments: ...
    def unique_key(self, call: Call[Any]) -> str: ...


@dataclass(frozen=True, slots=True)
class Options:
    """When and how one call runs; None leaves it to the job's declaration."""

    delay: float | None = None
    at: datetime | None = None
    priority: int | None = None
    id: str | None = None
    expires: float | None = None
    result_ttl: float | None = None
    caller: str | None = None  # on whose behalf it runs: the id of an API key, for example
    origin: str | None = None  # the request and the trace it comes from (`invest.tracing`)


@dataclass(frozen=True, slots=True)
class Call(Generic[R_co]):
    """A declared job called with arguments. The arguments were validated when the call was made."""

    job: Declared[R_co]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    payload: bytes = field(repr=False)
    options: Options = Options()

    def with_options(
        self,
        *,
        delay: float | timedelta | None = None,
        at: datetime | None = None,
        priority: int | None = None,
        id: str | None = None,  # noqa: A002 - the public name of a job's identity
        expires: float | timedelta | None = None,
        result_ttl: float | None = None,
        caller: str | None = None,
        origin: str | None = None,
    ) -> Call[R_co]:
        """The same call, to run after `delay` seconds or `at` an aware instant, as job `id` (the same id is the same
        job, so enqueuing it twice gives the first one), not to be started later than
        `expires` seconds from its due time, on behalf of `caller`.

        Raises ValueError for a naive `at`, for both `delay` and `at`, for a negative time, or for a `result_ttl` that
        would keep nothing.
        """
        if delay is not None and at is not None:
            raise ValueError("give either delay or at, not both")
        if at is not None and at.tzinfo is None:
            raise ValueError("at must be an aware datetime")
        before = self.options
        options = Options(
            delay=_either(_seconds("delay", delay), before.delay),
            at=_either(at, before.at),
            priority=_either(priority, before.priority),
            id=_either(_checked_id(id), before.id),
            expires=_either(_seconds("expires", expires), before.expires),
            result_ttl=_either(kept_for("result_ttl", result_ttl), before.result_ttl),
            caller=_either(caller, before.caller),
            origin=_either(origin, before.origin),
        )
        return Call(self.job, self.args, self.kwargs, self.payload, options)

    @property
    def name(self) -> str:
        """The job's name."""
        return self.job.name

    def read(self, value: Any) -> R_co:
        """The job's result from plain data, as the HTTP API gives it. Raises pydantic's `ValidationError`."""
        result: R_co = self.job.signature.result.validate_python(value)
        return result


def _either(given: T | None, before: T | None) -> T | None:
    return before if given is None else given


def _seconds(name: str, value: float | timedelta | None) -> float | None:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds is not None and not 0 <= seconds < MOST_SECONDS:
        raise ValueError(f"{name} must be between 0 and ten years, not {value!r}")
    return seconds


def kept_for(name: str, seconds: float | None) -> float | None:
    """How long something is kept. Raises ValueError for a time under a millisecond, over ten years, or no number."""
    if seconds is not None and not LEAST_TTL <= seconds < MOST_SECONDS:
        raise ValueError(f"{name} must be between {LEAST_TTL} s and ten years, not {seconds!r}")
    return seconds


def _checked_id(text: str | None) -> str | None:
    if text is not None and not (0 < len(text) <= 200 and text.isprintable() and "," not in text):
        raise ValueError("id must be 1 to 200 printable characters without a comma")
    return text
