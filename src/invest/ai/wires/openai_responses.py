"""OpenAI's Responses API."""

from __future__ import annotations

import hashlib
from typing import Any

from invest.ai.wires.base import Question, Reply, Request, as_int, cut_short, spent_tokens, usage_cost
from invest.ai.wires.failing import as_dict, as_list, failure_event

_LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "response.done"})


class OpenAIResponses:
    """POST /responses: native structured output through `text.format`, nothing stored at the vendor's."""

    price_id: str | None = "openai"
    fallback = True
    limit = "max_output_tokens"

    def __init__(self, *, azure: bool = False) -> None:
        self.azure = azure

    def headers(self, key: str) -> dict[str, str]:
        """Bearer key, or Azure's header."""
        return {"api-key": key} if self.azure else {"Authorization": f"Bearer {key}"}

    def request(self, question: Question, model: str, *, stream: bool) -> Request:
        """The question; neither temperature nor tools. The cache key groups questions with the same beginning."""
        body: dict[str, Any] = {
            "model": model,
            "instructions": question.system,
            "input": [{"role": "user", "content": question.user}],
            "max_output_tokens": question.max_tokens,
            "prompt_cache_key": "invest-" + hashlib.sha256(question.system.encode()).hexdigest()[:16],
            "store": False,
            "stream": stream,
        }
        if question.effort:
            body["reasoning"] = {"effort": question.effort}
        if question.schema and question.structure == "schema":
            name = {"type": "json_schema", "name": "opinion", "strict": True}
            body["text"] = {"format": {**name, "schema": question.schema}}
        elif question.schema and question.structure == "object":
            body["text"] = {"format": {"type": "json_object"}}
        return Request("/responses", body)

    def assemble(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """The last event carries the whole response; gateways that leave its output out have sent the items before."""
        items: list[Any] = []
        for event in events:
            kind = str(event.get("type") or "")
            if kind == "error":
                raise failure_event(as_dict(event.get("error")) or event)
            if kind == "response.output_item.done":
                items.append(event.get("item"))
            if kind in _LAST:
                body = as_dict(event.get("response"))
                return body if body.get("output") or not items else {**body, "output": items}
        raise cut_short("the stream ended before the response was complete")

    def read(self, body: dict[str, Any]) -> Reply:
        """Text of the final message; commentary beside it is no answer. Refusals and cut responses are told apart."""
        if body.get("status") in ("failed", "cancelled"):
            raise failure_event(as_dict(body.get("error")) or {"message": f"the response {body['status']}"})
        parts = [as_dict(part) for item in _final(body) for part in as_list(item.get("content"))]
        text = "".join(str(part.get("text") or "") for part in parts if part.get("type") in ("output_text", "text"))
        refusal = "".join(str(part.get("refusal") or "") for part in parts if part.get("type") == "refusal")
        cut = str(as_dict(body.get("incomplete_details")).get("reason") or "")
        usage = as_dict(body.get("usage"))
        blocked = bool(refusal) or cut == "content_filter"
        incomplete = body.get("status") == "incomplete" or bool(cut)
        read, total = as_int(usage.get("input_tokens")), as_int(usage.get("total_tokens"))
        reasoning = as_int(as_dict(usage.get("output_tokens_details")).get("reasoning_tokens"))
        return Reply(
            text=text or _arguments(body),
            model=body.get("model"),
            finish="refusal" if blocked else "length" if incomplete else "stop",
            note=refusal or cut,
            tokens_in=read,
            tokens_out=spent_tokens(as_int(usage.get("output_tokens")), read, total, reasoning),
            tokens_cached=as_int(as_dict(usage.get("input_tokens_details")).get("cached_tokens")),
            cost=usage_cost(usage),
        )


def _final(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages that answer: of phase `final_answer` where the server names phases, else all but commentary."""
    items = [as_dict(item) for item in as_list(body.get("output"))]
    messages = [item for item in items if item.get("type") == "message"]
    final = [item for item in messages if item.get("phase") == "final_answer"]
    return final or [item for item in messages if item.get("phase") not in ("commentary", "analysis", "reasoning")]


def _arguments(body: dict[str, Any]) -> str:
    """Arguments of a function call: some gateways answer a schema with one."""
    calls = [as_dict(item) for item in as_list(body.get("output"))]
    return "".join(str(call.get("arguments") or "") for call in calls if call.get("type") == "function_call")
