"""Events booked by hand, and the questions that stored data ask."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
from pydantic import Field

from invest.domain.frozen import Frozen
from invest.domain.market import (
    MARKET_ZONE,
    OWNER,
    PART,
    ActionKind,
    AgendaEntry,
    CorporateAction,
    EventTerms,
    events_between,
    market_day,
    part_that_stayed,
)
from invest.domain.news import announced_results
from invest.domain.values import QuestionKind
from invest.errors import InvestError, NotFound
from invest.jobs.loading import results_due
from invest.settings import Settings
from invest.store import Store

LOOKED_BACK = timedelta(days=800)  # rights may end so long before their payment
AHEAD = timedelta(days=730)  # an event may be booked so long before its day
SETTLING = timedelta(days=5)  # a paper may be quoted so long after its last day
NO_EFFECT = Decimal(1)  # of an event whose effect on the price is told elsewhere: by the change of code


class UnbookableEvent(InvestError):
    """An event that cannot be booked as it was given; the message says what lacks."""


async def book_event(store: Store, ticker: str, terms: EventTerms, now: datetime) -> CorporateAction:
    """Book an event of `ticker`, instead of what was booked of that day and kind before.

    A merger is recorded as a change of code too, so that the paper is followed into the other one with its ratio.
    Raises `NotFound` for an asset not on record, `UnbookableEvent` where terms lack.
    """
    if await store.assets.get(ticker) is None:
        raise NotFound(f"{ticker} is not known yet: invest enqueue collect {ticker} --wait")
    if ticker in (terms.other, *(part.other for part in terms.into)):
        raise UnbookableEvent(f"other: {ticker} cannot become itself")
    if terms.last_date_with > now.date() + AHEAD:
        raise UnbookableEvent(f"last_date_with: {terms.last_date_with} is more than two years ahead")
    await _check_against_stored(store, ticker, terms)
    if terms.kind is ActionKind.MERGER:
        return await _book_merger(store, ticker, terms)
    if terms.kind is ActionKind.SPIN_OFF:
        parts = await _spun_off(store, ticker, terms.last_date_with, parts=True)
        actions = await _spin_offs(store, ticker, terms)
        await store.booked.book([*actions, *parts])
        return actions[0]
    redeemed = terms.kind is ActionKind.REDEMPTION
    action = terms.action(ticker, NO_EFFECT if redeemed else terms.price_factor)
    await store.booked.book([action], ends=redeemed and await _ended(store, ticker, terms.last_date_with, now))
    return action


async def _ended(store: Store, ticker: str, day: date, now: datetime) -> bool:
    """Whether a paper that its company bought back trades no more: companies redeem a part of them too."""
    last = (await store.bars.last_days([ticker])).get(ticker)
    return day < market_day(now) and (last is None or last <= day + SETTLING)


async def _book_merger(store: Store, ticker: str, terms: EventTerms) -> CorporateAction:
    """Book that a paper became another, or several: the most valuable is followed, the others count as spun off."""
    parts = list[CorporateAction]()
    if terms.into:
        terms, rest = terms.main_of(await _worths(store, terms))
        for one, factor in rest:
            given = {"kind": ActionKind.SPIN_OFF, "last_date_with": terms.last_date_with, "label": PART}
            spun = EventTerms(**given, other=one.other, ratio=one.ratio)
            parts.append(spun.action(ticker, factor))
    factor = NO_EFFECT
    if terms.amount is not None:
        before = (await store.bars.read(ticker)).until(terms.last_date_with).close
        if not len(before):
            raise UnbookableEvent(f"amount: no close of {ticker} up to {terms.last_date_with}: collect it first")
        factor = (1 - terms.amount / Decimal(str(before[-1]))).quantize(Decimal("1e-8"))
    action = terms.action(ticker, factor)
    own = await _spun_off(store, ticker, terms.last_date_with, parts=False) if parts else []
    assert terms.other is not None  # a merger names it, or its main paper was just put in
    known = (await store.bars.read(terms.other)).days
    had_history = bool(len(known)) and known[0].astype(date) <= terms.last_date_with
    await store.booked.book([*own, *parts, action], change=terms.change(ticker, continues=not had_history))
    return action


async def _spun_off(store: Store, ticker: str, day: date, *, parts: bool) -> list[CorporateAction]:
    """What was booked as spun off on a day: the parts of a merger, or all else. What is booked beside it stays."""
    booked = (a for a in await store.actions.reported(ticker) if (a.source, a.last_date_with) == (OWNER, day))
    return [a for a in booked if a.kind is ActionKind.SPIN_OFF and (a.label == PART) is parts]


async def _worths(store: Store, terms: EventTerms) -> list[float]:
    """What one old paper gave of each paper of `into`, BRL at its first close. Raises `UnbookableEvent`."""
    bars = await store.bars.read_many([part.other for part in terms.into])
    worths = []
    for part in terms.into:
        mine = bars.get(part.other)
        after = None if mine is None else mine.close[mine.days > np.datetime64(terms.last_date_with, "D")]
        if after is None or not len(after):
            raise UnbookableEvent(f"into: no close of {part.other} after {terms.last_date_with}: collect it first")
        worths.append(float(part.ratio) * float(after[0]))
    return worths


async def _check_against_stored(store: Store, ticker: str, terms: EventTerms) -> None:
    """Whether terms fit the prices and papers on record. Raises `UnbookableEvent`."""
    papers = [terms.other, *(part.other for part in terms.into)] if terms.kind is ActionKind.MERGER else []
    for other in filter(None, papers):
        if await store.assets.get(other) is None:
            name = "into" if terms.into else "other"
            raise UnbookableEvent(f"{name}: {other} is not known yet: invest enqueue collect {other} --wait")
    if (terms.kind.in_cash or terms.kind is ActionKind.MERGER) and terms.amount is not None:
        before = (await store.bars.read(ticker)).until(terms.last_date_with).close
        if len(before) and float(terms.amount) >= before[-1]:
            raise UnbookableEvent(
                f"amount: {terms.amount:f} a share is not below the price of {before[-1]:.6g} on that day"
            )


async def withdraw_event(store: Store, ticker: str, kind: ActionKind, day: date) -> None:
    """Take back an event booked by hand. Raises `NotFound` where there is none."""
    if not await store.booked.withdraw(ticker, kind, day):
        parts = kind is ActionKind.SPIN_OFF and await _spun_off(store, ticker, day, parts=True)
        hint = ": what came by a merger goes with the merger" if parts else ""
        raise NotFound(f"no {kind.value} of {ticker} on {day} was booked by hand{hint}")
    if kind is ActionKind.PRICE_MOVE:  # prices do not compare across it any more: asked again
        await store.answers.forget((ticker, QuestionKind.MOVE, day))


async def _spin_offs(store: Store, ticker: str, terms: EventTerms) -> list[CorporateAction]:
    """The spin-offs of `terms`, each with the part of the price that stayed of what the ones before it left."""
    each = terms.each()
    if terms.price_factor is not None:
        return [terms.action(ticker, terms.price_factor)]
    codes = [one.other for one in each if one.other is not None]
    bars = await store.bars.read_many([ticker, *codes])
    before = bars[ticker].until(terms.last_date_with).close if ticker in bars else np.empty(0)
    advice = "collect it first" if terms.into else "collect it first, or give price_factor"
    if not len(before):
        raise UnbookableEvent(f"no close of {ticker} up to {terms.last_date_with}: {advice}")
    left, actions = float(before[-1]), list[CorporateAction]()
    for one, other in zip(each, codes, strict=True):
        mine = bars.get(other)
        first = None if mine is None else mine.close[mine.days > np.datetime64(terms.last_date_with, "D")]
        if first is None or not len(first):
            raise UnbookableEvent(f"no close of {other} after {terms.last_date_with}: {advice}")
        stayed = part_that_stayed(left, float(first[0]), one.ratio or Decimal(1))
        if stayed is None:
            raise UnbookableEvent(f"ratio: {one.ratio} of {other} were worth more than what was left of one {ticker}")
        actions.append(one.action(ticker, stayed))
        left *= float(stayed)
    return actions


class ResultsDay(Frozen):
    """When a company publishes its next results: as it announced, else by when the law asks for them."""

    ticker: str
    day: date
    announced: bool = Field(description="false: the last day the law allows")
    source: str
    link: str | None = None
    payload: str | None = None


async def results_days(store: Store, settings: Settings, tickers: Sequence[str]) -> list[ResultsDay]:
    """The next results of the companies behind `tickers`, by day; assets that file none are left out."""
    today = market_day(settings.now())
    due, notices = await asyncio.gather(
        results_due(store, settings, tickers),
        store.news.notices(tickers, since=datetime.combine(today - LOOKED_BACK, time.min, MARKET_ZONE)),
    )
    announced: dict[str, ResultsDay] = {}
    for item in notices:  # oldest first: a later notice corrects an earlier one
        day = announced_results(item)
        for ticker in item.tickers if day is not None and day >= today else ():
            if day is not None and ticker in tickers:
                announced[ticker] = ResultsDay(
                    ticker=ticker, day=day, announced=True, source=item.source, link=item.link, payload=item.payload
                )
    by_law = [
        ResultsDay(ticker=t, day=day, announced=False, source="cvm") for t, day in due.items() if t not in announced
    ]
    return sorted([*announced.values(), *by_law], key=lambda one: (one.day, one.ticker))


async def announced(store: Store, tickers: Sequence[str], since: date, until: date, today: date) -> list[AgendaEntry]:
    """What is announced of some assets from `since` to `until`: rights, payments, and payments still to be set."""
    known = await store.actions.of_many(sorted(set(tickers)), since=since - LOOKED_BACK)
    return events_between((action for actions in known.values() for action in actions), since, until, today)


async def held_tickers(store: Store, portfolio_id: str) -> list[str]:
    """Codes that a portfolio ever had a transaction of, and those that known events gave for them."""
    booked = (await store.portfolios.transactions([portfolio_id])).get(portfolio_id, ())
    known = await store.portfolios.known(booked, prices=False)
    return sorted({t.ticker for t in booked if t.ticker} | known.actions.keys())
