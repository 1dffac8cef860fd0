"""What the page of a portfolio shows, read from its newest metrics: returns by month, income, positions and targets."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from invest.api.pages.visit import Visit
from invest.domain.market import AssetKind, display_name
from invest.reports import Bar, BarsChart, ColumnsChart, Line, LinesChart, class_or_sector

POINTS: Final = 260  # of a drawn line: more cannot be told apart on a screen
NEAR: Final = 0.01  # a weight this close to its target counts as on it
MONTHS: Final = 12


def number(value: Any) -> Decimal | None:
    """A figure of stored metrics: decimals are strings there."""
    return None if value is None else Decimal(str(value))


@dataclass(frozen=True)
class Month:
    """One cell of the table of months; `strength` 1..3 by how far from nothing it is."""

    value: float
    strength: int


@dataclass(frozen=True)
class Year:
    """One row of it; fractions."""

    year: int
    months: Sequence[Month | None]
    total: float | None
    cdi: float | None
    ibov: float | None
    ipca: float | None = None


def years_of(metrics: Mapping[str, Any]) -> list[Year]:
    """Returns by month and year, the newest year first, beside CDI and IBOV."""
    days = [date.fromisoformat(str(day)) for day in metrics.get("curve_days", ())]
    if not days:
        return []
    curves = {name: metrics.get(name) or [] for name in ("curve", "curve_cdi", "curve_ibov")}
    ends = _ends(days)
    monthly = _steps(curves["curve"], [i for _, i in ends])
    months = {key: value for (key, _), value in zip(ends, monthly, strict=True)}
    last_of_year = {key[0]: i for key, i in ends}
    yearly = {
        name: dict(zip(last_of_year, _steps(values, list(last_of_year.values())), strict=True))
        for name, values in curves.items()
    }
    prices = {str(p["label"]): p.get("ipca") for p in metrics.get("periods") or () if len(str(p.get("label"))) == 4}
    return [
        Year(
            year=year,
            months=[_month(months.get((year, month))) for month in range(1, 13)],
            total=yearly["curve"].get(year),
            cdi=yearly["curve_cdi"].get(year),
            ibov=yearly["curve_ibov"].get(year),
            ipca=prices.get(str(year)),
        )
        for year in sorted(last_of_year, reverse=True)
    ]


def _ends(days: Sequence[date]) -> list[tuple[tuple[int, int], int]]:
    """((year, month), place of its last session)."""
    found: dict[tuple[int, int], int] = {(day.year, day.month): i for i, day in enumerate(days)}
    return list(found.items())


def _steps(values: Sequence[float | None], places: Sequence[int]) -> list[float | None]:
    """Growth from place to place; the first one from the beginning."""
    found: list[float | None] = []
    before: float | None = 1.0
    for place in places:
        now = values[place] if place < len(values) else None
        found.append(now / before - 1 if now is not None and before else None)
        before = now if now is not None else before
    return found


def _month(value: float | None) -> Month | None:
    if value is None:
        return None
    return Month(value, 1 if abs(value) < 0.02 else 2 if abs(value) < 0.05 else 3)


def series_of(visit: Visit, metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    """The return chart as data: growth from 100, thinned; None where there are too few sessions."""
    days = list(metrics.get("curve_days") or ())
    if len(days) < 2:
        return None
    step = max(1, len(days) // POINTS)
    places = sorted({*range(0, len(days), step), len(days) - 1})
    names = (("curve", visit.say("Portfolio")), ("curve_ibov", "IBOV"), ("curve_cdi", "CDI"))
    lines: list[dict[str, Any]] = [
        {"name": name, "values": [_rounded(metrics[key][i]) for i in places]}
        for key, name in names
        if len(metrics.get(key) or ()) == len(days)
    ]
    ranges = [[visit.say("1 month"), 1], [visit.say("6 months"), 6], [visit.say("1 year"), 12], [visit.say("All"), 0]]
    start = date.fromisoformat(str(days[0])) - timedelta(days=1)
    for line in lines:
        line["values"] = [1.0, *line["values"]]  # growth of 1: the first session's own return counts
    return {
        "title": visit.say("Cumulative return"),
        "days": [str(start), *(str(days[i]) for i in places)],
        "lines": lines,
        "rebase": True,
        "unit": "",
        "gap": 40,
        "ranges": ranges,
        "range": 0,
    }


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 5)


def lines_chart(series: Mapping[str, Any]) -> LinesChart:
    """The same as the reports draw it, for readers without scripts and for print."""
    return LinesChart(
        title=series["title"],
        description=", ".join(str(line["name"]) for line in series["lines"]),
        days=tuple(date.fromisoformat(day) for day in series["days"]),
        lines=tuple(
            Line(
                name=line["name"],
                values=tuple(None if v is None else v / (line["values"][0] or 1) * 100 for v in line["values"]),
                emphasis=place == 0,
            )
            for place, line in enumerate(series["lines"])
        ),
    )


@dataclass(frozen=True)
class Held:
    """One row of the positions: what is held, beside the wanted weight, with a reading in words."""

    data: Mapping[str, Any]
    target: float | None
    reading: str
    width: float
    mark: float | None


def positions_of(visit: Visit, metrics: Mapping[str, Any], targets: Mapping[str, Decimal]) -> list[Held]:
    """The positions by value; bars are drawn on the scale of the heaviest weight or target."""
    rows = list(metrics.get("positions") or ())
    weights = [float(p["weight"]) for p in rows if p.get("weight") is not None]
    top = max([*weights, *map(float, targets.values()), 0.01])
    found = []
    for row in rows:
        weight = row.get("weight")
        target = targets.get(row["ticker"])
        found.append(
            Held(
                data={**row, "name": _name(row)},
                target=None if target is None else float(target),
                reading=_reading(visit, weight, target),
                width=60 * float(weight or 0) / top,
                mark=None if target is None else 60 * float(target) / top,
            )
        )
    return found


def _name(row: Mapping[str, Any]) -> str | None:
    """The name as the company writes it, where the kind is known."""
    kind, name = row.get("kind"), row.get("name")
    return display_name(row["ticker"], AssetKind(kind), name) if kind else name


def _reading(visit: Visit, weight: float | None, target: Decimal | None) -> str:
    if target is None:
        return visit.say("no target")
    if weight is None:
        return visit.say("no price")
    off = weight - float(target)
    if abs(off) <= max(NEAR, 0.1 * float(target)):
        return visit.say("on target")
    return visit.say("above target") if off > 0 else visit.say("below target")


def sectors_of(visit: Visit, metrics: Mapping[str, Any]) -> dict[str, float]:
    """Weights by sector as the report has them: a company's own, the kind of anything that is no company."""
    found: dict[str, float] = defaultdict(float)
    for row in metrics.get("positions") or ():
        if row.get("weight"):
            name = class_or_sector(row.get("kind"), row.get("sector"), visit.words.locale)
            found[name or "unknown"] += float(row["weight"])
    return dict(found)


