"""The analysts' record: one line per analyst and horizon, benchmarks among them, ranked only once that means something.

Under three closed cohorts a line is "collecting"; from three to seven it has an interval; from eight on it is ranked,
by the lower bound of its Brier skill, never by hits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from pydantic import Field

from invest.domain.frozen import Frozen
from invest.domain.maths import holm
from invest.domain.opinions import RULES, Rating, rating_of, shrunk
from invest.domain.track_record.closed_items import Item, distinct, name_of
from invest.domain.track_record.closing import CONSENSUS
from invest.domain.track_record.outcome import Outcome
from invest.domain.track_record.scores import (
    brier,
    cohort_means,
    hold_band,
    interval_of,
    log_score,
    rank_correlation,
    skill,
)

BENCHMARKS = ("always 50%", "always buy", "momentum 12-1", "score", "random")
INTERVAL_FROM, RANKED_FROM = 3, 8
MIN_COVERAGE = 0.8  # an analyst that answers fewer of the calls chose them: no rank
ALARM_IC, ALARM_FROM = 0.5, 30  # no honest forecast orders returns like that
CLONE_FROM = 10
Status = Literal["collecting", "interval", "ranked", "selective"]


class CalibrationBin(Frozen):
    """Calls whose probability lies in [low, high): how often they came true."""

    low: float
    high: float
    n: int
    said: float = Field(description="mean probability")
    came: float = Field(description="share that beat the index")


class TrackLine(Frozen):
    """One analyst over one horizon. Fractions; null where it is not known (yet)."""

    analyst: str
    provider: str
    model: str | None = None
    benchmark: bool = False
    horizon_days: int
    closed: int = Field(description="calls closed")
    cohorts: int = Field(description="of those, cohorts a horizon apart: what an interval rests on")
    status: Status
    rank: int | None = None
    brier: float
    log_score: float
    skill: float = Field(description="1 - Brier / .25")
    skill_low: float | None = None
    skill_high: float | None = None
    t: float | None = None
    p_value: float | None = None
    significant: bool = Field(default=False, description="skill above zero, by Holm over analysts and horizons")
    hits: int = 0
    directional: int = Field(default=0, description="calls that were a buy or a sell")
    hit_rate: float | None = Field(default=None, description="of the directional calls")
    base_rate: float | None = Field(default=None, description="hits of the same buys and sells at the items' own rate")
    hold_hit_rate: float | None = None
    excess: float | None = Field(default=None, description="mean excess over the index of buys, reversed for sells")
    excess_low: float | None = None
    excess_high: float | None = None
    coverage: float = Field(description="share of the items of the horizon that it called")
    relative_skill: float | None = Field(default=None, description="1 - Brier / the others' Brier on the same items")
    rank_ic: float | None = None
    alarm: str | None = Field(default=None, description="why the line is not to be believed")
    clone_of: str | None = None
    calibration: tuple[CalibrationBin, ...] = ()
    calibration_error: float | None = None

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        if self.alarm:
            return self.alarm
        if self.status == "collecting":
            return f"collecting: {self.cohorts} of {INTERVAL_FROM} cohorts"
        if self.skill_low is not None and self.skill_low > 0 and self.significant:
            return "better than a coin"
        if self.skill_high is not None and self.skill_high < 0:
            return "worse than a coin"
        return "not distinguishable from chance"


class TrackRecord(Frozen):
    """The table: the pool, then ranked lines by the lower bound of their skill, those with an interval, the rest."""

    lines: tuple[TrackLine, ...]
    closed: int
    horizons: tuple[int, ...]

    def at(self, horizon_days: int) -> tuple[TrackLine, ...]:
        """The lines of one horizon, in their order."""
        return tuple(line for line in self.lines if line.horizon_days == horizon_days)


def build_track_record(outcomes: Iterable[Outcome], benchmarks: Iterable[Outcome] = ()) -> TrackRecord:
    """The record of `outcomes`, with `benchmarks` (see `track_benchmarks`) as lines beside them.

    The same call closed twice counts once. Analysts are distinct by dated model: a new model starts afresh. The pool
    is a line like the others and stands first.
    """
    rows = distinct(outcomes)
    rivals = distinct(benchmarks)
    lines: list[TrackLine] = []
    for horizon in sorted({row.horizon_days for row in rows}):
        here = [row for row in rows if row.horizon_days == horizon]
        beside = [row for row in rivals if row.horizon_days == horizon]
        lines += _lines(here, beside, horizon)
    return TrackRecord(
        lines=tuple(_ordered(_corrected(lines))),
        closed=len(rows),
        horizons=tuple(sorted({row.horizon_days for row in rows})),
    )


def _by_rules(row: Outcome) -> bool:
    """Whether the local rules made the call: a benchmark that is stored like an opinion."""
    return (row.model or row.provider).startswith(RULES)


def _lines(rows: Sequence[Outcome], rivals: Sequence[Outcome], horizon: int) -> list[TrackLine]:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for row in (*rows, *rivals):
        groups[name_of(row)].append(row)
    beaten = {(row.ticker, row.entry_day): row.beat for row in rows}
    base = fmean(beaten.values())
    own = {row.provider for row in rows if not _by_rules(row)} - {CONSENSUS}
    clones = _clones({name: group for name, group in groups.items() if group[0].provider in own})
    peers = _peers([row for row in rows if row.provider in own])
    lines = []
    for name, group in sorted(groups.items()):
        group.sort(key=lambda row: (row.entry_day, row.ticker, row.opinion_id))
        line = _line(name, group, horizon, base=base, items=len(beaten), peers=peers)
        benchmark = group[0].provider not in own and group[0].provider != CONSENSUS
        lines.append(line.model_copy(update={"benchmark": benchmark, "clone_of": clones.get(name)}))
    return lines


def _line(
    name: str,
    group: Sequence[Outcome],
    horizon: int,
    *,
    base: float,
    items: int,
    peers: Mapping[Item, Mapping[str, float]],
) -> TrackLine:
    skills_ = [skill(row.probability, row.beat) for row in group]
    spread = _spread(group, skills_, horizon)
    ic = rank_correlation([row.probability for row in group], [row.excess for row in group])
    bins = _calibration(group)
    coverage = len({(row.ticker, row.entry_day) for row in group}) / items
    calls = _directional(group, horizon, base)
    return TrackLine(
        analyst=name,
        provider=group[0].provider,
        model=group[0].model,
        horizon_days=horizon,
        closed=len(group),
        cohorts=spread.cohorts,
        status=_status(spread, coverage),
        brier=fmean(brier(row.probability, row.beat) for row in group),
        log_score=fmean(log_score(row.probability, row.beat) for row in group),
        skill=fmean(skills_),
        skill_low=spread.low,
        skill_high=spread.high,
        t=spread.t,
        p_value=spread.p_value,
        hits=calls.hits,
        directional=calls.turns,
        hit_rate=calls.hit_rate,
        base_rate=calls.base_rate,
        hold_hit_rate=calls.hold_hit_rate,
        excess=calls.excess.mean,
        excess_low=calls.excess.low,
        excess_high=calls.excess.high,
        coverage=coverage,
        relative_skill=_relative(name, group, peers),
        rank_ic=ic,
        alarm=_alarm(ic, len(group)),
        calibration=bins,
        calibration_error=sum(b.n * abs(b.said - b.came) for b in bins) / len(group),
    )


@dataclass(frozen=True, slots=True)
class _Spread:
    """A mean over cohorts a horizon apart; the interval is null below three of them."""

    cohorts: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    t: float | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class _Calls:
    """Hits of buys and sells beside what their base rate gives, of holds within their band, and the excess earned."""

    hits: int
    turns: int
    hit_rate: float | None
    base_rate: float | None
    hold_hit_rate: float | None
    excess: _Spread


def _spread(group: Sequence[Outcome], values: Sequence[float], horizon: int) -> _Spread:
    means = cohort_means([(row.entry_day, value) for row, value in zip(group, values, strict=True)], horizon)
    mean = fmean(values) if values else None
    interval = interval_of(means) if len(means) >= INTERVAL_FROM else None
    if interval is None:
        return _Spread(len(means), mean)
    return _Spread(len(means), mean, interval.low, interval.high, _finite(interval.t), interval.p_value)


def _status(spread: _Spread, coverage: float) -> Status:
    if spread.low is None:
        return "collecting"
    if spread.cohorts < RANKED_FROM:
        return "interval"
    return "ranked" if coverage >= MIN_COVERAGE else "selective"


def _directional(group: Sequence[Outcome], horizon: int, base: float) -> _Calls:
    calls = [(row, _rating(row)) for row in group]
    turns = [(row, 1 if rating is Rating.BUY else -1) for row, rating in calls if rating is not Rating.HOLD]
    holds = [row for row, rating in calls if rating is Rating.HOLD]
    hits = sum(row.beat == (side > 0) for row, side in turns)
    band = hold_band(horizon)
    return _Calls(
        hits=hits,
        turns=len(turns),
        hit_rate=hits / len(turns) if turns else None,
        base_rate=fmean(base if side > 0 else 1 - base for _, side in turns) if turns else None,
        hold_hit_rate=sum(abs(row.excess) <= band for row in holds) / len(holds) if holds else None,
        excess=_spread([row for row, _ in turns], [side * row.excess for row, side in turns], horizon),
    )


def _rating(row: Outcome) -> Rating:
    """The verdict as it was given; where none is kept, that of the probability on the scale it was given on."""
    if row.rating is not None:
        return Rating(row.rating)
    return rating_of(row.probability if row.provider == CONSENSUS else shrunk(row.probability))


def _calibration(group: Sequence[Outcome]) -> tuple[CalibrationBin, ...]:
    bins: dict[int, list[Outcome]] = defaultdict(list)
    for row in group:
        bins[min(int(row.probability * 10 + 1e-9), 9)].append(row)
    return tuple(
        CalibrationBin(
            low=i / 10,
            high=(i + 1) / 10,
            n=len(rows),
            said=fmean(row.probability for row in rows),
            came=fmean(row.beat for row in rows),
        )
        for i, rows in sorted(bins.items())
    )


def _peers(rows: Sequence[Outcome]) -> dict[Item, dict[str, float]]:
    found: dict[Item, dict[str, float]] = defaultdict(dict)
    for row in rows:
        found[row.ticker, row.entry_day][name_of(row)] = brier(row.probability, row.beat)
    return found


def _relative(name: str, group: Sequence[Outcome], peers: Mapping[Item, Mapping[str, float]]) -> float | None:
    """Skill against the other AIs on the very same items: easy names are easy for all."""
    mine, theirs = [], []
    for row in group:
        others = [score for other, score in peers.get((row.ticker, row.entry_day), {}).items() if other != name]
        if others:
            mine.append(brier(row.probability, row.beat))
            theirs.append(fmean(others))
    return 1 - fmean(mine) / fmean(theirs) if theirs and fmean(theirs) else None


def _clones(groups: Mapping[str, Sequence[Outcome]]) -> dict[str, str]:
    """Analysts whose calls are all another's, on ten items or more: the later name is the clone."""
    calls = {name: {(r.ticker, r.entry_day): round(r.probability, 6) for r in rows} for name, rows in groups.items()}
    found: dict[str, str] = {}
    for name in sorted(calls):
        for other in sorted(calls):
            if other >= name or other in found:
                continue
            shared = calls[name].keys() & calls[other].keys()
            if len(shared) >= CLONE_FROM and all(calls[name][item] == calls[other][item] for item in shared):
                found[name] = other
                break
    return found


