"""Fan out: a job for each of many keys, then one job that gathers their values and errors. No slot waits meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from invest.engine import Call, Context, Ok, Workflow, chord, group

Key = TypeVar("Key", bound=str)
Value = TypeVar("Value")


def fan_out(calls: Iterable[Call[Any]], then: Call[Value]) -> Workflow[Value]:
    """Run `calls` side by side, each to its own end, then `then`, which reads them with `split`."""
    return chord(group(calls, on_failure="continue"), then)


async def split(ctx: Context, keys: Sequence[Key], kind: type[Value]) -> tuple[dict[Key, Value], dict[Key, str]]:
    """What became of the calls before this job: values and errors ("Type: message"), each by the key of its call.

    `keys`: one for each call, in their order, each once.
    """
    values: dict[Key, Value] = {}
    errors: dict[Key, str] = {}
    outcomes = [outcome async for outcome in ctx.iter_results(kind)]
    for key, outcome in zip(keys, outcomes, strict=True):
        if isinstance(outcome, Ok):
            values[key] = outcome.value
        else:
            errors[key] = f"{outcome.error.type}: {outcome.error.message}"
    return values, errors
