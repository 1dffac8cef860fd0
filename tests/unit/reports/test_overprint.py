"""No text of a PDF stands over another: the boxes of its runs of text are compared, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pypdfium2
import pytest

from invest.domain.market.assets import ActionKind
from invest.domain.market.tickers import AssetKind
from invest.reports import ReportView, build_asset_view, build_comparison_view, build_weekly_view, render_pdf
from invest.reports.rendering.sizes import sizes_of
from invest.reports.views import Cell, Column, Table
from tests.builders import reports as build
from tests.builders.report_views import KINDS

Box = tuple[float, float, float, float]  # left, bottom, right, top


def overprinted(pdf: bytes) -> Iterator[tuple[int, str, str]]:
    """Page and texts of every two runs that share more than two points of width and most of their height."""
    document = pypdfium2.PdfDocument(pdf)
    for number, page in enumerate(document, start=1):
        text = page.get_textpage()
        boxes: list[Box] = sorted((text.get_rect(i) for i in range(text.count_rects())), key=lambda box: -box[3])
        for i, one in enumerate(boxes):
            for other in boxes[i + 1 :]:
                if other[3] < one[1]:
                    break
                if _share(one, other):
                    yield number, text.get_text_bounded(*one), text.get_text_bounded(*other)
    document.close()


def _share(one: Box, other: Box) -> bool:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide > 2 and high > 0.6 * min(one[3] - one[1], other[3] - other[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_nothing_is_printed_over_something_else(kind: str, language: str) -> None:
    assert list(overprinted(render_pdf(KINDS[kind](language=language)))) == []


@pytest.mark.parametrize("kind", [AssetKind.FII, AssetKind.ETF, AssetKind.BDR, AssetKind.CRYPTO])
def test_nor_in_any_kind_of_asset(kind: AssetKind) -> None:
    view = build_asset_view(build.asset_data(analysis=build.fund(kind=kind)))
    assert list(overprinted(render_pdf(view))) == []


def crowded() -> ReportView:
    """A week with events that need more room than half a page has."""
    days = [date(2026, 4, 2 + i) for i in range(6)]
    coming = [
        action.model_copy(
            update={"ticker": "BBAS3", "kind": ActionKind.SUBSCRIPTION, "last_date_with": day, "payment_date": day}
        )
        for action, day in zip(build.actions() * 6, days, strict=False)
    ]
    return build_weekly_view(build.weekly_data(coming=coming))


def test_nor_where_a_table_has_too_little_room() -> None:
    for view in (crowded(), build_comparison_view(build.comparison_data(build.several(20)))):
        assert list(overprinted(render_pdf(view))) == []


def test_the_widest_column_gives_way_where_there_is_too_little_room() -> None:
    columns = (Column(label="Dia"), Column(label="Ativo"), Column(label="Evento"), Column(label="R$", align="right"))
    row = tuple(Cell(text=t) for t in ("02/04/2026", "BBAS3", "Direito de subscrição: último dia com direito", "0,07"))
    assert sizes_of(Table(caption="x", columns=columns, rows=(row,)), 180.0).columns == [None, None, 0, None]


def test_an_overprint_is_found() -> None:
    assert _share((10, 10, 60, 20), (50, 11, 90, 21))
    assert not _share((10, 10, 60, 20), (61, 10, 90, 20))