def income_chart(visit: Visit, metrics: Mapping[str, Any]) -> ColumnsChart | None:
    """Income received in each of the last twelve months; None where there was none."""
    received = {str(month)[:7]: float(amount) for month, amount in metrics.get("dividends_by_month") or ()}
    year, month = (int(part) for part in str(metrics["as_of"])[:7].split("-"))
    bars = []
    for back in range(MONTHS - 1, -1, -1):
        y, m = divmod(year * 12 + month - 1 - back, 12)
        amount = received.get(f"{y:04d}-{m + 1:02d}", 0.0)
        text = visit.words.locale.number(amount, 0) if amount else ""
        bars.append(Bar(label=visit.words.locale.month(m + 1).lower(), value=amount, text=text))
    if not any(bar.value for bar in bars):
        return None
    title = visit.say("Income received by month, R$")
    return ColumnsChart(title=title, description=title, bars=tuple(bars))


def _short(name: str) -> str:
    return name if len(name) <= 22 else name[:21].rstrip() + "…"


def shares_chart(visit: Visit, title: str, parts: Mapping[str, float]) -> BarsChart | None:
    """Weights by class or sector; the small ones together."""
    ordered = sorted(parts.items(), key=lambda item: -item[1])
    shown = ordered[:7]
    if rest := sum(value for _, value in ordered[7:]):
        shown.append(("others", rest))
    if not shown:
        return None
    bars = tuple(
        Bar(label=_short(visit.say(name)), value=value, text=visit.words.locale.percent(value)) for name, value in shown
    )
    return BarsChart(title=title, description=title, top=max(value for _, value in shown), bars=bars)


# What the metrics say in English -> the same with its remedy, which can be translated.
WARNINGS: Final = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (
            r"(?P<ticker>\S+): no price is known, it is left out of the value",
            "{ticker} has no known price and is left out of the value: collect it.",
        ),
        (
            r"(?P<ticker>\S+): its last price is more than ten sessions old",
            "{ticker}: its last price is more than ten sessions old: collect it anew.",
        ),
        (
            r"(?P<ticker>\S+): income of shares that were never held; it is in no return",
            "{ticker}: income of shares that were never held is in no return: import the statement with the purchase.",
        ),
        (
            r"(?P<ticker>\S+): traded in dollars, and no PTAX is known: left out",
            "{ticker} trades in dollars and no PTAX is known, so it is left out: update the benchmarks.",
        ),
        (
            r"(?P<n>\d+) transactions lie in the future and do not count yet",
            "{n} transactions lie in the future and do not count yet: check their dates.",
        ),
        (
            r"not counted yet: (?P<why>.*); import the older statements",
            "Not counted yet: {why}. Import the older statements.",
        ),
        (r"not booked: (?P<why>.*)", "Not booked: {why}. Correct or delete that transaction."),
        (
            r"(?P<ticker>\S+) (?P<kind>\w+) (?P<amount>[\d.]+) of (?P<day>[\d-]{10}) is known and not booked; .*",
            "{ticker}, {kind} of {day}: {amount} counts as earned; it can be booked once its payment is known.",
        ),
    )
)


def warning_text(visit: Visit, warning: str) -> str:
    """A warning of the metrics with what to do about it, in the reader's language."""
    for pattern, text in WARNINGS:
        if found := pattern.fullmatch(warning):
            return visit.say(text, **{name: _worded(visit, name, value) for name, value in found.groupdict().items()})
    return visit.words.translated(warning)


def _worded(visit: Visit, name: str, value: str) -> str:
    """A part of a warning as the reader writes it."""
    if name == "kind":
        return visit.say(f"paid {value}")
    if name == "amount":
        return visit.words.locale.money(Decimal(value))
    if name == "why":
        return visit.words.translated(value)
    return visit.words.locale.day(date.fromisoformat(value)) if name == "day" else value
