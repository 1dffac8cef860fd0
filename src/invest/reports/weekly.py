"""One portfolio's week: what moved, what was paid, which verdicts changed, what was written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from invest.domain.market import CorporateAction
from invest.reports.cells import more_row, percent_cell, points, points_cell
from invest.reports.data import WeeklyReportData
from invest.reports.frame import frame
from invest.reports.locale import Locale, locale_of
from invest.reports.portfolio import is_sandbox, portfolio_contract, positions_text, sources_parts
from invest.reports.sections import (
    amount_text,
    curve_section,
    direction,
    news_section,
    next_events,
    quarter_due,
)
from invest.reports.views import (
    Block,
    Cell,
    Claim,
    Claims,
    Column,
    Header,
    Paragraph,
    Section,
    Stat,
    Strip,
    Table,
    WeeklyReportView,
)
from invest.reports.words import clean

COMING: Final = timedelta(days=14)
MOST_COMING: Final = 14
MOST_PAYMENTS: Final = 20


def build_weekly_view(data: WeeklyReportData) -> WeeklyReportView:
    """Decide and word one portfolio's week."""
    locale, portfolio = locale_of(data.language), data.portfolio
    words, name = locale.words, clean(portfolio.name, 80)
    sandbox = data.sandbox or is_sandbox(portfolio)
    contract = portfolio_contract(portfolio)
    contract["overview"] |= {"week_start": data.week_start.isoformat(), "week_end": data.week_end.isoformat()}
    contract["quantitative_analysis"] |= {
        "week_return": data.week_return,
        "index_return": data.index_return,
        "week_returns": dict(data.week_returns),
    }
    week = words.t("weekly.heading", start=locale.day(data.week_start), end=locale.day(data.week_end))
    return WeeklyReportView(
        **frame(data, locale, title=words.t("title.weekly", name=name), as_of=data.week_end, sandbox=sandbox),
        portfolio_id=portfolio.portfolio_id,
        header=Header(
            title=name,
            name=week,
            tagline=f"{positions_text(portfolio.positions, locale)} · "
            + words.t("header.as_of", when=locale.day(data.week_end)),
            value=locale.money(portfolio.total_value),
        ),
        strip=_strip(data, locale),
        sections=_sections(data, locale),
        contract=contract,
    )


def _strip(data: WeeklyReportData, locale: Locale) -> Strip:
    words = locale.words
    paid = [a for a in data.payments if a.kind.in_cash]
    stats = (
        Stat(label=words.t("weekly.index"), text=locale.percent(data.index_return, 2, signed=True)),
        Stat(
            label=words.t("weekly.paid"),
            text=str(len(paid)),
            sub=words.t("weekly.event" if len(paid) == 1 else "weekly.events"),
        ),
    )
    return Strip(
        label=words.t("weekly.label"),
        verdict=locale.percent(data.week_return, 2, signed=True),
        mark=direction(data.week_return) or "flat",
        sentence=Claim(text=week_sentence(data, locale)),
        stats=stats,
    )


def week_sentence(data: WeeklyReportData, locale: Locale) -> str:
    """How the week compares with the index, and which positions moved most."""
    words = locale.words
    if data.week_return is None:
        return words.t("weekly.sentence_none")
    sentences = []
    if data.index_return is not None:
        index = locale.percent(data.index_return, 2, signed=True)
        ahead = data.week_return - data.index_return
        key = "even" if abs(ahead) < 0.0005 else "above" if ahead > 0 else "below"
        apart = locale.number(abs(ahead) * 100, 2)
        sentences.append(words.t(f"weekly.sentence_{key}", points=apart, index=index))
    moved = sorted((v, t) for t, v in data.week_returns.items() if v is not None)
    for key, (change, ticker) in (("best", moved[-1]), ("worst", moved[0])) if moved else ():
        if (change > 0) == (key == "best") and change:
            sentences.append(words.t(f"weekly.{key}", ticker=ticker, change=locale.percent(change, 2, signed=True)))
    return " ".join(sentences)


def _sections(data: WeeklyReportData, locale: Locale) -> tuple[Section, ...]:
    movers = sorted(data.contributions or data.week_returns, key=lambda t: -abs(_moved(data, t)))
    parts = (
        _moves(data, locale),
        _changes(data.changes, locale),
        _payments(data, locale),
        _coming(data, locale),
        curve_section(data.portfolio, locale),
        news_section(data.news, None, locale, about=movers),
        *sources_parts(data, data.portfolio.positions, locale),
    )
    return tuple(part for part in parts if part is not None)


def _moved(data: WeeklyReportData, ticker: str) -> float:
    """How much an asset moved the portfolio, else how much it moved itself."""
    return data.contributions.get(ticker, data.week_returns.get(ticker) or 0.0)


