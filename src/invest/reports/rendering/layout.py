"""How sections stand on a page: neighbours whose spans fit into twelve columns share a row."""

from __future__ import annotations

from collections.abc import Iterable

from invest.reports.views import Block, Chart, ReportView, Section

COLUMNS = 12


def rows_of(sections: Iterable[Section]) -> list[list[Section]]:
    """Sections in rows of at most twelve columns, in their order; a lone part is given the whole width."""
    rows: list[list[Section]] = []
    room = 0
    for section in sections:
        if rows and section.span <= room and section.span < COLUMNS:
            rows[-1].append(section)
            room -= section.span
        else:
            rows.append([section])
            room = COLUMNS - section.span
    return [[row[0].model_copy(update={"span": COLUMNS})] if len(row) == 1 else row for row in rows]


def shown(view: ReportView, *, appendix: bool) -> list[Section]:
    """The sections of `view` for a reader, and those of its appendix where they were asked for."""
    return [section for section in view.sections if appendix or not section.appendix]


def is_half(block: Block) -> bool:
    """Whether a chart reads best at the width of half a page: bars of one length or another, not what has an axis."""
    return block.block in ("bars_chart", "groups_chart")


def is_chart(block: Block) -> bool:
    """Whether a block is drawn rather than set."""
    return block.block.endswith("_chart")


def anchors_of(view: ReportView) -> frozenset[str]:
    """Fact ids that have a row to point to, so that no reference leads nowhere."""
    return frozenset(
        cell.anchor
        for section in view.sections
        for block in section.blocks
        if block.block == "table"
        for row in block.rows
        for cell in row
        if cell.anchor
    )


__all__ = ["COLUMNS", "Chart", "anchors_of", "is_chart", "is_half", "rows_of", "shown"]
