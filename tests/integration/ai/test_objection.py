"""The counter-argument: by the analyst furthest from the verdict, checked like any text, never voted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from invest.domain.opinions.opinion import Snapshot
from invest.domain.opinions.pooling import pool
from tests.integration.ai.fake_ai_server import Call, FakeAi, OpenPanel, Outcome, answer


def objecting(text: str, facts: list[str] | None = None) -> Any:
    """Gemini dissents; whoever is asked for an objection gives `text`."""

    def responder(call: Call, n: int) -> Outcome:
        if "objeção mais forte" in call.user:
            return json.dumps({"text": text, "fact_ids": facts or ["f04", "f77"]})
        return answer(p_beat_180d=0.35 if call.vendor == "gemini" else 0.65)

    return responder


async def test_the_dissenter_writes_the_objection_and_it_is_not_voted(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    text = "A volatilidade de 31% é alta. A margem de 45,0% não vai durar."
    fake_ai.responders["*"] = objecting(text)
    async with open_panel() as panel:
        opinions = await panel.ask(snapshot)
        consensus = pool(opinions)
        objection = await panel.object(snapshot, consensus, opinions)
    assert objection is not None
    assert (objection.provider, objection.model) == ("gemini", "gemini-2.5-pro")
    assert objection.argument.text == "A volatilidade de 31% é alta."
    assert objection.argument.fact_ids == ("f04",)
    assert objection.unfaithful == ("45,0%",)
    assert objection.cost_usd is not None
    assert "deve render perto do IBOV" in fake_ai.calls[-1].user
    assert pool(opinions) == consensus


@pytest.mark.parametrize(
    "text", ["", "x" * 2000, "The risk is high and the price is not low for it.", "Margem de 45,0%."]
)
async def test_an_unusable_objection_is_left_out(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, text: str
) -> None:
    fake_ai.responders["*"] = objecting(text)
    async with open_panel() as panel:
        opinions = await panel.ask(snapshot)
        assert await panel.object(snapshot, pool(opinions), opinions) is None


async def test_a_failing_objector_fails_nothing(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    fake_ai.responders["*"] = lambda call, n: (401, {}) if "objeção" in call.user else answer()
    async with open_panel() as panel:
        opinions = await panel.ask(snapshot)
        assert await panel.object(snapshot, pool(opinions), opinions) is None


async def test_without_a_verdict_or_an_ai_there_is_no_objection(open_panel: OpenPanel, snapshot: Snapshot) -> None:
    async with open_panel(names=("rules",)) as panel:
        opinions = await panel.ask(snapshot)
        assert await panel.object(snapshot, pool(opinions), opinions) is None
