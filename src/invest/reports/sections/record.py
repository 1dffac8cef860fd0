"""The record of the AIs beside benchmarks, in the order of the lower bound of their skill."""

from __future__ import annotations

from collections.abc import Sequence

from invest.reports.cells import number_cell, percent_cell
from invest.reports.data import TrackRow
from invest.reports.locale import MISSING, Locale
from invest.reports.phrases import analyst_name
from invest.reports.views import Cell, Column, Paragraph, Section, Table


def record_section(rows: Sequence[TrackRow], locale: Locale) -> Section | None:
    """The table as given; None without rows."""
    if not rows:
        return None
    words = locale.words
    labels = ("analyst", "horizon", "closed", "brier", "skill", "interval", "hits", "base", "status")
    columns = tuple(
        Column(label=words.t(f"record.{k}"), align="left" if k in ("analyst", "status") else "right") for k in labels
    )
    cells = [_row(r, locale) for r in rows]
    kept = [i for i in range(len(labels)) if any(row[i].text != MISSING for row in cells)]
    table = Table(
        caption=words.t("record.caption"),
        columns=tuple(columns[i] for i in kept),
        rows=tuple(tuple(row[i] for i in kept) for row in cells),
    )
    blocks = (table, Paragraph(text=words.t("record.footnote"), muted=True))
    return Section(id="record", title=words.t("record.title"), note=words.t("record.note"), blocks=blocks)


def pool_record_text(rows: Sequence[TrackRow], locale: Locale) -> str:
    """What the AIs' pooled probability was worth over its longest closed horizon, in one sentence."""
    closed = [r for r in rows if r.analyst == "consensus" and r.closed and r.brier is not None]
    if not closed:
        return locale.words.t("record.pool_none")
    row = max(closed, key=lambda r: r.horizon_days)
    skill = locale.number(row.skill, 2, signed=True)
    return locale.words.t(
        "record.pool", days=row.horizon_days, closed=row.closed, brier=locale.number(row.brier, 3), skill=skill
    )


def _row(row: TrackRow, locale: Locale) -> tuple[Cell, ...]:
    words = locale.words
    interval = MISSING
    if row.skill_low is not None and row.skill_high is not None:
        low, high = locale.number(row.skill_low, 2, signed=True), locale.number(row.skill_high, 2, signed=True)
        interval = words.t("record.range", low=low, high=high)
    status = {"collecting": "collecting", "interval": "interval_only", "ranked": "ranked"}[row.status]
    return (
        Cell(text=analyst_name(row.analyst, locale), strong=not row.benchmark, muted=row.benchmark),
        Cell(text=words.t("record.days", n=row.horizon_days)),
        number_cell(locale, row.closed, 0),
        number_cell(locale, row.brier, 3),
        number_cell(locale, row.skill, 2, signed=True),
        Cell(text=interval),
        percent_cell(locale, row.hit_rate, 0),
        percent_cell(locale, row.base_rate, 0),
        Cell(text=words.t(f"record.{status}")),
    )
