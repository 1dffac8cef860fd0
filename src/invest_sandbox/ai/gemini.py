"""Google's Gemini API: generateContent and streamGenerateContent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from aiohttp import web

from invest_sandbox.ai.completion import Asked, Completion, complete, pieces
from invest_sandbox.ai.wire import Json, answer, body_of, faults_of, pick_tool, stream, text_of, think
from invest_sandbox.seeds import token

FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "refusal": "STOP", "safety": "SAFETY", "empty": "STOP"}
RATINGS = ("HATE_SPEECH", "DANGEROUS_CONTENT", "HARASSMENT", "SEXUALLY_EXPLICIT")


def fail(status: int, code: str, message: str) -> web.Response:
    """An error response."""
    return answer({"error": {"code": status, "message": message, "status": code}}, status)


def get(body: Json, name: str) -> Any:
    """A field by its camelCase or snake_case name: Google takes both."""
    snake = "".join("_" + c.lower() if c.isupper() else c for c in name)
    return body[name] if name in body else body.get(snake)


def ask(body: Json, model: str, streamed: bool) -> Asked:
    """The request in common terms. Structure comes as a response schema or as function declarations."""
    contents = body.get("contents") or []
    contents = [contents] if isinstance(contents, dict) else contents
    user = "\n".join(text_of(c.get("parts")) for c in contents if isinstance(c, dict))
    system = text_of((get(body, "systemInstruction") or {}).get("parts"))
    config = get(body, "generationConfig") or {}
    schema = get(config, "responseJsonSchema") or get(config, "responseSchema")
    tool = None
    tools = body.get("tools") or []
    calling = get(get(body, "toolConfig") or {}, "functionCallingConfig") or {}
    if schema is None and tools and calling.get("mode") != "NONE":
        tools = [tools] if isinstance(tools, dict) else tools
        functions = [f for t in tools for f in (get(t, "functionDeclarations") or [])]
        allowed = get(calling, "allowedFunctionNames") or [None]
        picked = pick_tool(functions, allowed[0], lambda f: f.get("parameters") or get(f, "parametersJsonSchema"))
        if picked:
            tool, schema = picked
    return Asked("gemini", model, system, user, schema, tool, get(config, "maxOutputTokens"), streamed)


def whole(body: Json, model: str, faults: tuple[str, ...]) -> Json:
    """The response that answers a body, as a batch carries it."""
    asked = ask(body, model, streamed=False)
    return _whole(asked, complete(asked, faults), token(23, asked.system, asked.user))


def refused(request: web.Request, model: str, faults: tuple[str, ...]) -> web.Response | None:
    """A response for a key or model this API refuses, and for an overload."""
    key = request.headers.get("x-goog-api-key", "") or request.query.get("key", "")
    if not key or key == "invalid" or "invalid_key" in faults:
        return fail(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
    if "overload" in faults:
        return fail(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
    if "does-not-exist" in model:
        return fail(404, "NOT_FOUND", f"models/{model} is not found for API version v1beta.")
    return None


async def serve(request: web.Request) -> web.StreamResponse:
    """One answer, whole, as server-sent events (``alt=sse``), or as a JSON array of parts."""
    faults = faults_of(request)
    model, _, verb = request.match_info["call"].partition(":")
    if verb not in ("generateContent", "streamGenerateContent"):
        return fail(404, "NOT_FOUND", f"Method {verb or '(none)'} not found.")
    if wrong := refused(request, model, faults):
        return wrong
    body = await body_of(request)
    if body is None or not body.get("contents"):
        return fail(400, "INVALID_ARGUMENT", "* GenerateContentRequest.contents: contents is not specified\n")
    asked = ask(body, model, verb == "streamGenerateContent")
    await think(request, "gemini", asked.user)
    done = complete(asked, faults)
    ident = token(23, asked.system, asked.user)
    if not asked.stream:
        return answer(_whole(asked, done, ident))
    parts = list(_stream(asked, done, ident))
    if request.query.get("alt") != "sse":
        return answer(parts)
    return await stream(request, (b"data: " + orjson.dumps(p) + b"\r\n\r\n" for p in parts), {})


def _usage(done: Completion, written: int) -> Json:
    usage = {
        "promptTokenCount": done.tokens_in,
        "totalTokenCount": done.tokens_in + written + done.thinking,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": done.tokens_in}],
        "thoughtsTokenCount": done.thinking,
    }
    return usage | ({"candidatesTokenCount": written} if written else {})


def _frame(asked: Asked, done: Completion, ident: str, candidate: Json, written: int) -> Json:
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(done, written),
        "modelVersion": asked.model,
        "responseId": ident,
    }


def _part(asked: Asked, text: str) -> Json:
    if not asked.tool:
        return {"text": text}
    try:
        return {"functionCall": {"name": asked.tool, "args": orjson.loads(text)}}
    except orjson.JSONDecodeError:
        return {"text": ""}


def _odd(asked: Asked, done: Completion, ident: str) -> Json | None:
    """Answers without content: blocked prompts, safety, thinking that left nothing for the answer."""
    if done.finish == "blocked":
        feedback = {"blockReason": "PROHIBITED_CONTENT"}
        return {
            "promptFeedback": feedback,
            "usageMetadata": {"promptTokenCount": done.tokens_in, "totalTokenCount": done.tokens_in},
            "modelVersion": asked.model,
            "responseId": ident,
        }
    if done.finish == "safety":
        ratings: list[Json] = [{"category": f"HARM_CATEGORY_{r}", "probability": "NEGLIGIBLE"} for r in RATINGS]
        ratings[1] |= {"probability": "MEDIUM", "blocked": True}
        candidate = {"content": {}, "finishReason": "SAFETY", "index": 0, "safetyRatings": ratings}
        return _frame(asked, done, ident, candidate, 0)
    if done.finish == "empty" or (done.finish == "length" and not done.text):
        reason = FINISH[done.finish]
        return _frame(asked, done, ident, {"content": {"role": "model"}, "finishReason": reason, "index": 0}, 0)
    return None


def _whole(asked: Asked, done: Completion, ident: str) -> Json:
    if odd := _odd(asked, done, ident):
        return odd
    content = {"parts": [_part(asked, done.text)], "role": "model"}
    candidate = {"content": content, "finishReason": FINISH[done.finish], "index": 0}
    return _frame(asked, done, ident, candidate, done.tokens_out)


def _stream(asked: Asked, done: Completion, ident: str) -> Iterator[Json]:
    if asked.tool or _odd(asked, done, ident):
        yield _whole(asked, done, ident)
        return
    written = 0
    for piece in pieces(done.text, 160):
        written += len(piece) // 4
        content = {"parts": [{"text": piece}], "role": "model"}
        yield _frame(asked, done, ident, {"content": content, "index": 0}, written)
    last = {"parts": [{"text": "", "thoughtSignature": token(60, ident)}], "role": "model"}
    candidate = {"content": last, "finishReason": FINISH[done.finish], "index": 0}
    yield _frame(asked, done, ident, candidate, done.tokens_out)
