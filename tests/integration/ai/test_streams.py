"""Streams: assembled into the same answer; an error after the 200 and a cut stream are tried again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from invest.domain.opinions.opinion import OpinionStatus, Snapshot
from tests.integration.ai.fake_ai_server import VENDORS, Call, FakeAi, Json, OpenPanel, Outcome, answer

STREAMING = {"stream": True}


def pieces(text: str) -> list[str]:
    """`text` in small pieces."""
    return [text[i : i + 40] for i in range(0, len(text), 40)]


def events_of(vendor: str, text: str) -> list[Json]:
    """The events in which a vendor streams `text`."""
    match vendor:
        case "openai":
            part = {"type": "output_text", "text": text}
            whole: Json = {"object": "response", "status": "completed", "model": "gpt-5.1", "error": None}
            whole |= {"output": [{"type": "message", "content": [part]}]}
            whole |= {"usage": {"input_tokens": 900, "output_tokens": 300}}
            deltas = [{"type": "response.output_text.delta", "delta": piece} for piece in pieces(text)]
            return [{"type": "response.created"}, *deltas, {"type": "response.completed", "response": whole}]
        case "anthropic":
            start: Json = {"model": "claude-sonnet-4-5", "usage": {"input_tokens": 900, "output_tokens": 1}}
            written: list[Json] = [
                {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": piece}}
                for piece in pieces(text)
            ]
            empty = {"type": "thinking", "thinking": ""}
            thinking: Json = {"type": "content_block_start", "index": 0, "content_block": empty}
            mused: Json = {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "thinking_delta", "thinking": "hm"},
            }
            block: Json = {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}
            last: Json = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
            last |= {"usage": {"output_tokens": 300}}
            head: list[Json] = [{"type": "message_start", "message": start}, {"type": "ping"}, thinking, mused, block]
            return [*head, *written, last, {"type": "message_stop"}]
        case "gemini":
            parts: list[Json] = [{"candidates": [{"content": {"parts": [{"text": piece}]}}]} for piece in pieces(text)]
            usage = {"promptTokenCount": 900, "candidatesTokenCount": 300}
            end: Json = {"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}], "usageMetadata": usage}
            return [*parts, end | {"modelVersion": "gemini-2.5-pro"}]
    chunks: list[Json] = [{"choices": [{"delta": {"content": piece}}], "model": "llama3.3"} for piece in pieces(text)]
    done: Json = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    return [*chunks, done, {"choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 300}}]


async def stream(call: Call, events: list[Json], *, comment: bool = False) -> web.StreamResponse:
    """Server-sent events with the line ends of the vendor."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(call.request)
    end = "\r\n\r\n" if call.vendor == "gemini" else "\n\n"
    if comment:
        await response.write(f": OPENROUTER PROCESSING{end}".encode())
    for event in events:
        name = f"event: {event['type']}\n" if "type" in event else ""
        await response.write(f"{name}data: {json.dumps(event)}{end}".encode())
    if call.vendor == "compatible":
        await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_stream_gives_the_same_opinion(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, vendor: str
) -> None:
    async def responder(call: Call, n: int) -> Outcome:
        assert call.body.get("stream") is True or "streamGenerateContent?alt=sse" in call.path
        return await stream(call, events_of(vendor, json.dumps(answer())), comment=vendor == "compatible")

    fake_ai.responders[vendor] = responder
    async with open_panel(names=(vendor,), provider=STREAMING) as panel:
        opinion = await panel.ask_one(vendor, snapshot)
    assert opinion.status is OpinionStatus.OK, opinion.reason
    assert (opinion.p_beat_180d, opinion.tokens_in, opinion.tokens_out) == (0.6, 900, 300)
    assert "data: " in json.loads(opinion.raw_answer)[0]


ERRORS: dict[str, Any] = {
    "openai": {"type": "error", "error": {"type": "server_error", "message": "The server had an error"}},
    "anthropic": {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    "gemini": {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
    "compatible": {"error": {"message": "upstream died", "code": 502}},
}


@pytest.mark.parametrize("vendor", VENDORS)
async def test_an_error_after_the_200_is_tried_again(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, vendor: str
) -> None:
    async def responder(call: Call, n: int) -> Outcome:
        events = events_of(vendor, json.dumps(answer()))
        return await stream(call, [*events[:3], ERRORS[vendor]] if n == 1 else events)

    fake_ai.responders[vendor] = responder
    async with open_panel(names=(vendor,), provider=STREAMING) as panel:
        opinion = await panel.ask_one(vendor, snapshot)
    assert (opinion.status, len(fake_ai.calls)) == (OpinionStatus.OK, 2)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_stream_that_ends_early_is_no_answer(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, vendor: str
) -> None:
    async def responder(call: Call, n: int) -> Outcome:
        return await stream(call, events_of(vendor, json.dumps(answer()))[:5])

    fake_ai.responders[vendor] = responder
    async with open_panel(names=(vendor,), provider=STREAMING, ai={"retries": 1}) as panel:
        opinion = await panel.ask_one(vendor, snapshot)
    assert (opinion.status, len(fake_ai.calls)) == (OpinionStatus.UNAVAILABLE, 2)
    assert "the stream ended before" in (opinion.reason or "")


async def test_an_overload_that_stays_is_named(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    async def responder(call: Call, n: int) -> Outcome:
        return await stream(call, [ERRORS["anthropic"]])

    fake_ai.responders["anthropic"] = responder
    async with open_panel(names=("anthropic",), provider=STREAMING, ai={"retries": 1}) as panel:
        opinion = await panel.ask_one("anthropic", snapshot)
    assert opinion.reason == "HTTP 529: Overloaded"
