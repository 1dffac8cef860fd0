"""Fan out: a job for each of many keys, then one job that gathers their values and errors. No slot waits meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from invest.engine import Call, Context, Ok, Workflow, chord, group

Key = TypeVar("Key", bound=str)
Value = TypeVar("Value")
Kept = TypeVar("Kept")


def fan_out(calls: Iterable[Call[Any]], then: Call[Value]) -> Workflow[Value]:
    """Run `calls` side by side, each to its own end, then `then`, which reads them with `split`."""
    return chord(group(calls, on_failure="continue"), then)


async def split(
    ctx: Context, keys: Sequence[Key], kind: type[Value], keep: Callable[[Value], Kept]
) -> tuple[dict[Key, Kept], dict[Key, str]]:
    """What became of the calls before this job: values and errors ("Type: message"), each by the key of its call.

    `keys`: one for each call, in their order, each once. `keep` takes from a value what is needed of it: thousands of
    whole ones would lie in memory at once.
    """
    values: dict[Key, Kept] = {}
    errors: dict[Key, str] = {}
    count = 0
    async for outcome in ctx.iter_results(kind):
        if count < len(keys):
            key = keys[count]
            if isinstance(outcome, Ok):
                values[key] = keep(outcome.value)
            else:
                errors[key] = f"{outcome.error.type}: {outcome.error.message}"
        count += 1
    if count != len(keys):
        raise LookupError(f"{count} outcomes of {len(keys)} calls")
    return values, errors
