"""What only one kind of asset has: a FII's monthly income, an ETF's index, the dollar behind a foreign asset."""

from __future__ import annotations

from datetime import date
from typing import Final

from invest.domain.analysis import Analysis, History
from invest.domain.market import IBOV, AssetKind, FundPortfolio
from invest.reports.cells import percent_cell
from invest.reports.facts import FactBook
from invest.reports.locale import MARKET_ZONE, Locale
from invest.reports.sections.fund_holdings import holdings_sections
from invest.reports.views import Bar, Block, Cell, Column, ColumnsChart, Paragraph, Section, Stat, Stats, Table

_INCOMES: Final = 12  # months shown, those that the sentence beneath sums
_FOREIGN: Final = ("S&P", "Nasdaq", "MSCI", "FTSE", "LBMA", "CME")


def own_sections(
    analysis: Analysis, history: History, book: FactBook, holdings: FundPortfolio | None = None
) -> list[Section]:
    """The sections that only this kind of asset has, those without content left out."""
    parts = (
        income_months_section(history, book.locale) if analysis.kind is AssetKind.FII else None,
        *(holdings_sections(holdings, book.locale) if holdings is not None else ()),
        tracking_section(analysis, history, book.locale) if analysis.kind is AssetKind.ETF else None,
        dollar_section(analysis, history, book),
    )
    return [part for part in parts if part is not None]


def income_months_section(history: History, locale: Locale) -> Section | None:
    """A column per month: what was paid by the price it was paid on. None without two months."""
    months = history.incomes[-_INCOMES:]
    if len(months) < 2:
        return None
    words = locale.words
    bars = tuple(
        Bar(
            label=_month(m.month, locale, dated=i == 0),
            value=m.part,
            text=locale.percent(m.part, 2),
        )
        for i, m in enumerate(months)
    )
    last = history.incomes[-12:]
    paid = [m for m in last if m.amount > 0]
    parts = [m.part for m in last if m.part is not None]
    mean = sum(parts) / len(parts) if parts else None
    amount = locale.money(sum(m.amount for m in last), 2)
    text = words.t("income.summary", months=len(paid), amount=amount, mean=locale.percent(mean, 2))
    description = "; ".join(
        f"{locale.month(m.month.month)} {m.month.year}: {b.text}" for m, b in zip(months, bars, strict=True)
    )
    chart = ColumnsChart(title=words.t("income.chart"), description=f"{description}.", bars=bars, wide=True)
    blocks: tuple[Block, ...] = (chart, Paragraph(text=text, muted=True))
    return Section(id="income_months", title=words.t("income.title"), note=words.t("income.note"), blocks=blocks)


def _month(month: date, locale: Locale, *, dated: bool) -> str:
    """`mar`, and its year where it begins one or is the first shown."""
    year = f" {month.year % 100:02d}" if dated or month.month == 1 else ""
    return locale.month(month.month) + year


def tracking_section(analysis: Analysis, history: History, locale: Locale) -> Section | None:
    """The ETF beside its index by calendar year, else that there is no series of it. None for an unknown index."""
    if history.index is None:
        return None
    words, title = locale.words, locale.words.t("tracking.title")
    abroad = history.index.startswith(_FOREIGN)
    known = history.own_years or (history.calendar_years if history.index == IBOV else ())
    years = [y for y in known if y.ibov is not None][-6:]
    if not years and history.index != IBOV:
        text = words.t(f"tracking.{'elsewhere' if abroad else 'elsewhere_local'}", ticker=analysis.ticker,
                       index=history.index)  # fmt: skip
        return Section(id="tracking", title=title, blocks=(Paragraph(text=text),))
    text = words.t(f"tracking.{'follows_abroad' if abroad else 'follows'}", ticker=analysis.ticker, index=history.index)
    blocks: tuple[Block, ...] = (Paragraph(text=text, muted=True),)
    if years:
        day = analysis.as_of.astimezone(MARKET_ZONE).date()
        running, so_far = day.year if (day.month, day.day) < (12, 28) else None, locale.months_so_far(day)
        columns = (
            Column(label=words.t("tracking.year")),
            Column(label=words.t("tracking.etf"), align="right"),
            Column(label=history.index, align="right"),
            Column(label=words.t("tracking.difference"), align="right"),
        )
        rows = tuple(
            (
                Cell(text=f"{y.year} ({so_far})" if y.year == running else str(y.year), strong=True),
                percent_cell(locale, y.value, 2, signed=True),
                percent_cell(locale, y.ibov, 2, signed=True),
                Cell(text=_points(y.value - (y.ibov or 0.0), locale), strong=True),
            )
            for y in reversed(years)
        )
        blocks = (Table(caption=words.t("tracking.caption"), columns=columns, rows=rows), *blocks)
    return Section(id="tracking", title=title, blocks=blocks, span=6)


def _points(difference: float, locale: Locale) -> str:
    return locale.words.t("tracking.points", x=locale.number(difference * 100, 2, signed=True))


def dollar_section(analysis: Analysis, history: History, book: FactBook) -> Section | None:
    """Twelve months in R$, of the dollar, and in US$: for what is priced abroad."""
    abroad = analysis.kind in (AssetKind.BDR, AssetKind.CRYPTO) or (history.index or "").startswith(_FOREIGN)
    total = book.get("return_1y")
    if not abroad or history.dollar_change_1y is None or total is None or total.value is None:
        return None
    locale, words = book.locale, book.locale.words
    items = [
        Stat(
            label=words.t("dollar.brl"), text=locale.percent(total.value, 1, signed=True), figure=book.figure_of(total)
        ),
        Stat(label=words.t("dollar.change"), text=locale.percent(history.dollar_change_1y, 1, signed=True)),
        Stat(label=words.t("dollar.usd"), text=locale.percent(history.dollar_return_1y, 1, signed=True)),
    ]
    if history.dollar and analysis.price is not None:
        items.append(Stat(label=words.t("dollar.rate"), text=locale.number(history.dollar, 4)))
        priced = locale.money(analysis.price / history.dollar, 2, currency="US$")
        items.append(Stat(label=words.t("dollar.price"), text=priced))
    title, note = words.t("dollar.title"), words.t("dollar.note")
    block: Block = Stats(items=tuple(items))
    if analysis.kind is AssetKind.BDR:  # beside a chart: as tall as that
        columns = (Column(label=words.t("profile.item")), Column(label=words.t("profile.value"), align="right"))
        rows = tuple((Cell(text=x.label), Cell(text=x.text, strong=True, figure=x.figure)) for x in items)
        block = Table(caption=words.t("dollar.caption"), columns=columns, rows=rows)
    return Section(id="dollar", title=title, note=note, blocks=(block,), span=6)
