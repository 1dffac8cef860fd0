"""Returns by month and year, positions beside targets, income by month, from metrics as they are stored."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from invest.api.pages.desk import figures
from invest.api.pages.wording import Wording


class Reader:
    """A visit in English."""

    words = Wording("en")

    @staticmethod
    def say(text: str, **values: Any) -> str:
        """The text."""
        return Wording("en").say(text, **values)


READER: Any = Reader()


def curve(start: date, values: list[float]) -> dict[str, Any]:
    """Metrics with one value a month."""
    days = [(start + timedelta(days=31 * i)).isoformat() for i in range(len(values))]
    return {"curve_days": days, "curve": values, "curve_cdi": [1 + 0.01 * i for i in range(len(values))]}


def test_months_and_years_grow_from_the_value_before_them() -> None:
    years = figures.years_of(curve(date(2025, 11, 10), [1.10, 1.21, 1.331, 1.1979]))
    assert [y.year for y in years] == [2026, 2025]
    eleven, twelve = years[1].months[10], years[1].months[11]
    assert eleven is not None and twelve is not None
    assert (round(eleven.value, 6), round(twelve.value, 6)) == (0.1, 0.1)
    assert round(years[1].total or 0, 6) == 0.21
    assert round(years[0].total or 0, 6) == round(1.1979 / 1.21 - 1, 6)
    assert years[0].ibov is None and years[0].months[11] is None


def test_without_a_curve_there_is_no_table_and_no_chart() -> None:
    assert figures.years_of({}) == [] and figures.series_of(READER, {"curve_days": []}) is None


def test_the_chart_starts_at_100_and_is_thinned() -> None:
    values = [1 + i / 1000 for i in range(2600)]
    days = [(date(2016, 1, 1) + timedelta(days=i)).isoformat() for i in range(2600)]
    series = figures.series_of(READER, {"curve_days": days, "curve": values, "curve_ibov": [None] * 2600})
    assert series is not None and len(series["days"]) < 300
    assert series["lines"][0]["values"][0] == 1.0 and series["lines"][0]["values"][-1] == round(values[-1], 5)
    assert series["days"][-1] == days[-1] and series["lines"][1]["values"][5] is None
    drawn = figures.lines_chart(series)
    assert drawn.lines[0].values[0] == 100 and drawn.lines[0].emphasis


@pytest.mark.parametrize(
    ("weight", "target", "said"),
    [(0.20, "0.20", "on target"), (0.205, "0.20", "on target"), (0.30, "0.20", "above target"),
     (0.10, "0.20", "below target"), (0.10, None, "no target"), (None, "0.2", "no price")],
)  # fmt: skip
def test_a_position_is_read_beside_its_target(weight: float | None, target: str | None, said: str) -> None:
    metrics = {"positions": [{"ticker": "PETR4", "weight": weight}]}
    row = figures.positions_of(READER, metrics, {} if target is None else {"PETR4": Decimal(target)})[0]
    assert row.reading == said


def test_income_of_twelve_months_ends_with_the_month_of_the_metrics() -> None:
    metrics = {
        "as_of": "2026-02-10",
        "dividends_by_month": [["2025-03-01", "10"], ["2026-02-01", "25.5"], ["2024-12-01", "9"]],
    }
    chart = figures.income_chart(READER, metrics)
    assert chart is not None and [b.label for b in chart.bars][-1] == "feb" and len(chart.bars) == 12
    assert [b.value for b in chart.bars if b.value] == [10.0, 25.5]
    assert figures.income_chart(READER, {"as_of": "2026-02-10"}) is None


def test_small_shares_are_put_together() -> None:
    chart = figures.shares_chart(READER, "By sector", {f"s{i}": 1 / 12 for i in range(12)})
    assert chart is not None and len(chart.bars) == 8 and round(sum(b.value or 0 for b in chart.bars), 6) == 1
    assert figures.shares_chart(READER, "By sector", {}) is None


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("XPTO3: no price is known, it is left out of the value", "collect it"),
        ("XPTO3: its last price is more than ten sessions old", "collect it anew"),
        ("not booked: 100 XPTO3 are sold and none are held", "Correct or delete"),
        (
            "WEGE3 jcp 412.30 of 2026-10-16 is known and not booked; it counts as earned",
            "WEGE3, JCP of 16 Oct 2026: R$ 412.30",
        ),
        ("something that nobody thought of", "something that nobody thought of"),
    ],
)
def test_a_warning_says_its_remedy(told: str, text: str) -> None:
    assert text in figures.warning_text(READER, told)


def test_a_holding_stands_under_its_sector_or_kind_and_the_name_that_its_report_prints() -> None:
    rows = [
        {"ticker": "HGLG11", "kind": "fii", "name": "PÁTRIA LOG FII", "sector": None, "weight": 0.3},
        {"ticker": "PETR4", "kind": "stock", "name": "PETROBRAS", "weight": 0.5,
         "sector": "Petróleo. Gás e Biocombustíveis"},
        {"ticker": "XYZW3", "kind": None, "name": "XYZW", "sector": None, "weight": 0.2},
    ]  # fmt: skip
    shares = figures.sectors_of(READER, {"positions": rows})
    assert shares == {"Real estate funds": 0.3, "Oil, gas and biofuels": 0.5, "unknown": 0.2}
    assert [h.data["name"] for h in figures.positions_of(READER, {"positions": rows}, {})] == [
        "Pátria Log", "Petrobras", "XYZW",
    ]  # fmt: skip
