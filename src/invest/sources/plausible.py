"""What is not to be believed of a price, whoever says it: zero, future, torn, or in another unit than what is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from invest.domain.market import Bar, CorporateAction, is_session
from invest.domain.values import scale_error, unit_error
from invest.sources.model import Basket, Want

EPSILON = Decimal("0.000001")
HIGHEST = Decimal(10) ** 9  # BRL for one paper or coin
MOST = 10**15  # papers or trades in a day
FACTORS = (Decimal("0.0001"), Decimal(10_000))  # new shares per old one that have been seen, with room to spare


def sane(bar: Bar, last: date) -> str | None:  # noqa: PLR0911 -- one return per reason
    """Why `bar` cannot be, or None. `last`: the newest session that can be complete."""
    if bar.day > last:
        return "a bar of a session that is not over"
    if bar.close <= 0:
        return "a close of zero"
    prices = [p for p in (bar.open, bar.high, bar.low) if p is not None]
    if any(p <= 0 for p in prices):
        return "a price of zero"
    if bar.high is not None and bar.low is not None and bar.high + EPSILON < bar.low:
        return "a high below the low"
    if max([*prices, bar.close]) >= HIGHEST or not _countable(bar):
        return "figures beyond belief"
    flat = len(prices) == 3 and all(p == bar.close for p in prices)
    if flat and bar.volume == 0 and not bar.trades:
        return "a flat bar without volume: no session"
    return None


def _countable(bar: Bar) -> bool:
    """Whether volume, turnover and trades are such as can be."""
    counts = (bar.volume, bar.turnover, bar.trades)
    return all(count is None or 0 <= count <= limit for count, limit in zip(counts, (MOST, 10**18, 2**31), strict=True))


def believe(basket: Basket, want: Want, bars: Sequence[Bar], last: date, *, only_sessions: bool = False) -> list[Bar]:
    """The bars that may be stored; the others are noted in `basket`. A wrong unit rejects them all.

    `only_sessions` leaves out days on which B3 did not trade, as unofficial sources fill them.
    """
    wrong = _wrong_unit(want, bars)
    if wrong:
        basket.reject(wrong)
        return []
    kept = []
    for bar in bars:
        reason = "no session that day" if only_sessions and not is_session(bar.day) else sane(bar, last)
        if reason is None:
            kept.append(bar)
        else:
            basket.reject(f"{reason} ({bar.day})")
    return kept


def payable(basket: Basket, want: Want, actions: Iterable[CorporateAction]) -> list[CorporateAction]:
    """The actions that can be: no factor never seen, none announced years ahead, and payments in the known unit.

    One payment ten, a hundred or a thousand times what is known of its day speaks against all payments of the answer.
    """
    told = list(actions)
    wrong = next((why for why in (_payment_off(action, want) for action in told) if why), None)
    if wrong:
        basket.reject(wrong)
    kept = []
    for action in told:
        if action.kind.in_cash and wrong:
            continue
        if _above_the_price(action, want):
            basket.reject(f"a payment of {action.amount:f} above the price ({action.last_date_with})")
        elif action.amount is not None and action.amount <= 0:
            basket.reject(f"a payment of {action.amount:f} ({action.last_date_with})")
        elif action.factor is not None and not FACTORS[0] <= action.factor <= FACTORS[1]:
            basket.reject(f"a factor of {action.factor:f} ({action.last_date_with})")
        elif (action.last_date_with - want.now.date()).days > 730:
            basket.reject(f"an event of {action.last_date_with}")
        else:
            kept.append(action)
    return kept


def _above_the_price(action: CorporateAction, want: Want) -> bool:
    recent = want.last_day is not None and abs((action.last_date_with - want.last_day).days) <= 365
    return bool(recent and want.last_close and action.amount and action.amount > want.last_close)


def _payment_off(action: CorporateAction, want: Want) -> str | None:
    """Why a payment is in another unit than what is known, or None."""
    amount = action.amount
    if amount is None or amount <= 0:
        return None
    same = [p.amount for p in want.payments if p.amount and _same_right(p, action)]
    if not same or any(abs(amount / known - 1) < Decimal("0.5") for known in same):
        return None
    off = [known for known in same if unit_error(amount, known)]
    if len(off) < len(same):
        return None
    return f"wrong unit: a payment of {amount:f}, known as {off[0]:f} ({action.last_date_with})"


def _same_right(known: CorporateAction, told: CorporateAction) -> bool:
    return known.last_date_with == told.last_date_with and known.kind is told.kind


def _wrong_unit(want: Want, bars: Sequence[Bar]) -> str | None:
    """Compares the bar nearest to the known close with it."""
    if not want.last_close or not want.last_day or not bars:
        return None
    nearest = min(bars, key=lambda bar: abs((bar.day - want.last_day).days) if want.last_day else 0)
    if nearest.close <= 0 or abs((nearest.day - want.last_day).days) > 30:
        return None
    return off_by(nearest.close, nearest.day, want)


def off_by(value: Decimal, day: date, want: Want) -> str | None:
    """The unit error of a price of `day` against the known close, or None; splits in between explain a ratio."""
    if not want.last_close or not want.last_day:
        return None
    factor = scale_error(value, want.last_close, abs((day - want.last_day).days))
    if factor is None or _explained(want, day, value / want.last_close):
        return None
    return f"wrong unit: {value:f} is about {float(factor):.6g} times the known {want.last_close:f}"


def _explained(want: Want, day: date, ratio: Decimal) -> bool:
    start, end = sorted((day, want.last_day or day))
    return any(abs(ratio * factor - 1) < Decimal("0.35") for factor in _factors(want.splits, start, end))


def _factors(splits: Iterable[CorporateAction], start: date, end: date) -> list[Decimal]:
    between = [s.factor for s in splits if s.factor and start <= s.last_date_with <= end]
    product = Decimal(1)
    for factor in between:
        product *= factor
    return [*between, product] if between else []
