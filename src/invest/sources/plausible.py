"""Reject implausible prices from any source: zero, in the future, inconsistent, or in another unit than stored
prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np

from invest.domain.market import ActionKind, Bar, CorporateAction, Floats, is_session, shares_by_day
from invest.domain.values import FAR_DAYS, scale_error, unit_error
from invest.sources.model import Reading, Want

EPSILON = Decimal("0.000001")
HIGHEST = Decimal(10) ** 9  # BRL for one paper or coin
MOST = 10**15  # papers or trades in a day
NEAR = Decimal("0.35")  # relative distance within which two prices, events considered, are of one unit
FAR_SIDE = Decimal("0.5")  # of a wrong unit: how far the second neighbour may be from what the first one gives
LONGEST_RUN = 5  # sessions in a row in another unit that are errors; a level that stays longer is one
FAR_PRICE = 6.0  # times the close, or a part of it: no opening, high or low of one session is so far from it
OUTSIDE = 0.05  # of the close, which may lie so far above the high or below the low by a source's rounding
PENNIES = 0.10  # BRL: below it a tick is a tenth of the price
Close = tuple[Decimal, date]
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


def _figures(bars: Sequence[Bar]) -> Floats:
    """Open, high, low, close, volume, turnover and trades as columns; NaN for None, which compares with nothing.

    Checks are made in floats over whole columns, with room for their rounding: a collection brings thousands of bars,
    nearly all sane.
    """
    rows = [(b.open, b.high, b.low, b.close, b.volume, b.turnover, b.trades) for b in bars]
    return np.array(rows, dtype=np.float64).reshape(-1, 7)


def _clearly_sane(figures: Floats) -> list[bool]:
    """Which bars have prices and counts of which `sane` has nothing to say; of the others it must be asked."""
    prices, volume, turnover, trades = figures[:, :4], figures[:, 4], figures[:, 5], figures[:, 6]
    priced = (prices > 0).all(axis=1) & (prices < float(HIGHEST) / 2).all(axis=1) & (figures[:, 1] >= figures[:, 2])
    traded = (volume > 0) & (volume < MOST / 2) & (turnover >= 0) & (turnover < 1e17) & (trades >= 0) & (trades < 2**30)
    found: list[bool] = (priced & traded).tolist()
    return found


def _countable(bar: Bar) -> bool:
    """Whether volume, turnover and trades are such as can be."""
    counts = (bar.volume, bar.turnover, bar.trades)
    return all(count is None or 0 <= count <= limit for count, limit in zip(counts, (MOST, 10**18, 2**31), strict=True))


def believe(reading: Reading, want: Want, bars: Sequence[Bar], last: date, *, only_sessions: bool = False) -> list[Bar]:
    """The bars that may be stored; the others are noted in `reading`.

    Bars about 10, 100 or 1,000 times their neighbours are left out. A wrong unit of all bars rejects them all,
    unless they are the exchange's own and its turnover over its volume gives the same prices: those are kept, and a
    jump that no known event explains is remarked.
    `only_sessions` leaves out days on which B3 did not trade, as unofficial sources fill them.
    """
    bars = _without_spikes(reading, want, bars)
    figures = _figures(bars)
    bars = _with_sound_extremes(reading, bars, figures)
    wrong = _wrong_unit(want, bars)
    if wrong and not (_exchange(reading) and _paid(bars)):
        reading.reject(wrong)
        return []
    if wrong and bars:
        reading.remark(f"unexplained jump: {wrong.removeprefix('wrong unit: ')}, and no known event")
    kept: list[Bar] = []
    for bar, clear in zip(bars, _clearly_sane(figures), strict=True):
        closed = only_sessions and not is_session(bar.day)
        reason = "no session that day" if closed else None if clear and bar.day <= last else sane(bar, last)
        if reason is None:
            kept.append(bar)
        else:
            reading.reject(f"{reason} ({bar.day})")
    if _exchange(reading):
        _remark_jumps(reading, want, kept)
    return kept


def _with_sound_extremes(reading: Reading, bars: Sequence[Bar], figures: Floats) -> list[Bar]:
    """The bars, without an opening, high or low that is in another unit than the close or contradicts it.

    A close is what everything is computed from; an extreme that cannot be is unknown, and the bar stays.
    """
    closes = figures[:, 3:4]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = figures[:, :3] / closes
    far = ((ratios > FAR_PRICE) | ((ratios < 1 / FAR_PRICE) & (ratios > 0))) & (closes > PENNIES)
    far[:, 1] |= (ratios[:, 1] < 1 - OUTSIDE) & (ratios[:, 1] > 0)
    far[:, 2] |= ratios[:, 2] > 1 + OUTSIDE
    found = list(bars)
    for i in np.flatnonzero(far.any(axis=1)).tolist():
        names = [name for name, odd in zip(("open", "high", "low"), far[i].tolist(), strict=True) if odd]
        reading.remark(
            f"no {' and '.join(names)} beside a close of {found[i].close:f} can be as given ({found[i].day})"
        )
        opened, high, low = (
            None if odd else price
            for price, odd in zip((found[i].open, found[i].high, found[i].low), far[i].tolist(), strict=True)
        )
        found[i] = found[i]._replace(open=opened, high=high, low=low)
        figures[i, :3][far[i]] = np.nan
    return found


def _exchange(reading: Reading) -> bool:
    """Whether the bars are the exchange's own file, which is believed against anything known before."""
    return reading.conf.official or reading.source == "cotahist"


