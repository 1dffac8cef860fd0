"""The panel: everyone asked at once, each on its own wire; what is sent, derived, kept and counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from invest.ai import Analysts, MemoryBudget, MemoryCache
from invest.domain.opinions.opinion import OpinionStatus, Rating, Snapshot, SnapshotFact
from invest.domain.opinions.pooling import pool
from invest.errors import NotFound
from invest.settings import Settings
from tests.integration.ai.fake_ai_server import VENDORS, FakeAi, Json, OpenPanel, answer


async def test_each_vendor_answers_on_its_own_wire(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    async with open_panel(ai={"quorum": 2}) as panel:
        opinions = await panel.ask(snapshot)
    assert [o.provider for o in opinions] == list(VENDORS)
    assert all(o.status is OpinionStatus.OK for o in opinions), [o.reason for o in opinions]
    assert [o.model for o in opinions] == [
        "gpt-5.1-2025-11-13",
        "claude-sonnet-4-5-20250929",
        "gemini-2.5-pro",
        "llama3.3",
    ]
    assert [call.path.split("/", 2)[2] for call in sorted(fake_ai.calls, key=lambda c: VENDORS.index(c.vendor))] == [
        "v1/responses",
        "v1/messages",
        "v1beta/models/gemini-3.8-flash:generateContent",
        "v1/chat/completions",
    ]
    assert pool(opinions).probability == pytest.approx(0.5505, abs=1e-4)


async def test_rating_confidence_and_target_are_derived(open_panel: OpenPanel, snapshot: Snapshot) -> None:
    async with open_panel(names=("openai",)) as panel:
        opinion = await panel.ask_one("openai", snapshot)
    assert (opinion.rating, opinion.target) == (Rating.BUY, 38.0)
    assert opinion.confidence == pytest.approx(0.2)
    assert (opinion.tokens_in, opinion.tokens_out) == (900, 300)
    assert opinion.cost_usd == Decimal("0.004125")  # 900 x 1.25 + 300 x 10 US$ a million
    assert (opinion.price_version or "").startswith("genai-prices ")
    assert opinion.seconds > 0


async def test_no_request_sends_temperature_tools_or_a_key_outside_its_header(
    fake_ai: FakeAi, open_panel: OpenPanel, news_snapshot: Snapshot
) -> None:
    async with open_panel() as panel:
        await panel.ask(news_snapshot)
    assert len(fake_ai.calls) == 8
    for call in fake_ai.calls:
        text = json.dumps(call.body)
        assert "temperature" not in text
        assert "top_p" not in text
        assert '"tools"' not in text
        assert "key-of-" not in text + call.path
        assert any(f"key-of-{call.vendor}" in value for value in call.headers.values())


async def test_the_structure_asked_for_is_strict_in_every_object(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    async with open_panel() as panel:
        await panel.ask(snapshot)
    schemas: dict[str, Callable[[Json], Json]] = {
        "openai": lambda b: b["text"]["format"]["schema"],
        "anthropic": lambda b: b["output_config"]["format"]["schema"],
        "gemini": lambda b: b["generationConfig"]["responseJsonSchema"],
        "compatible": lambda b: b["response_format"]["json_schema"]["schema"],
    }
    for vendor, find in schemas.items():
        schema = find(fake_ai.of(vendor)[0].body)
        names = list(schema["properties"])
        assert names.index("arguments_for") < names.index("summary") < names.index("p_beat_30d")
        for node in objects_in(schema):
            assert node["additionalProperties"] is False
            assert set(node["required"]) == set(node["properties"])


def objects_in(node: Json | list[Json]) -> list[Json]:
    """Every object schema within `node`."""
    if isinstance(node, list):
        return [found for item in node for found in objects_in(item)]
    if not isinstance(node, dict):
        return []
    own = [node] if node.get("type") == "object" else []
    return own + [found for value in node.values() for found in objects_in(value)]


async def test_wall_time_is_the_slowest_analyst_and_fifty_milliseconds(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.latency = {"openai": 0.2, "anthropic": 0.5, "gemini": 0.3, "compatible": 0.1}
    over = []
    async with open_panel(ai={"cache_hours": 0}) as panel:
        for _ in range(3):  # a busy machine may be late once
            started = asyncio.get_running_loop().time()
            opinions = await panel.ask(snapshot)
            wall = asyncio.get_running_loop().time() - started
            over.append(wall - max(o.seconds for o in opinions))
    assert min(over) < 0.05


async def test_prompt_and_answer_are_kept_exactly(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    async with open_panel(names=("anthropic",)) as panel:
        opinion = await panel.ask_one("anthropic", snapshot)
    call = fake_ai.calls[0]
    assert json.loads(opinion.raw_prompt) == [{"system": call.system, "user": call.user}]
    raw = json.loads(json.loads(opinion.raw_answer)[0])
    assert json.loads(raw["content"][0]["text"]) == answer()


async def test_the_prompt_holds_the_facts_but_no_date_no_score_and_no_other_opinion(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    async with open_panel(names=("openai", "anthropic")) as panel:
        await panel.ask(snapshot)
    prompt = fake_ai.calls[0].user
    assert '"text": "24,2%"' in prompt
    assert '"text": "R$ 36,50"' in prompt
    assert "47%" in prompt
    assert "2026" not in prompt
    assert "overall" not in prompt
    assert fake_ai.calls[0].user == fake_ai.calls[1].user


async def test_the_same_snapshot_is_never_paid_twice(
    fake_ai: FakeAi, open_panel: OpenPanel, news_snapshot: Snapshot
) -> None:
    cache = MemoryCache()
    async with open_panel(names=("openai",), cache=cache) as panel:
        first = await panel.ask_one("openai", news_snapshot)
        tomorrow = news_snapshot.model_copy(update={"as_of": date(2026, 4, 1)})
        second = await panel.ask_one("openai", tomorrow)
    async with open_panel(names=("openai",), cache=cache) as panel:
        third = await panel.ask_one("openai", news_snapshot)
    assert len(fake_ai.calls) == 2
    assert (first.cached, second.cached, third.cached) == (False, True, True)
    assert second.opinion_id == first.opinion_id
    assert second.cost_usd == 0


async def test_another_fact_language_or_model_is_another_question(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    facts = (*snapshot.facts[:-1], SnapshotFact(id="f05", key="momentum_12_1", value=0.19, unit="fraction"))
    cache = MemoryCache()
    async with open_panel(names=("openai",), cache=cache) as panel:
        await panel.ask_one("openai", snapshot)
        await panel.ask_one("openai", snapshot.model_copy(update={"facts": facts}))
        await panel.ask_one("openai", snapshot, language="en")
    async with open_panel(names=("openai",), cache=cache, provider={"model": "gpt-5"}) as panel:
        await panel.ask_one("openai", snapshot)
    assert len([c for c in fake_ai.calls if "Responda" not in c.user and "Answer again" not in c.user]) == 4


async def test_the_same_question_in_flight_is_asked_once(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.latency = {"openai": 0.1}
    async with open_panel(names=("openai",)) as panel:
        opinions = await asyncio.gather(*(panel.ask_one("openai", snapshot) for _ in range(20)))
    assert len(fake_ai.calls) == 1
    assert sum(not o.cached for o in opinions) == 1
    assert sum(o.cost_usd or 0 for o in opinions) == opinions[0].cost_usd


async def test_one_waiter_that_is_cancelled_leaves_the_call_to_the_others(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.latency = {"openai": 0.2}
    async with open_panel(names=("openai",)) as panel:
        impatient = asyncio.create_task(panel.ask_one("openai", snapshot))
        patient = asyncio.create_task(panel.ask_one("openai", snapshot))
        await asyncio.sleep(0.05)
        impatient.cancel()
        assert (await patient).status is OpinionStatus.OK
    assert impatient.cancelled()


async def test_a_failure_is_not_kept_in_the_cache(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    fake_ai.responders["openai"] = lambda call, n: (401, {"error": {"message": "bad key"}}) if n == 1 else answer()
    async with open_panel(names=("openai",)) as panel:
        first = await panel.ask_one("openai", snapshot)
        second = await panel.ask_one("openai", snapshot)
    assert (first.status, second.status) == (OpinionStatus.UNAVAILABLE, OpinionStatus.OK)


class BrokenCache:
    """A cache whose server is gone."""

    async def get(self, key: str) -> None:
        raise ConnectionError("gone")

    async def put(self, key: str, opinion: object, ttl: float) -> None:
        raise ConnectionError("gone")


async def test_a_broken_cache_costs_money_but_no_opinion(open_panel: OpenPanel, snapshot: Snapshot) -> None:
    async with open_panel(names=("openai",), cache=BrokenCache()) as panel:
        assert (await panel.ask_one("openai", snapshot)).status is OpinionStatus.OK


async def test_a_spent_budget_stops_politely_and_rules_still_answer(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    budget = MemoryBudget()
    await budget.add(Decimal("9.999"))
    async with open_panel(names=("openai", "rules"), ai={"daily_budget_usd": 10}, budget=budget) as panel:
        before, _ = await panel.ask(snapshot)
        after, rules = await panel.ask(snapshot, language="en")
    assert before.status is OpinionStatus.OK
    assert after.status is OpinionStatus.UNAVAILABLE
    assert after.reason == "the AI budget of US$ 10.00 a day is spent (ai.daily_budget_usd)"
    assert rules.status is OpinionStatus.OK
    assert await budget.spent_today() == Decimal("9.999") + (before.cost_usd or 0)


async def test_calls_in_flight_count_against_the_budget(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.latency = {"openai": 0.1}
    facts = snapshot.facts
    asked = [
        snapshot.model_copy(
            update={"facts": (*facts, SnapshotFact(id="f99", key="beta_1y", value=i / 10, unit="index"))}
        )
        for i in range(8)
    ]
    budget = MemoryBudget()
    async with open_panel(names=("openai",), ai={"daily_budget_usd": 0.10, "concurrency": 8}, budget=budget) as panel:
        opinions = await asyncio.gather(*(panel.ask_one("openai", s) for s in asked))
    assert {o.status for o in opinions} == {OpinionStatus.OK, OpinionStatus.UNAVAILABLE}
    assert await budget.spent_today() < Decimal("0.10")


async def test_a_limit_of_zero_is_no_limit(open_panel: OpenPanel, snapshot: Snapshot) -> None:
    budget = MemoryBudget()
    await budget.add(Decimal(1000))
    async with open_panel(names=("openai",), ai={"daily_budget_usd": 0}, budget=budget) as panel:
        assert (await panel.ask_one("openai", snapshot)).status is OpinionStatus.OK


async def test_no_more_calls_fly_than_the_limiter_allows(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.latency = dict.fromkeys(VENDORS, 0.02)
    asked = [snapshot.model_copy(update={"base_rate_180d": 0.4 + i / 1000}) for i in range(30)]
    async with open_panel(names=("openai", "gemini"), ai={"concurrency": 3}) as panel:
        opinions = await asyncio.gather(*(panel.ask(s) for s in asked))
    assert all(o.status is OpinionStatus.OK for pair in opinions for o in pair)
    assert (fake_ai.most["openai"], fake_ai.most["gemini"]) == (3, 3)


async def test_time_in_the_queue_is_not_the_vendors_slowness(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.latency = {"openai": 0.15}
    asked = [snapshot.model_copy(update={"base_rate_180d": 0.4 + i / 1000}) for i in range(6)]
    async with open_panel(names=("openai",), ai={"concurrency": 1, "timeout": 0.6}) as panel:
        opinions = await asyncio.gather(*(panel.ask_one("openai", s) for s in asked))
    assert all(o.status is OpinionStatus.OK for o in opinions), [o.reason for o in opinions]


async def test_missing_keys_and_addresses_are_named(settings: Callable[..., Settings], snapshot: Snapshot) -> None:
    second = {"enabled": True, "kind": "openai", "model": "gpt-5-mini"}
    chosen = settings(ai={"providers": {"compatible": {"enabled": True, "base_url": ""}, "mini": second}})
    async with Analysts.open(chosen) as panel:
        reasons = {o.provider: o.reason for o in await panel.ask(snapshot)}
        assert panel.unavailable == {name: reason for name, reason in reasons.items() if reason}
    assert reasons == {
        "openai": "no key (OPENAI_API_KEY)",
        "anthropic": "no key (ANTHROPIC_API_KEY)",
        "gemini": "no key (GEMINI_API_KEY)",
        "compatible": "no address (ai.providers.compatible.base_url)",
        "mini": "no key (INVEST_AI__PROVIDERS__MINI__API_KEY)",
        "rules": None,
    }


async def test_a_disabled_provider_says_so_and_an_unknown_one_is_refused(
    open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    async with open_panel(names=("openai",)) as panel:
        (opinion,) = await panel.ask(snapshot, ["gemini"])
        assert opinion.reason == "disabled (ai.providers.gemini.enabled)"
        with pytest.raises(NotFound, match=r"no AI named 'grok'; there are: openai, anthropic"):
            await panel.ask(snapshot, ["grok"])


async def test_a_local_server_needs_no_key(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    async with open_panel(names=("compatible",), provider={"api_key": None}) as panel:
        opinion = await panel.ask_one("compatible", snapshot)
    assert opinion.status is OpinionStatus.OK
    assert "Authorization" not in fake_ai.calls[0].headers
    assert opinion.cost_usd == 0
    assert (opinion.vendor, opinion.model) == ("meta", "llama3.3")


async def test_english_is_asked_and_answered_in_english(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["*"] = lambda call, n: answer(
        language="en",
        arguments_for=[{"text": "The multiple is below what the sector usually pays.", "fact_ids": ["f02"]}],
        arguments_against=[],
        risks=[],
        summary="The price looks low for the earnings, but the risk is still high.",
    )
    async with open_panel(names=("openai",)) as panel:
        opinion = await panel.ask_one("openai", snapshot, language="en")
    assert (opinion.status, opinion.language) == (OpinionStatus.OK, "en")
    assert '"text": "24.2%"' in fake_ai.calls[0].user
    assert "investment analyst" in fake_ai.calls[0].system


async def test_a_providers_own_noise_is_measured_past_the_cache(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["openai"] = lambda call, n: answer(p_beat_180d=(0.55, 0.60, 0.65)[n % 3])
    async with open_panel(names=("openai", "gemini")) as panel:
        noise = await panel.noise("openai", snapshot)
        steady = await panel.noise("gemini", snapshot)
        absent = await panel.noise("anthropic", snapshot)
    assert (noise.answered, steady.answered, absent.answered) == (3, 3, 0)
    assert noise.deviation == pytest.approx(0.05)
    assert steady.deviation == 0
    assert absent.mean is None


async def test_what_comes_of_sandbox_data_is_stamped(open_panel: OpenPanel, snapshot: Snapshot) -> None:
    async with open_panel(names=("openai", "rules")) as panel:
        real = await panel.ask(snapshot)
        toy = await panel.ask(snapshot.model_copy(update={"sandbox": True}))
    assert [o.sandbox for o in (*real, *toy)] == [False, False, True, True]
