"""What comes next: rights, payments, results; and who the asset is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from invest.domain.analysis import Analysis, History
from invest.domain.market import Asset, AssetKind, CorporateAction, Programme, home_paper
from invest.reports.cells import more_row
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING, Locale
from invest.reports.phrases import sector_name
from invest.reports.sections.company.dividends import amount_text
from invest.reports.sections.company.results import quarter_name
from invest.reports.views import Cell, Column, Section, Table
from invest.reports.words import clean

_MOST: Final = 8
_FUNDS: Final = (AssetKind.FII, AssetKind.ETF)
_WHOLE: Final = 1e-9  # how near to a whole number a parity is one
Event = tuple[date, str, str]


def next_events(actions: Iterable[CorporateAction], today: date, locale: Locale) -> list[Event]:
    """(day, what, amount) of rights that end and payments that come from `today` on, soonest first."""
    words = locale.words
    found: set[Event] = set()
    for action in actions:
        kind, amount = words.t(f"action.{action.kind}"), amount_text(action, locale)
        if action.last_date_with >= today:
            found.add((action.last_date_with, words.t("agenda.with_rights", kind=kind), amount))
        if action.kind.in_cash and action.payment_date is not None and today <= action.payment_date < date(9000, 1, 1):
            found.add((action.payment_date, words.t("agenda.payment", kind=kind), amount))
    return sorted(found)


def agenda_section(
    actions: Sequence[CorporateAction], history: History, today: date, locale: Locale, *, unit: str
) -> Section | None:
    """The next dates; None where none is known."""
    words = locale.words
    coming = next_events(actions, today, locale)
    events = coming[:_MOST]
    if history.results_due is not None:
        quarter = quarter_due(history.results_due, locale)
        events.append((history.results_due, words.t("agenda.results", quarter=quarter), ""))
    if not events:
        return None
    columns: tuple[Column, ...] = (Column(label=words.t("agenda.day")), Column(label=words.t("agenda.event")))
    if any(amount not in ("", MISSING) for _, _, amount in events):
        columns += (Column(label=words.t(f"agenda.amount_{unit}"), align="right"),)
    listed = tuple(
        (
            Cell(text=locale.day(day), strong=True),
            Cell(text=what),
            Cell(text="" if amount == MISSING else amount),
        )[: len(columns)]
        for day, what, amount in (*sorted(events), *coming[_MOST:])
    )
    rows, rest = listed[: len(events)], listed[len(events) :]
    rows += more_row(len(rest), len(columns), locale)
    table = Table(caption=words.t("agenda.caption"), columns=columns, rows=rows, rest=rest)
    return Section(id="agenda", title=words.t("agenda.title"), blocks=(table,), span=5)


def quarter_due(due: date, locale: Locale) -> str:
    """The quarter whose statements are due on `due`: the last one that ended a month before it or earlier."""
    ends = [date(due.year - 1, 12, 31), date(due.year, 3, 31), date(due.year, 6, 30), date(due.year, 9, 30)]
    end = max(e for e in ends if e < due - timedelta(days=30))
    return quarter_name(end, locale)


def profile_section(
    analysis: Analysis,
    asset: Asset | None,
    history: History,
    book: FactBook,
    *,
    programme: Programme | None = None,
    parity: float | None = None,
) -> Section | None:
    """Who it is, as a table; None where nothing beyond the ticker is known.

    `programme`: what a receipt stands for by its depositary's document; `parity`: receipts for one home paper.
    """
    locale, words = book.locale, book.locale.words
    rows: list[tuple[str, str]] = [
        (words.t("profile.name"), clean(analysis.name, 120)),
        (words.t("profile.sector"), sector_name(analysis.sector, locale, 120)),
    ]
    if asset is not None:
        rows += [
            (words.t("profile.segment"), "" if history.index else sector_name(_innermost(asset.segment), locale, 34)),
            (words.t("profile.cnpj"), _cnpj(asset.cnpj)),
            (words.t("profile.cvm_code"), str(asset.cvm_code) if asset.cvm_code else ""),
            (words.t("profile.isin"), clean(asset.isin, 14)),
        ]
    rows.append((words.t("profile.index"), history.index or ""))
    if analysis.kind is AssetKind.BDR:
        rows += _home(analysis.ticker, programme, parity, book.locale)
    if analysis.kind in _FUNDS:
        rows += _worth(book, analysis.kind)
    rows += [
        (_count_label(analysis.kind, key, book), book.figure(key).text)
        for key in ("market_cap", "enterprise_value", "shares_outstanding")
        if book.value(key) is not None
        and not (key == "market_cap" and analysis.kind is AssetKind.ETF)  # its net worth, but for what is paid above it
        and analysis.kind is not AssetKind.BDR  # receipts issued times their price: not the company's value
        and not (key == "enterprise_value" and analysis.scorecard == "bank")  # their debt is what they trade in
    ]
    known = [(name, text) for name, text in rows if text]
    if len(known) < 3:
        return None
    columns = (Column(label=words.t("profile.item")), Column(label=words.t("profile.value"), align="right"))
    body = tuple((Cell(text=name), Cell(text=text, strong=True)) for name, text in known)
    table = Table(caption=words.t("profile.caption"), columns=columns, rows=body)
    return Section(id="profile", title=words.t("profile.title"), blocks=(table,), span=5)


def _worth(book: FactBook, kind: AssetKind) -> list[tuple[str, str]]:
    """A fund's net worth with the day that it reported it for; of an ETF its holders, which a FII's figures have."""
    words, rows = book.locale.words, []
    equity = book.get("equity")
    if equity is not None and equity.value is not None:
        name = words.t("profile.net_worth", day=book.locale.day(equity.as_of))
        rows.append((name, book.figure("equity").text))
    if kind is AssetKind.ETF and book.value("holders") is not None:
        rows.append((book.short("holders"), book.figure("holders").text))
    return rows


def _count_label(kind: AssetKind, key: str, book: FactBook) -> str:
    """The figure's name; what a fund or a unit issuer has is no number of shares."""
    names = {AssetKind.FII: "profile.units", AssetKind.ETF: "profile.units", AssetKind.UNIT: "profile.units_unit"}
    known = key == "shares_outstanding" and kind in names
    return book.locale.words.t(names[kind]) if known else book.short(key)