def _paid(bars: Sequence[Bar]) -> bool:
    """Whether the money that changed hands gives the prices: turnover over volume, of most bars that have both.

    An index has neither: nothing speaks for its bars in another unit.
    """
    verdicts = [verdict for bar in bars if (verdict := _traded_at(bar)) is not None]
    return sum(verdicts) * 2 > len(verdicts)


def _traded_at(bar: Bar) -> bool | None:
    """Whether turnover over volume gives the unit of the bar's close; None where it lacks one of them."""
    if not bar.volume or not bar.turnover or bar.close <= 0:
        return None
    return unit_error(bar.close, bar.turnover / bar.volume) is None


def _without_spikes(reading: Reading, want: Want, bars: Sequence[Bar]) -> list[Bar]:
    """The bars but those in another unit than the closes before and after them; known closes count as neighbours.

    Up to five bars in a row may be off. A first or last bar has one neighbour: it is left out where the two closes next
    to it agree. What the exchange's own turnover confirms stays, and without turnover its first and last bars do.
    """
    ordered = sorted(bars, key=lambda bar: bar.day)
    jumps = sorted(_jumps(ordered, want.splits))
    kept: list[Bar] = []
    i = 0
    while i < len(ordered):
        run = _run_off(reading, want, ordered, (i, jumps[-1]), kept) if i in jumps else []
        for bar, factor in run:
            reading.reject(f"wrong unit: a bar {float(factor):.6g} times the closes around it ({bar.day})")
        if not run:
            kept.append(ordered[i])
        i += max(len(run), 1)
    return kept


def _jumps(ordered: Sequence[Bar], splits: Iterable[CorporateAction] = ()) -> set[int]:
    """Places of the bars whose close is four times the one before, or a quarter: only there a spike can begin.

    And the first, and the first after each of `splits`, where no jump is one. In floats over whole columns: the exact
    comparison costs as much as reading the bars.
    """
    closes = np.array([float(bar.close) for bar in ordered])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = closes[1:] / closes[:-1]
    near = (ratios > 0.25) & (ratios < 4)
    found = {0, *(np.flatnonzero(~near) + 1).tolist()}
    lasts = [split.last_date_with for split in splits if split.factor]
    if ordered and any(ordered[0].day <= last <= ordered[-1].day for last in lasts):
        days = np.array([bar.day for bar in ordered], dtype="datetime64[D]")
        places = np.searchsorted(days, np.array(lasts, dtype="datetime64[D]"), side="right").tolist()
        found |= {place for place in places if place < len(ordered)}
    return found


