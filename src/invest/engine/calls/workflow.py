"""Workflows as values: chain, group and chord are three shapes of one tree of calls.

    chain(a, b, c)            one after the other; each sees the result before it as `ctx.previous(...)`
    group(a, b, c)            at the same time; the result is the list of theirs
    chord(group, callback)    the group, then the callback, which sees every child as `ctx.results(...)`

They nest. Nothing runs until a workflow is enqueued, or returned by a job ("handed over").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar, overload

from pydantic import TypeAdapter

from invest.engine.calls.calls import Call
from invest.engine.calls.outcome import Err, Ok, Outcome

R = TypeVar("R")
S = TypeVar("S")
R_co = TypeVar("R_co", covariant=True)

MAX_NODES = 100_000


@dataclass(frozen=True, slots=True)
class Threshold:
    """Failure policy of a group: it succeeds when at least this share (0..1) of its children did."""

    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"Threshold: share is a fraction between 0 and 1, not {self.share!r}")


OnFailure: TypeAlias = Literal["fail_fast", "continue"] | Threshold


@dataclass(frozen=True, slots=True)
class Workflow(Generic[R_co]):
    """A tree of calls whose result is an R. `kind` says how its `steps` hang together."""

    kind: Literal["chain", "group", "chord"]
    steps: tuple[Call[Any] | Workflow[Any], ...]
    on_failure: OnFailure = "fail_fast"

    def size(self) -> int:
        """How many jobs it will run."""
        return sum(1 if isinstance(s, Call) else s.size() for s in self.steps)

    def need(self) -> int:
        """How many of a group's children must succeed."""
        total = len(self.steps)
        if isinstance(self.on_failure, Threshold):
            return math.ceil(self.on_failure.share * total - 1e-9)
        return total if self.on_failure == "fail_fast" else 0


Step: TypeAlias = Call[R] | Workflow[R]


@overload
def chain(a: Step[R], /) -> Workflow[R]: ...
@overload
def chain(a: Step[Any], b: Step[R], /) -> Workflow[R]: ...
@overload
def chain(a: Step[Any], b: Step[Any], c: Step[R], /) -> Workflow[R]: ...
@overload
def chain(a: Step[Any], b: Step[Any], c: Step[Any], d: Step[R], /) -> Workflow[R]: ...
@overload
def chain(*steps: Step[Any]) -> Workflow[Any]: ...
def chain(*steps: Step[Any]) -> Workflow[Any]:
    """Steps one after the other; the result is the last one's. A step that fails ends the chain.

    Raises ValueError for no steps.
    """
    return Workflow("chain", _checked(steps))


@overload
def group(*steps: Step[R]) -> Workflow[list[R]]: ...
@overload
def group(*steps: Step[R], on_failure: Literal["fail_fast"]) -> Workflow[list[R]]: ...
@overload
def group(*steps: Step[R], on_failure: Literal["continue"] | Threshold) -> Workflow[list[Outcome[R]]]: ...
@overload
def group(steps: Iterable[Step[R]], /) -> Workflow[list[R]]: ...
@overload
def group(steps: Iterable[Step[R]], /, *, on_failure: Literal["fail_fast"]) -> Workflow[list[R]]: ...
@overload
def group(
    steps: Iterable[Step[R]], /, *, on_failure: Literal["continue"] | Threshold
) -> Workflow[list[Outcome[R]]]: ...
def group(*steps: Any, on_failure: OnFailure = "fail_fast") -> Workflow[Any]:
    """Steps at the same time.

    `fail_fast`: the first failure cancels the others and fails the group; the result is a list of values.
    ``continue``: every child ends, the group succeeds; the result is a list of `Ok` and `Err`.
    `Threshold`: as ``continue``, but fails (at once) when too few can still succeed.
    An empty group succeeds with an empty list.
    """
    if len(steps) == 1 and not isinstance(steps[0], (Call, Workflow)):
        steps = tuple(steps[0])
    return Workflow("group", _checked(steps, empty=True), on_failure)


def chord(
    children: Workflow[list[Any]] | Sequence[Step[Any]] | Iterable[Step[Any]],
    callback: Step[R],
    *,
    on_failure: OnFailure | None = None,
) -> Workflow[R]:
    """`children` at the same time, then `callback` exactly once; the result is the callback's.

    Under ``continue`` the callback always runs and sees `Ok` or `Err` per child. `on_failure` is the policy of a plain
    list of children (default fail_fast); a `group` given brings its own.
    """
    if isinstance(children, Workflow):
        given = children if children.kind == "group" else Workflow("group", (children,))
        if on_failure is not None:
            given = Workflow("group", given.steps, on_failure)
    else:
        given = Workflow("group", _checked(tuple(children), empty=True), on_failure or "fail_fast")
    return Workflow("chord", _checked((given, callback)))


def result_adapter(workflow: Workflow[Any]) -> TypeAdapter[Any]:
    """Validates a workflow's result."""
    return TypeAdapter(_result_type(workflow))


def _result_type(step: Call[Any] | Workflow[Any]) -> Any:
    if isinstance(step, Call):
        return step.job.signature.result_type
    if step.kind != "group":
        return _result_type(step.steps[-1])
    kinds = [_result_type(s) for s in step.steps]
    of = kinds[0] if kinds and all(k == kinds[0] for k in kinds) else Any
    if step.on_failure == "fail_fast":
        return list[of]  # type: ignore[valid-type] # built at run time
    return list[Ok[of] | Err]  # type: ignore[valid-type] # the same


def _checked(steps: tuple[Any, ...], *, empty: bool = False) -> tuple[Any, ...]:
    if not steps and not empty:
        raise ValueError("a workflow needs at least one step")
    for step in steps:
        if not isinstance(step, (Call, Workflow)):
            raise TypeError(f"a step is a call or a workflow, not {type(step).__name__}: call the job first")
        if isinstance(step, Call) and (step.options.id or step.options.at):
            raise ValueError(f"{step.name}: a step of a workflow takes neither id nor at")
    if sum(1 if isinstance(s, Call) else s.size() for s in steps) > MAX_NODES:
        raise ValueError(f"a workflow has at most {MAX_NODES} jobs")
    return steps
