"""Stand-ins for the AIs on their own wire formats; the answer is computed from the prompt."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from invest_sandbox.ai import anthropic, batches, gemini, models, openai_chat, openai_responses
from invest_sandbox.ai.batches import BATCHES, Batches

__all__ = ["BATCHES", "Batches", "routes"]


def routes() -> list[web.RouteDef]:
    """Every AI's paths beneath ``/ai``."""
    out = [
        web.get("/anthropic/v1/models", models.anthropic),
        web.get("/gemini/v1beta/models", models.gemini),
        web.post("/anthropic/v1/messages", anthropic.serve),
        web.post("/gemini/v1beta/models/{call}", batches.gemini_post),
        web.post("/gemini/v1/models/{call}", gemini.serve),
        web.post("/gemini/models/{call}", gemini.serve),
    ]
    for vendor in ("openai", "compatible"):
        out.append(web.post(f"/{vendor}/v1/chat/completions", partial(openai_chat.serve, vendor=vendor)))
        listed = models.openai if vendor == "openai" else models.compatible
        out.append(web.get(f"/{vendor}/v1/models", listed))
        out.append(web.post(f"/{vendor}/v1/responses", partial(openai_responses.serve, vendor=vendor)))
    return out + batches.routes()
