"""Fixed income is worth what its index and rate make of it, and counts as any other asset."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pydantic import ValidationError

from invest.domain.fixed_income import Bond, BondKind, Curves, Index, Priced, Redeemed, as_assets, value_of
from invest.domain.market import MacroPoint, RateCurve, sessions_between
from invest.domain.portfolios.metrics import PortfolioInput, measure
from invest.domain.portfolios.portfolio import Portfolio

D = Decimal
BOUGHT, END = date(2025, 1, 2), date(2026, 1, 2)
SESSIONS = sessions_between(BOUGHT, END)
N = len(SESSIONS) - 1
CDI = RateCurve.of(
    MacroPoint(series="sgs:12", day=d, value=D("0.05"), source="bcb", payload="x") for d in SESSIONS.astype(object)
)
IPCA = [
    MacroPoint(series="sgs:433", day=date(2025, m, 1), value=D("0.5"), source="bcb", payload="x") for m in range(1, 13)
]
CURVES = Curves(CDI, None, IPCA)


def bond(index: Index, **more: object) -> Bond:
    given = {"name": "CDB", "kind": BondKind.CDB, "bought_on": BOUGHT, "amount": D("1000.00"), "index": index}
    return Bond.model_validate(given | more)


@pytest.mark.parametrize(
    ("made", "right"),
    [
        (bond(Index.CDI), 1000 * 1.0005**N),
        (bond(Index.CDI, percent=D("1.10")), 1000 * 1.00055**N),
        (bond(Index.CDI, rate=D("0.02")), 1000 * 1.0005**N * 1.02 ** (N / 252)),
        (bond(Index.SELIC), 1000 * 1.0005**N),
        (bond(Index.FIXED, rate=D("0.12")), 1000 * 1.12 ** (N / 252)),
        (bond(Index.PRICE, prices=(Priced(day=date(2025, 6, 2), value=D("1.07")),)), 1070.0),
    ],
)
def test_a_bond_is_worth_what_its_index_makes_of_it(made: Bond, right: float) -> None:
    value = value_of(made, CURVES, END)
    assert value is not None
    assert float(value) == pytest.approx(right, abs=0.011)


def test_inflation_counts_a_month_by_its_days() -> None:
    value = value_of(bond(Index.IPCA, rate=D("0.06")), CURVES, END)
    assert value is not None
    assert float(value) == pytest.approx(1000 * 1.005**12 * 1.06 ** (N / 252), rel=1e-4)
    assert value_of(bond(Index.IPCA), Curves(CDI), END) is None
    assert value_of(bond(Index.CDI), Curves(), END) is None


def test_redemption_and_maturity_end_it() -> None:
    out = bond(Index.FIXED, rate=D("0.12"), redeemed=(Redeemed(day=date(2025, 7, 1), amount=D("400.00")),))
    whole, left = value_of(bond(Index.FIXED, rate=D("0.12")), CURVES, END), value_of(out, CURVES, END)
    assert whole is not None and left is not None
    assert 550 < left < whole - 400
    ended = bond(Index.FIXED, rate=D("0.12"), matures_on=date(2025, 7, 1))
    assert value_of(ended, CURVES, END) == 0


@pytest.mark.parametrize(
    "wrong",
    [{"matures_on": BOUGHT}, {"index": Index.FIXED}, {"index": Index.PRICE},
     {"redeemed": [{"day": date(2024, 1, 2), "amount": "1"}]}, {"amount": "0"}],
)  # fmt: skip
def test_what_cannot_be_agreed_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        bond(Index.CDI, **wrong) if "index" not in wrong else Bond.model_validate(
            {"name": "x", "kind": "cdb", "bought_on": BOUGHT, "amount": "1"} | wrong
        )


def test_it_counts_in_value_returns_and_allocation() -> None:
    now = datetime(2026, 1, 2, 22, 0, tzinfo=UTC)
    facts, closes, named = as_assets({"a": bond(Index.CDI)}, CURVES, END)
    made = Portfolio.model_construct(id="p", name="P", created_at=now, transactions=tuple(facts), targets={})
    result = measure(PortfolioInput(made, now, bars=closes, cdi=CDI))
    assert result.twr == pytest.approx(1.0005**N - 1)
    assert result.excess_cdi == pytest.approx(0, abs=1e-9)
    assert float(result.total_value or 0) == pytest.approx(1000 * 1.0005**N, abs=0.01)
    assert list(named) == ["RF:CDB (a)"]
