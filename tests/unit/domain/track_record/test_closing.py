"""Closing calls: the first close after publication, total return, and nothing dropped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from invest.domain.market.adjustment import adjustment_factors
from invest.domain.market.assets import ActionKind, CorporateAction
from invest.domain.market.bars import Bars
from invest.domain.market.calendar import sessions_between
from invest.domain.market.prices import Prices, usable
from invest.domain.opinions.opinion import Opinion, OpinionStatus
from invest.domain.track_record.closing import Call, calls_of, resolve, resolve_all

FIRST, LAST = date(2024, 1, 2), date(2025, 3, 28)
LATER = datetime(2025, 6, 1, tzinfo=UTC)


def series(closes: Mapping[date, float], *actions: CorporateAction) -> Prices:
    days = np.array(sorted(closes), dtype="datetime64[D]")
    close = np.array([closes[d] for d in sorted(closes)], dtype=np.float64)
    ones = np.ones(len(days))
    factor = adjustment_factors(days, close, actions)
    return usable(Bars("X", days, close, close, close, close, ones, ones, factor))


def flat(first: date = FIRST, last: date = LAST, *, price: float = 100.0, daily: float = 0.0) -> dict[date, float]:
    days = [d.astype(object) for d in sessions_between(first, last)]
    return {day: price * (1 + daily) ** i for i, day in enumerate(days)}


def call(published: datetime, p: float = 0.6) -> Call:
    return Call("id", "ai", "m", "X", p, "buy", published)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """`hour` in São Paulo."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) + timedelta(hours=3)


TUESDAY = date(2024, 4, 2)  # the session ends at 17:00 while New York keeps daylight saving


@pytest.mark.parametrize(
    ("published", "entry"),
    [
        (at(TUESDAY, 9), TUESDAY),
        (at(TUESDAY, 16, 59), TUESDAY),
        (at(TUESDAY, 17), TUESDAY + timedelta(days=1)),
        (at(TUESDAY, 22), TUESDAY + timedelta(days=1)),
        (at(date(2024, 3, 29), 9), date(2024, 4, 1)),  # Good Friday
        (at(date(2024, 4, 6), 12), date(2024, 4, 8)),  # a Saturday
    ],
)
def test_entry_is_the_first_close_strictly_after_publication(published: datetime, entry: date) -> None:
    closed = resolve(call(published), 30, series(flat()), series(flat()), closed_at=LATER)
    assert closed is not None
    assert closed.entry_day == entry
    assert closed.exit_day <= entry + timedelta(days=30)


def test_a_call_stays_open_until_its_horizon_is_over() -> None:
    asset, index = series(flat()), series(flat())
    published = at(TUESDAY, 9)
    end = TUESDAY + timedelta(days=90)
    assert resolve(call(published), 90, asset, index, closed_at=at(end - timedelta(days=1), 23)) is None
    assert resolve(call(published), 90, asset, index, closed_at=at(end, 23)) is not None
    assert resolve(call(at(LAST, 20)), 30, asset, index, closed_at=LATER) is None


def test_days_after_the_moment_of_closing_are_not_looked_at() -> None:
    """Prices dated in the future must change nothing."""
    asset, index = series(flat(daily=0.001)), series(flat())
    end = at(TUESDAY + timedelta(days=31), 23)
    whole = resolve(call(at(TUESDAY, 9)), 30, asset, index, closed_at=end)
    cut = {day: price for day, price in flat(daily=0.001).items() if day <= TUESDAY + timedelta(days=31)}
    assert whole is not None
    assert whole == resolve(call(at(TUESDAY, 9)), 30, series(cut), index, closed_at=end)


