"""Reading outcomes of workflow steps, page by page where a group is large."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
from pydantic import TypeAdapter
from redis.asyncio import Redis

from invest.engine.calls import Err, Ok
from invest.engine.errors import ErrorInfo
from invest.engine.redis import keys
from invest.engine.redis.wire import id_text

PAGE = 200
REFERENCE = {"$members", "workflow"}  # what assemble() in lib.lua leaves for a list that is too long
OUTCOME = {"job_id", "ok", "value"}


class Inputs:
    """What came before a step: one step's outcome, or those of a group's members."""

    def __init__(self, redis: Redis, workflow: str, predecessor: str) -> None:
        self._redis = redis
        self._workflow = workflow
        self._predecessor = predecessor

    async def value(self, kind: Any = None) -> Any:
        """The predecessor's value; a group's is the list of its members'."""
        raw = await read_outcome(self._redis, self._workflow, self._predecessor)
        if "ok" not in raw:
            raise LookupError(f"the step before did not succeed: {raw.get('err', {}).get('message', '')}")
        value = await resolve(self._redis, raw["ok"])
        return value if kind is None else TypeAdapter(kind).validate_python(value)

    async def outcomes(self, kind: Any = None) -> AsyncIterator[Ok[Any] | Err]:
        """One outcome per member of the group before; of a single step, its own."""
        members = await read_members(self._redis, self._predecessor) or [self._predecessor]
        adapter = None if kind is None else TypeAdapter(kind)
        async for member, raw in iter_outcomes(self._redis, self._workflow, members):
            if "ok" in raw:
                value = await resolve(self._redis, raw["ok"])
                yield Ok(job_id=member, value=value if adapter is None else adapter.validate_python(value))
            else:
                yield Err(job_id=member, error=ErrorInfo.model_validate(raw["err"]))


async def read_members(redis: Redis, join: str) -> list[str]:
    """Ids of a group's members in their order; empty for what is no group."""
    kind, members = await redis.hmget(keys.JOB + join, ["kind", "mem"])  # type: ignore[misc] # redis-py: Awaitable | list
    return id_text(members).split(",") if kind == b"join" and members else []


async def read_outcome(redis: Redis, workflow: str, node: str) -> dict[str, Any]:
    """``{"ok": value}`` or ``{"err": error}``."""
    raw = await redis.hget(keys.WORKFLOW + workflow + keys.WORKFLOW_OUTCOMES, node)  # type: ignore[misc] # the same
    return _parsed(node, raw)


async def iter_outcomes(redis: Redis, workflow: str, members: list[str]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Outcomes of `members`, a page at a time."""
    key = keys.WORKFLOW + workflow + keys.WORKFLOW_OUTCOMES
    for start in range(0, len(members), PAGE):
        page = members[start : start + PAGE]
        for node, raw in zip(page, await redis.hmget(key, page), strict=True):  # type: ignore[misc] # the same
            yield node, _parsed(node, raw)


def _parsed(node: str, raw: Any) -> dict[str, Any]:
    if raw is None:
        return {"err": {"type": "Lost", "message": f"the outcome of {node} is gone"}}
    parsed: dict[str, Any] = orjson.loads(raw)
    return parsed


def _refers(value: Any) -> bool:
    if isinstance(value, dict):
        return value.keys() == REFERENCE or (value.keys() == OUTCOME and _refers(value["value"]))
    return isinstance(value, list) and any(isinstance(v, (dict, list)) and _refers(v) for v in value)


async def resolve(redis: Redis, value: Any) -> Any:
    """A value as it is; a group's list that was too long for one message is read from its members."""
    if isinstance(value, list):  # a group's list may hold the reference of a group within it
        return [await resolve(redis, item) if _refers(item) else item for item in value]
    if isinstance(value, dict) and value.keys() == OUTCOME and _refers(value["value"]):
        return value | {"value": await resolve(redis, value["value"])}
    if not (isinstance(value, dict) and value.keys() == REFERENCE):
        return value
    join, workflow = value["$members"], value["workflow"]
    members = await read_members(redis, join)
    mode = await redis.hget(keys.JOB + join, "mode")  # type: ignore[misc] # the same
    found: list[Any] = []
    async for member, raw in iter_outcomes(redis, workflow, members):
        inner = await resolve(redis, raw["ok"]) if "ok" in raw else None
        if mode == b"outcomes":
            found.append(
                {"job_id": member, "ok": True, "value": inner}
                if "ok" in raw
                else {"job_id": member, "ok": False, "error": raw["err"]}
            )
        else:
            found.append(inner)
    return found
