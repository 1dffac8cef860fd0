"""B3's index grids: closes by day and month, days that are none, a year that is not there, another unit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.market import Asset, AssetKind, Index, asked_index, own_index, parse_ticker
from invest.domain.values import RawPayload
from invest.settings import Settings
from invest.sources.b3.format import argument
from invest.sources.b3.indices import B3IndicesSource, points_of
from invest.sources.client.call import Response
from invest.sources.errors import Malformed, NotAvailable
from invest.sources.model import Reading, Want
from invest.sources.plausible import believe
from tests.builders.hostile import FakeClient


def grid(cells: dict[tuple[int, int], Any]) -> Response:
    """A year's answer with these cells, by day and month, in the layout of B3's call."""
    rows = [{"day": d, **{f"rateValue{m}": cells.get((d, m)) for m in range(1, 13)}} for d in range(1, 32)]
    edge = {"day": 0, **{f"rateValue{m}": None for m in range(1, 13)}}
    return answer({"min": edge, "max": edge, "results": rows})


def answer(data: object) -> Response:
    """A response of this JSON."""
    body = orjson.dumps(data)
    payload = RawPayload(
        sha256="0" * 64, source="b3_indices", url="u", fetched_at=datetime.now(UTC), status=200, size=len(body),
        body=body,
    )  # fmt: skip
    return Response(payload)


def reading() -> Reading:
    """What is read of the IFIX."""
    return Reading("b3_indices", Settings().source("b3_indices"), "^IFIX")


def read(cells: dict[tuple[int, int], Any], into: Reading | None = None) -> dict[date, Decimal]:
    """Closes of 2025 by day."""
    return {bar.day: bar.close for bar in points_of(into or reading(), grid(cells), "^IFIX", 2025)}


def test_a_cell_is_the_close_of_its_day_and_month() -> None:
    cells = {(2, 1): "120.125,39", (30, 12): "161.125,37", (3, 2): None, (10, 4): "", (11, 4): "999,99"}
    assert read(cells) == {
        date(2025, 1, 2): Decimal("120125.39"),
        date(2025, 4, 11): Decimal("999.99"),
        date(2025, 12, 30): Decimal("161125.37"),
    }


def test_days_that_cannot_be_are_left_out_with_a_word() -> None:
    into = reading()
    assert read({(30, 2): "3.000,00", (4, 1): "3.000,00", (6, 1): "x", (7, 1): "3.100,00"}, into) == {
        date(2025, 1, 7): Decimal(3100)
    }
    assert into.rejected == 3 and "2025-02-30" in "".join(into.remarks) and "weekend" in "".join(into.remarks)


@pytest.mark.parametrize("day", [0, -1, 32, "1e25", 1e18])
def test_a_day_that_is_none_is_left_out_with_a_word(day: object) -> None:
    into = reading()
    assert list(points_of(into, answer({"results": [{"day": day, "rateValue1": "3.000,00"}]}), "^IFIX", 2025)) == []
    assert into.rejected == 1


@pytest.mark.parametrize("data", [{"results": None}, {}, {"min": None, "max": None, "results": None}])
def test_a_year_without_points_is_nothing(data: object) -> None:
    assert list(points_of(reading(), answer(data), "^IFIX", 2025)) == []


@pytest.mark.parametrize("data", [[], "x", {"results": "x"}, {"results": [1]}, {"results": [{"rateValue1": "1,00"}]}])
def test_what_is_no_grid_is_named(data: object) -> None:
    with pytest.raises(Malformed):
        list(points_of(reading(), answer(data), "^IFIX", 2025))


@given(
    st.dictionaries(
        st.tuples(st.integers(1, 31), st.integers(1, 12)),
        st.decimals("0.01", "999999.99", places=2),
        max_size=60,
    )
)
def test_whatever_the_grid_holds_comes_back_on_working_days(cells: dict[tuple[int, int], Decimal]) -> None:
    texts = {at: f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for at, value in cells.items()}
    found = read(texts)
    for (day, month), value in cells.items():
        try:
            when = date(2025, month, day)
        except ValueError:
            continue
        assert found.get(when) == (value if when.weekday() < 5 else None)


def test_points_in_another_unit_are_not_believed() -> None:
    known = Want("^IFIX", datetime(2025, 3, 7, 22, tzinfo=UTC), last_close=Decimal(3400), last_day=date(2025, 3, 5))
    into = reading()
    bars = list(points_of(into, grid({(6, 3): "3.401.000,00"}), "^IFIX", 2025))
    assert believe(into, known, bars, date(2025, 3, 7)) == [] and "wrong unit" in into.remarks[0]


@pytest.mark.parametrize(
    ("ticker", "kind", "words", "label"),
    [
        ("HGLG11", AssetKind.FII, None, "IFIX"),
        ("SMAL11", AssetKind.ETF, None, "SMLL"),
        ("XXXX11", AssetKind.ETF, "TREND FUNDO DE ÍNDICE Ibovespa", "IBOV"),
        ("IVVB11", AssetKind.ETF, None, "S&P 500"),
        ("GOLD11", AssetKind.ETF, None, None),
        ("PETR4", AssetKind.STOCK, None, "IBOV"),
        ("BTC-BRL", AssetKind.CRYPTO, None, None),
    ],
)
def test_an_asset_is_measured_by_its_own_index(
    ticker: str, kind: AssetKind, words: str | None, label: str | None
) -> None:
    found: Index | None = own_index(ticker, kind, words)
    assert (found.label if found else None) == label


@pytest.mark.parametrize(
    ("ticker", "kind", "words", "label"),
    [
        ("HGLG11", AssetKind.FII, None, "IFIX"),
        ("SMAL11", AssetKind.ETF, None, "IBOV"),
        ("BOVA11", AssetKind.ETF, None, None),
        ("XXXX11", AssetKind.ETF, "TREND FUNDO DE ÍNDICE Ibovespa", None),
        ("GOLD11", AssetKind.ETF, None, "IBOV"),
        ("AAPL34", AssetKind.BDR, None, "IBOV"),
        ("PETR4", AssetKind.STOCK, None, "IBOV"),
        ("BTC-BRL", AssetKind.CRYPTO, None, "IBOV"),
    ],
)
def test_the_ais_are_asked_about_one_index(ticker: str, kind: AssetKind, words: str | None, label: str | None) -> None:
    found: Index | None = asked_index(ticker, kind, words)
    assert (found.label if found else None) == label


def test_the_ibov_has_one_name() -> None:
    assert parse_ticker("^ibov") == "^BVSP" and parse_ticker("^IFIX") == "^IFIX" and parse_ticker("^ICO2") == "^ICO2"


async def test_a_day_that_the_grid_lacked_at_first_is_read_later(tmp_path: Path) -> None:
    cells = {(12, 11): "3.376,00", (26, 11): "3.400,42", (27, 11): "3.400,00", (2, 10): "3.300,00"}
    client = FakeClient(tmp_path, {"GetPortfolioDay": grid(cells).body})
    known = Asset(ticker="^IFIX", kind=AssetKind.INDEX)
    want = Want("^IFIX", datetime(2025, 11, 27, 23, tzinfo=UTC), known, official_until=date(2025, 11, 26))
    found = await B3IndicesSource().collect(cast(Any, client), want)
    assert [bar.day.day for bar in found.harvest.bars] == [12, 26, 27]  # not October's, which is known for long
    assert [(seen.field, seen.unit) for seen in found.harvest.observations] == [("close", "points")]


@pytest.mark.parametrize("there", [True, False])
async def test_in_january_december_is_looked_at_once_more_and_not_waited_for(tmp_path: Path, there: bool) -> None:
    cells = {2025: {(29, 12): "3.376,00", (30, 12): "3.380,00"}, 2026: {(2, 1): "3.400,42", (5, 1): "3.401,00"}}
    answers = {
        argument(index="IFIX", language="pt-br", year=str(year)): grid(days).body
        for year, days in cells.items()
        if there or year == 2026
    }
    known = Asset(ticker="^IFIX", kind=AssetKind.INDEX)
    want = Want("^IFIX", datetime(2026, 1, 5, 23, tzinfo=UTC), known, official_until=date(2026, 1, 2))
    found = await B3IndicesSource().collect(cast(Any, FakeClient(tmp_path, answers)), want)
    assert [bar.day.day for bar in found.harvest.bars] == [*((29, 30) if there else ()), 2, 5]


async def test_last_year_s_points_do_not_stand_in_for_this_year_s(tmp_path: Path) -> None:
    december = grid({(30, 12): "3.380,00"}).body
    client = FakeClient(tmp_path, {argument(index="IFIX", language="pt-br", year="2025"): december})
    known = Asset(ticker="^IFIX", kind=AssetKind.INDEX)
    want = Want("^IFIX", datetime(2026, 1, 5, 23, tzinfo=UTC), known, official_until=date(2026, 1, 2))
    with pytest.raises(NotAvailable):
        await B3IndicesSource().collect(cast(Any, client), want)
