"""Events of a company: several sources' words about one day, events of unknown effect, prices nothing explains."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from invest.domain.market.adjustment import (
    adjustment_factors,
    comparable_factors,
    distinct_actions,
    shares_by_day,
    unexplained_moves,
)
from invest.domain.market.assets import ActionKind, CorporateAction
from invest.domain.market.bars import Bars
from invest.domain.market.prices import usable

DAY = date(2025, 12, 15)
PREFERENCE = {"owner": 0, "b3": 1, "brapi": 20, "yahoo": 30}


def event(
    kind: ActionKind = ActionKind.DIVIDEND,
    *,
    amount: str | None = None,
    factor: str | None = None,
    day: date = DAY,
    source: str = "b3",
    price_factor: str | None = None,
) -> CorporateAction:
    """One event as one source reports it."""
    return CorporateAction(
        ticker="ABCD3",
        kind=kind,
        last_date_with=day,
        amount=None if amount is None else Decimal(amount),
        factor=None if factor is None else Decimal(factor),
        price_factor=None if price_factor is None else Decimal(price_factor),
        source=source,
        payload="p",
    )


def kept(*events: CorporateAction) -> list[CorporateAction]:
    """The distinct ones, whatever their order."""
    found = distinct_actions(events, lambda a: PREFERENCE[a.source])
    backwards = distinct_actions(events[::-1], lambda a: PREFERENCE[a.source])
    assert sorted(map(str, backwards)) == sorted(map(str, found))
    return found


def days(*texts: str) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return np.array(texts, dtype="datetime64[D]")


JCP, DIVIDEND = event(ActionKind.JCP, amount="0.60"), event(amount="0.40")


@pytest.mark.parametrize(
    "word",
    [
        [event(ActionKind.JCP, amount="0.51", source="brapi"), event(amount="0.40", source="brapi")],  # net of tax
        [event(amount="0.91", source="yahoo")],  # the sum, net
        [event(amount="1.00", source="yahoo")],  # the sum, gross
        [event(amount="7.77", source="yahoo")],  # another amount altogether
        [event(amount="0.40", source="yahoo")],  # a part
        [event(amount="1.00", source="yahoo", day=DAY + timedelta(days=1))],
        [event(amount="0.91", source="yahoo", day=DAY + timedelta(days=1))],
        [event(amount="0.895", source="yahoo", day=DAY - timedelta(days=1))],  # net of the 17.5 % of 2026
        [event(amount="0.60", source="brapi", day=DAY + timedelta(days=4))],
        [event(amount="0.60", source="yahoo", day=DAY + timedelta(days=d)) for d in (1,)]
        + [event(amount="0.40", source="yahoo", day=DAY + timedelta(days=2))],
        [event(amount="0.50", source="brapi"), event(amount="0.50", source="brapi", day=DAY + timedelta(days=1))],
    ],
)
def test_what_a_lesser_source_says_of_the_same_day_counts_nothing(word: list[CorporateAction]) -> None:
    assert kept(*word, DIVIDEND, JCP) == [DIVIDEND, JCP]


def test_a_netted_second_source_leaves_the_factor_of_the_gross_amounts() -> None:
    word = [event(ActionKind.JCP, amount="0.51", source="brapi"), event(amount="0.40", source="brapi")]
    factor = adjustment_factors(days("2025-12-15", "2025-12-16"), np.array([15.4, 14.4]), kept(*word, DIVIDEND, JCP))
    assert factor[0] == pytest.approx(1 - 1 / 15.4)


def test_of_sources_that_are_not_official_the_one_before_tax_counts() -> None:
    net = [event(ActionKind.JCP, amount="0.51", source="brapi"), event(amount="0.40", source="brapi")]
    gross = [event(ActionKind.JCP, amount="0.60", source="yahoo"), event(amount="0.40", source="yahoo")]
    assert distinct_actions([*net, *gross], lambda a: PREFERENCE[a.source]) == gross[::-1]
    alone = distinct_actions([net[0], gross[0]], lambda a: PREFERENCE[a.source])
    assert alone == [gross[0]]
    official = event(ActionKind.JCP, amount="0.51")
    assert distinct_actions([official, gross[0]], lambda a: PREFERENCE[a.source], {"b3"}) == [official]
    assert kept(event(ActionKind.JCP, amount="0.50", source="brapi"), gross[0])[0].amount == Decimal("0.50")


def test_an_amount_per_new_share_is_that_of_the_old_ones() -> None:
    split = event(ActionKind.SPLIT, factor="2")
    told = event(amount="0.20", source="yahoo", day=DAY + timedelta(days=1))
    assert kept(told, DIVIDEND, split) == [DIVIDEND, split]


def test_a_split_and_a_reverse_split_of_one_day_leave_the_price_alone() -> None:
    both = [event(ActionKind.REVERSE_SPLIT, factor="0.01"), event(ActionKind.SPLIT, factor="100")]
    told = event(ActionKind.REVERSE_SPLIT, factor="0.01", source="brapi", day=DAY + timedelta(days=1))
    found = kept(*both, told)
    assert {e.kind for e in found} == {ActionKind.REVERSE_SPLIT, ActionKind.SPLIT}
    assert shares_by_day(found) == {DAY: Decimal(1)}
    np.testing.assert_allclose(adjustment_factors(days("2025-12-15", "2025-12-16"), np.array([9.0, 9.1]), found), 1)


def test_another_payment_a_few_days_later_is_one_of_its_own() -> None:
    later = event(amount="0.25", source="yahoo", day=DAY + timedelta(days=3))
    assert kept(DIVIDEND, later) == [DIVIDEND, later]
    alone = event(amount="0.40", source="yahoo", day=DAY + timedelta(days=6))
    assert kept(DIVIDEND, alone) == [DIVIDEND, alone]


def test_four_equal_payments_of_one_source_are_four() -> None:
    instalments = [event(amount="0.22798586") for _ in range(4)]
    assert kept(*instalments, event(amount="0.22798586", source="brapi")) == instalments


def test_an_event_of_unknown_effect_gives_no_price_before_it() -> None:
    spin_off = event(ActionKind.SPIN_OFF, day=date(2021, 10, 1))
    series, closes = days("2021-09-30", "2021-10-01", "2021-10-04"), np.array([29.5, 29.05, 23.83])
    factors = adjustment_factors(series, closes, [spin_off])
    assert np.isnan(factors[:2]).all()
    assert factors[2] == 1
    (move,) = unexplained_moves(series, closes, [spin_off])
    assert (move.before, move.kind, move.breaks) == (date(2021, 10, 1), ActionKind.SPIN_OFF, True)
    assert "spin off of 2021-10-01" in move.words
    ones = np.ones(3)
    prices = usable(Bars("ABCD4", series, closes, closes, closes, closes, ones, ones, factors))
    assert prices.days.astype(str).tolist() == ["2021-10-04"]  # no loss of 18 % is computed


def test_its_terms_once_known_adjust_the_prices_before_it() -> None:
    spin_off = event(ActionKind.SPIN_OFF, day=date(2021, 10, 1), price_factor="0.82")
    series, closes = days("2021-10-01", "2021-10-04"), np.array([29.05, 23.83])
    np.testing.assert_allclose(adjustment_factors(series, closes, [spin_off]), [0.82, 1])
    assert unexplained_moves(series, closes, [spin_off]) == []


def test_a_tenfold_price_without_an_event_breaks_the_series_until_it_is_known() -> None:
    series, closes = days("2023-01-25", "2023-01-26", "2023-01-27"), np.array([0.17, 1.70, 1.75])
    assert np.isnan(comparable_factors(series, closes, [])).tolist() == [True, False, False]
    (move,) = unexplained_moves(series, closes, [])
    assert (move.day, move.breaks, round(move.ratio, 6)) == (date(2023, 1, 26), True, 10)
    known = event(ActionKind.REVERSE_SPLIT, factor="0.1", day=date(2023, 1, 25))
    np.testing.assert_allclose(comparable_factors(series, closes, [known]), [10, 1, 1])
    answered = event(ActionKind.PRICE_MOVE, day=date(2023, 1, 25), source="owner")
    np.testing.assert_array_equal(comparable_factors(series, closes, [answered]), 1)
    assert unexplained_moves(series, closes, [answered]) == []


@pytest.mark.parametrize(
    ("before", "after", "breaks"), [(12.0, 2.72, False), (10.0, 5.02, True), (3.0, 14.9, True), (0.02, 0.04, False)]
)
def test_a_crash_is_a_question_a_likely_split_is_a_break_and_ticks_are_neither(
    before: float, after: float, breaks: bool
) -> None:
    (move,) = unexplained_moves(days("2023-01-11", "2023-01-12"), np.array([before, after]), [])
    assert move.breaks is breaks


def test_moves_of_a_market_and_gaps_are_no_question() -> None:
    series = days("2023-01-11", "2023-01-12", "2023-01-13")
    assert unexplained_moves(series, np.array([10.0, 13.4, 10.0]), []) == []
    assert unexplained_moves(series, np.array([0.02, 0.03, 0.02]), []) == []  # one centavo is the least there is
    with_gap = np.array([10.0, np.nan, 10.2])
    assert unexplained_moves(series, with_gap, []) == []
    assert np.isnan(comparable_factors(series, with_gap, [])).sum() == 0
