"""A portfolio's money: where its return came from, what is to come, what brings it to its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from invest.domain.portfolios import Announced
from invest.domain.taxes import State
from invest.reports.cells import money_cell, number_cell, percent_cell, points_cell, quantity_cell
from invest.reports.data import PortfolioReportData
from invest.reports.locale import Locale
from invest.reports.views import Block, Cell, Column, Paragraph, Section, Table

_SHOWN: Final = 12
_COMING: Final = 10


def contribution_section(data: PortfolioReportData, locale: Locale) -> Section | None:
    """What each asset, closed positions too, added to the time-weighted return; the sum is that return.

    None where there is one alone: it is the return.
    """
    twr = data.metrics.get("twr")
    if len(data.contributions) < 2 or twr is None:
        return None
    words = locale.words
    rows = contribution_rows(data.contributions, locale, most=_SHOWN)
    rows.append((Cell(text=words.t("money.total"), strong=True), points_cell(twr, locale, strong=True)))
    columns = (Column(label=words.t("table.asset")), Column(label=words.t("money.points"), align="right"))
    table = Table(caption=words.t("money.contribution_caption"), columns=columns, rows=tuple(rows), small=True)
    title, note = words.t("money.contribution_title"), words.t("money.contribution_note")
    return Section(id="contribution", title=title, note=note, blocks=(table,), span=6)


def contribution_rows(parts: Mapping[str, float], locale: Locale, *, most: int) -> list[tuple[Cell, ...]]:
    """The largest movers either way, the rest as one row; fees of the account under their name."""
    words = locale.words
    ordered = sorted(parts.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
    shown = sorted(ordered[:most], key=lambda pair: (-pair[1], pair[0]))
    rows: list[tuple[Cell, ...]] = [
        (
            Cell(text=words.t("money.fees") if name == "fees" else name, strong=name != "fees"),
            points_cell(part, locale),
        )
        for name, part in shown
    ]
    if rest := ordered[most:]:
        others = words.t("portfolio.others", n=len(rest))
        rows.append((Cell(text=others, muted=True), points_cell(sum(v for _, v in rest), locale)))
    return rows


def coming_section(data: PortfolioReportData, locale: Locale) -> Section | None:
    """Payments announced for what is held, soonest first, gross and net; None where nothing is known."""
    words = locale.words
    if not data.announced and not data.income_not_booked:
        return None
    blocks: list[Block] = []
    if data.announced:
        columns = (
            Column(label=words.t("table.asset")),
            Column(label=words.t("dividends.event")),
            Column(label=words.t("dividends.payment"), align="right"),
            Column(label=words.t("money.gross"), align="right"),
            Column(label=words.t("money.net"), align="right"),
        )
        ordered = sorted(data.announced, key=lambda a: (a.payment_date is None, a.payment_date, a.ticker))
        listed: tuple[tuple[Cell, ...], ...] = tuple(
            (
                Cell(text=a.ticker, strong=True),
                Cell(text=words.get(f"action.{a.kind}", a.kind)),
                Cell(text=locale.day(a.payment_date)),
                number_cell(locale, a.amount, 2),
                number_cell(locale, a.net, 2, strong=True),
            )
            for a in ordered
        )
        rows, unprinted = listed[:_COMING], listed[_COMING:]
        if rest := ordered[_COMING:]:
            gross, left = sum((a.amount for a in rest), Decimal(0)), sum((a.net for a in rest), Decimal(0))
            sums = (number_cell(locale, gross, 2), number_cell(locale, left, 2, strong=True))
            more = words.t("table.more" if len(rest) > 1 else "table.more_one", n=len(rest))
            rows = (*rows, (Cell(text=more, muted=True, span=3), *sums))
        caption = words.t("money.coming_caption")
        blocks.append(Table(caption=caption, columns=columns, rows=rows, rest=unprinted, small=True))
        net = sum((a.net for a in data.announced), Decimal(0))
        message = _coming_sum(data.announced, net, locale)
        blocks.append(Paragraph(text=message, muted=True))
    if data.income_not_booked:
        text = words.t("money.not_booked", amount=locale.money(data.income_not_booked))
        blocks.append(Paragraph(text=text))
    title, note = words.t("money.coming_title"), words.t("money.coming_note")
    return Section(id="coming", title=title, note=note, blocks=tuple(blocks), span=6)


def _coming_sum(announced: Sequence[Announced], net: Decimal, locale: Locale) -> str:
    """How many and how much together; the tax on JCP is named where some is withheld."""
    many = "coming_sum" if len(announced) > 1 else "coming_sum_one"
    taxed = any(a.net != a.amount for a in announced)
    key = f"money.{many}" if taxed else f"money.{many}_untaxed"
    return locale.words.t(key, n=len(announced), net=locale.money(net))


def rebalancing_section(data: PortfolioReportData, locale: Locale) -> Section | None:
    """Orders that bring the weights towards their targets; None without targets or orders."""
    if not data.rebalancing:
        return None
    words = locale.words
    columns = (
        Column(label=words.t("table.asset")),
        Column(label=words.t("portfolio.weight"), align="right"),
        Column(label=words.t("money.target"), align="right"),
        Column(label=words.t("money.order")),
        Column(label=words.t("money.order_quantity"), align="right"),
        Column(label=words.t("money.order_amount"), align="right"),
    )
    rows = tuple(
        (
            Cell(text=t.ticker, strong=True),
            percent_cell(locale, t.weight, 1),
            percent_cell(locale, t.target, 1),
            Cell(text=words.t(f"money.{t.side}"), mark="up" if t.side == "buy" else "down"),
            quantity_cell(locale, t.quantity),
            number_cell(locale, t.amount, 2, strong=True),
        )
        for t in data.rebalancing
    )
    table = Table(caption=words.t("money.rebalancing_caption"), columns=columns, rows=rows, small=len(rows) > 8)
    blocks = (table, Paragraph(text=words.t("money.rebalancing_footnote"), muted=True))
    title, note = words.t("money.rebalancing_title"), words.t("money.rebalancing_note")
    return Section(id="rebalancing", title=title, note=note, blocks=blocks)


def _month_of(period: str, locale: Locale) -> str:
    """`mar 2026` of `2026-03`."""
    year, _, month = period.partition("-")
    return f"{locale.month(int(month))} {year}" if month.isdigit() and 1 <= int(month) <= 12 else period


def tax_section(data: PortfolioReportData, locale: Locale) -> Section | None:
    """Sales of the month, tax and exempt gains of the year, DARFs to come, losses; None where nothing was sold."""
    box, words = data.tax, locale.words
    if box is None or not any(
        m.sales or m.tax or m.darf or m.exempt_gain or m.state is State.INCOMPLETE for m in box.months
    ):
        return None
    now = next((m for m in box.months if m.month == f"{data.as_of:%Y-%m}"), None)
    losses = sum(box.losses.values(), Decimal(0))
    unsure = [m.month for m in box.months if m.state is State.INCOMPLETE]
    rows: list[tuple[str, Decimal]] = [(words.t("tax.sales"), now.sales if now else Decimal(0))]
    rows.append((words.t("tax.assessed"), sum((m.tax for m in box.months), Decimal(0))))
    rows += [
        (words.t("tax.darf", period=_month_of(m.darf.period, locale), due=locale.day(m.darf.due)), m.darf.amount)
        for m in box.months
        if m.darf is not None and m.darf.due >= data.as_of and m.paid is None
    ]
    exempt = (m.exempt_gain for m in box.months if m.month not in unsure)
    rows.append((words.t("tax.exempt"), sum(exempt, Decimal(0))))
    rows += [(words.t("tax.losses"), losses)] if losses else []
    columns = (Column(label=words.t("portfolio.metric")), Column(label=words.t("portfolio.value"), align="right"))
    settled = rows[0][0]  # what was sold is known
    body = tuple(
        (
            Cell(text=name),
            Cell(text=words.t("tax.open"), mark="warn")
            if unsure and not amount and name != settled
            else money_cell(locale, amount, strong=True),
        )
        for name, amount in rows
    )
    table = Table(caption=words.t("tax.caption"), columns=columns, rows=body)
    open_months = [Paragraph(text=words.t("tax.incomplete", months=", ".join(unsure)))] if unsure else []
    blocks = (table, *open_months, Paragraph(text=words.t("tax.footnote"), muted=True))
    title, note = words.t("tax.title"), words.t("tax.note", year=box.year)
    return Section(id="tax", title=title, note=note, blocks=blocks, span=6)