def _home(ticker: str, programme: Programme | None, parity: float | None, locale: Locale) -> list[tuple[str, str]]:
    """The paper behind a receipt with its exchange, and how many of one make the other."""
    words, home = locale.words, home_paper(ticker) if programme is None else programme.home
    rows = []
    if home is not None:
        where = f" ({clean(home.exchange, 24)})" if home.exchange else ""
        rows.append((words.t("profile.home"), f"{clean(home.symbol, 20)}{where}"))
    if parity is not None and parity > 0:
        official = programme if programme is not None and float(programme.parity) == parity else None
        rows.append((words.t("profile.parity"), _parity_text(official, parity, locale)))
    return rows


def _parity_text(programme: Programme | None, parity: float, locale: Locale) -> str:
    """`20 BDRs a paper`, `1 BDR for 2 papers`, `5 BDRs for 2 papers`."""
    words = locale.words
    if programme is not None and programme.receipts > 1 and programme.papers > 1:
        n, papers = locale.number(programme.receipts, 0), locale.number(programme.papers, 0)
        return words.t("profile.parity_both", n=n, papers=papers)
    if abs(parity - 1) < _WHOLE:
        return words.t("profile.parity_equal")
    many, key = (parity, "parity_many") if parity > 1 else (1 / parity, "parity_one")
    return words.t(f"profile.{key}", n=locale.number(many, 0 if abs(many - round(many)) < _WHOLE else 2))


def _innermost(segment: str | None) -> str | None:
    """The last part of B3's classification `subsector / segment`."""
    return segment.split(" / ")[-1] if segment else None


def _cnpj(text: str | None) -> str:
    """`33.000.167/0001-01`; since July 2026 with letters, `12.ABC.345/01DE-35`."""
    if not text or len(text) != 14 or not (text.isascii() and text.isalnum()):
        return ""
    return f"{text[:2]}.{text[2:5]}.{text[5:8]}/{text[8:12]}-{text[12:]}"
