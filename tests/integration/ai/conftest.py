"""A server that speaks the AIs' wire formats, and a panel in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from invest.ai import Analysts
from invest.domain.opinions.opinion import Snapshot, SnapshotFact, SnapshotNews
from invest.settings import Settings
from tests.integration.ai.fake_ai_server import VENDORS, FakeAi, Json, OpenPanel, providers


@pytest.fixture
async def fake_ai() -> AsyncIterator[FakeAi]:
    """The server, answering well until told otherwise."""
    fake = FakeAi()
    app = web.Application()
    app.router.add_route("POST", "/{path:.*}", fake.serve)
    server = TestServer(app)
    await server.start_server()
    fake.url = str(server.make_url("")).rstrip("/")
    yield fake
    await server.close()


@pytest.fixture
def open_panel(fake_ai: FakeAi, settings: Callable[..., Settings]) -> OpenPanel:
    """Opens a panel on the fake server: ``open_panel(ai={...}, provider={...}, cache=...)``."""

    @asynccontextmanager
    async def opened(
        *, ai: Json | None = None, provider: Json | None = None, names: tuple[str, ...] = VENDORS, **kept: Any
    ) -> AsyncIterator[Analysts]:
        given = {n: p for n, p in providers(fake_ai, **(provider or {})).items() if n in names}
        given = {n: ({"model": "llama3.3"} if n == "compatible" else {}) | p for n, p in given.items()}
        off = {
            n: {"enabled": False} for n in ("openai", "anthropic", "gemini", "compatible", "rules") if n not in names
        }
        chosen = settings(ai={"timeout": 5, "retries": 2, **(ai or {}), "providers": given | off})
        async with Analysts.open(chosen, **kept) as panel:
            yield panel

    return opened


FACTS = (
    ("close", 36.5, "BRL"),
    ("p_l", 4.53, "x"),
    ("roe", 0.2423, "fraction"),
    ("volatility_1y", 0.31, "fraction"),
    ("momentum_12_1", 0.18, "fraction"),
)


@pytest.fixture
def snapshot() -> Snapshot:
    """Five facts of PETR4, without news."""
    facts = tuple(
        SnapshotFact(id=f"f{i:02}", key=key, value=value, unit=unit, sector_median=value * 1.2)
        for i, (key, value, unit) in enumerate(FACTS, 1)
    )
    return Snapshot(
        ticker="PETR4",
        name="Petróleo Brasileiro S.A.",
        kind="stock",
        sector="Petróleo",
        as_of=date(2026, 3, 31),
        facts=facts,
        base_rate_180d=0.47,
    )


@pytest.fixture
def news_snapshot(snapshot: Snapshot) -> Snapshot:
    """The same with one ordinary item of news."""
    item = SnapshotNews(tone="positive", topic="results", age_days=1, excerpt="Petrobras amplia produção no pré-sal")
    return snapshot.model_copy(update={"news": (item,)})


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without a Retry-After come after milliseconds instead of half a second."""
    monkeypatch.setattr("invest.ai.calls.transport.BACKOFF", 0.01)
