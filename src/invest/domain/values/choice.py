"""The value to believe where sources differ, and why: official and fresh first, else the middle of those who agree.

A value is always one that a source gave. Nothing depends on the order of the observations. What is not chosen is kept
with its reason. Two sources that disagree are never averaged: the higher-ranked one is kept and marked divergent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from invest.domain.market import (
    AssetKind,
    CorporateAction,
    kind_from_suffix,
    last_closed_session,
    market_day,
    session_open,
    shares_by_day,
)
from invest.domain.values.observations import Basis, Consensus, Observation, Rejected
from invest.domain.values.tolerances import DAILY, POSITIVE, PRICES, Tolerance, tolerance_of
from invest.domain.values.units import scale_error, unit_error

SPLIT_SLACK = Decimal("0.08")
ENOUGH_AGREE = 3  # sources that agree on a price against the one known before
MAD_LIMIT = 3.5  # modified z-score (Iglewicz and Hoaglin, 1993)
MAD_MIN_SOURCES = 4
JUMP = Decimal("0.30")
JUMP_DAYS = 5  # within so many days of the last known value a jump is one of a session, long weekends included
CLOCK_SKEW = timedelta(minutes=5)
SAME_PERIOD = timedelta(days=120)  # figures of filings this close are of the same period


@dataclass(frozen=True, slots=True)
class Freshness:
    """Ages up to which a value counts as current."""

    intraday: timedelta = timedelta(minutes=15)
    filing: timedelta = timedelta(days=200)
    crypto: timedelta = timedelta(days=1)


@dataclass(slots=True)
class _Panel:
    """The observations still in the running, best first, and those that are not."""

    running: list[Observation]
    rejected: list[tuple[Observation, str]] = field(default_factory=list)

    def drop(self, gone: Mapping[int, str]) -> None:
        """Take out the observations at these positions."""
        self.rejected += [(self.running[i], reason) for i, reason in sorted(gone.items())]
        self.running = [o for i, o in enumerate(self.running) if i not in gone]


def choose(
    observations: Iterable[Observation],
    now: datetime,
    *,
    last_known: Consensus | None = None,
    freshness: Freshness | None = None,
    splits: Sequence[CorporateAction] = (),
) -> Consensus:
    """The consensus of one field of one asset at `now`.

    `last_known`: the value in force, against which units and jumps are checked. `splits`: known changes of the number
    of shares, which explain a ratio. Raises `ValueError` for no observation or for several fields or assets at once.
    """
    given = sorted(observations, key=_preference)
    if len({(o.ticker, o.field) for o in given}) != 1:
        raise ValueError("observations of exactly one field of one asset, please")
    fresh = freshness or Freshness()
    panel = _Panel(given)
    panel.drop(_impossible(panel.running, now))
    panel.drop(_older_of_a_source(panel.running))
    older = panel.running
    panel.drop(_other_basis(panel.running, now, fresh))
    panel.drop(_other_period(panel.running, now))
    sources = sorted({o.source for o in panel.running})
    view = _View(now, fresh, splits, _reference(last_known, older, panel.running))
    panel.drop(_wrong_units(panel.running, view.reference, splits))
    panel.drop(_missed_splits(panel.running, splits))
    if not panel.running:
        return _nothing(given[0], panel, sources, now)
    chosen, agreeing = _decide(panel, now, fresh)
    return _conclude(chosen, agreeing, panel, sources, view)


def choose_all(
    observations: Iterable[Observation],
    now: datetime,
    *,
    last_known: Mapping[str, Consensus] | None = None,
    freshness: Freshness | None = None,
    splits: Sequence[CorporateAction] = (),
) -> dict[str, Consensus]:
    """`choose` for every field of one asset."""
    fields: dict[str, list[Observation]] = {}
    for observation in observations:
        fields.setdefault(observation.field, []).append(observation)
    known = last_known or {}
    return {
        name: choose(group, now, last_known=known.get(name), freshness=freshness, splits=splits)
        for name, group in sorted(fields.items())
    }


def is_stale(observation: Observation, now: datetime, freshness: Freshness | None = None) -> bool:
    """Whether a newer value should exist: prices after 15 minutes, closes after the next, filings after 200 days."""
    limits, age = freshness or Freshness(), now - observation.as_of
    if observation.field not in DAILY:
        return age > limits.filing
    if kind_from_suffix(observation.ticker) is AssetKind.CRYPTO:
        return age > limits.crypto
    day = market_day(observation.as_of)
    if session_open(now) and day == market_day(now):
        return age > limits.intraday
    return day < last_closed_session(now)


def _preference(o: Observation) -> tuple[object, ...]:
    return (not o.official, o.rank, o.source, -o.as_of.timestamp(), -o.fetched_at.timestamp(), o.value, o.payload)


def _impossible(running: Sequence[Observation], now: datetime) -> dict[int, str]:
    gone = {}
    for i, o in enumerate(running):
        if o.as_of > now + CLOCK_SKEW:
            gone[i] = "dated in the future"
        elif o.field in POSITIVE and o.value <= 0:
            gone[i] = "not above zero"
    return gone


def _older_of_a_source(running: Sequence[Observation]) -> dict[int, str]:
    seen: set[tuple[str, Basis]] = set()
    gone = {}
    for i, o in enumerate(running):
        if (o.source, o.basis) in seen:
            gone[i] = "the source itself gave a newer value"
        seen.add((o.source, o.basis))
    return gone


def _other_basis(running: Sequence[Observation], now: datetime, fresh: Freshness) -> dict[int, str]:
    """Keeps the basis of the best fresh observation: raw is compared with raw, twelve months with twelve months."""
    best = next((o for o in running if not is_stale(o, now, fresh)), running[0] if running else None)
    reasons = {i: f"measured as {o.basis.value}" for i, o in enumerate(running) if best and o.basis is not best.basis}
    units = {i: f"in {o.unit}" for i, o in enumerate(running) if best and i not in reasons and o.unit != best.unit}
    return reasons | units


def _other_period(running: Sequence[Observation], now: datetime) -> dict[int, str]:
    """Keeps the newest session, or the filings about as new as the newest."""
    if not running:
        return {}
    newest = max(o.as_of for o in running)
    if running[0].field in DAILY:
        day = market_day(newest)
        return {i: f"of {market_day(o.as_of)}" for i, o in enumerate(running) if market_day(o.as_of) != day}
    return {i: f"of {o.as_of.date()}" for i, o in enumerate(running) if newest - o.as_of > SAME_PERIOD}


@dataclass(frozen=True, slots=True)
class _Reference:
    """A value believed before."""

    value: Decimal
    as_of: datetime


@dataclass(frozen=True, slots=True)
class _View:
    """What a decision is seen against."""

    now: datetime
    fresh: Freshness
    splits: Sequence[CorporateAction]
    reference: _Reference | None


def _reference(
    last_known: Consensus | None, older: Sequence[Observation], running: Sequence[Observation]
) -> _Reference | None:
    """The value in force; without one, an official value of an earlier session."""
    if last_known is not None and last_known.value and not last_known.quarantined:
        return _Reference(last_known.value, last_known.as_of)
    left = [o for o in older if o.official and o.value and all(o is not r for r in running)]
    same = [o for o in left if running and o.basis is running[0].basis]
    newest = max(same, key=lambda o: o.as_of, default=None)
    return _Reference(newest.value, newest.as_of) if newest else None


def _wrong_units(
    running: Sequence[Observation], reference: _Reference | None, splits: Sequence[CorporateAction]
) -> dict[int, str]:
    """Values about 10, 100 or 1000 times the known price, or the other sources' middle where three or more speak.

    The exchange's own price is believed against the known one, with those who agree with it, unless another source
    still gives the known one; so are three sources that agree. The paper then changed its unit without a known event.
    """
    gone: dict[int, str] = {}
    for i, o in enumerate(running):
        others = [x.value for x in running if x is not o]
        middle = Decimal(median(others)) if len(others) >= 2 and _agree(others, o.field) else None
        known = (
            reference.value if reference and o.field in PRICES and not _backed(o, running, reference.value) else None
        )
        for value, words in ((known, "the known value"), (middle, "what the others say")):
            factor = unit_error(o.value, value) if value else None
            if reference and value is not None and value is known:
                gap = abs((market_day(o.as_of) - market_day(reference.as_of)).days)
                factor = None if _split_between(reference, o, splits) else scale_error(o.value, value, gap)
            if factor is None:
                continue
            gone[i] = f"unit error: about {float(factor):.6g} times {words}"
            break
    return gone


def _backed(o: Observation, running: Sequence[Observation], known: Decimal) -> bool:
    """Whether a price counts although it is in another unit than the known one."""
    agreeing = [x for x in running if tolerance_of(o.field).allows(x.value, o.value)]
    doubted = any(scale_error(x.value, known, 0) is None for x in running)
    return (any(x.official for x in agreeing) and not doubted) or len({x.source for x in agreeing}) >= ENOUGH_AGREE


def _agree(values: Sequence[Decimal], name: str) -> bool:
    return tolerance_of(name).allows(min(values), max(values))


def _split_between(reference: _Reference, o: Observation, splits: Sequence[CorporateAction]) -> bool:
    """Whether a split between the two explains the ratio of the two prices."""
    ratio = o.value / reference.value
    start, end = sorted((market_day(reference.as_of), market_day(o.as_of)))
    product = Decimal(1)
    for split in splits:
        if split.factor and start <= split.last_date_with <= end:
            product *= split.factor
    return product != 1 and abs(ratio * product - 1) <= JUMP


def _missed_splits(running: Sequence[Observation], splits: Sequence[CorporateAction]) -> dict[int, str]:
    """Prices that differ from the best source's by just a known split: that source has not applied it."""
    if len(running) < 2 or running[0].field not in PRICES:
        return {}
    best, gone = running[0], {}
    for i, o in enumerate(running[1:], start=1):
        for day, factor in shares_by_day(splits).items():
            if abs(factor - 1) < SPLIT_SLACK * 2 or not best.value:
                continue
            if any(abs(o.value / best.value / f - 1) <= SPLIT_SLACK for f in (factor, 1 / factor)):
                gone[i] = f"corporate action of {day}: off by its factor {factor.normalize():f}"
    return gone


