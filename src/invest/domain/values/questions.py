"""What stored data ask their owner: figures that can be true and seldom are. Asked once, the answer is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np
from pydantic import Field

from invest.domain.frozen import Frozen
from invest.domain.market import (
    CRYPTO_PAIR,
    ActionKind,
    AssetKind,
    Bars,
    PriceEvent,
    kind_from_suffix,
    market_day,
    session_hours,
    unexplained_moves,
)
from invest.domain.values.observations import Basis, Consensus, Observation

RICH = 0.30  # of the price: beyond it a payment is rather an error of unit, or a return of capital
EXACT = 1e-9  # what floats differ by where figures do not
WORTH = 0.20  # relative difference up to which a market value fits shares times price
RANGE_SLACK = 0.005  # of the price: rounding at the ends of a day's range
AFTER_MARKET = 0.02  # of the close: how far prices may go after the session, whose range has the session's alone


class QuestionKind(StrEnum):
    """What a question is about."""

    MOVE = "move"  # a price that no known event explains
    PAYMENT = "payment"  # more than 30 % of the price in one day
    RANGE = "range"  # a source's price outside the exchange's range of that day
    MARKET_VALUE = "market_value"  # a stated value far from shares times price
    NOTICE = "notice"  # an official notice tells of an event that is not known
    COST_SHARE = "cost_share"  # the part of the cost that a company published for a spin-off is not booked


class Question(Frozen):
    """One doubt about one day of one asset."""

    ticker: str
    kind: QuestionKind
    day: date
    text: str
    breaks: bool = False  # prices up to that day are not adjusted until it is answered
    facts: str = Field(default="", description="the figures it rests on; answered, it is asked again where they change")
    event: ActionKind | None = Field(default=None, description="the event that it is about, where one is told")
    notice: str | None = Field(default=None, description="a company's official notice of about that day: a hint")
    link: str | None = Field(default=None, description="of the notice")
    book: str | None = Field(
        default=None, description="what to run once it was read; words in capitals are to be filled in"
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and the facts of the questions it was given to; None where they were not kept."""

    ticker: str
    kind: QuestionKind
    day: date
    answer: str
    facts: tuple[str, ...] | None = None

    def settles(self, question: Question) -> bool:
        """Whether `question` is what was answered: the same facts, not only the same day.

        A market value is stated anew each day: it is the same doubt while it is about as far off.
        """
        if (self.ticker, self.kind) != (question.ticker, question.kind):
            return False
        if question.kind is QuestionKind.MARKET_VALUE and self.facts is not None:
            return any(abs(float(known) / float(question.facts) - 1) <= WORTH for known in self.facts)
        return self.day == question.day and (self.facts is None or question.facts in self.facts)


def unanswered(asked: Iterable[Question], answers: Iterable[Answered]) -> list[Question]:
    """The questions that no answer settles."""
    given: dict[tuple[str, QuestionKind], list[Answered]] = {}
    for one in answers:
        given.setdefault((one.ticker, one.kind), []).append(one)
    return [q for q in asked if not any(one.settles(q) for one in given.get((q.ticker, q.kind), ()))]


def price_questions(bars: Bars, actions: Sequence[PriceEvent]) -> list[Question]:
    """Moves that nothing explains, and payments beyond 30 % of the price, by day.

    A right to subscribe is worth what is left over a fixed price, for some weeks: its moves say nothing.
    """
    ticker = bars.ticker
    moves = unexplained_moves(bars.days, bars.close, actions) if kind_from_suffix(ticker) is not AssetKind.RIGHT else ()
    asked = [
        Question(
            ticker=ticker,
            kind=QuestionKind.MOVE,
            day=move.before,
            text=move.words,
            breaks=move.breaks,
            facts=f"{move.ratio:.4g}",
            event=move.kind,
        )
        for move in moves
    ]
    paid: dict[date, float] = {}
    for action in actions:
        if action.kind.in_cash and action.amount:
            paid[action.last_date_with] = paid.get(action.last_date_with, 0.0) + float(action.amount)
    for day, amount in sorted(paid.items()):
        price = _close_on(bars, day)
        if price is not None and amount > RICH * price * (1 + EXACT):
            text = (
                f"payments of {amount:.6g} with rights until {day} are {amount / price:.0%} of a price of {price:.6g}"
            )
            facts = f"{amount:.6g}"
            asked.append(Question(ticker=ticker, kind=QuestionKind.PAYMENT, day=day, text=text, facts=facts))
    return sorted(asked, key=lambda question: (question.day, question.kind))


def value_questions(
    bars: Bars, observations: Iterable[Observation], latest: Mapping[str, Consensus], papers: float | None
) -> list[Question]:
    """Prices of sources outside the day's range, and a market value that does not fit `papers` times the price.

    A coin has no exchange whose range is the official one, and its day is another one: it is not asked about.
    """
    asked = []
    for seen in () if CRYPTO_PAIR.match(bars.ticker) else observations:
        if seen.field == "close" and not seen.official and seen.basis is not Basis.ADJUSTED:
            asked += _range_question(bars, seen)
    cap, close = latest.get("market_cap"), latest.get("close")
    if cap and close and cap.value and close.value and papers:
        day = market_day(cap.as_of)
        price = (_close_on(bars, day) if day < market_day(close.as_of) else None) or float(close.value)
        ours = price * papers
        if abs(float(cap.value) / ours - 1) > WORTH:
            text = f"a market value of {cap.value:,.0f} beside {papers:,.0f} papers at {price:.6g}: {ours:,.0f}"
            facts = f"{float(cap.value) / ours:.6g}"
            asked.append(Question(ticker=bars.ticker, kind=QuestionKind.MARKET_VALUE, day=day, text=text, facts=facts))
    return asked


def _range_question(bars: Bars, seen: Observation) -> list[Question]:
    day, price = market_day(seen.as_of), float(seen.value)
    at = int(np.searchsorted(bars.days, np.datetime64(day, "D")))
    if at >= len(bars) or bars.days[at].astype(date) != day:
        return []
    low, high, close = float(bars.low[at]), float(bars.high[at]), float(bars.close[at])
    if _after_the_session(seen.as_of, day):
        low, high = min(low, close * (1 - AFTER_MARKET)), max(high, close * (1 + AFTER_MARKET))
    if not (np.isfinite(low) and np.isfinite(high)) or low * (1 - RANGE_SLACK) <= price <= high * (1 + RANGE_SLACK):
        return []
    text = f"{seen.source} gives {seen.value:f}, outside the day's range of {bars.low[at]:.6g} to {bars.high[at]:.6g}"
    facts = f"{seen.source} {seen.value:f}"
    return [Question(ticker=bars.ticker, kind=QuestionKind.RANGE, day=day, text=text, facts=facts)]


def _after_the_session(moment: datetime, day: date) -> bool:
    hours = session_hours(day)
    return hours is not None and moment > hours[1]


def _close_on(bars: Bars, day: date) -> float | None:
    """The close of `day` or of the session before it, unadjusted."""
    at = int(np.searchsorted(bars.days, np.datetime64(day, "D"), side="right")) - 1
    price = float(bars.close[at]) if at >= 0 else float("nan")
    return price if np.isfinite(price) and price > 0 else None
