"""OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from invest_sandbox.ai import openai_common as common
from invest_sandbox.ai.completion import Asked, Completion, breaking_point, complete, pieces
from invest_sandbox.ai.wire import Json, answer, body_of, faults_of, named, pick_tool, stream, text_of, think
from invest_sandbox.seeds import token


def ask(body: Json, vendor: str) -> Asked:
    """The request in common terms. Structure comes as text.format or as a tool."""
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given or []
    messages = [m for m in items if isinstance(m, dict)]
    system = str(body.get("instructions") or "")
    system += "\n".join(text_of(m.get("content")) for m in messages if m.get("role") in ("system", "developer"))
    user = "\n".join(text_of(m.get("content")) for m in messages if m.get("role") not in ("system", "developer"))
    shape = (body.get("text") or {}).get("format") or {}
    schema = shape.get("schema") if shape.get("type") == "json_schema" else None
    tool = None
    choice = body.get("tool_choice", "auto")
    if schema is None and body.get("tools") and choice != "none":
        forced = choice.get("name") if isinstance(choice, dict) else None
        functions = [t for t in body["tools"] if t.get("type") == "function"]
        if picked := pick_tool(functions, forced, lambda f: f.get("parameters")):
            tool, schema = picked
    limit = body.get("max_output_tokens")
    return Asked(vendor, str(body.get("model")), system, user, schema, tool, limit, bool(body.get("stream")))


async def serve(request: web.Request, vendor: str) -> web.StreamResponse:
    """One response, whole or as its events."""
    faults = faults_of(request)
    if denied := common.refused(request, faults):
        return denied
    body = await body_of(request)
    if wrong := common.wrong_body(body, "input"):
        return wrong
    assert body is not None
    asked = ask(body, vendor)
    if busy := common.overloaded(faults, streamed=asked.stream):
        return busy
    await think(request, vendor, asked.user)
    done = complete(asked, faults)
    ident = token(48, asked.vendor, asked.system, asked.user).lower()
    headers = common.headers(ident)
    whole = _whole(body, asked, done, ident)
    if not asked.stream:
        return answer(whole, headers=headers)
    return await stream(request, _events(whole, done, faults), headers)


def whole(body: Json, vendor: str, faults: tuple[str, ...]) -> Json:
    """The response that answers a body, as a batch carries it."""
    asked = ask(body, vendor)
    done = complete(asked, faults)
    return _whole(body, asked, done, token(48, asked.vendor, asked.system, asked.user).lower())


def _output(asked: Asked, done: Completion, ident: str) -> list[Json]:
    status = "incomplete" if done.finish == "length" else "completed"
    if asked.tool and done.finish in ("stop", "length"):
        call = {"name": asked.tool, "arguments": done.text, "call_id": "call_" + token(24, ident)}
        return [{"type": "function_call", "id": "fc_" + ident, "status": status, **call}]
    if done.finish in ("safety", "blocked", "empty"):
        return []
    part: Json = {"type": "output_text", "text": done.text, "annotations": [], "logprobs": []}
    if done.finish == "refusal":
        part = {"type": "refusal", "refusal": done.text}
    return [{"type": "message", "id": "msg_" + ident, "status": status, "role": "assistant", "content": [part]}]


def _whole(body: Json, asked: Asked, done: Completion, ident: str) -> Json:
    cut = {"length": "max_output_tokens", "safety": "content_filter", "blocked": "content_filter"}.get(done.finish)
    return {
        "id": "resp_" + ident,
        "object": "response",
        "created_at": common.CREATED,
        "status": "incomplete" if cut else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": cut} if cut else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": common.dated(asked.model),
        "output": _output(asked, done, ident),
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": bool(body.get("store", True)),
        "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": done.tokens_in,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": done.tokens_out + done.thinking,
            "output_tokens_details": {"reasoning_tokens": done.thinking},
            "total_tokens": done.tokens_in + done.tokens_out + done.thinking,
        },
        "user": None,
        "metadata": {},
    }


class _Numbered:
    """Events with the running number each carries."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, kind: str, **fields: object) -> bytes:
        self.count += 1
        return named({"type": kind, "sequence_number": self.count - 1, **fields})


def _events(whole: Json, done: Completion, faults: tuple[str, ...]) -> Iterator[bytes]:
    event = _Numbered()
    started = {**whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield event("response.created", response=started)
    yield event("response.in_progress", response=started)
    for index, item in enumerate(whole["output"]):
        calls = item["type"] == "function_call"
        empty = {**item, "status": "in_progress", **({"arguments": ""} if calls else {"content": []})}
        yield event("response.output_item.added", output_index=index, item=empty)
        where: Json = {"item_id": item["id"], "output_index": index}
        body = _call_events(event, where, done, faults) if calls else _text_events(event, where, item, done, faults)
        yield from body
        if "overload" in faults:
            return
        yield event("response.output_item.done", output_index=index, item=item)
    yield event("response.incomplete" if whole["incomplete_details"] else "response.completed", response=whole)


def _deltas(event: _Numbered, kind: str, where: Json, done: Completion, faults: tuple[str, ...]) -> Iterator[bytes]:
    """The text piece by piece; an overload strikes after the third."""
    for i, piece in enumerate(pieces(done.text)):
        if "overload" in faults and i == breaking_point(done.text):
            yield event("error", code="server_error", message="The server had an error", param=None)
            return
        yield event(f"response.{kind}.delta", **where, delta=piece)


def _call_events(event: _Numbered, where: Json, done: Completion, faults: tuple[str, ...]) -> Iterator[bytes]:
    yield from _deltas(event, "function_call_arguments", where, done, faults)
    if "overload" not in faults:
        yield event("response.function_call_arguments.done", **where, arguments=done.text)


def _text_events(
    event: _Numbered, where: Json, item: Json, done: Completion, faults: tuple[str, ...]
) -> Iterator[bytes]:
    part, where = item["content"][0], {**where, "content_index": 0}
    refused = part["type"] == "refusal"
    blank = {"type": "refusal", "refusal": ""} if refused else {**part, "text": ""}
    yield event("response.content_part.added", **where, part=blank)
    kind = "refusal" if refused else "output_text"
    yield from _deltas(event, kind, where if refused else {**where, "logprobs": []}, done, faults)
    if "overload" in faults:
        return
    last = {"refusal": done.text} if refused else {"text": done.text, "logprobs": []}
    yield event(f"response.{kind}.done", **where, **last)
    yield event("response.content_part.done", **where, part=part)