def _decide(panel: _Panel, now: datetime, fresh: Freshness) -> tuple[Observation, list[Observation]]:
    """The observation chosen and those that agree with it (itself included)."""
    tolerance = tolerance_of(panel.running[0].field)
    official = next((o for o in panel.running if o.official and not is_stale(o, now, fresh)), None)
    if official is not None:
        return official, [o for o in panel.running if tolerance.allows(o.value, official.value)]
    panel.drop(_outliers(panel.running))
    crowd = _largest_crowd(panel.running, tolerance) if len(panel.running) > 2 else ()
    if len(crowd) < 2:
        best = panel.running[0]
        return best, [o for o in panel.running if tolerance.allows(o.value, best.value)]
    middle = Decimal(median(o.value for o in crowd))
    chosen = min(crowd, key=lambda o: (abs(o.value - middle), *_preference(o)))
    return chosen, crowd


def _outliers(running: Sequence[Observation]) -> dict[int, str]:
    """Modified z-scores beyond 3.5, from four sources on."""
    if len(running) < MAD_MIN_SOURCES:
        return {}
    values = [float(o.value) for o in running]
    middle = median(values)
    mad = median(abs(v - middle) for v in values)
    if not mad:
        return {}
    scores = [0.6745 * abs(v - middle) / mad for v in values]
    return {
        i: f"outlier: z {z:.1f}"
        for i, z in enumerate(scores)
        if z > MAD_LIMIT and not tolerance_of(running[i].field).allows(running[i].value, Decimal(str(middle)))
    }


