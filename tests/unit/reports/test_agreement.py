"""No two places of one report print different values under one name: the view models of all kinds are walked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest

from invest.domain.market.tickers import AssetKind, Market
from invest.reports import ReportView, build_asset_view, build_comparison_view, build_market_view, build_portfolio_view
from invest.reports.views import BarsChart, Block, Cell, DotsChart, Section, Stats, Table
from tests.builders import reports as build
from tests.builders.report_views import KINDS

Named = tuple[str, str, str]  # whose, name, printed value
# Columns that order or mark rows and say no figure of their own.
TICKER = re.compile(r"[A-Z0-9]{4}\d{1,2}|[A-Z]{2,5}-BRL")
SCORE = ("Nota", "Score")
_NO_FIGURES = {"", "#", "ref", "situação", "state", "leitura", "reading", "limite", "threshold"}


def printed(view: ReportView) -> Iterator[Named]:
    """Every named figure of a view: of whom, under which name, as what."""
    subject = str(getattr(view, "ticker", "report"))
    if view.strip is not None:
        for stat in view.strip.stats:
            yield subject, stat.label, stat.text
        yield subject, view.strip.label, view.strip.verdict
    for section in view.sections:
        for block in section.blocks:
            yield from _of_block(subject, section, block)


def _of_block(subject: str, section: Section, block: Block) -> Iterator[Named]:
    match block:
        case Stats():
            for stat in block.items:
                yield subject, _key(stat.figure, stat.label), stat.text
        case Table():
            yield from _of_table(subject, section, block)
        case BarsChart() if section.id == "scores":
            for bar in block.bars:  # of several assets, each one's score has the name it has in the tables
                several = TICKER.fullmatch(bar.label)
                yield (bar.label, "score", bar.text) if several else (subject, f"score {bar.label}", bar.text)
        case DotsChart():
            for dot in block.dots:
                yield subject, f"{section.id} {dot.label}", dot.text
        case _:
            pass


def _of_table(subject: str, section: Section, table: Table) -> Iterator[Named]:
    """Two columns: the row names a figure. More: whose row it is, and the column's name; figures by their key.

    Rows that share their first cell are a list of events, not figures of somebody.
    """
    if len({row[0].text for row in table.rows}) < len(table.rows):
        return
    for row in table.rows:
        first = row[1].text if row[0].text.isdigit() and len(row[0].text) < 3 else row[0].text
        whose = first if TICKER.fullmatch(first) else subject
        for column, cell in zip(table.columns[1:], row[1:], strict=False):
            if cell.figure is not None:
                yield whose, _key(cell.figure, column.label), cell.text
            elif len(table.columns) == 2:
                yield subject, first, cell.text
            elif column.label.lower() not in _NO_FIGURES:
                label = "score" if column.label in SCORE else column.label
                yield whose, f"{section.id} {first} {label}" if whose == subject else label, cell.text


def _key(figure: object, label: str) -> str:
    key = getattr(figure, "key", None)
    return str(key) if key else label


def same(text: str) -> str:
    """A printed value without what does not change it: currency, plus sign, spaces."""
    return re.sub(r"[\s+]|R\$", "", text)


def disagreements(view: ReportView) -> dict[tuple[str, str], set[str]]:
    """Names under which more than one value stands, with those values."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for whose, name, text in printed(view):
        found[whose, re.sub(r"\W+", " ", name.lower()).strip()].add(same(text))
    return {name: values for name, values in found.items() if len(values - {"", "—"}) > 1}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_no_name_has_two_values(kind: str, language: str) -> None:
    view = KINDS[kind](language=language)
    assert len(list(printed(view))) > 25
    assert disagreements(view) == {}


@pytest.mark.parametrize("kind", [AssetKind.FII, AssetKind.ETF, AssetKind.BDR, AssetKind.CRYPTO, AssetKind.UNIT])
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_no_name_has_two_values_in_any_kind_of_asset(kind: AssetKind, language: str) -> None:
    data = build.asset_data(analysis=build.fund(kind=kind), language=language)
    assert disagreements(build_asset_view(data)) == {}


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_twenty_assets_agree_too(language: str) -> None:
    assert disagreements(build_comparison_view(build.comparison_data(build.several(20), language=language))) == {}
    assert disagreements(build_portfolio_view(build.portfolio_data(20, language=language))) == {}


@pytest.mark.parametrize("market", list(Market))
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_every_market_agrees(market: Market, language: str) -> None:
    assert disagreements(build_market_view(build.market_data(market=market.value, language=language))) == {}


def test_a_score_between_two_tenths_is_rounded_once() -> None:
    """6.55 is nearer to 6.5 as the machine holds it and prints as 6.6: by one rule wherever it stands."""
    edge = [a.model_copy(update={"overall_score": 6.55}) for a in build.several(3)]
    assert disagreements(build_comparison_view(build.comparison_data(edge))) == {}


def test_a_planted_disagreement_is_found() -> None:
    view = KINDS["asset"]()
    section = view.section("fundamentals")
    assert section is not None
    table = section.blocks[0]
    assert isinstance(table, Table)
    wrong = table.rows[0][1].model_copy(update={"text": "6,1"})
    rows = ((table.rows[0][0], wrong, *table.rows[0][2:]), *table.rows[1:])
    planted = section.model_copy(update={"blocks": (table.model_copy(update={"rows": rows}), *section.blocks[1:])})
    sections = tuple(planted if s.id == "fundamentals" else s for s in view.sections)
    assert disagreements(view.model_copy(update={"sections": sections})) == {("PETR4", "p_l"): {"5,9", "6,1"}}


def test_the_last_point_of_a_line_is_the_figure_beside_it() -> None:
    """P/L and dividend yield over time end where the table of figures stands."""
    history = build.history()
    last = replace(history.multiples[-1], p_l=5.9, dividend_yield=0.118)
    data = build.asset_data(history=replace(history, multiples=(*history.multiples[:-1], last)))
    view = build_asset_view(data)
    for ident, key, value in (("multiple_p_l", "P/L", 5.9), ("multiple_dividend_yield", "Dividend yield, 12 m", 0.118)):
        section = view.section(ident)
        assert section is not None
        line = section.blocks[0]
        assert line.block == "lines_chart"
        assert line.lines[0].values[-1] == value
        assert any(row[0].text == key and _raw(row[1]) == value for row in _rows(view, "fundamentals"))


def _rows(view: ReportView, ident: str) -> list[tuple[Cell, ...]]:
    section = view.section(ident)
    assert section is not None
    return [row for block in section.blocks if isinstance(block, Table) for row in block.rows]


def _raw(cell: Cell) -> float | None:
    return cell.figure.raw if cell.figure else None