def _alarm(ic: float | None, n: int) -> str | None:
    if ic is not None and n >= ALARM_FROM and ic > ALARM_IC:
        return f"too good to be true: its probabilities order the returns (rank IC {ic:.2f}); look for a leak"
    return None


def _corrected(lines: Sequence[TrackLine]) -> list[TrackLine]:
    """Holm over every AI and horizon that has an interval; only skill above zero is called significant."""
    tested = [line for line in lines if line.p_value is not None and not line.benchmark]
    rejected = holm([line.p_value or 0.0 for line in tested])
    better = {
        (line.analyst, line.horizon_days)
        for line, hit in zip(tested, rejected, strict=True)
        if hit and line.skill_low is not None and line.skill_low > 0 and not line.alarm
    }
    return [line.model_copy(update={"significant": (line.analyst, line.horizon_days) in better}) for line in lines]


def _ordered(lines: Sequence[TrackLine]) -> list[TrackLine]:
    """By horizon: the pool, then ranked lines, those with an interval, the rest; by the lower bound of their skill."""
    order = {"ranked": 0, "selective": 1, "interval": 1, "collecting": 2}

    def merit(line: TrackLine) -> tuple[int, int, float, str]:
        bound = line.skill_low if line.skill_low is not None else line.skill
        return line.horizon_days, order[line.status], -bound, line.analyst

    placed: dict[int, int] = defaultdict(int)
    numbered = []
    for line in sorted(lines, key=merit):
        if line.status == "ranked" and not line.alarm:
            placed[line.horizon_days] += 1
            numbered.append(line.model_copy(update={"rank": placed[line.horizon_days]}))
        else:
            numbered.append(line)
    return sorted(numbered, key=lambda line: (line.horizon_days, line.provider != CONSENSUS))


def _finite(t: float) -> float | None:
    return t if abs(t) < 1e12 else None
