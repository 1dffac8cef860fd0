"""The page on scoring states the tables that the code uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.scorecards import CARDS, Card

PAGE = Path(__file__).parents[4] / "docs" / "scoring.md"


def printed(value: float, unit: str) -> str:
    if unit == "fraction":
        return f"{value * 100:g} %"
    if unit == "BRL":
        return f"R$ {value:,.0f}"
    return f"{value:g}"


def rows(card: Card) -> list[str]:
    """One table row per rule: part, figure, weight, and value → score at each point."""
    out = []
    for part, rules in card.rules.items():
        for rule in rules:
            entry = FACT_KEYS[rule.key]
            points = ", ".join(f"{printed(x, entry.unit)} → {y:g}" for x, y in rule.curve)
            out.append(f"| {part} | {rule.group} | {entry.en} | {rule.weight:g} | {points} |")
    return out


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda c: c.name)
def test_the_page_lists_every_rule_as_it_is(card: Card) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for row in rows(card):
        assert row in page
    weights = ", ".join(f"{part} {weight:.0%}" for part, weight in card.weights.items())
    assert weights in page
