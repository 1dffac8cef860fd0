"""What a real-estate fund holds by its newest quarterly report: buildings with their tenants' state, and papers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from invest.domain.market import FundPortfolio, FundPosition, PositionKind
from invest.reports.locale import Locale
from invest.reports.views import Cell, Column, Section, Table
from invest.reports.words import clean

_SHOWN: Final = 8
Reader = Callable[[FundPosition, Locale], str]
_BUILDING: Final[dict[str, Reader]] = {
    "share": lambda p, locale: _part(p.share, locale),
    "area": lambda p, locale: "" if p.area is None else locale.number(p.area, 0),
    "vacancy": lambda p, locale: _part(p.vacancy, locale),
    "delinquency": lambda p, locale: _part(p.delinquency, locale),
}
_PAPER: Final[dict[str, Reader]] = {
    "part": lambda p, locale: _part(p.share, locale),
    "value": lambda p, locale: "" if p.value is None else locale.short(p.value),
    "matures": lambda p, locale: "" if p.matures_on is None else locale.day(p.matures_on),
}


def holdings_sections(held: FundPortfolio, locale: Locale) -> list[Section]:
    """A table of buildings and one of papers, the largest first; a group without lines is left out."""
    made = []
    for kind, readers in ((PositionKind.BUILDING, _BUILDING), (PositionKind.PAPER, _PAPER)):
        lines = [p for p in held.positions if p.kind is kind and (p.name or p.issuer)]
        if lines:
            made.append(_section(kind, lines, readers, held, locale))
    return made


def _section(
    kind: PositionKind, lines: Sequence[FundPosition], readers: dict[str, Reader], held: FundPortfolio, locale: Locale
) -> Section:
    words, shown = locale.words, lines[:_SHOWN]
    texts = {name: [read(p, locale) for p in shown] for name, read in readers.items()}
    kept = {name: column for name, column in texts.items() if any(column)}
    columns = (
        Column(label=words.t(f"holdings.{kind}")),
        *(Column(label=words.t(f"holdings.{name}"), align="right") for name in kept),
    )
    rows = tuple(
        (Cell(text=clean(p.name or p.issuer, 44), strong=True), *(Cell(text=column[i]) for column in kept.values()))
        for i, p in enumerate(shown)
    )
    table = Table(caption=words.t(f"holdings.caption_{kind}"), columns=columns, rows=rows, small=True)
    title = words.t(f"holdings.title_{kind}")
    note = words.t("holdings.note", shown=len(shown), n=len(lines), day=locale.day(held.as_of))
    return Section(id=f"holdings_{kind}", title=title, note=note, blocks=(table,))


def _part(value: object, locale: Locale) -> str:
    return "" if value is None else locale.percent(float(str(value)), 1)
