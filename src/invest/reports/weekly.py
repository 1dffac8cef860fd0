"""One portfolio's week: what moved, what was paid, which verdicts changed, what was written."""

from __future__ import annotations

from collections.abc import Sequence

from invest.reports.data import WeeklyReportData
from invest.reports.frame import frame
from invest.reports.locale import Locale, locale_of
from invest.reports.portfolio import is_sandbox, portfolio_contract, positions_text, sources_parts
from invest.reports.sections import amount_text, curve_section, direction, news_section
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
        Stat(label=words.t("weekly.paid"), text=str(len(paid))),
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
        points = locale.number(abs(ahead) * 100, 1)
        sentences.append(words.t(f"weekly.sentence_{key}", points=points, index=index))
    moved = sorted((v, t) for t, v in data.week_returns.items() if v is not None)
    for key, (change, ticker) in (("best", moved[-1]), ("worst", moved[0])) if moved else ():
        if (change > 0) == (key == "best") and change:
            sentences.append(words.t(f"weekly.{key}", ticker=ticker, change=locale.percent(change, 1, signed=True)))
    return " ".join(sentences)


def _sections(data: WeeklyReportData, locale: Locale) -> tuple[Section, ...]:
    parts = (
        _moves(data, locale),
        _changes(data.changes, locale),
        _payments(data, locale),
        curve_section(data.portfolio, locale),
        news_section(data.news, None, locale),
        *sources_parts(data, data.portfolio.positions, locale),
    )  # fmt: skip
    return tuple(part for part in parts if part is not None)


def _moves(data: WeeklyReportData, locale: Locale) -> Section:
    """Each position's return in the week and what it did to the portfolio (return x weight at the week's end)."""
    words = locale.words
    weights = {p.ticker: p.weight for p in data.portfolio.positions}
    names = {p.ticker: clean(p.name, 40) for p in data.portfolio.positions}
    moved = sorted(data.week_returns.items(), key=lambda pair: (pair[1] is None, -(pair[1] or 0.0), pair[0]))
    rows = []
    for ticker, change in moved:
        weight = weights.get(ticker)
        effect = None if change is None or weight is None else change * weight
        points = locale.number(None if effect is None else effect * 100, 2, signed=True)
        rows.append(
            (
                Cell(text=ticker, strong=True),
                Cell(text=names.get(ticker, ""), muted=True),
                Cell(text=locale.percent(change, 2, signed=True), mark=direction(change)),
                Cell(text=locale.percent(weight, 1)),
                Cell(text=words.t("weekly.points", x=points) if effect is not None else points),
            )
        )
    columns = (
        Column(label=words.t("table.asset"), width=1),
        Column(label="", width=3),
        Column(label=words.t("weekly.week"), align="right", width=1),
        Column(label=words.t("portfolio.weight"), align="right", width=1),
        Column(label=words.t("weekly.effect"), align="right", width=1),
    )
    block: Block = Paragraph(text=words.t("portfolio.empty"), muted=True)
    if rows:
        block = Table(caption=words.t("weekly.moves_caption"), columns=columns, rows=tuple(rows), small=len(rows) > 14)
    note = words.t("weekly.moves_note") if rows else ""
    return Section(id="moves", title=words.t("weekly.moves_title"), note=note, blocks=(block,))


def _changes(changes: Sequence[tuple[str, str, str]], locale: Locale) -> Section:
    words = locale.words
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
    block: Block = Claims(items=claims) if claims else Paragraph(text=words.t("weekly.changes_none"), muted=True)
    return Section(id="changes", title=words.t("weekly.changes_title"), blocks=(block,), span=6)


def _payments(data: WeeklyReportData, locale: Locale) -> Section:
    words = locale.words
    columns = (
        Column(label=words.t("table.asset")),
        Column(label=words.t("dividends.event")),
        Column(label=words.t("dividends.payment"), align="right"),
        Column(label=words.t("dividends.amount"), align="right"),
    )
    rows = tuple(
        (
            Cell(text=a.ticker, strong=True),
            Cell(text=words.t(f"action.{a.kind}")),
            Cell(text=locale.day(a.payment_date)),
            Cell(text=amount_text(a, locale)),
        )
        for a in data.payments[:20]
    )
    block: Block = Paragraph(text=words.t("weekly.payments_none"), muted=True)
    if rows:
        block = Table(caption=words.t("weekly.payments_caption"), columns=columns, rows=rows)
    note = words.t("weekly.payments_note") if rows else ""
    return Section(id="payments", title=words.t("weekly.payments_title"), note=note, blocks=(block,), span=6)
