"""The lists of models that the vendors give, with the ends that some have announced."""

from __future__ import annotations

from aiohttp import web

from invest_sandbox.ai.wire import answer

OPENAI: dict[str, str | None] = {
    "gpt-6.1-terra": None,
    "gpt-6.2-sol": None,
    "gpt-6-luna": None,
    "gpt-6.2-astra": None,
    "gpt-5.1": "2027-04-01",
    "gpt-4.1": "2027-01-14",
}
ANTHROPIC = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-fable-5-1")
GEMINI = ("gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-3.1-pro-preview")


async def openai(request: web.Request) -> web.Response:
    """`GET /v1/models`: ids with their `shutdown_date`."""
    rows = [{"id": name, "object": "model", "shutdown_date": ends} for name, ends in OPENAI.items()]
    return answer({"object": "list", "data": rows})


async def compatible(request: web.Request) -> web.Response:
    """`GET /v1/models` of a router: every maker's models under its name."""
    names = [f"openai/{name}" for name in OPENAI] + [f"anthropic/{name}" for name in ANTHROPIC]
    names += [f"google/{name}" for name in GEMINI]
    return answer({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


async def anthropic(request: web.Request) -> web.Response:
    """`GET /v1/models`."""
    rows = [{"id": name, "type": "model", "display_name": name} for name in ANTHROPIC]
    return answer({"data": rows, "has_more": False, "first_id": ANTHROPIC[0], "last_id": ANTHROPIC[-1]})


async def gemini(request: web.Request) -> web.Response:
    """`GET /v1beta/models`."""
    rows = [{"name": f"models/{name}", "supportedGenerationMethods": ["generateContent"]} for name in GEMINI]
    return answer({"models": rows})
