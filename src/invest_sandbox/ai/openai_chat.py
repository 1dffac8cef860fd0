"""OpenAI's chat completions, as OpenAI and the many servers compatible with it speak them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from invest_sandbox.ai import openai_common as common
from invest_sandbox.ai.completion import Asked, Completion, breaking_point, complete, pieces
from invest_sandbox.ai.wire import Json, answer, body_of, data, faults_of, pick_tool, stream, text_of, think
from invest_sandbox.seeds import token

FINISH = {"stop": "stop", "length": "length", "refusal": "stop", "safety": "content_filter", "blocked": "content_filter", "empty": "stop"}  # fmt: skip  # noqa: E501 - one table


def ask(body: Json, vendor: str) -> Asked:
    """The request in common terms. Structure comes as response_format or as a tool."""
    messages = [m for m in body.get("messages", ()) if isinstance(m, dict)]
    system = "\n".join(text_of(m.get("content")) for m in messages if m.get("role") in ("system", "developer"))
    user = "\n".join(text_of(m.get("content")) for m in messages if m.get("role") not in ("system", "developer"))
    shape = body.get("response_format") or {}
    schema = (shape.get("json_schema") or {}).get("schema") if shape.get("type") == "json_schema" else None
    tool = None
    choice = body.get("tool_choice", "auto")
    if schema is None and body.get("tools") and choice != "none":
        forced = (choice.get("function") or {}).get("name") if isinstance(choice, dict) else None
        functions = [t.get("function") or {} for t in body["tools"]]
        if picked := pick_tool(functions, forced, lambda f: f.get("parameters")):
            tool, schema = picked
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return Asked(vendor, str(body.get("model")), system, user, schema, tool, limit, bool(body.get("stream")))


async def serve(request: web.Request, vendor: str) -> web.StreamResponse:
    """One completion, whole or streamed."""
    faults = faults_of(request)
    if denied := common.refused(request, faults):
        return denied
    body = await body_of(request)
    if wrong := common.wrong_body(body, "messages"):
        return wrong
    assert body is not None
    asked = ask(body, vendor)
    if busy := common.overloaded(faults, streamed=asked.stream):
        return busy
    await think(request, vendor, asked.user)
    done = complete(asked, faults)
    ident = "chatcmpl-" + token(29, asked.vendor, asked.system, asked.user)
    headers = common.headers(ident)
    if not asked.stream:
        return answer(_whole(asked, done, ident), headers=headers)
    usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return await stream(request, _chunks(asked, done, ident, faults, usage), headers)


def _usage(done: Completion) -> Json:
    return {
        "prompt_tokens": done.tokens_in,
        "completion_tokens": done.tokens_out + done.thinking,
        "total_tokens": done.tokens_in + done.tokens_out + done.thinking,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": done.thinking,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _frame(asked: Asked, ident: str, kind: str) -> Json:
    return {
        "id": ident,
        "object": kind,
        "created": common.CREATED,
        "model": common.dated(asked.model),
        "service_tier": "default",
        "system_fingerprint": "fp_" + token(10, asked.model).lower(),
    }


def _whole(asked: Asked, done: Completion, ident: str) -> Json:
    message: Json = {"role": "assistant", "content": done.text, "refusal": None, "annotations": []}
    finish = FINISH[done.finish]
    if done.finish == "refusal":
        message |= {"content": None, "refusal": done.text}
    elif asked.tool:
        call = {"name": asked.tool, "arguments": done.text}
        message |= {
            "content": None,
            "tool_calls": [{"id": "call_" + token(24, ident), "type": "function", "function": call}],
        }
        finish = "tool_calls" if finish == "stop" else finish
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {**_frame(asked, ident, "chat.completion"), "choices": [choice], "usage": _usage(done)}


def _chunks(asked: Asked, done: Completion, ident: str, faults: tuple[str, ...], usage: bool) -> Iterator[bytes]:
    frame = _frame(asked, ident, "chat.completion.chunk")

    def chunk(delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return data({**frame, "choices": [choice], **({"usage": None} if usage else {})})

    finish = FINISH[done.finish]
    if asked.tool and done.finish != "refusal":
        call: Json = {"index": 0, "id": "call_" + token(24, ident), "type": "function"}
        call["function"] = {"name": asked.tool, "arguments": ""}
        yield chunk({"role": "assistant", "content": None, "tool_calls": [call], "refusal": None})
        finish = "tool_calls" if finish == "stop" else finish
    else:
        yield chunk({"role": "assistant", "content": "", "refusal": None})
    for i, piece in enumerate(pieces(done.text)):
        if "overload" in faults and i == breaking_point(done.text):
            yield data(
                {"error": common.error("The server had an error while processing your request.", "server_error")}
            )
            return
        delta: Any = {"content": piece}
        if done.finish == "refusal":
            delta = {"refusal": piece}
        elif asked.tool:
            delta = {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        yield chunk(delta)
    yield chunk({}, finish)
    if usage:
        yield data({**frame, "choices": [], "usage": _usage(done)})
    yield b"data: [DONE]\n\n"
