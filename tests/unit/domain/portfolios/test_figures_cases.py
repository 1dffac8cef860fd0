"""Figures of portfolios whose inputs are awkward: income after a sale, events credited late, events nobody booked."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from invest.domain.market import ActionKind, Bars, CorporateAction, Days, Floats, sessions_between
from invest.domain.portfolios.metrics import PortfolioInput, PortfolioMetrics, measure
from invest.domain.portfolios.performance import xirr
from invest.domain.portfolios.portfolio import Operation, Portfolio, Transaction

D = Decimal
NOW = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
DAYS = sessions_between(date(2025, 1, 2), date(2026, 3, 31))
CASES = Path(__file__).resolve().parents[5] / "shared" / "cases" / "portfolio"
Row = tuple[str, str, str, float | str, float | str]


def carried(ticker: str, steps: list[Any], days: Days = DAYS) -> Bars:
    """A close that stays until the next step."""
    starts = np.array([day for day, _ in steps], dtype="datetime64[D]")
    levels = np.array([float(close) for _, close in steps])
    closes: Floats = levels[np.maximum(np.searchsorted(starts, days, side="right") - 1, 0)]
    ones = np.ones(len(days))
    return Bars(ticker, days, closes, closes, closes, closes, ones, ones, ones)


def tx(day: str, ticker: str, operation: str, quantity: float | str, price: float | str, **more: Any) -> Transaction:
    return Transaction(
        date=date.fromisoformat(day),
        ticker=ticker,
        operation=Operation(operation),
        quantity=D(str(quantity)),
        price=D(str(price)),
        **more,
    )


def event(ticker: str, kind: str, day: str, figure: float | str, paid: str | None = None) -> CorporateAction:
    made = ActionKind(kind)
    return CorporateAction(
        ticker=ticker,
        kind=made,
        last_date_with=date.fromisoformat(day),
        payment_date=date.fromisoformat(paid) if paid else None,
        amount=D(str(figure)) if made.in_cash else None,
        factor=None if made.in_cash else D(str(figure)),
        source="b3",
        payload="x",
    )


def measured(
    rows: list[Any],
    closes: dict[str, list[Any]],
    events: list[CorporateAction] | None = None,
    index: list[Any] | None = None,
    **more: Any,
) -> PortfolioMetrics:
    made = [r if isinstance(r, Transaction) else tx(*r) for r in rows]
    actions: dict[str, list[CorporateAction]] = {}
    for one in events or []:
        actions.setdefault(one.ticker, []).append(one)
    return measure(
        PortfolioInput(
            Portfolio(id="p", name="P", created_at=NOW, transactions=tuple(made)),
            NOW,
            bars={t: carried(t, steps) for t, steps in closes.items()},
            actions=actions,
            index=carried("^BVSP", index) if index else None,
            **more,
        )
    )


def case(name: str) -> Any:
    found = sorted(CASES.glob(f"{name}-*.json")) if CASES.is_dir() else []
    if not found:
        pytest.skip(f"the cases of portfolios are not beside the repository ({CASES})")
    return json.loads(found[0].read_text())


@pytest.mark.parametrize("name", ["M01", "M02", "M03", "M04", "M05", "M07", "M08", "M10", "M11", "M13", "M14"])
def test_a_recorded_case_has_its_right_figures(name: str) -> None:
    given = case(name)
    events = [event(t, kind, day, figure) for t, of in given["actions"].items() for kind, day, figure in of]
    result = measured(given["transactions"], given["closes"], events, given["index"])
    for key, right in given["right"].items():
        if key == "volatility_below":
            assert result.volatility is not None
            assert result.volatility < right
        elif key.startswith("contribution_"):
            assert result.contributions[key.removeprefix("contribution_")] == pytest.approx(right, abs=1e-9)
        elif key == "quantity":
            assert result.positions[0].quantity == right
        elif key == "warning_names":
            assert any(right in warning for warning in result.warnings)
        elif key == "excess_ibov":
            assert result.excess_ibov == pytest.approx(0, abs=1e-9)
        elif key == "total_return":
            assert result.total_return == pytest.approx(0.5)
        elif right is None:
            assert getattr(result, key) is None
        else:
            assert float(getattr(result, key)) == pytest.approx(right, abs=1e-7), key


def test_flows_without_a_common_rate_are_searched_by_bisection() -> None:
    given = case("M15")
    days, amounts = zip(*given["flows"], strict=True)
    rate = xirr([date.fromisoformat(d) for d in days], amounts)
    assert rate == pytest.approx(-0.995, abs=0.003)
    assert rate is not None
    worth = sum(a / (1 + rate) ** ((date.fromisoformat(d) - date(2020, 1, 2)).days / 365) for d, a in given["flows"])
    assert abs(worth) < 1e-6 * 84e6 / (1 + rate) ** 6.25
