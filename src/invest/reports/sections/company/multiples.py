"""What the market paid month by month: a multiple and the dividend yield, each beside what is usual for the asset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from invest.domain.analysis import FACT_KEYS, History, MultiplePoint
from invest.domain.market import AssetKind
from invest.reports.facts import FactBook
from invest.reports.views import Block, Line, LinesChart, Paragraph, Section

_LEAST: Final = 12  # months
_MOST: Final = 100  # times earnings or equity
Picker = Callable[[MultiplePoint], float | None]
_PICK: Final[dict[str, Picker]] = {
    "p_l": lambda p: p.p_l,
    "p_vp": lambda p: p.p_vp,
    "dividend_yield": lambda p: p.dividend_yield,
}


def multiples_sections(history: History, kind: AssetKind, book: FactBook) -> list[Section]:
    """P/L and dividend yield (P/VP where there is no P/L); a line with fewer than twelve months is left out."""
    names = ["p_vp", "dividend_yield"] if kind is AssetKind.FII else ["p_l", "dividend_yield"]
    made = [_section(name, history.multiples, book) for name in names]
    if made[0] is None and kind is not AssetKind.FII:
        made[0] = _section("p_vp", history.multiples, book)
    return [section for section in made if section is not None]


def _sensible(name: str, value: float | None) -> float | None:
    """A multiple of next to no earnings says nothing and would flatten the rest of the line: a gap."""
    return None if value is not None and name != "dividend_yield" and value > _MOST else value


def _section(name: str, points: Sequence[MultiplePoint], book: FactBook) -> Section | None:
    values = [_sensible(name, _PICK[name](p)) for p in points]
    known = [v for v in values if v is not None]
    if len(known) < _LEAST or max(known) <= 0:
        return None
    first = next(i for i, v in enumerate(values) if v is not None)
    shown, days = values[first:], [p.day for p in points][first:]
    locale, words = book.locale, book.locale.words
    fact = book.get(name)
    own = fact.own_median if fact is not None else None
    level = own if own is not None else median(known)
    reference = words.t(f"multiples.{'own' if own is not None else 'period'}", value=book.text(name, level))
    label = words.t(f"multiples.name_{name}")
    years = round((days[-1] - days[0]).days / 365)
    chart = LinesChart(
        title=words.t("multiples.title", name=label),
        description=words.t(
            "multiples.description",
            first=locale.day(days[0]),
            last=locale.day(days[-1]),
            start=book.text(name, known[0]),
            end=book.text(name, known[-1]),
            reference=reference,
        ),
        days=tuple(days),
        lines=(Line(name="", values=tuple(shown), emphasis=True),),
        rebased=False,
        decimals=FACT_KEYS[name].decimals,
        unit="%" if name == "dividend_yield" else "x",
        reference=level,
        reference_label=reference,
    )
    note = words.t("multiples.note", years=years) if years > 1 else words.t("multiples.note_short")
    title = words.t("multiples.title", name=label)
    blocks: tuple[Block, ...] = (chart,)
    if shown[-1] is None and name == "p_l":  # a line that ends is explained
        last = max(day for day, v in zip(days, shown, strict=True) if v is not None)
        ended = words.t("multiples.loss", month=f"{locale.month(last.month)} {last.year}")
        blocks += (Paragraph(text=ended, muted=True),)
    return Section(id=f"multiple_{name}", title=title, note=note, blocks=blocks, span=6)