def _largest_crowd(running: Sequence[Observation], tolerance: Tolerance) -> list[Observation]:
    """The most observations within tolerance of one of them; of equal crowds the one with the best member."""
    crowds = [[o for o in running if tolerance.allows(o.value, centre.value)] for centre in running]
    return min(crowds, key=lambda crowd: (-len(crowd), _preference(crowd[0])))


def _conclude(
    chosen: Observation,
    agreeing: Sequence[Observation],
    panel: _Panel,
    sources: Sequence[str],
    view: _View,
) -> Consensus:
    outside = [o for o in panel.running if o not in agreeing]
    panel.rejected += [(o, "outside the tolerance") for o in outside]
    stale = is_stale(chosen, view.now, view.fresh)
    jumped = _jumped(chosen, view.reference, view.splits) and len({o.source for o in agreeing}) < 2
    agreement = len({o.source for o in agreeing}) / len(sources)
    divergent = bool(outside) and (len(agreeing) < 2 or chosen.official)
    return Consensus(
        ticker=chosen.ticker,
        field=chosen.field,
        value=chosen.value,
        basis=chosen.basis,
        unit=chosen.unit,
        as_of=chosen.as_of,
        source=chosen.source,
        payload=chosen.payload,
        sources=tuple(sources),
        n=len(sources),
        agreement=agreement,
        confidence=_confidence(chosen, len(agreeing), agreement, divergent=divergent, stale=stale, jumped=jumped),
        divergent=divergent,
        stale=stale,
        quarantined=jumped,
        rejected=_listed(panel),
        chosen_at=view.now,
    )


def _jumped(chosen: Observation, reference: _Reference | None, splits: Sequence[CorporateAction]) -> bool:
    """More than 30 % from the value known a session before, and no corporate action in between."""
    if reference is None or chosen.field not in PRICES:
        return False
    if abs((market_day(chosen.as_of) - market_day(reference.as_of)).days) > JUMP_DAYS:
        return False
    if abs(chosen.value / reference.value - 1) <= JUMP:
        return False
    return not _split_between(reference, chosen, splits)


def _confidence(
    chosen: Observation, agreeing: int, agreement: float, *, divergent: bool, stale: bool, jumped: bool
) -> float:
    """0.95 for official values, 0.5, 0.75 or 0.9 for one, two or more that agree; less where some do not."""
    base = 0.95 if chosen.official else {1: 0.5, 2: 0.75}.get(agreeing, 0.9)
    base *= 0.8 + 0.2 * agreement
    for weak, factor in ((divergent, 0.6), (stale, 0.5), (jumped, 0.1)):
        base *= factor if weak else 1
    return round(base, 4)


def _nothing(first: Observation, panel: _Panel, sources: Sequence[str], now: datetime) -> Consensus:
    return Consensus(
        ticker=first.ticker,
        field=first.field,
        value=None,
        basis=first.basis,
        unit=first.unit,
        as_of=now,
        source=None,
        payload=None,
        sources=tuple(sources),
        n=len(sources),
        agreement=None,
        confidence=0,
        rejected=_listed(panel),
        chosen_at=now,
    )


def _listed(panel: _Panel) -> tuple[Rejected, ...]:
    ordered = sorted(panel.rejected, key=lambda entry: (_preference(entry[0]), entry[1]))
    return tuple(Rejected(source=o.source, value=o.value, reason=why, payload=o.payload) for o, why in ordered)
