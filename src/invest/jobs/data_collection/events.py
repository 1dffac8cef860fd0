"""Events booked by hand, and the questions that stored data ask."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np

from invest.domain.analysis import shares_behind
from invest.domain.market import (
    OWNER,
    ActionKind,
    AgendaEntry,
    Bars,
    CorporateAction,
    EventTerms,
    Step,
    events_between,
    part_that_stayed,
)
from invest.domain.values import Question, QuestionKind, price_questions, value_questions
from invest.errors import InvestError, NotFound
from invest.store import Store

LOOKED_BACK = timedelta(days=800)  # rights may end so long before their payment
AHEAD = timedelta(days=730)  # an event may be booked so long before its day
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
    if terms.other == ticker:
        raise UnbookableEvent(f"other: {ticker} cannot become itself")
    if terms.last_date_with > now.date() + AHEAD:
        raise UnbookableEvent(f"last_date_with: {terms.last_date_with} is more than two years ahead")
    factor = terms.price_factor
    if terms.kind is ActionKind.SPIN_OFF and factor is None:
        factor = await _stayed(store, ticker, terms)
    if terms.kind in (ActionKind.MERGER, ActionKind.REDEMPTION):
        factor = NO_EFFECT
    action = terms.action(ticker, factor)
    await store.actions.upsert([action])
    if terms.kind is ActionKind.MERGER and terms.other is not None:
        known = await store.bars.read(terms.other)
        had_history = bool(len(known)) and known.days[0].astype(date) <= terms.last_date_with
        await store.assets.rename(terms.change(ticker, continues=not had_history))
    return action


async def withdraw_event(store: Store, ticker: str, kind: ActionKind, day: date) -> None:
    """Take back an event booked by hand. Raises `NotFound` where there is none."""
    if not await store.actions.remove(ticker, kind, day, OWNER):
        raise NotFound(f"no {kind.value} of {ticker} on {day} was booked by hand")
    if kind is ActionKind.MERGER:
        await store.assets.undo_rename(ticker, day + timedelta(days=1), OWNER)


async def _stayed(store: Store, ticker: str, terms: EventTerms) -> Decimal:
    """The part of the price that stayed, from the closes around the day. Raises `UnbookableEvent`."""
    assert terms.other is not None  # the terms of a spin-off without a price factor have both
    assert terms.ratio is not None
    mine, other = await asyncio.gather(store.bars.read(ticker), store.bars.read(terms.other))
    before = mine.until(terms.last_date_with).close
    first = other.close[other.days > np.datetime64(terms.last_date_with, "D")]
    if not len(before) or not len(first):
        lacking = f"of {terms.other} after" if len(before) else f"of {ticker} up to"
        raise UnbookableEvent(f"no close {lacking} {terms.last_date_with}: collect it first, or give price_factor")
    stayed = part_that_stayed(float(before[-1]), float(first[0]), terms.ratio)
    if stayed is None:
        raise UnbookableEvent(f"ratio: {terms.ratio} of {terms.other} were worth more than one {ticker}")
    return stayed


async def questions(store: Store, tickers: Sequence[str] | None, since: date) -> list[Question]:
    """What the data of some assets (None: all) since a day ask and nobody answered, by ticker and day."""
    lineages = await store.assets.lineages()
    bars, given = await asyncio.gather(store.bars.read_many(tickers, since=since), store.answers.given(tickers))
    steps = await store.actions.steps(sorted(bars), lineages=lineages)
    asked = await asyncio.to_thread(_price_questions, bars, steps)
    for ticker in tickers or ():
        if ticker in bars:
            asset, seen, latest = await asyncio.gather(
                store.assets.get(ticker), store.observations.newest(ticker), store.observations.latest(ticker)
            )
            asked += value_questions(bars[ticker], seen, latest, shares_behind(asset) if asset else None)
    open_ones = [q for q in asked if (q.ticker, q.kind, q.day) not in given and q.day >= since]
    return sorted(open_ones, key=lambda question: (question.ticker, question.day, question.kind))


async def announced(store: Store, tickers: Sequence[str], since: date, until: date, today: date) -> list[AgendaEntry]:
    """What is announced of some assets from `since` to `until`: rights, payments, and payments still to be set."""
    known = await store.actions.of_many(sorted(set(tickers)), since=since - LOOKED_BACK)
    return events_between((action for actions in known.values() for action in actions), since, until, today)


async def held_tickers(store: Store, portfolio_id: str) -> list[str]:
    """Codes that a portfolio ever had a transaction of."""
    booked = await store.portfolios.transactions([portfolio_id])
    return sorted({t.ticker for t in booked.get(portfolio_id, ()) if t.ticker})


def _price_questions(bars: Mapping[str, Bars], steps: Mapping[str, Sequence[Step]]) -> list[Question]:
    return [question for ticker in bars for question in price_questions(bars[ticker], steps.get(ticker, ()))]


async def answer_question(
    store: Store, ticker: str, kind: QuestionKind, day: date, answer: str, *, by: str, now: datetime
) -> None:
    """Keep the owner's answer. That a price moved by itself is booked as an event too: prices compare across it."""
    if kind is QuestionKind.MOVE:
        terms = EventTerms(kind=ActionKind.PRICE_MOVE, last_date_with=day, label=answer[:120] or None)
        await book_event(store, ticker, terms, now)
    await store.answers.keep((ticker, kind, day), answer, by=by, at=now)
