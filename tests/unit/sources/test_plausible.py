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
