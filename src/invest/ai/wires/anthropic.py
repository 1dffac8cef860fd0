"""Anthropic's Messages API."""

from __future__ import annotations

from typing import Any

import orjson

from invest.ai.wires.base import Question, Reply, Request, as_int, cut_short
from invest.ai.wires.failing import as_dict, as_list, failure_event

VERSION = "2023-06-01"
CACHED_FROM = 3500  # characters: about the 1,024 tokens below which a mark caches nothing
_CUT = frozenset({"max_tokens", "model_context_window_exceeded"})


class Anthropic:
    """POST /v1/messages: native structured output through `output_config.format`."""

    price_id: str | None = "anthropic"
    fallback = False
    limit = "max_tokens"

    def headers(self, key: str) -> dict[str, str]:
        """Key and version of the format."""
        return {"x-api-key": key, "anthropic-version": VERSION}

    def request(self, question: Question, model: str, *, stream: bool) -> Request:
        """The question; no temperature (recent models refuse it), no tools. Mark a long system text for the cache."""
        body: dict[str, Any] = {
            "model": model,
            "max_tokens": question.max_tokens,
            "system": _system(question.system),
            "messages": [{"role": "user", "content": question.user}],
            "stream": stream,
        }
        config: dict[str, Any] = {}
        if question.effort == "none":
            body["thinking"] = {"type": "disabled"}
        elif question.effort:
            config["effort"] = question.effort
        if question.schema and question.structure == "schema":
            config["format"] = {"type": "json_schema", "schema": question.schema}
        if config:
            body["output_config"] = config
        return Request("/v1/messages", body)

    def assemble(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """Content blocks joined from their deltas. An overload may come as an event after a 200."""
        body: dict[str, Any] = {}
        blocks: dict[int, dict[str, Any]] = {}
        usage: dict[str, Any] = {}
        ended = False
        for event in events:
            kind = event.get("type")
            if kind == "error":
                raise failure_event(as_dict(event.get("error")))
            if kind == "message_start":
                body = as_dict(event.get("message"))
                usage.update(as_dict(body.get("usage")))
            elif kind == "content_block_start":
                blocks[as_int(event.get("index")) or 0] = {**as_dict(event.get("content_block")), "joined": ""}
            elif kind == "content_block_delta":
                delta = as_dict(event.get("delta"))
                piece = delta.get("text") or delta.get("partial_json") or ""
                blocks.setdefault(as_int(event.get("index")) or 0, {"joined": ""})["joined"] += str(piece)
            elif kind == "message_delta":
                body = {**body, **as_dict(event.get("delta"))}
                usage.update({k: v for k, v in as_dict(event.get("usage")).items() if v is not None})
            ended = ended or kind == "message_stop"
        if not ended:
            raise cut_short("the stream ended before the message was complete")
        content = [_whole(block) for _, block in sorted(blocks.items())]
        return {**body, "content": content, "usage": usage}

    def read(self, body: dict[str, Any]) -> Reply:
        """Text blocks joined, or the input of a tool call; thinking blocks are left out."""
        if body.get("type") == "error":
            raise failure_event(as_dict(body.get("error")))
        blocks = [as_dict(block) for block in as_list(body.get("content"))]
        text = "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
        inputs = [block["input"] for block in blocks if block.get("type") == "tool_use" and block.get("input")]
        stop = str(body.get("stop_reason") or "")
        usage = as_dict(body.get("usage"))
        read, written = (as_int(usage.get(f"cache_{kind}_input_tokens")) for kind in ("read", "creation"))
        fresh = as_int(usage.get("input_tokens"))
        return Reply(
            text=text if text.strip() or not inputs else orjson.dumps(inputs[0]).decode(),
            model=body.get("model"),
            finish="refusal" if stop == "refusal" else "length" if stop in _CUT else "stop",
            note=stop,
            tokens_in=None if fresh is None else fresh + (read or 0) + (written or 0),
            tokens_out=as_int(usage.get("output_tokens")),
            tokens_cached=read,
            tokens_cache_write=written,
        )


def _system(text: str) -> str | list[dict[str, Any]]:
    if len(text) < CACHED_FROM:
        return text
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]


def _whole(block: dict[str, Any]) -> dict[str, Any]:
    joined = block.pop("joined")
    if block.get("type") == "tool_use":
        try:
            return {**block, "input": orjson.loads(joined or b"{}")}
        except orjson.JSONDecodeError:
            return {**block, "input": {}}
    return {**block, "text": str(block.get("text") or "") + joined}
