"""Anthropic's Messages API."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson
from aiohttp import web

from invest_sandbox.ai.completion import Asked, Completion, breaking_point, complete, pieces
from invest_sandbox.ai.wire import Json, answer, body_of, faults_of, named, pick_tool, stream, text_of, think
from invest_sandbox.seeds import token

STOP = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal", "safety": "refusal", "blocked": "refusal", "empty": "end_turn"}  # fmt: skip  # noqa: E501 - one table
# From this generation on, sampling parameters are refused.
RECENT = re.compile(r"claude-(?:opus|sonnet|haiku|fable)-(?:4-[5-9]|[5-9])")


def fail(status: int, kind: str, message: str) -> web.Response:
    """An error response."""
    ident = "req_" + token(24, kind, message)
    return answer(
        {"type": "error", "error": {"type": kind, "message": message}, "request_id": ident},
        status,
        {"request-id": ident},
    )


def ask(body: Json) -> Asked:
    """The request in common terms. Structure comes as output_config.format (or output_format) or as a tool."""
    messages = [m for m in body.get("messages", ()) if isinstance(m, dict)]
    user = "\n".join(text_of(m.get("content")) for m in messages)
    shape = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    schema = shape.get("schema") if shape.get("type") == "json_schema" else None
    tool = None
    choice = body.get("tool_choice") or {}
    if schema is None and body.get("tools") and choice.get("type") != "none":
        forced = choice.get("name") if choice.get("type") == "tool" else None
        if picked := pick_tool(body["tools"], forced, lambda t: t.get("input_schema")):
            tool, schema = picked
    return Asked(
        "anthropic",
        str(body.get("model")),
        text_of(body.get("system")),
        user,
        schema,
        tool,
        body.get("max_tokens"),
        bool(body.get("stream")),
    )


def unauthorised(request: web.Request, faults: tuple[str, ...]) -> web.Response | None:
    """A response for a request without its headers."""
    key = request.headers.get("x-api-key", "") or request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not key or key == "invalid" or "invalid_key" in faults:
        return fail(401, "authentication_error", "invalid x-api-key")
    if not request.headers.get("anthropic-version"):
        return fail(400, "invalid_request_error", "anthropic-version: header is required")
    return None


def _wrong(body: Json | None) -> web.Response | None:
    """A response for a body this API refuses."""
    if body is None:
        return fail(400, "invalid_request_error", "The request body is not valid JSON")
    model = str(body.get("model") or "")
    if "does-not-exist" in model:
        return fail(404, "not_found_error", f"model: {model}")
    if missing := next((f for f in ("model", "max_tokens", "messages") if not body.get(f)), None):
        return fail(400, "invalid_request_error", f"{missing}: Field required")
    if "temperature" in body and RECENT.search(model):
        return fail(400, "invalid_request_error", "`temperature` is not supported with this model.")
    return None


async def serve(request: web.Request) -> web.StreamResponse:
    """One message, whole or as its events."""
    faults = faults_of(request)
    body = await body_of(request)
    if wrong := unauthorised(request, faults) or _wrong(body):
        return wrong
    assert body is not None
    asked = ask(body)
    if "overload" in faults and not asked.stream:
        return answer(
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": None}, 529
        )
    await think(request, "anthropic", asked.user)
    done = complete(asked, faults)
    ident = token(24, asked.system, asked.user)
    headers = {
        "request-id": f"req_{ident}",
        "anthropic-ratelimit-requests-remaining": "3999",
        "anthropic-ratelimit-tokens-remaining": "1999000",
    }
    if asked.stream:
        return await stream(request, _events(asked, done, ident, faults), headers)
    return answer(_whole(asked, done, ident), headers=headers)


def whole(body: Json, faults: tuple[str, ...]) -> Json:
    """The message that answers a body, as a batch carries it."""
    asked = ask(body)
    return _whole(asked, complete(asked, faults), token(24, asked.system, asked.user))


def _model(model: str) -> str:
    return model if re.search(r"-\d{8}$", model) else f"{model}-20250929"


def _usage(done: Completion, written: int) -> Json:
    return {
        "input_tokens": done.tokens_in,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": written,
        "service_tier": "standard",
    }


def _input(text: str) -> Json:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}  # cut in the middle: the API shows what it could read, which is nothing
    return value if isinstance(value, dict) else {}


def _stop(asked: Asked, done: Completion) -> str:
    return "tool_use" if asked.tool and done.finish == "stop" else STOP[done.finish]


def _whole(asked: Asked, done: Completion, ident: str) -> Json:
    content: list[Json] = [{"type": "text", "text": done.text}] if done.text else []
    if asked.tool and done.finish in ("stop", "length"):
        content = [{"type": "tool_use", "id": f"toolu_{ident}", "name": asked.tool, "input": _input(done.text)}]
    if done.finish in ("safety", "blocked"):
        content = []
    return {
        "id": f"msg_{ident}",
        "type": "message",
        "role": "assistant",
        "model": _model(asked.model),
        "content": content,
        "stop_reason": _stop(asked, done),
        "stop_sequence": None,
        "usage": _usage(done, done.tokens_out),
    }


def _events(asked: Asked, done: Completion, ident: str, faults: tuple[str, ...]) -> Iterator[bytes]:
    message = {**_whole(asked, done, ident), "content": [], "stop_reason": None, "usage": _usage(done, 2)}
    yield named({"type": "message_start", "message": message})
    tool = bool(asked.tool) and done.finish in ("stop", "length")
    block: Json = {"type": "text", "text": ""}
    if tool:
        block = {"type": "tool_use", "id": f"toolu_{ident}", "name": asked.tool, "input": {}}
    yield named({"type": "content_block_start", "index": 0, "content_block": block})
    yield named({"type": "ping"})
    for i, piece in enumerate(pieces(done.text)):
        if "overload" in faults and i == breaking_point(done.text):
            yield named({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
            return
        delta = {"type": "input_json_delta", "partial_json": piece} if tool else {"type": "text_delta", "text": piece}
        yield named({"type": "content_block_delta", "index": 0, "delta": delta})
    yield named({"type": "content_block_stop", "index": 0})
    ending = {"stop_reason": _stop(asked, done), "stop_sequence": None}
    yield named({"type": "message_delta", "delta": ending, "usage": {"output_tokens": done.tokens_out}})
    yield named({"type": "message_stop"})
