"""OpenAI's Chat Completions, the format that compatible servers speak: Groq, OpenRouter, xAI, Azure, Ollama, vLLM."""

from __future__ import annotations

from typing import Any

import orjson

from invest.ai.wires.base import Question, Reply, Request, as_int, cut_short, spent_tokens, usage_cost
from invest.ai.wires.failing import as_dict, as_list, failure_event

_BROKEN_OFF = frozenset({"error", "abort", "cancelled", "insufficient_system_resource"})  # an answer's end before it


class OpenAIChat:
    """POST /chat/completions. `native` is OpenAI itself, which renamed the token limit; `azure` has a key header."""

    fallback = False

    def __init__(self, *, native: bool = False, azure: bool = False) -> None:
        self.native = native
        self.azure = azure
        self.price_id: str | None = "openai" if native else "azure" if azure else None
        self.limit = "max_completion_tokens" if native or azure else "max_tokens"

    def headers(self, key: str) -> dict[str, str]:
        """Bearer key, or Azure's header; a local server may need none."""
        if not key:
            return {}
        return {"api-key": key} if self.azure else {"Authorization": f"Bearer {key}"}

    def request(self, question: Question, model: str, *, stream: bool) -> Request:
        """The question; neither temperature nor tools."""
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "system", "content": question.system}, {"role": "user", "content": question.user}],
            self.limit: question.max_tokens,
            "stream": stream,
        }
        if stream:
            body["stream_options"] = {"include_usage": True}
        if question.effort:
            body["reasoning_effort"] = question.effort
        if question.schema and question.structure == "schema":
            shape = {"name": "opinion", "strict": True, "schema": question.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        elif question.schema and question.structure == "object":
            body["response_format"] = {"type": "json_object"}
        return Request("/chat/completions", body)

    def assemble(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """Deltas of the first choice joined into one message.

        A stream is whole at a finish reason, or at its end mark where what came is whole JSON.
        """
        body: dict[str, Any] = {"object": "chat.completion", "model": None, "usage": None}
        message: dict[str, str] = {"content": "", "refusal": "", "arguments": ""}
        finish: str | None = None
        for event in events:
            if event.get("error"):
                raise failure_event(as_dict(event["error"]) or {"message": str(event["error"])})
            body["model"] = event.get("model") or body["model"]
            body["usage"] = event.get("usage") or as_dict(event.get("x_groq")).get("usage") or body["usage"]
            if event.get("done") is True and finish is None and _whole_json(message["content"]):
                finish = "stop"
            for choice in as_list(event.get("choices"))[:1]:
                finish = as_dict(choice).get("finish_reason") or finish
                _add(message, as_dict(as_dict(choice).get("delta")) or as_dict(as_dict(choice).get("message")))
        if finish is None:
            raise cut_short("the stream ended before the answer was complete")
        calls = [{"function": {"arguments": message["arguments"]}}] if message["arguments"] else []
        whole = {"content": message["content"], "refusal": message["refusal"] or None, "tool_calls": calls}
        return {**body, "choices": [{"finish_reason": finish, "message": whole}]}

    def read(self, body: dict[str, Any]) -> Reply:
        """The first choice's text, or the arguments of its tool call; reasoning beside it is no answer."""
        choices = as_list(body.get("choices"))
        if not choices:
            raise cut_short("an answer without choices")
        choice = as_dict(choices[0])
        reason = str(choice.get("finish_reason") or "")
        if choice.get("error") or reason in _BROKEN_OFF:
            broken = {"message": f"the upstream failed ({reason})", "code": 502}
            raise failure_event(as_dict(choice.get("error")) or broken)
        message = as_dict(choice.get("message")) or {"content": choice.get("text")}
        refusal = str(message.get("refusal") or "")
        usage = as_dict(body.get("usage"))
        read, total = as_int(usage.get("prompt_tokens")), as_int(usage.get("total_tokens"))
        details = as_dict(usage.get("completion_tokens_details"))
        blocked = bool(refusal) or reason in ("content_filter", "refusal", "safety")
        return Reply(
            text=_content(message.get("content")) or _tool_arguments(message),
            model=body.get("model"),
            finish="refusal" if blocked else "length" if reason in ("length", "max_tokens") else "stop",
            note=refusal or reason,
            tokens_in=read,
            tokens_out=spent_tokens(
                as_int(usage.get("completion_tokens")), read, total, as_int(details.get("reasoning_tokens"))
            ),
            tokens_cached=as_int(as_dict(usage.get("prompt_tokens_details")).get("cached_tokens")),
            cost=usage_cost(usage),
        )


def _whole_json(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _add(message: dict[str, str], delta: dict[str, Any]) -> None:
    message["content"] += _content(delta.get("content"))
    message["refusal"] += str(delta.get("refusal") or "")
    for call in as_list(delta.get("tool_calls"))[:1]:
        message["arguments"] += str(as_dict(as_dict(call).get("function")).get("arguments") or "")


def _content(content: Any) -> str:
    """Text of a message: a string, or a list of parts on some servers, whose thinking parts are left out."""
    if isinstance(content, list):
        parts = [as_dict(part) for part in content if not isinstance(part, str)]
        texts = [str(part.get("text") or "") for part in parts if part.get("type", "text") in ("text", "output_text")]
        return "".join([*(part for part in content if isinstance(part, str)), *texts])
    if isinstance(content, dict):
        return orjson.dumps(content).decode()
    return content if isinstance(content, str) else ""


def _tool_arguments(message: dict[str, Any]) -> str:
    calls = [as_dict(as_dict(call).get("function")) for call in as_list(message.get("tool_calls"))]
    calls += [as_dict(message.get("function_call"))]
    return "".join(_content(call.get("arguments")) for call in calls)