def _moves(data: WeeklyReportData, locale: Locale) -> Section:
    """Each position's return in the week, its weight, and what it added to the week's return; the effects add up."""
    words = locale.words
    weights = {p.ticker: p.weight for p in data.portfolio.positions}
    names = {p.ticker: clean(p.name, 40) for p in data.portfolio.positions}
    parts = data.contributions
    tickers = sorted({*data.week_returns, *parts}, key=lambda t: (-_moved(data, t), t))
    rows = [
        (
            Cell(text=words.t("money.fees") if ticker == "fees" else ticker, strong=ticker != "fees"),
            Cell(text=names.get(ticker, ""), muted=True),
            Cell(text=_week_text(data.week_returns.get(ticker), locale), mark=direction(data.week_returns.get(ticker))),
            (percent_cell(locale, weights.get(ticker), 1) if ticker in weights else Cell(text="")),
            *((points_cell(parts.get(ticker, 0.0), locale),) if parts else ()),
        )
        for ticker in tickers
    ]
    if parts and data.week_return is not None:
        total = points(sum(parts.values()), locale)
        rows.append(
            (
                Cell(text=words.t("weekly.total"), strong=True),
                Cell(text=""),
                Cell(text=_week_text(data.week_return, locale), strong=True),
                Cell(text=""),
                Cell(text=total, strong=True),
            )
        )
    columns = (
        Column(label=words.t("table.asset"), width=1),
        Column(label="", width=3),
        Column(label=words.t("weekly.week"), align="right", width=1),
        Column(label=words.t("portfolio.weight"), align="right", width=1),
        *((Column(label=words.t("weekly.effect"), align="right", width=1),) if parts else ()),
    )
    block: Block = Paragraph(text=words.t("portfolio.empty"), muted=True)
    if rows:
        block = Table(caption=words.t("weekly.moves_caption"), columns=columns, rows=tuple(rows), small=len(rows) > 14)
    note = words.t("weekly.moves_note") if rows and parts else ""
    return Section(id="moves", title=words.t("weekly.moves_title"), note=note, blocks=(block,))


def _week_text(value: float | None, locale: Locale) -> str:
    return "" if value is None else locale.percent(value, 2, signed=True)


def _coming(data: WeeklyReportData, locale: Locale) -> Section | None:
    """Rights that end, payments and results of what is held over the next two weeks; None where none is known."""
    words = locale.words
    first, last = data.week_end + timedelta(days=1), data.week_end + COMING
    by_ticker: dict[str, list[CorporateAction]] = {}
    for action in data.coming:
        by_ticker.setdefault(action.ticker, []).append(action)
    events = [
        (day, ticker, what, amount)
        for ticker, actions in by_ticker.items()
        for day, what, amount in next_events(actions, first, locale)
        if day <= last
    ]
    events += [
        (day, ticker, words.t("weekly.results", quarter=quarter_due(day, locale)), "")
        for ticker, day in data.results_due.items()
        if first <= day <= last
    ]
    if not events:
        return None
    columns = (
        Column(label=words.t("agenda.day")),
        Column(label=words.t("table.asset")),
        Column(label=words.t("agenda.event")),
        Column(label=words.t("weekly.coming_amount"), align="right"),
    )
    listed: tuple[tuple[Cell, ...], ...] = tuple(
        (Cell(text=locale.day(day)), Cell(text=ticker, strong=True), Cell(text=what), Cell(text=amount))
        for day, ticker, what, amount in sorted(events)
    )
    rows, rest = listed[:MOST_COMING], listed[MOST_COMING:]
    rows += more_row(len(rest), len(columns), locale)
    table = Table(caption=words.t("weekly.coming_caption"), columns=columns, rows=rows, rest=rest, small=True)
    return Section(id="coming", title=words.t("weekly.coming_title"), blocks=(table,), span=6)


def _changes(changes: Sequence[tuple[str, str, str]], locale: Locale) -> Section | None:
    words = locale.words
    if not changes:
        return None
    claims = tuple(
        Claim(
            text=words.t(
                "weekly.change",
                ticker=clean(ticker, 20),
                before=words.get(f"recommendation.{before}", clean(before, 30)).lower(),
                after=words.get(f"recommendation.{after}", clean(after, 30)).lower(),
            )
        )
        for ticker, before, after in changes
    )
    block = Claims(items=claims)
    return Section(id="changes", title=words.t("weekly.changes_title"), blocks=(block,), span=6)


def _payments(data: WeeklyReportData, locale: Locale) -> Section | None:
    """What was paid or went ex in the week; None where nothing did."""
    words = locale.words
    if not data.payments:
        return None
    columns = (
        Column(label=words.t("table.asset")),
        Column(label=words.t("dividends.event")),
        Column(label=words.t("dividends.date_with"), align="right"),
        Column(label=words.t("dividends.payment"), align="right"),
        Column(label=words.t("weekly.coming_amount"), align="right"),
    )
    listed: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Cell(text=a.ticker, strong=True),
            Cell(text=words.t(f"action.{a.kind}")),
            Cell(text=locale.day(a.last_date_with)),
            Cell(text=locale.day(a.payment_date)),
            Cell(text=amount_text(a, locale)),
        )
        for a in data.payments
    )
    rows, rest = listed[:MOST_PAYMENTS], listed[MOST_PAYMENTS:]
    rows += more_row(len(rest), len(columns), locale)
    table = Table(caption=words.t("weekly.payments_caption"), columns=columns, rows=rows, rest=rest)
    title, note = words.t("weekly.payments_title"), words.t("weekly.payments_note")
    return Section(id="payments", title=title, note=note, blocks=(table,), span=6)
