"""What limits figures over time is told in the analysis, and no figure spans it unmarked."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np

from invest.domain.analysis import AnalysisInput, analyse
from invest.domain.market import ActionKind, Asset, AssetKind, Bars, CorporateAction, sessions_between

NOW = datetime(2026, 3, 31, 21, tzinfo=UTC)
DAYS = sessions_between(date(2024, 1, 2), date(2026, 3, 31))
SPLIT_AT = 300  # sessions before the jump


def bars(closes: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Bars:
    """Bars of these closes with some volume."""
    ones = np.ones(len(closes))
    return Bars("ABCD3", DAYS, closes, closes * 1.01, closes * 0.99, closes, ones * 1000, ones * 1000, ones)


def closes(after: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A price of 29.05 that is `after` from one session on, with a little life in it."""
    rng = np.random.default_rng(7)
    level = np.where(np.arange(len(DAYS)) < SPLIT_AT, 29.05, after)
    return level * (1 + rng.normal(0, 0.002, len(DAYS)))


def event(kind: ActionKind, **more: object) -> CorporateAction:
    last = DAYS[SPLIT_AT - 1].astype(object)
    values = {"ticker": "ABCD3", "kind": kind, "last_date_with": last, "source": "b3", "payload": "p", **more}
    return CorporateAction.model_validate(values)


def given(after: float, *actions: CorporateAction) -> AnalysisInput:
    return AnalysisInput(
        asset=Asset(ticker="ABCD3", kind=AssetKind.STOCK), bars=bars(closes(after)), now=NOW, actions=actions
    )


def drawdown(read: AnalysisInput) -> float | None:
    value: float | None = analyse(read).technical_analysis.volatility.get("max_drawdown_5y")
    return value


def test_a_spin_off_of_unknown_size_is_told_and_is_no_loss() -> None:
    read = given(23.83, event(ActionKind.SPIN_OFF, label="CIS RED CAP"))
    assert len(read.prices) == len(DAYS) - SPLIT_AT
    analysis = analyse(read)
    assert len(analysis.remarks) == 1
    assert "spin off of" in analysis.remarks[0]
    assert "no figure reaches back beyond it" in analysis.remarks[0]
    worst = drawdown(read)
    assert worst is None or worst > -0.05


def test_with_its_terms_all_prices_compare() -> None:
    read = given(23.83, event(ActionKind.SPIN_OFF, price_factor=Decimal("0.8203")))
    factor = np.where(np.arange(len(DAYS)) < SPLIT_AT, 0.8203, 1.0)
    adjusted = dataclasses.replace(bars(closes(23.83)), factor=factor)
    known = AnalysisInput(asset=read.asset, bars=adjusted, now=NOW, actions=read.actions)
    assert len(known.prices) == len(DAYS)
    assert analyse(known).remarks == []


def test_a_jump_nothing_explains_is_told() -> None:
    analysis = analyse(given(290.5))
    assert len(analysis.remarks) == 1
    assert "without a known event" in analysis.remarks[0]


def test_a_crash_stays_in_the_figures_and_is_told() -> None:
    read = given(12.0)
    assert len(read.prices) == len(DAYS)
    assert "figures across it are not corrected" in analyse(read).remarks[0]


def test_a_recent_subscription_is_told() -> None:
    read = given(29.05, event(ActionKind.SUBSCRIPTION, label="SUBSCRICAO", ratio=Decimal("0.1")))
    recent = [DAYS[-20].astype(object)]
    action = read.actions[0].model_copy(update={"last_date_with": recent[0]})
    (text,) = analyse(given(29.05, action)).remarks
    assert text.startswith("SUBSCRICAO with rights until")
