"""Parts of a portfolio: its performance, positions, weights, measures of risk, dividends by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from invest.reports.cells import number_cell, percent_cell, quantity_cell
from invest.reports.data import PortfolioReportData, PositionRow
from invest.reports.locale import MISSING, Locale
from invest.reports.phrases import class_or_sector
from invest.reports.sections.assets import score_of, verdict_cell
from invest.reports.views import (
    Bar,
    BarsChart,
    Block,
    Cell,
    Column,
    ColumnsChart,
    Line,
    LinesChart,
    Mark,
    Paragraph,
    Section,
    Series,
    Table,
)
from invest.reports.words import clean

_SHARES_SHOWN: Final = 10
# Measures in the order they are read, and how each is printed.
METRICS: Final[Mapping[str, str]] = {
    "twr": "signed", "annual_return": "signed", "xirr": "signed", "return_percent": "signed",
    "ibov_return": "signed", "excess_ibov": "signed", "cdi_return": "signed", "excess_cdi": "signed",
    "volatility": "percent", "max_drawdown": "percent", "beta": "number",
    "sharpe_ratio": "number", "sortino_ratio": "number",
    "var_95": "percent", "cvar_95": "percent", "hhi": "number",
    "dividends_12m": "money", "dividends_projected": "money", "dividends_projected_net": "money",
    "dividend_yield": "percent", "yield_on_cost": "percent",
    "unrealized_gain": "money", "realized_gain": "money",
}  # fmt: skip


def curve_section(data: PortfolioReportData, locale: Locale) -> Section | None:
    """Time-weighted performance beside its benchmarks; None with fewer than two days.

    The curves are growth of 1 from before the first day: drawn from the day before, their ends are the returns that
    the strip prints, the first session's among them.
    """
    words = locale.words
    lines = []
    for i, (name, values) in enumerate(data.curves.items()):
        known = [v for v in values if v is not None]
        if len(known) > 1 and len(values) == len(data.curve_days):
            label = words.t("portfolio.own_line") if i == 0 else words.get(f"curve.{name.lower()}", clean(name, 20))
            lines.append(Line(name=label, values=_from_100([1.0, *values]), emphasis=i == 0))
    if not lines or len(data.curve_days) < 2:
        return None
    days = (data.curve_days[0] - timedelta(days=1), *data.curve_days)
    ends = ((line.name, next(v for v in reversed(line.values) if v is not None)) for line in lines)
    items = ", ".join(f"{name} {locale.percent(end / 100 - 1, 1, signed=True)}" for name, end in ends)
    description = words.t(
        "comparison.chart_description", first=locale.day(days[1]), last=locale.day(days[-1]), items=items
    )
    chart = LinesChart(title=words.t("portfolio.curve"), description=description, days=days, lines=tuple(lines))
    title, note = words.t("portfolio.curve_title"), words.t("portfolio.curve_note")
    return Section(id="curve", title=title, note=note, blocks=(chart,))


def _from_100(values: Sequence[float | None]) -> Series:
    """`values` with their first known one at 100."""
    base = next((v for v in values if v is not None and v > 0), None)
    return tuple(None if v is None or base is None else round(v / base * 100, 3) for v in values)


def positions_section(data: PortfolioReportData, locale: Locale) -> Section:
    """A row per holding, the heaviest first; verdicts only where they were asked for."""
    words = locale.words
    blocks: list[Block] = []
    rows = sorted(data.positions, key=lambda p: (p.value is None, -(p.value or Decimal(0)), p.ticker))
    if rows:
        labels = ["quantity", "average", "price", "amount", "weight", "gain"]
        columns = [Column(label=words.t("table.asset"))]
        columns += [Column(label=words.t(f"portfolio.{k}"), align="right") for k in labels]
        if data.include_recommendations:
            columns += [Column(label=words.t("table.score"), align="right"), Column(label=words.t("table.verdict"))]
        table = Table(
            caption=words.t("portfolio.positions_caption"),
            columns=tuple(columns),
            rows=tuple(_position(p, locale, verdicts=data.include_recommendations) for p in rows),
            small=len(rows) > 12,
        )
        blocks.append(table)
    else:
        blocks.append(Paragraph(text=words.t("portfolio.empty"), muted=True))
    if data.missing_prices:
        items = ", ".join(clean(t, 20) for t in data.missing_prices[:12])
        blocks.append(Paragraph(text=words.t("portfolio.unpriced", items=items), muted=True))
    title, note = words.t("portfolio.positions_title"), words.t("portfolio.positions_note") if rows else ""
    return Section(id="positions", title=title, note=note, blocks=tuple(blocks))


def _position(row: PositionRow, locale: Locale, *, verdicts: bool) -> tuple[Cell, ...]:
    cells = [
        Cell(text=row.ticker, sub=clean(row.name, 34) or None, strong=True),
        quantity_cell(locale, row.quantity),
        number_cell(locale, row.average_price, 2),
        number_cell(locale, row.price, 2),
        number_cell(locale, row.value, 2, strong=True),
        percent_cell(locale, row.weight, 1),
        percent_cell(locale, row.result, 1, signed=True, mark=direction(row.result)),
    ]
    if verdicts and row.analysis is not None:
        cells += [number_cell(locale, score_of(row.analysis), 1), verdict_cell(row.analysis, locale)]
    elif verdicts:
        cells += [Cell(text=MISSING), Cell(text=MISSING)]
    return tuple(cells)


def direction(value: float | None) -> Mark | None:
    """The mark of a rise or a fall."""
    return None if value is None or abs(value) < 5e-5 else "up" if value > 0 else "down"


def sectors_section(positions: Sequence[PositionRow], locale: Locale) -> Section | None:
    """Weights by sector, the rest of a long tail as one bar; those of the assets stand beside the positions.

    None where all are of one sector.
    """
    words = locale.words
    shares: dict[str, float] = defaultdict(float)
    for p in positions:
        if p.weight:
            shares[class_or_sector(p.kind, p.sector, locale) or words.t("portfolio.no_sector")] += p.weight
    if len(shares) < 2:
        return None  # one bar of the whole says nothing
    chart = _shares(words.t("portfolio.share_chart_sector"), shares, locale)
    title, note = words.t("portfolio.by_sector"), words.t("portfolio.share_note")
    return Section(id="by_sector", title=title, note=note, blocks=(chart,), span=6)


def _shares(title: str, shares: Mapping[str, float], locale: Locale) -> BarsChart:
    ordered = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
    shown, rest = ordered[:_SHARES_SHOWN], ordered[_SHARES_SHOWN:]
    if rest:
        shown = [*shown, (locale.words.t("portfolio.others", n=len(rest)), sum(v for _, v in rest))]
    bars = tuple(Bar(label=name, value=value, text=locale.percent(value, 1)) for name, value in shown)
    description = "; ".join(f"{b.label} {b.text}" for b in bars) + "."
    return BarsChart(title=title, description=description, top=max(b.value or 0 for b in bars), bars=bars)


def metrics_sections(metrics: Mapping[str, float | None], locale: Locale) -> list[Section]:
    """What was earned beside the references, what was risked and paid, as tables; one without values is left out."""
    words, names = locale.words, list(METRICS)
    middle = names.index("excess_cdi") + 1
    made = []
    for ident, part in (("metrics", names[:middle]), ("risk", names[middle:])):
        rows = tuple(
            (
                Cell(text=words.t(f"metric.{name}")),
                Cell(text=metric_text(name, metrics.get(name), locale), exact=metrics.get(name), strong=True),
            )
            for name in part
            if metrics.get(name) is not None
        )
        if rows:
            columns = (
                Column(label=words.t("portfolio.metric")),
                Column(label=words.t("portfolio.value"), align="right"),
            )
            table = Table(caption=words.t(f"portfolio.{ident}_caption"), columns=columns, rows=rows, small=True)
            blocks: tuple[Block, ...] = (table,)
            if ident == "metrics":
                blocks += (Paragraph(text=words.t("portfolio.metrics_footnote"), muted=True),)
            made.append(Section(id=ident, title=words.t(f"portfolio.{ident}_title"), blocks=blocks, span=6))
    return made


def metric_text(name: str, value: float | None, locale: Locale) -> str:
    """A measure as it is printed."""
    match METRICS.get(name, "number"):
        case "signed":
            return locale.percent(value, 1, signed=True)
        case "percent":
            return locale.percent(value, 1)
        case "money":
            return locale.money(value)
        case _:
            return locale.number(value, 2)


def income_section(data: PortfolioReportData, locale: Locale) -> Section | None:
    """Cash received in each of the twelve months to the report's; None where nothing was."""
    words = locale.words
    received = {(day.year, day.month): amount for day, amount in data.dividends_by_month}
    last = data.as_of.year * 12 + data.as_of.month - 1
    firsts = [date(at // 12, at % 12 + 1, 1) for at in range(last - 11, last + 1)]
    months = [(day, received.get((day.year, day.month), Decimal(0))) for day in firsts]
    if not any(amount for _, amount in months):
        return None
    bars = tuple(
        Bar(label=locale.month(month.month), value=float(amount), text=locale.short(amount.quantize(Decimal(1))))
        for month, amount in months
    )
    items = "; ".join(f"{locale.month(m.month)} {m.year}: {locale.money(a)}" for m, a in months)
    block = ColumnsChart(title=words.t("portfolio.dividends_chart"), description=f"{items}.", bars=bars)
    title, note = words.t("portfolio.dividends_title"), words.t("portfolio.dividends_note")
    return Section(id="income", title=title, note=note, blocks=(block,), span=6)
