"""What is not believed, whoever says it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from invest.domain.market.assets import ActionKind, CorporateAction
from invest.domain.market.bars import Bar
from invest.domain.values.observations import RawPayload
from invest.settings import SourceSettings
from invest.sources.bcb.olinda import expectations
from invest.sources.bcb.sgs import points
from invest.sources.errors import Implausible
from invest.sources.model import Reading, Want
from invest.sources.plausible import believe, off_by, payable

NOW = datetime(2026, 3, 31, 23, tzinfo=UTC)
LAST = date(2026, 3, 31)
PAYLOAD = RawPayload(sha256="0" * 64, source="bcb", url="u", fetched_at=NOW, status=200, size=0)


def bar(day: date = LAST, close: str = "30", volume: int | None = 100, **prices: str) -> Bar:
    """A bar with these prices."""
    opening, high, low = (Decimal(prices.get(name, close)) for name in ("open", "high", "low"))
    return Bar("PETR4", day, opening, high, low, Decimal(close), volume, None, None, "x", "p")


def basket() -> Reading:
    """An empty basket."""
    return Reading("x", SourceSettings(), "PETR4")


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (bar(date(2026, 4, 1)), "a session that is not over"),
        (bar(close="0", open="1"), "a close of zero"),
        (bar(low="0"), "a price of zero"),
        (bar(high="29", low="31"), "a high below the low"),
        (bar(volume=0), "a flat bar without volume"),
        (bar(date(2026, 3, 29)), "no session that day"),
    ],
)
def test_odd_bars_are_left_out_and_told(odd: Bar, reason: str) -> None:
    kept = basket()
    assert believe(kept, Want("PETR4", NOW), [bar(date(2026, 3, 30)), odd], LAST, only_sessions=True) == [
        bar(date(2026, 3, 30))
    ]
    assert reason in kept.remarks[0]


def split(factor: str) -> CorporateAction:
    """A change of the share count on 30 March."""
    return CorporateAction(
        ticker="PETR4",
        kind=ActionKind.REVERSE_SPLIT,
        last_date_with=date(2026, 3, 30),
        factor=Decimal(factor),
        source="b3",
        payload="p",
    )


@pytest.mark.parametrize("price", ["300", "3000", "30000", "3", "0.3", "0.03"])
def test_a_price_off_by_a_power_of_ten_is_a_wrong_unit(price: str) -> None:
    known = Want("PETR4", NOW, last_close=Decimal(30), last_day=date(2026, 3, 30))
    assert off_by(Decimal(price), LAST, known) is not None


def test_a_known_reverse_split_explains_ten_times_the_price() -> None:
    known = Want("PETR4", NOW, last_close=Decimal(30), last_day=date(2026, 3, 30), splits=(split("0.1"),))
    assert off_by(Decimal(301), LAST, known) is None
    assert off_by(Decimal(30_100), LAST, known) is not None


def test_a_doubled_price_is_for_the_consensus_to_judge() -> None:
    known = Want("PETR4", NOW, last_close=Decimal(30), last_day=date(2026, 3, 30))
    assert off_by(Decimal(61), LAST, known) is None


def paid(amount: str, day: date) -> CorporateAction:
    """A dividend."""
    return CorporateAction(
        ticker="PETR4", kind=ActionKind.DIVIDEND, last_date_with=day, amount=Decimal(amount), source="b3", payload="p"
    )


def test_no_payment_is_above_the_price() -> None:
    kept, known = basket(), Want("PETR4", NOW, last_close=Decimal(30), last_day=date(2026, 3, 30))
    good, old = paid("1", date(2026, 3, 2)), paid("40", date(2020, 3, 2))
    wrong, ahead = paid("1000", date(2026, 3, 2)), paid("1", date(2030, 1, 2))
    assert payable(kept, known, [good, wrong, old, ahead]) == [good, old]
    assert kept.rejected == 2


@pytest.mark.parametrize(("code", "value"), [(12, "43.7"), (432, "1425"), (433, "43"), (1, "5013"), (1, "0.0054")])
def test_a_rate_in_another_unit_spoils_the_whole_answer(code: int, value: str) -> None:
    kept = basket()
    data = [{"data": "30/03/2026", "valor": "1"}, {"data": "31/03/2026", "valor": value}]
    assert points(kept, code, data, PAYLOAD, LAST) == []
    assert "beyond belief" in kept.remarks[0]


def test_an_expectation_in_another_unit_is_not_believed() -> None:
    row = {"Indicador": "IPCA", "Data": "2026-03-27", "DataReferencia": "2026", "Mediana": 424.84, "baseCalculo": 0}
    with pytest.raises(Implausible):
        list(expectations({"value": [row]}, PAYLOAD, LAST))


def test_a_payment_known_a_thousand_times_smaller_spoils_all_payments_of_the_answer() -> None:
    day = date(2024, 5, 2)
    kept, known = basket(), Want("PETR4", NOW, payments=(paid("0.25", day),))
    assert payable(kept, known, [paid("250", day), paid("3", date(2019, 5, 2))]) == []
    assert "wrong unit" in kept.remarks[0]


def test_a_second_payment_of_one_day_is_no_wrong_unit() -> None:
    day = date(2024, 5, 2)
    told = [paid("0.25", day), paid("2.5", day)]
    assert payable(basket(), Want("PETR4", NOW, payments=tuple(told)), told) == told
    assert payable(basket(), Want("PETR4", NOW, payments=(paid("0.25", day),)), told[:1]) == told[:1]


def session(closes: list[str], *, traded: list[str] | None = None) -> list[Bar]:
    """Bars of consecutive days from 2 March 2026 on; with `traded`, the mean prices that the turnover gives."""
    found = []
    for i, close in enumerate(closes):
        one = bar(date(2026, 3, 2 + i), close, volume=1000)
        found.append(one._replace(turnover=1000 * Decimal(traded[i])) if traded else one)
    return found


def believed(
    bars: list[Bar], *, close: str | None = "29.8", official: bool = False, splits: list[CorporateAction] | None = None
) -> tuple[list[str], Reading]:
    """The closes that are kept of bars after a known close of 27 February."""
    reading = Reading("cotahist" if official else "yahoo", SourceSettings(official=official), "PETR4")
    day = date(2026, 2, 27) if close else None
    want = Want("PETR4", NOW, last_close=Decimal(close) if close else None, last_day=day, splits=tuple(splits or ()))
    return [str(kept.close) for kept in believe(reading, want, bars, LAST)], reading


@pytest.mark.parametrize(
    ("closes", "wrong"),
    [
        (["3000", "30.5", "31", "30.2"], {0}),  # the first, nothing known before
        (["30", "30.5", "31", "3020"], {3}),  # the last, nothing known after
        (["30", "30.5", "31", "0.0302"], {3}),
        (["30", "30.5", "3100", "3020", "30.1"], {2, 3}),  # two in a row
        (["30", "30.5", "3100", "302", "30.1"], {2, 3}),  # by different powers
        (["30", "30.5", "3.1", "3.02", "3.05", "30.1"], {2, 3, 4}),
        (["30", "305", "31", "302", "30.1", "3.0", "30"], {1, 3, 5}),  # every other one
        (["30", "12", "11.5"], set()),  # a fall
        (["30", "5", "28"], set()),  # no unit
    ],
)
@pytest.mark.parametrize("close", [None, "29.8"])
def test_bars_in_another_unit_than_those_around_them_are_left_out(
    closes: list[str], wrong: set[int], close: str | None
) -> None:
    kept, reading = believed(session(closes), close=close)
    assert kept == [one for i, one in enumerate(closes) if i not in wrong]
    assert len([note for note in reading.remarks if "wrong unit" in note]) == len(wrong)


@pytest.mark.parametrize(
    ("closes", "wrong"),
    [
        (["30", "30.5", "31", "32", "3020", "3030"], {4, 5}),  # at the end, and nothing after
        (["0.3", "0.301", "30", "31", "30.5"], {0, 1}),  # at the beginning
        (["30", "30500", "42", "41"], {1}),  # in a day that moved the price by itself
        (["30", "30.5", "3020", "3030"], set()),  # as many on each side
        (["30", "30.5", "3.1", "30.2", "30.1", "3.0"], {2, 5}),
    ],
)
def test_runs_at_the_ends_and_bars_in_large_moves_are_left_out(closes: list[str], wrong: set[int]) -> None:
    assert believed(session(closes), close=None)[0] == [one for i, one in enumerate(closes) if i not in wrong]


def test_the_exchange_s_last_bars_are_a_level_and_not_a_run() -> None:
    closes = ["0.30", "0.31", "0.32", "3.1", "3.2"]
    assert believed(session(closes, traded=closes), close="0.3", official=True)[0] == closes


def test_a_bar_in_the_unit_of_the_other_side_of_an_event_is_left_out() -> None:
    known = [split("0.1").model_copy(update={"last_date_with": date(2026, 3, 3)})]
    late, early = ["3", "3.1", "3.15", "31", "30.5"], ["3", "31", "31", "30.5"]
    assert believed(session(late), close="2.9", splits=known)[0] == ["3", "3.1", "31", "30.5"]
    assert believed(session(early), close="2.9", splits=known)[0] == ["3", "31", "30.5"]
    kept, reading = believed(session(late, traded=late), close="2.9", splits=known, official=True)
    assert kept == late  # the exchange's own turnover says that the event's day is wrong
    assert "unexplained jump" in reading.remarks[0]


def test_a_bar_that_its_turnover_denies_beside_an_unknown_event_is_left_out() -> None:
    closes, traded = ["3", "3.1", "310", "31", "30.8"], ["3", "3.1", "31", "31", "30.8"]
    kept, reading = believed(session(closes, traded=traded), close="2.9", official=True)
    assert kept == ["3", "3.1", "31", "30.8"]
    assert any("unexplained jump: 31 on" in note for note in reading.remarks)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"high": "3060"}, (30, None, 30)),
        ({"low": "0.3"}, (30, 30, None)),
        ({"open": "305", "high": "305"}, (None, None, 30)),
        ({"high": "28", "low": "27", "open": "27.5"}, (27.5, None, 27)),  # a close above the high
        ({"high": "33", "low": "27"}, (30, 33, 27)),
    ],
)
def test_an_extreme_that_cannot_be_is_unknown_and_the_bar_stays(
    given: dict[str, str], left: tuple[float | None, ...]
) -> None:
    odd = session(["30", "30", "30"])
    odd[1] = odd[1]._replace(**{name: Decimal(price) for name, price in given.items()})  # type: ignore[arg-type]
    reading = Reading("yahoo", SourceSettings(), "PETR4")
    kept = believe(reading, Want("PETR4", NOW), odd, LAST)
    found = (kept[1].open, kept[1].high, kept[1].low)
    assert [None if price is None else float(price) for price in found] == list(left)
    assert bool(reading.remarks) is (None in left)


def test_of_two_bars_nothing_says_which_one_is_wrong() -> None:
    assert believed(session(["30", "3000"]), close=None)[0] == ["30", "3000"]


def test_an_event_on_the_day_of_a_wrong_bar_does_not_hide_it() -> None:
    closes, halved = ["30", "30.5", "3100", "15.2", "15.1"], split("2").model_copy(update={"kind": ActionKind.SPLIT})
    known = [halved.model_copy(update={"last_date_with": date(2026, 3, 4)})]
    assert believed(session(closes), splits=known)[0] == ["30", "30.5", "15.2", "15.1"]


def test_a_later_event_does_not_explain_an_earlier_wrong_bar() -> None:
    known = [split("0.1").model_copy(update={"last_date_with": date(2026, 3, 20)})]
    assert believed(session(["3", "30", "3.1", "3.05"]), close=None, splits=known)[0] == ["3", "3.1", "3.05"]


def test_an_event_explains_the_level_on_both_of_its_sides() -> None:
    known = [split("0.1").model_copy(update={"last_date_with": date(2026, 3, 3)})]
    assert believed(session(["3", "3.1", "31", "30"]), close="2.9", splits=known)[0] == ["3", "3.1", "31", "30"]
    before = Want("PETR4", NOW, last_close=Decimal("31"), last_day=date(2026, 3, 4), splits=tuple(known))
    assert off_by(Decimal("3.1"), date(2026, 3, 3), before) is None
    assert off_by(Decimal("310"), date(2026, 3, 3), before) is not None


def test_the_exchange_s_bar_is_judged_by_its_own_turnover() -> None:
    cents = ["0.01", "0.10", "0.01", "0.02"]
    kept, reading = believed(session(cents, traded=cents), close="0.01", official=True)
    assert kept == cents  # a paper of some centavos does that
    assert "unexplained jump" in reading.remarks[0]
    assert believed(session(["30", "3100", "32"], traded=["30", "31", "32"]), official=True)[0] == ["30", "32"]


def test_one_turnover_that_disagrees_does_not_speak_against_the_file() -> None:
    closes = ["1.7", "1.75", "1.8", "1.74"]
    kept, reading = believed(session(closes, traded=["1.7", "1.75", "0.018", "1.74"]), close="0.17", official=True)
    assert kept == closes
    assert "unexplained jump" in reading.remarks[0]
    assert believed(session(closes, traded=["0.17"] * 4), close="0.17", official=True)[0] == []


def test_each_of_two_unknown_events_is_remarked() -> None:
    closes = ["1.7", "17", "17.2"]
    kept, reading = believed(session(closes, traded=closes), close="0.17", official=True)
    assert (kept, len(reading.remarks)) == (closes, 2)
