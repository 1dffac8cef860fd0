"""Reading outcomes of workflow steps, page by page where a group is large."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
from pydantic import TypeAdapter
from redis.asyncio import Redis

from invest.engine.calls import Err, Ok
from invest.engine.errors import ErrorInfo, Lost
from invest.engine.redis import fields, keys
from invest.engine.redis.wire import id_text

PAGE = 1000


class Inputs:
    """What came before a step: one step's outcome, or those of a group's members."""

    def __init__(self, redis: Redis, workflow: str, predecessor: str) -> None:
        self._redis = redis
        self._workflow = workflow
        self._predecessor = predecessor

    async def value(self, kind: Any = None) -> Any:
        """The predecessor's value; a group's is the list of its members'. Raises `Lost` for one that is gone."""
        raw = await read_outcome(self._redis, self._workflow, self._predecessor)
        if error := error_of(raw):
            raise LookupError(f"the step before did not succeed: {error.get('message', '')}")
        value = await value_of(self._redis, raw)
        return value if kind is None else TypeAdapter(kind).validate_python(value)

    async def outcomes(self, kind: Any = None) -> AsyncIterator[Ok[Any] | Err]:
        """One outcome per member of the group before (none for an empty one); of a single step, its own."""
        adapter = None if kind is None else TypeAdapter(kind)
        members = await read_members(self._redis, self._predecessor)
        async for member, raw in iter_outcomes(self._redis, self._workflow, members or [self._predecessor]):
            if members == []:
                return
            if error := error_of(raw):
                yield Err(job_id=member, error=ErrorInfo.model_validate(error))
            else:
                value = await value_of(self._redis, raw)
                yield Ok(job_id=member, value=value if adapter is None else adapter.validate_python(value))


async def read_members(redis: Redis, join: str) -> list[str] | None:
    """Ids of a group's members in their order; None for what is no group. Raises `Lost` if its record is gone."""
    names = [fields.STATE, fields.KIND, fields.MEMBERS, fields.MANY_MEMBERS]
    state, kind, members, many = await redis.hmget(keys.JOB + join, names)  # type: ignore[misc] # redis-py: Awaitable | list
    if state is None:
        raise Lost(f"the step {join} is gone")
    if kind != b"join":
        return None
    if not many:
        return id_text(members).split(",") if members else []
    found: list[str] = []
    while page := await redis.lrange(keys.MEMBERS + join, len(found), len(found) + PAGE - 1):  # type: ignore[misc] # the same
        found += map(id_text, page)
    return found


async def read_outcome(redis: Redis, workflow: str, node: str) -> dict[str, Any]:
    """``{"ok": value}``, ``{"ref": where it is}``, ``{"err": error}`` or ``{"off": error}``. Raises `Lost`."""
    raw = await redis.hget(keys.WORKFLOW + workflow + keys.WORKFLOW_OUTCOMES, node)  # type: ignore[misc] # the same
    return _parsed(node, raw)


async def iter_outcomes(redis: Redis, workflow: str, members: list[str]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Outcomes of `members`, a page at a time. Raises `Lost` for one that is gone."""
    key = keys.WORKFLOW + workflow + keys.WORKFLOW_OUTCOMES
    for start in range(0, len(members), PAGE):
        page = members[start : start + PAGE]
        for node, raw in zip(page, await redis.hmget(key, page), strict=True):  # type: ignore[misc] # the same
            yield node, _parsed(node, raw)


def error_of(outcome: dict[str, Any]) -> dict[str, Any] | None:
    """The error of what failed or was cancelled."""
    return outcome.get("err") or outcome.get("off")


def _parsed(node: str, raw: Any) -> dict[str, Any]:
    if raw is None:
        raise Lost(f"the outcome of {node} is gone")
    parsed: dict[str, Any] = orjson.loads(raw)
    return parsed


async def value_of(redis: Redis, outcome: dict[str, Any]) -> Any:
    """The value of what succeeded; a group's list that was too long for one message is read from its members."""
    return await resolve(redis, outcome["ref"]) if "ref" in outcome else outcome["ok"]


async def resolve(redis: Redis, reference: dict[str, str]) -> list[Any]:
    """The list that a reference (to a group's join, in its workflow) stands for. Raises `Lost` if a part is gone."""
    join, workflow = reference["$members"], reference["workflow"]
    members = await read_members(redis, join)
    if members is None:
        raise Lost(f"{join} is no group")
    mode = await redis.hget(keys.JOB + join, fields.MODE)  # type: ignore[misc] # the same
    found: list[Any] = []
    async for member, raw in iter_outcomes(redis, workflow, members):
        error = error_of(raw)
        inner = None if error else await value_of(redis, raw)
        if mode != b"outcomes":
            found.append(inner)
        elif error:
            found.append({"job_id": member, "ok": False, "error": error})
        else:
            found.append({"job_id": member, "ok": True, "value": inner})
    return found