def test_the_return_is_measured_against_the_index_over_the_same_days() -> None:
    closed = resolve(call(at(TUESDAY, 9)), 180, series(flat(daily=0.001)), series(flat(daily=0.0005)), closed_at=LATER)
    assert closed is not None
    sessions = len(sessions_between(closed.entry_day, closed.exit_day)) - 1
    assert closed.total_return == pytest.approx(1.001**sessions - 1)
    assert closed.excess == pytest.approx((1.001 / 1.0005) ** sessions - 1)
    assert closed.beat
    assert closed.entry_price == pytest.approx(Decimal(str(flat(daily=0.001)[TUESDAY])))


def test_a_dividend_can_turn_a_miss_into_a_hit() -> None:
    prices = flat()
    paid = date(2024, 5, 10)
    after = {day: (price if day <= paid else price * 0.96) for day, price in prices.items()}
    dividend = CorporateAction(
        ticker="X", kind=ActionKind.JCP, last_date_with=paid, amount=Decimal("6"), source="b3", payload="x"
    )
    index = series(flat(daily=0.00001))
    without = resolve(call(at(TUESDAY, 9)), 90, series(after), index, closed_at=LATER)
    with_it = resolve(call(at(TUESDAY, 9)), 90, series(after, dividend), index, closed_at=LATER)
    assert without is not None
    assert with_it is not None
    assert (without.beat, with_it.beat) == (False, True)
    assert with_it.total_return == pytest.approx(0.96 / 0.94 - 1)


def test_a_delisted_asset_is_closed_at_its_last_price() -> None:
    last = date(2024, 5, 17)
    gone = {day: price for day, price in flat(daily=-0.01).items() if day <= last}
    closed = resolve(call(at(TUESDAY, 9)), 180, series(gone), series(flat()), closed_at=LATER)
    assert closed is not None
    assert closed.exit_day == last
    assert not closed.beat
    assert closed.reason == "last traded on 2024-05-17: delisted, merged or halted"


def test_an_asset_that_never_traded_again_earned_nothing() -> None:
    gone = {day: price for day, price in flat().items() if day < TUESDAY}
    closed = resolve(call(at(TUESDAY, 9)), 90, series(gone), series(flat(daily=0.001)), closed_at=LATER)
    assert closed is not None
    assert (closed.total_return, closed.beat, closed.entry_price) == (0.0, False, None)
    assert closed.benchmark_return > 0
    assert closed.reason == "never traded within the horizon"


def test_a_halted_asset_enters_at_its_first_trade() -> None:
    back = date(2024, 4, 22)
    halted = {day: price for day, price in flat().items() if day < TUESDAY or day >= back}
    closed = resolve(call(at(TUESDAY, 9)), 90, series(halted), series(flat()), closed_at=LATER)
    assert closed is not None
    assert closed.entry_day == back


def test_a_gap_of_a_few_days_at_the_end_is_no_delisting() -> None:
    end = TUESDAY + timedelta(days=90)
    thin = {day: price for day, price in flat().items() if not end - timedelta(days=5) <= day <= end}
    closed = resolve(call(at(TUESDAY, 9)), 90, series(thin), series(flat()), closed_at=LATER)
    assert closed is not None
    assert closed.reason is None


def test_abstentions_and_missing_horizons_make_no_call() -> None:
    base = {"opinion_id": "1", "ticker": "X", "provider": "ai", "model": "m", "prompt_hash": "p", "data_hash": "d"}
    asked = {"asked_at": LATER, "seconds": 1.0}
    ok = Opinion.model_validate(base | asked | {"status": OpinionStatus.OK, "p_beat_180d": 0.6, "p_beat_30d": 0.55})
    assert [c.probability for c in calls_of(ok, 30)] == [0.55]
    assert calls_of(ok, 90) == []
    late = Opinion.model_validate(base | asked | {"status": OpinionStatus.TIMEOUT})
    assert calls_of(late, 180) == []


def test_open_calls_are_left_out_of_a_batch() -> None:
    calls = [call(at(TUESDAY, 9)), call(at(LAST, 9))]
    assert len(resolve_all(calls, 30, series(flat()), series(flat()), closed_at=LATER)) == 1