def _run_off(
    reading: Reading, want: Want, ordered: Sequence[Bar], places: tuple[int, int], kept: Sequence[Bar]
) -> list[tuple[Bar, Decimal]]:
    """The bars from a place on that are off both the close before and the one after them, each with its factor.

    `places`: that one, and the last one at which prices jump.
    Of a run at an end of unofficial bars, which has one side alone, more bars must be on that side than in it.
    """
    (start, last_jump), before = places, [(bar.close, bar.day) for bar in kept[-2:][::-1]]
    known = _known_close(want, kept[0].day if kept else ordered[start].day, later=False)
    before += [known] if known else []
    for length in range(1, LONGEST_RUN + 1):
        run, rest = ordered[start : start + length], ordered[start + length : start + length + 2]
        after = [(bar.close, bar.day) for bar in rest]
        if len(after) < 2 and (known := _known_close(want, (rest or run)[-1].day, later=True)):
            after.append(known)
        inner = bool(before and after)
        level = last_jump <= start + length  # what follows stays where it is
        outer = len(kept) if before else (len(ordered) - start - length) * level
        if len(run) < length or (length > 1 and not inner and (_exchange(reading) or outer <= length)):
            break
        beside = (before[0], after[0]) if inner else (before or after)[:2]
        factors = [_spike(want, bar, *beside) if len(beside) == 2 else None for bar in run]
        found = [(bar, factor) for bar, factor in zip(run, factors, strict=True) if factor is not None]
        if len(found) == length:
            return [] if any(_believed(reading, bar, inner=inner) for bar in run) else found
    return []


def _believed(reading: Reading, bar: Bar, *, inner: bool) -> bool:
    """Whether a bar that is off its neighbours is the exchange's own word that its turnover does not deny."""
    traded = _traded_at(bar)
    return _exchange(reading) and (traded is True or (traded is None and not inner))


def _known_close(want: Want, day: date, *, later: bool) -> Close | None:
    """The known close where it lies before (or after) `day`."""
    if not want.last_close or not want.last_day or want.last_day == day or (want.last_day > day) is not later:
        return None
    return want.last_close, want.last_day


def _spike(want: Want, bar: Bar, left: Close, right: Close) -> Decimal | None:
    """By how many times a bar is off two closes near it, which agree with each other; None where it is not.

    A bar that its own turnover denies is off by itself: the two may be of different units then.
    """
    a, b = _off(want, bar, left), _off(want, bar, right)
    if a is None and b is None:
        return None
    if a is not None and b is not None:
        return a if a == b or _traded_at(bar) is False else None
    factor, other = (a, right) if a is not None else (b, left)
    expected = _expected(want, bar.day, other)
    return factor if factor and expected and FAR_SIDE < bar.close / expected / factor < 1 / FAR_SIDE else None


def _off(want: Want, bar: Bar, beside: Close) -> Decimal | None:
    """By how many times a bar is off a close near it, known events in between considered; None where it is not."""
    expected = _expected(want, bar.day, beside)
    if expected is None or bar.close <= 0 or abs(bar.close / expected - 1) < NEAR:
        return None
    return unit_error(bar.close, expected)


def _expected(want: Want, day: date, beside: Close) -> Decimal | None:
    """A close near `day` in the unit of `day`, by the known events in between; None where it is too far away."""
    close, other = beside
    if close <= 0 or abs((day - other).days) > FAR_DAYS:
        return None
    start, end = sorted((day, other))
    shares = Decimal(1)
    for last, factor in shares_by_day(want.splits).items():
        shares *= factor if start <= last < end else 1
    return close / shares if other < day else close * shares


def _remark_jumps(reading: Reading, want: Want, bars: Sequence[Bar]) -> None:
    """Remark each close that is another unit of the paper than the one before, without a known event between."""
    jumps = _jumps(bars)
    for before, bar in (pair for i, pair in enumerate(pairwise(bars), 1) if i in jumps):
        factor = scale_error(bar.close, before.close, (bar.day - before.day).days)
        between = _factors(want.splits, before.day, bar.day)
        known = any(abs(bar.close / before.close * f - 1) < NEAR for f in between)
        if factor is not None and not known:
            reading.remark(f"unexplained jump: {bar.close:f} on {bar.day} after {before.close:f}, and no known event")


