"""OpenAI's Responses API."""

from __future__ import annotations

from typing import Any

from invest.ai.wires.base import Question, Reply, Request, as_dict, as_int, as_list, cut_short, failure_event

_LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})


class OpenAIResponses:
    """POST /responses: native structured output through `text.format`, nothing stored at the vendor's."""

    price_id: str | None = "openai"
    fallback = True

    def headers(self, key: str) -> dict[str, str]:
        """Bearer key."""
        return {"Authorization": f"Bearer {key}"}

    def request(self, question: Question, model: str, *, stream: bool) -> Request:
        """The question; neither temperature nor tools."""
        body: dict[str, Any] = {
            "model": model,
            "instructions": question.system,
            "input": [{"role": "user", "content": question.user}],
            "max_output_tokens": question.max_tokens,
            "store": False,
            "stream": stream,
        }
        if question.schema and question.structure == "schema":
            name = {"type": "json_schema", "name": "opinion", "strict": True}
            body["text"] = {"format": {**name, "schema": question.schema}}
        elif question.schema and question.structure == "object":
            body["text"] = {"format": {"type": "json_object"}}
        return Request("/responses", body)

    def assemble(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """The last event carries the whole response."""
        for event in events:
            if event.get("type") == "error":
                raise failure_event(as_dict(event.get("error")) or event)
            if event.get("type") in _LAST:
                return as_dict(event.get("response"))
        raise cut_short("the stream ended before the response was complete")

    def read(self, body: dict[str, Any]) -> Reply:
        """Text of the message items; a refusal and an incomplete response are told apart."""
        if body.get("status") == "failed":
            raise failure_event(as_dict(body.get("error")))
        parts = [
            as_dict(part)
            for item in as_list(body.get("output"))
            if as_dict(item).get("type") == "message"
            for part in as_list(as_dict(item).get("content"))
        ]
        text = "".join(str(part.get("text") or "") for part in parts if part.get("type") == "output_text")
        refusal = "".join(str(part.get("refusal") or "") for part in parts if part.get("type") == "refusal")
        cut = str(as_dict(body.get("incomplete_details")).get("reason") or "")
        usage = as_dict(body.get("usage"))
        blocked = bool(refusal) or cut == "content_filter"
        incomplete = body.get("status") == "incomplete" or bool(cut)
        return Reply(
            text=text or _arguments(body),
            model=body.get("model"),
            finish="refusal" if blocked else "length" if incomplete else "stop",
            note=refusal or cut,
            tokens_in=as_int(usage.get("input_tokens")),
            tokens_out=as_int(usage.get("output_tokens")),
            tokens_cached=as_int(as_dict(usage.get("input_tokens_details")).get("cached_tokens")),
        )


def _arguments(body: dict[str, Any]) -> str:
    """Arguments of a function call: some gateways answer a schema with one."""
    calls = [as_dict(item) for item in as_list(body.get("output"))]
    return "".join(str(call.get("arguments") or "") for call in calls if call.get("type") == "function_call")
