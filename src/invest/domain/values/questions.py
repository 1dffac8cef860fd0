"""What stored data ask their owner: figures that can be true and seldom are. Asked once, the answer is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum

import numpy as np

from invest.domain.frozen import Frozen
from invest.domain.market import Bars, PriceEvent, market_day, unexplained_moves
from invest.domain.values.observations import Basis, Consensus, Observation

RICH = 0.30  # of the price: beyond it a payment is rather an error of unit, or a return of capital
EXACT = 1e-9  # what floats differ by where figures do not
WORTH = 0.20  # relative difference up to which a market value fits shares times price
RANGE_SLACK = 0.005  # of the price: rounding at the ends of a day's range


class QuestionKind(StrEnum):
    """What a question is about."""

    MOVE = "move"  # a price that no known event explains
    PAYMENT = "payment"  # more than 30 % of the price in one day
    RANGE = "range"  # a source's price outside the exchange's range of that day
    MARKET_VALUE = "market_value"  # a stated value far from shares times price
    NOTICE = "notice"  # an official notice tells of an event that is not known


class Question(Frozen):
    """One doubt about one day of one asset."""

    ticker: str
    kind: QuestionKind
    day: date
    text: str
    breaks: bool = False  # prices up to that day are not adjusted until it is answered


def price_questions(bars: Bars, actions: Sequence[PriceEvent]) -> list[Question]:
    """Moves that nothing explains, and payments beyond 30 % of the price, by day."""
    ticker = bars.ticker
    asked = [
        Question(ticker=ticker, kind=QuestionKind.MOVE, day=move.before, text=move.words, breaks=move.breaks)
        for move in unexplained_moves(bars.days, bars.close, actions)
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
            asked.append(Question(ticker=ticker, kind=QuestionKind.PAYMENT, day=day, text=text))
    return sorted(asked, key=lambda question: (question.day, question.kind))


def value_questions(
    bars: Bars, observations: Iterable[Observation], latest: Mapping[str, Consensus], papers: float | None
) -> list[Question]:
    """Prices of sources outside the day's range, and a market value that does not fit `papers` times the price."""
    asked = []
    for seen in observations:
        if seen.field == "close" and not seen.official and seen.basis is not Basis.ADJUSTED:
            asked += _range_question(bars, seen)
    cap, close = latest.get("market_cap"), latest.get("close")
    if cap and close and cap.value and close.value and papers:
        ours = float(close.value) * papers
        if abs(float(cap.value) / ours - 1) > WORTH:
            text = f"a market value of {cap.value:,.0f} beside {papers:,.0f} papers at {close.value:f}: {ours:,.0f}"
            day = market_day(cap.as_of)
            asked.append(Question(ticker=bars.ticker, kind=QuestionKind.MARKET_VALUE, day=day, text=text))
    return asked


def _range_question(bars: Bars, seen: Observation) -> list[Question]:
    day, price = market_day(seen.as_of), float(seen.value)
    at = int(np.searchsorted(bars.days, np.datetime64(day, "D")))
    if at >= len(bars) or bars.days[at].astype(date) != day:
        return []
    low, high = float(bars.low[at]), float(bars.high[at])
    if not (np.isfinite(low) and np.isfinite(high)) or low * (1 - RANGE_SLACK) <= price <= high * (1 + RANGE_SLACK):
        return []
    text = f"{seen.source} gives {seen.value:f}, outside the day's range of {low:.6g} to {high:.6g}"
    return [Question(ticker=bars.ticker, kind=QuestionKind.RANGE, day=day, text=text)]


def _close_on(bars: Bars, day: date) -> float | None:
    """The close of `day` or of the session before it, unadjusted."""
    at = int(np.searchsorted(bars.days, np.datetime64(day, "D"), side="right")) - 1
    price = float(bars.close[at]) if at >= 0 else float("nan")
    return price if np.isfinite(price) and price > 0 else None