def payable(reading: Reading, want: Want, actions: Iterable[CorporateAction]) -> list[CorporateAction]:
    """The actions that can be: no factor never seen, none announced years ahead, and payments in the known unit.

    One payment ten, a hundred or a thousand times what is known of its day speaks against all payments of the answer.
    """
    left = list(actions)
    known: dict[tuple[date, ActionKind], list[Decimal]] = {}
    for payment in want.payments:
        if payment.amount:
            known.setdefault((payment.last_date_with, payment.kind), []).append(payment.amount)
    wrong = next((why for why in (_payment_off(action, known) for action in left) if why), None)
    if wrong:
        reading.reject(wrong)
    kept = []
    for action in left:
        if action.kind.in_cash and wrong:
            continue
        if _above_the_price(action, want):
            reading.reject(f"a payment of {action.amount:f} above the price ({action.last_date_with})")
        elif action.amount is not None and action.amount <= 0:
            reading.reject(f"a payment of {action.amount:f} ({action.last_date_with})")
        elif _against_its_name(action):
            reading.reject(f"a {action.kind.value} of {action.factor:f} shares per share ({action.last_date_with})")
        elif action.factor is not None and not FACTORS[0] <= action.factor <= FACTORS[1]:
            reading.reject(f"a factor of {action.factor:f} ({action.last_date_with})")
        elif (action.last_date_with - want.now.date()).days > 730:
            reading.reject(f"an event of {action.last_date_with}")
        else:
            kept.append(action)
    return kept


def _against_its_name(action: CorporateAction) -> bool:
    """Whether the number says the opposite of the name: more shares after a reverse split, fewer after a split."""
    if action.factor is None:
        return False
    more = action.kind in (ActionKind.SPLIT, ActionKind.BONUS)
    return (more and action.factor <= 1) or (action.kind is ActionKind.REVERSE_SPLIT and action.factor >= 1)


def _above_the_price(action: CorporateAction, want: Want) -> bool:
    recent = want.last_day is not None and abs((action.last_date_with - want.last_day).days) <= 365
    return bool(recent and want.last_close and action.amount and action.amount > want.last_close)


def _payment_off(action: CorporateAction, amounts: Mapping[tuple[date, ActionKind], Sequence[Decimal]]) -> str | None:
    """Why a payment is in another unit than what is known of its day and kind, or None."""
    amount = action.amount
    same = amounts.get((action.last_date_with, action.kind))
    if amount is None or amount <= 0 or not same or any(abs(amount / known - 1) < Decimal("0.5") for known in same):
        return None
    off = [known for known in same if unit_error(amount, known)]
    if len(off) < len(same):
        return None
    return f"wrong unit: a payment of {amount:f}, known as {off[0]:f} ({action.last_date_with})"


def _wrong_unit(want: Want, bars: Sequence[Bar]) -> str | None:
    """Compares the bar nearest to the known close with it."""
    if not want.last_close or not want.last_day or not bars:
        return None
    nearest = min(bars, key=lambda bar: abs((bar.day - want.last_day).days) if want.last_day else 0)
    if nearest.close <= 0:
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


def against_bars(reading: Reading, want: Want, price: Decimal, day: date) -> bool:
    """Whether a price is in another unit than the newest bar of the same answer; it is noted then.

    Where nothing was known of an asset, its own bars are what a price can be held to.
    """
    newest = max(reading.harvest.bars, key=lambda bar: bar.day, default=None)
    if newest is None or (want.last_day is not None and want.last_day >= newest.day):
        return False
    wrong = off_by(price, day, replace(want, last_close=newest.close, last_day=newest.day))
    if wrong:
        reading.reject(f"{wrong} of its own bars")
    return wrong is not None


def _explained(want: Want, day: date, ratio: Decimal) -> bool:
    """Whether known events between `day` and the known close explain that the price of `day` is `ratio` times it."""
    start, end = sorted((day, want.last_day or day))
    forward = ratio if day == end else 1 / ratio
    return any(abs(forward * factor - 1) < NEAR for factor in _factors(want.splits, start, end))


def _factors(splits: Iterable[CorporateAction], start: date, end: date) -> list[Decimal]:
    """New shares per old one by each day's events between two days, and by all of them."""
    between = [factor for day, factor in shares_by_day(splits).items() if start <= day <= end]
    product = Decimal(1)
    for factor in between:
        product *= factor
    return [*between, product] if between else []
