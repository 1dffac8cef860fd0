"""Google's Gemini API."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson

from invest.ai.wires.base import Question, Reply, Request, as_int, cut_short
from invest.ai.wires.failing import as_dict, as_list, failure_event

_BLOCKED = frozenset(
    {"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "RECITATION", "SPII", "IMAGE_SAFETY", "LANGUAGE", "MODEL_ARMOR"}
)


class Gemini:
    """POST /v1beta/models/<model>:generateContent. The key goes in a header, never in the address."""

    price_id: str | None = "google"
    fallback = False
    limit = "generationConfig.maxOutputTokens"

    def headers(self, key: str) -> dict[str, str]:
        """The key."""
        return {"x-goog-api-key": key}

    def request(self, question: Question, model: str, *, stream: bool) -> Request:
        """The question. Thinking counts against `maxOutputTokens`."""
        config: dict[str, Any] = {"maxOutputTokens": question.max_tokens}
        if question.schema and question.structure != "prompt":
            config["responseMimeType"] = "application/json"
        if question.schema and question.structure == "schema":
            config["responseJsonSchema"] = question.schema
        if question.effort:
            none = {"thinkingBudget": 0}
            config["thinkingConfig"] = none if question.effort == "none" else {"thinkingLevel": question.effort}
        body = {
            "systemInstruction": {"parts": [{"text": question.system}]},
            "contents": [{"role": "user", "parts": [{"text": question.user}]}],
            "generationConfig": config,
        }
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return Request(f"/v1beta/models/{quote(model, safe='-._')}:{verb}", body)

    def assemble(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """Parts of the first candidate joined; usage and version of the last event count."""
        body: dict[str, Any] = {}
        parts: list[Any] = []
        candidate: dict[str, Any] = {}
        for event in events:
            if event.get("error"):
                raise failure_event(as_dict(event["error"]))
            body.update({k: v for k, v in event.items() if k != "candidates"})
            for given in as_list(event.get("candidates"))[:1]:
                parts += as_list(as_dict(as_dict(given).get("content")).get("parts"))
                candidate.update({k: v for k, v in as_dict(given).items() if k != "content"})
        if not candidate.get("finishReason") and not as_dict(body.get("promptFeedback")).get("blockReason"):
            raise cut_short("the stream ended before the answer was complete")
        return {**body, "candidates": [{**candidate, "content": {"parts": parts}}] if candidate else []}

    def read(self, body: dict[str, Any]) -> Reply:
        """Text parts joined, thoughts left out; a blocked prompt and a blocked answer are refusals."""
        if body.get("error"):
            raise failure_event(as_dict(body["error"]))
        candidates = as_list(body.get("candidates"))
        candidate = as_dict(candidates[0]) if candidates else {}
        blocked = as_dict(body.get("promptFeedback")).get("blockReason")
        if not candidate and not blocked:
            raise cut_short("an answer without candidates")
        parts = [as_dict(part) for part in as_list(as_dict(candidate.get("content")).get("parts"))]
        text = "".join(str(part.get("text") or "") for part in parts if not part.get("thought"))
        calls = [as_dict(part["functionCall"]).get("args") for part in parts if part.get("functionCall")]
        reason = str(blocked or candidate.get("finishReason") or "")
        refused = bool(blocked) or reason in _BLOCKED
        usage = as_dict(body.get("usageMetadata"))
        answered, thought = (as_int(usage.get(name)) for name in ("candidatesTokenCount", "thoughtsTokenCount"))
        return Reply(
            text=text if text.strip() or not calls else orjson.dumps(calls[0]).decode(),
            model=body.get("modelVersion"),
            finish="refusal" if refused else "length" if reason == "MAX_TOKENS" else "stop",
            note=reason,
            tokens_in=as_int(usage.get("promptTokenCount")),
            tokens_out=None if answered is None and thought is None else (answered or 0) + (thought or 0),
            tokens_cached=as_int(usage.get("cachedContentTokenCount")),
        )
