"""A server that speaks the AIs' wire formats and answers as each test wants."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from invest.ai import Analysts
from invest.domain.opinions.opinion import Opinion, Snapshot

Json = dict[str, Any]
VENDORS = ("openai", "anthropic", "gemini", "compatible")


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in."""

    vendor: str
    path: str
    body: Json
    headers: dict[str, str]
    request: web.Request

    @property
    def system(self) -> str:
        """The system text."""
        match self.vendor:
            case "openai" if "instructions" in self.body:
                return str(self.body["instructions"])
            case "anthropic":
                return str(self.body["system"])
            case "gemini":
                return str(self.body["systemInstruction"]["parts"][0]["text"])
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        """The user text."""
        match self.vendor:
            case "openai" if "input" in self.body:
                return str(self.body["input"][0]["content"])
            case "anthropic":
                return str(self.body["messages"][0]["content"])
            case "gemini":
                return str(self.body["contents"][0]["parts"][0]["text"])
        return str(self.body["messages"][1]["content"])

    @property
    def with_news(self) -> bool:
        """Whether it is the run that shows the news."""
        return '"excerpt"' in self.user

    @property
    def max_tokens(self) -> int:
        """The limit asked for."""
        names = ("max_output_tokens", "max_tokens", "max_completion_tokens")
        plain = next((self.body[n] for n in names if n in self.body), None)
        return int(plain if plain is not None else self.body["generationConfig"]["maxOutputTokens"])


def answer(**changes: Any) -> Json:
    """A good answer on PETR4 in pt-BR, with `changes`."""
    base: Json = {
        "ticker": "PETR4",
        "language": "pt-BR",
        "key_facts": [{"fact_id": "f02", "reading": "favourable"}],
        "arguments_for": [{"text": "O múltiplo está abaixo do que o setor costuma pagar.", "fact_ids": ["f02"]}],
        "arguments_against": [{"text": "A volatilidade ainda é alta para o que se ganha.", "fact_ids": ["f04"]}],
        "risks": [{"kind": "macro", "severity": "medium", "text": "O preço do petróleo não depende da empresa."}],
        "would_change": [{"fact_id": "f02", "operator": ">", "value": 8.0}],
        "summary": "O preço parece baixo para o lucro que a empresa entrega, mas o risco é alto.",
        "insufficient_data": False,
        "p_beat_30d": 0.52,
        "p_beat_90d": 0.55,
        "p_beat_180d": 0.6,
        "price_p10": 30.0,
        "price_p50": 38.0,
        "price_p90": 47.0,
    }
    return base | changes


def body_of(vendor: str, text: str, *, finish: str = "stop", chat: bool = False) -> Json:
    """A vendor's response that carries `text`. `finish`: stop, length or refusal."""
    if vendor == "anthropic":
        reason = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal"}[finish]
        usage = {"input_tokens": 900, "output_tokens": 300}
        content = [{"type": "text", "text": text}]
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929"}
        return head | {"content": content, "stop_reason": reason, "usage": usage}
    if vendor == "gemini":
        reason = {"stop": "STOP", "length": "MAX_TOKENS", "refusal": "SAFETY"}[finish]
        usage = {"promptTokenCount": 900, "candidatesTokenCount": 200, "thoughtsTokenCount": 100}
        candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": reason}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-pro"}
    if vendor == "openai" and not chat:
        part = {"type": "refusal", "refusal": text} if finish == "refusal" else {"type": "output_text", "text": text}
        status: Json = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        top: Json = {"object": "response", "model": "gpt-5.1-2025-11-13", "error": None}
        output = [{"type": "reasoning", "summary": []}, {"type": "message", "content": [part]}]
        tail = status if finish == "length" else {"status": "completed", "incomplete_details": None}
        return top | tail | {"output": output, "usage": {"input_tokens": 900, "output_tokens": 300}}
    message: Json = {"role": "assistant", "content": text, "refusal": text if finish == "refusal" else None}
    reason = "length" if finish == "length" else "stop"
    usage = {"prompt_tokens": 900, "completion_tokens": 300}
    envelope: Json = {"object": "chat.completion", "model": "llama3.3", "usage": usage}
    return envelope | {"choices": [{"index": 0, "finish_reason": reason, "message": message}]}


Outcome = Json | str | tuple[int, Any] | tuple[int, Any, dict[str, str]] | web.StreamResponse
Responder = Callable[[Call, int], Outcome | Awaitable[Outcome]]


@dataclass(slots=True)
class FakeAi:
    """`responders` by vendor (or "*") take the call and its number, counted from 1 for each vendor.

    They give an answer's JSON, a text in its place, (status, body[, headers]), or a response of their own.
    """

    url: str = ""
    responders: dict[str, Responder] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    latency: dict[str, float] = field(default_factory=dict)
    flying: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    most: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def of(self, vendor: str) -> list[Call]:
        """The calls of one vendor."""
        return [call for call in self.calls if call.vendor == vendor]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        vendor = request.path.split("/")[1]
        call = Call(vendor, request.path_qs, await request.json(), dict(request.headers), request)
        self.calls.append(call)
        number = len(self.of(vendor))
        self.flying[vendor] += 1
        self.most[vendor] = max(self.most[vendor], self.flying[vendor])
        try:
            await asyncio.sleep(self.latency.get(vendor, 0))
            responder = self.responders.get(vendor) or self.responders.get("*") or (lambda call, n: answer())
            outcome = responder(call, number)
            given = await outcome if isinstance(outcome, Awaitable) else outcome
        finally:
            self.flying[vendor] -= 1
        return self._response(call, given)

    def _response(self, call: Call, given: Any) -> web.StreamResponse:
        if isinstance(given, web.StreamResponse):
            return given
        if isinstance(given, tuple):
            body, headers = given[1], given[2] if len(given) > 2 else {}
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            return web.Response(status=given[0], body=raw, headers=headers, content_type="application/json")
        text = given if isinstance(given, str) else json.dumps(given)
        return web.json_response(body_of(call.vendor, text, chat="/chat/" in call.path))


def providers(fake: FakeAi, **changes: Any) -> Json:
    """The four providers at the fake server, with `changes` for each."""
    urls = {"openai": "/openai/v1", "anthropic": "/anthropic", "gemini": "/gemini", "compatible": "/compatible/v1"}
    return {
        name: {"enabled": True, "base_url": fake.url + path, "api_key": f"key-of-{name}", **changes}
        for name, path in urls.items()
    }


OpenPanel = Callable[..., AbstractAsyncContextManager[Analysts]]


async def only(panel_of: OpenPanel, snapshot: Snapshot, vendor: str = "openai", **ai: Any) -> Opinion:
    """The opinion of `vendor` alone."""
    async with panel_of(names=(vendor,), ai=ai) as panel:
        return await panel.ask_one(vendor, snapshot)
