"""Invented daily bars: a market factor, a paper's own noise, and prices that drop by what is paid."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from invest_sandbox.seeds import stream
from invest_sandbox.world.listings import Listing
from invest_sandbox.world.profile import Profile
from invest_sandbox.world.series import Action, Days, Floats, Label, Series, factors
from invest_sandbox.world.sessions import next_session

FII_YIELD = 0.0075  # a month
SPLITS = (2.0, 3.0, 4.0, 1.05, 1.1, 0.1, 0.2)  # new shares per old: splits, bonuses, reverse splits


def market_returns(seed: int, days: Days) -> Floats:
    """Daily log returns of the invented index: some 10 % a year at some 18 % volatility, with bad weeks."""
    rng = stream(seed, "market")
    n = len(days)
    calm = rng.normal(0.00033, 0.0098, n)
    storm = np.repeat(rng.random(n // 10 + 1) < 0.06, 10)[:n]
    return calm + storm * rng.normal(-0.0015, 0.014, n)


def index_series(seed: int, days: Days, level: float = 130_000.0) -> Series:
    """The invented index ^BVSP, ending near `level` points."""
    path = np.cumsum(market_returns(seed, days))
    close = np.round(level * np.exp(path - path[-1]), 2)
    return _shape(stream(seed, "bars", "^BVSP"), days, close, np.ones(len(days)), 1.4e10, actions=(), places=2)


class IndexTemper(NamedTuple):
    """How an invented index moves: beta to the IBOV, daily volatility of its own, daily drift, points at the end."""

    beta: float
    volatility: float
    drift: float
    level: float


def other_index(seed: int, code: str, days: Days, market: Floats, temper: IndexTemper) -> Series:
    """The invented index `code`, which follows `market` by its beta and ends near the level of its temper."""
    beta, own, drift, level = temper
    path = np.cumsum(beta * market + stream(seed, "index", code).normal(drift, own, len(days)))
    close = np.round(level * np.exp(path - path[-1]), 2)
    return _shape(stream(seed, "bars", code), days, close, np.ones(len(days)), 1e9, actions=(), places=2)


def invent(seed: int, listing: Listing, profile: Profile, days: Days, market: Floats) -> Series:
    """The series of `listing` over `days`; its total return follows `market` by its beta."""
    rng = stream(seed, "bars", listing.ticker)
    beta, sigma, drift = _temper(listing, profile)
    own = rng.standard_t(5, len(days)) * sigma * 0.775  # t(5) has standard deviation 1.29
    path = np.cumsum(beta * market + own + drift)
    level = listing.level * float(np.exp(rng.normal(0, 0.03)))
    adjusted = level * np.exp(path - path[-1])
    places = 4 if listing.kind == "crypto" and listing.level < 20 else 2
    close, actions = _unadjust(adjusted, plan(seed, listing, profile, days), places)
    turnover = listing.level * listing.shares * float(np.exp(rng.uniform(np.log(2e-4), np.log(5e-3))))
    growth = np.append(1.0, np.exp(np.diff(path)))
    lot, turnover = (1, max(turnover, 3e7)) if listing.kind == "crypto" else (100, turnover)
    bars = _shape(rng, days, close, growth, turnover, actions=actions, places=places, lot=lot)
    keep = rng.random(len(days)) > max(0.0, 0.25 - turnover / 8e5)  # thin papers skip sessions
    keep[[0, -1]] = True
    return bars if keep.all() else _thin(bars, keep)


def _temper(listing: Listing, profile: Profile) -> tuple[float, float, float]:
    """Beta, daily volatility of its own, daily drift."""
    match listing.kind:
        case "fii":
            return 0.25, profile.volatility * 0.4, 0.0003
        case "etf":
            return (0.1, 0.011, 0.0003) if listing.issuer in ("IVVB", "HASH") else (1.0, 0.001, 0.0)
        case "bdr":
            return 0.3, profile.volatility, 0.0004
        case "crypto":
            return (0.0, 0.004, 0.0001) if listing.issuer.startswith("USD") else (0.4, 0.03, 0.0006)
        case _:
            return profile.beta, profile.volatility, 0.0


def plan(seed: int, listing: Listing, profile: Profile, days: Days) -> list[tuple[int, Action, float]]:
    """What will happen to `listing`: (row of the last day with rights, action, yield in that day's price)."""
    rng = stream(seed, "actions", listing.issuer)
    first, last = days[0].astype(date), days[-1].astype(date)
    events: list[tuple[int, Action, float]] = []
    monthly = listing.kind == "fii"
    months = range(1, 13) if monthly else profile.months
    annual = FII_YIELD * 12 if monthly else profile.dividend_yield
    if listing.kind in ("etf", "crypto", "index"):
        annual = 0.0
    for year in range(first.year, last.year + 1):
        for month in months:
            day = date(year, month, 28 if monthly else int(rng.integers(5, 27)))
            part = annual / len(months) * float(rng.uniform(0.85, 1.15))
            jcp = not monthly and listing.kind != "bdr" and rng.random() < 0.4
            at = int(np.searchsorted(days, np.datetime64(day), side="right")) - 1
            if annual > 0 and 5 < at < len(days) - 1:
                label: Label = "RENDIMENTO" if monthly else "JRS CAP PROPRIO" if jcp else "DIVIDENDO"
                events.append((at, _cash(label, days[at].astype(date), 10 if monthly else 45), part))
    if listing.kind in ("stock", "unit", "bdr") and rng.random() < 0.14:
        at = int(rng.integers(len(days) // 6, len(days) - 60))
        events.append((at, _split(float(rng.choice(SPLITS)), days[at].astype(date)), 0.0))
    return sorted(events, key=lambda e: e[0])


def announced(seed: int, listing: Listing, profile: Profile, today: date, price: float) -> tuple[Action, ...]:
    """What is known on `today` of rights that end after it: a FII's next income, a payment of some companies."""
    rng = stream(seed, "announced", listing.issuer, today)
    if listing.kind == "fii":
        ahead, part, label = int(rng.integers(6, 24)), FII_YIELD * float(rng.uniform(0.85, 1.15)), "RENDIMENTO"
    elif listing.kind in ("stock", "unit") and profile.dividend_yield > 0 and rng.random() < 0.6:
        part = profile.dividend_yield / len(profile.months) * float(rng.uniform(0.85, 1.15))
        ahead, label = int(rng.integers(5, 11)), "JRS CAP PROPRIO" if rng.random() < 0.4 else "DIVIDENDO"
    else:
        return ()
    last_with = next_session(today + timedelta(ahead))
    wait = 10 if listing.kind == "fii" else 45
    paid = next_session(last_with + timedelta(wait))
    named: Label = label  # type: ignore[assignment]  # one of the three above
    return (Action(named, today - timedelta(1), last_with, paid, round(price * part, 8)),)


def _cash(label: Label, last_with: date, wait: int) -> Action:
    return Action(label, last_with - timedelta(12), last_with, next_session(last_with + timedelta(wait)))


def _split(factor: float, last_with: date) -> Action:
    label: Label = "GRUPAMENTO" if factor < 1 else "BONIFICACAO" if factor < 2 else "DESDOBRAMENTO"
    return Action(label, last_with - timedelta(20), last_with, next_session(last_with, 3), 0.0, factor)


def _unadjust(
    adjusted: Floats, events: list[tuple[int, Action, float]], places: int
) -> tuple[Floats, tuple[Action, ...]]:
    """Raw closes to the cent whose adjustment by the actions gives `adjusted`, and the actions with their amounts."""
    scale = np.ones(len(adjusted))
    for at, action, part in events:
        scale[: at + 1] *= action.factor if part == 0 else 1 / (1 - part)
    close = np.maximum(np.round(adjusted * scale, places), 10.0**-places)
    done = tuple(
        action
        if part == 0
        else Action(
            action.label, action.approved, action.last_with, action.payment, round(float(close[at]) * part, 8) or 1e-8
        )
        for at, action, part in events
    )
    return close, done


def _shape(
    rng: np.random.Generator,
    days: Days,
    close: Floats,
    growth: Floats,
    turnover: float,
    *,
    actions: tuple[Action, ...],
    places: int,
    lot: int = 100,
) -> Series:
    """Open, high, low, volume and the rest around `close`; `growth` is the day's total return as a factor."""
    n = len(days)
    tick = 10.0**-places
    open_ = np.maximum(np.round(close / growth**0.7 * np.exp(rng.normal(0, 0.004, n)), places), tick)
    reach = np.abs(rng.normal(0, 0.006, (2, n)))
    high = np.round(np.maximum(open_, close) * (1 + reach[0]), places)
    low = np.maximum(np.round(np.minimum(open_, close) * (1 - reach[1]), places), tick)
    average = np.round((open_ + high + low + close) / 4, places)
    shares = np.exp(rng.normal(0, 0.35, n)) * turnover / close
    volume = np.maximum(lot, (shares / lot).astype(np.int64) * lot)
    trades = np.maximum(1, (volume / rng.uniform(150, 700)).astype(np.int64))
    split, factor = factors(days, close, actions)
    return Series(days, open_, high, low, close, average, volume, trades, split, factor, actions)


def _thin(s: Series, keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Series:
    """`s` without the sessions on which nobody traded; amounts keep their meaning, factors are made anew."""
    days, close = s.days[keep], s.close[keep]
    split, factor = factors(days, close, s.actions)
    return Series(
        days,
        s.open[keep],
        s.high[keep],
        s.low[keep],
        close,
        s.average[keep],
        s.volume[keep],
        s.trades[keep],
        split,
        factor,
        s.actions,
    )
