"""Questions asked ahead in each vendor's batch format: half the price, and a direct call for what did not come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from invest.ai import Analysts, MemoryBudget, MemoryLedger
from invest.domain.opinions.opinion import OpinionStatus, Snapshot
from invest.errors import ConfigError
from invest.settings import Settings
from invest_sandbox.context import FAULTS
from invest_sandbox.faults import Fault, Kind
from invest_sandbox.server import Sandbox

VENDORS = ("openai", "anthropic", "gemini")
LANGUAGE = "pt-BR"


class Desk:
    """A panel in front of the sandbox, its budget and its ledger."""

    def __init__(self, panel: Analysts, sandbox: Sandbox, budget: MemoryBudget, ledger: MemoryLedger) -> None:
        self.panel, self.sandbox, self.budget, self.ledger = panel, sandbox, budget, ledger

    def purposes(self) -> list[tuple[str, str]]:
        return sorted((call.provider, call.purpose) for call in self.ledger.calls)

    def held(self) -> Decimal:
        return sum((most for _, most in self.budget._held.values()), Decimal(0))


@asynccontextmanager
async def desk(
    settings: Callable[..., Settings], *kinds: Kind, names: tuple[str, ...] = VENDORS, **ai: Any
) -> AsyncIterator[Desk]:
    providers = {name: {"batch": name in names, "enabled": name in names} for name in VENDORS}
    faults = [Fault(upstream="ai", kind=kind) for kind in kinds]
    budget, ledger = MemoryBudget(), MemoryLedger()
    async with Sandbox.start(5, faults=faults, ai_latency=dict.fromkeys(VENDORS, 0.0)) as sandbox:
        chosen = settings(sandbox_url=sandbox.url, ai={"timeout": 20, "providers": providers, **ai})
        async with Analysts.open(chosen, budget=budget, ledger=ledger) as panel:
            yield Desk(panel, sandbox, budget, ledger)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_was_answered_in_a_batch_is_not_asked_again_and_costs_half(
    settings: Callable[..., Settings], news_snapshot: Snapshot, stream: bool
) -> None:
    async with desk(settings) as direct:
        full = {o.provider: o.cost_usd for o in await direct.panel.ask(news_snapshot, VENDORS)}
    providers = {name: {"batch": True, "stream": stream} for name in VENDORS}
    async with desk(settings, providers=providers) as at:
        batches = await at.panel.ask_ahead([news_snapshot], LANGUAGE)
        assert [b.provider for b in batches] == list(VENDORS)
        assert all(len(b.held) == 2 for b in batches)  # with the news and without
        assert at.held() == sum(b.most for b in batches) > 0
        assert [await at.panel.collect(b) for b in batches] == [None] * 3  # they run: the money stays held
        assert at.held() > 0 and await at.budget.spent_today() == 0
        assert [await at.panel.collect(b) for b in batches] == [2] * 3
        spent = await at.budget.spent_today()
        assert at.held() == 0 and spent == sum((c.cost_usd or Decimal(0) for c in at.ledger.calls), Decimal(0)) > 0
        opinions = await at.panel.ask(news_snapshot, VENDORS)
        assert {o.status for o in opinions} == {OpinionStatus.OK}
        assert at.purposes() == sorted((name, "batch") for name in VENDORS for _ in range(2))
        assert await at.budget.spent_today() == spent
        for opinion in opinions:
            assert opinion.cost_usd == (full[opinion.provider] or 0) / 2 > 0
            assert (opinion.price_version or "").endswith(", batch")
        assert await at.panel.ask_ahead([news_snapshot], LANGUAGE) == []  # the cache has them


@pytest.mark.parametrize("kind", ["batch_partial", "batch_expired"])
async def test_items_that_fail_or_expire_cost_nothing_and_are_asked_directly(
    settings: Callable[..., Settings], news_snapshot: Snapshot, kind: Kind
) -> None:
    async with desk(settings, kind) as at:
        batches = await at.panel.ask_ahead([news_snapshot], LANGUAGE)
        for batch in batches:
            await at.panel.collect(batch)
        assert [await at.panel.collect(b) for b in batches] == [1] * 3
        assert at.held() == 0
        opinions = await at.panel.ask(news_snapshot, VENDORS)
        assert {o.status for o in opinions} == {OpinionStatus.OK}
        assert at.purposes() == sorted((name, what) for name in VENDORS for what in ("batch", "news"))


async def test_a_batch_that_is_late_is_cancelled_and_asked_directly(
    settings: Callable[..., Settings], snapshot: Snapshot
) -> None:
    async with desk(settings, "batch_late") as at:
        batches = await at.panel.ask_ahead([snapshot], LANGUAGE)
        for _ in range(3):
            assert [await at.panel.collect(b) for b in batches] == [None] * 3
        assert [await at.panel.collect(b, late=True) for b in batches] == [0] * 3
        assert at.held() == 0 and await at.budget.spent_today() == 0
        assert {o.status for o in await at.panel.ask(snapshot, VENDORS)} == {OpinionStatus.OK}
        assert at.purposes() == sorted((name, "opinion") for name in VENDORS)


async def test_a_batch_that_is_lost_is_booked_at_its_most(
    settings: Callable[..., Settings], snapshot: Snapshot
) -> None:
    async with desk(settings, "batch_late", names=("anthropic",)) as at:
        [batch] = await at.panel.ask_ahead([snapshot], LANGUAGE)
        at.sandbox.app[FAULTS].add(Fault(upstream="ai", kind="error"))
        assert await at.panel.collect(batch, late=True, lost=True) == 0
        assert at.held() == 0 and await at.budget.spent_today() == batch.most > 0


async def test_a_vendor_that_refuses_a_batch_is_asked_directly(
    settings: Callable[..., Settings], snapshot: Snapshot
) -> None:
    async with desk(settings, "error") as at:
        assert await at.panel.ask_ahead([snapshot], LANGUAGE) == []
        assert at.held() == 0 and not at.ledger.calls


async def test_a_batch_holds_no_more_than_the_budget(settings: Callable[..., Settings], snapshot: Snapshot) -> None:
    snapshots = [snapshot.model_copy(update={"ticker": f"AAAA{n}"}) for n in range(3, 9)]
    async with desk(settings, names=("anthropic",), daily_budget_usd=0.2) as at:
        [batch] = await at.panel.ask_ahead(snapshots, LANGUAGE)
        one = batch.most / len(batch.held)
        assert len(batch.held) < len(snapshots)
        assert Decimal("0.2") <= at.held() < Decimal("0.2") + 2 * one


def test_a_provider_without_a_batch_interface_is_refused_by_its_settings(settings: Callable[..., Settings]) -> None:
    with pytest.raises(ConfigError, match="only providers of kind openai, anthropic, gemini take batches"):
        settings(ai={"providers": {"rules": {"batch": True}}})
