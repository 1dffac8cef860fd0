"""OpenAI's Chat Completions, the format that compatible servers speak: Groq, OpenRouter, DeepSeek, Ollama, vLLM."""

from __future__ import annotations

from typing import Any

from invest.ai.wires.base import Question, Reply, Request, as_dict, as_int, as_list, cut_short, failure_event


class OpenAIChat:
    """POST /chat/completions. `native` is OpenAI itself, which renamed the token limit."""

    fallback = False

    def __init__(self, *, native: bool = False) -> None:
        self.native = native
        self.price_id: str | None = "openai" if native else None

    def headers(self, key: str) -> dict[str, str]:
        """Bearer key; a local server may need none."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def request(self, question: Question, model: str, *, stream: bool) -> Request:
        """The question; neither temperature nor tools."""
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "system", "content": question.system}, {"role": "user", "content": question.user}],
            "max_completion_tokens" if self.native else "max_tokens": question.max_tokens,
            "stream": stream,
        }
        if stream:
            body["stream_options"] = {"include_usage": True}
        if question.schema and question.structure == "schema":
            shape = {"name": "opinion", "strict": True, "schema": question.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        elif question.schema and question.structure == "object":
            body["response_format"] = {"type": "json_object"}
        return Request("/chat/completions", body)

    def assemble(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """Deltas of the first choice joined into one message."""
        body: dict[str, Any] = {"object": "chat.completion", "model": None, "usage": None}
        message: dict[str, str] = {"content": "", "refusal": "", "arguments": ""}
        finish: str | None = None
        for event in events:
            if event.get("error"):
                raise failure_event(as_dict(event["error"]) or {"message": str(event["error"])})
            body["model"] = event.get("model") or body["model"]
            body["usage"] = event.get("usage") or as_dict(event.get("x_groq")).get("usage") or body["usage"]
            for choice in as_list(event.get("choices"))[:1]:
                finish = as_dict(choice).get("finish_reason") or finish
                _add(message, as_dict(as_dict(choice).get("delta")))
        if finish is None:
            raise cut_short("the stream ended before the answer was complete")
        calls = [{"function": {"arguments": message["arguments"]}}] if message["arguments"] else []
        whole = {"content": message["content"], "refusal": message["refusal"] or None, "tool_calls": calls}
        return {**body, "choices": [{"finish_reason": finish, "message": whole}]}

    def read(self, body: dict[str, Any]) -> Reply:
        """The first choice's text, or the arguments of its tool call."""
        choices = as_list(body.get("choices"))
        if not choices:
            raise cut_short("an answer without choices")
        choice = as_dict(choices[0])
        if choice.get("error"):
            raise failure_event(as_dict(choice["error"]))
        message = as_dict(choice.get("message"))
        refusal = str(message.get("refusal") or "")
        reason = str(choice.get("finish_reason") or "")
        usage = as_dict(body.get("usage"))
        blocked = bool(refusal) or reason == "content_filter"
        return Reply(
            text=_content(message.get("content")) or _tool_arguments(message),
            model=body.get("model"),
            finish="refusal" if blocked else "length" if reason == "length" else "stop",
            note=refusal or reason,
            tokens_in=as_int(usage.get("prompt_tokens")),
            tokens_out=as_int(usage.get("completion_tokens")),
            tokens_cached=as_int(as_dict(usage.get("prompt_tokens_details")).get("cached_tokens")),
        )


def _add(message: dict[str, str], delta: dict[str, Any]) -> None:
    message["content"] += _content(delta.get("content"))
    message["refusal"] += str(delta.get("refusal") or "")
    for call in as_list(delta.get("tool_calls"))[:1]:
        message["arguments"] += str(as_dict(as_dict(call).get("function")).get("arguments") or "")


def _content(content: Any) -> str:
    """Text of a message: a string, or a list of parts on some servers."""
    if isinstance(content, list):
        return "".join(str(as_dict(part).get("text") or "") for part in content)
    return content if isinstance(content, str) else ""


def _tool_arguments(message: dict[str, Any]) -> str:
    calls = [as_dict(as_dict(call).get("function")) for call in as_list(message.get("tool_calls"))]
    return "".join(str(call.get("arguments") or "") for call in calls)
