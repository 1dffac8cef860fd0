"""The analyst without a key: fixed arithmetic over the same facts, the same answer every time.

Each criterion compares a fact with the sector's median, the asset's own, or a fixed level, and gives -1..1; their
weighted mean moves the base rate by ten points at most. It reads no news, so no stranger's words reach it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import uuid4

from invest.ai.answers import data_hash, digest, label, show
from invest.ai.calls import clock
from invest.domain.opinions import (
    RULES,
    Argument,
    ChangeOfMind,
    KeyFact,
    Opinion,
    OpinionStatus,
    Risk,
    Snapshot,
    SnapshotFact,
    confidence_of,
    rating_of,
    shrunk,
)

MODEL = "rules-1"
REACH = 0.10  # the most that all criteria together move the base rate
NEEDED = 3  # criteria with data
TEXTS = 4
NEUTRAL_ZONE = 0.10
Z90 = 1.2815515655446004  # 90th percentile of the standard normal
YEAR, HORIZON = 365, 180


@dataclass(frozen=True, slots=True)
class Criterion:
    """How one fact is read. `kind`: "ratio" against a median, "level" against `level` in steps of `scale`."""

    key: str
    weight: float
    kind: Literal["ratio", "level"]
    better: Literal[1, -1]
    scale: float
    level: float = 0.0


# Value 4, quality 3, momentum 3, risk 1.5, income 1. Scales are about a standard deviation among listed peers.
CRITERIA: tuple[Criterion, ...] = (
    Criterion("p_l", 1.5, "ratio", -1, 0.5),
    Criterion("p_vp", 1.0, "ratio", -1, 0.5),
    Criterion("ev_ebitda", 1.0, "ratio", -1, 0.5),
    Criterion("fcf_yield", 0.5, "level", 1, 0.08, 0.05),
    Criterion("roe", 1.0, "ratio", 1, 0.6),
    Criterion("net_margin", 0.5, "ratio", 1, 0.6),
    Criterion("net_debt_ebitda", 1.0, "level", -1, 2.0, 2.5),
    Criterion("revenue_growth_1y", 0.5, "level", 1, 0.20),
    Criterion("momentum_12_1", 2.0, "level", 1, 0.30),
    Criterion("distance_sma_200", 1.0, "level", 1, 0.20),
    Criterion("volatility_1y", 1.5, "level", -1, 0.20, 0.40),
    Criterion("dividend_yield", 1.0, "level", 1, 0.05, 0.05),
)


class Reading(NamedTuple):
    """One criterion applied: its score -1..1, and what the fact was compared with, in words and as a number."""

    criterion: Criterion
    fact: SnapshotFact
    score: float
    reference: float
    against: Literal["sector", "own", "level"]


class RulesAnalyst:
    """See `Analyst`. Free, offline, deterministic but for its id, time and duration."""

    def __init__(self, provider: str, now: Callable[[], datetime], *, sandbox: bool = False) -> None:
        self.provider = provider
        self._now = now
        self._sandbox = sandbox

    async def ask(self, snapshot: Snapshot, language: str) -> Opinion:
        """The opinion that the criteria amount to; an abstention where fewer than three have data."""
        asked_at, started = self._now(), clock()
        readings = [reading for c in CRITERIA if (reading := _read(c, snapshot)) is not None]
        base = Opinion(
            opinion_id=uuid4().hex,
            ticker=snapshot.ticker,
            provider=self.provider,
            vendor=RULES,
            model=MODEL,
            status=OpinionStatus.ABSTAINED,
            reason_code="few_criteria",
            reason_values={"k": str(len(readings)), "n": str(len(CRITERIA)), "m": str(NEEDED)},
            reason=f"{len(readings)} of {len(CRITERIA)} criteria have data; {NEEDED} are needed",
            prompt_hash=digest(MODEL, language),
            data_hash=data_hash(snapshot, language),
            language=language,
            index_label=snapshot.index_label,
            asked_at=asked_at,
            seconds=0.0,
            tokens_in=0,
            tokens_out=0,
            cost_usd=Decimal(0),
            sandbox=snapshot.sandbox or self._sandbox,
        )
        if len(readings) >= NEEDED:
            base = base.model_copy(update=_judged(readings, snapshot, language))
        return base.model_copy(update={"seconds": round(clock() - started, 3)})


def _judged(readings: list[Reading], snapshot: Snapshot, language: str) -> dict[str, object]:
    total = math.fsum(r.criterion.weight for r in readings)
    lean = math.fsum(r.criterion.weight * r.score for r in readings) / total
    base = 0.5 if snapshot.base_rate_180d is None else min(max(snapshot.base_rate_180d, 0.3), 0.7)
    p30, p90, p180 = (round(base + REACH * lean * math.sqrt(days / HORIZON), 4) for days in (30, 90, 180))
    strongest = sorted(readings, key=lambda r: (-abs(r.score) * r.criterion.weight, r.fact.id))
    favours = [r for r in strongest if r.score > NEUTRAL_ZONE]
    against = [r for r in strongest if r.score < -NEUTRAL_ZONE]
    low, middle, high = _prices(snapshot)
    return {
        "status": OpinionStatus.OK,
        "reason": None,
        "reason_code": None,
        "reason_values": {},
        "key_facts": tuple(KeyFact(fact_id=r.fact.id, reading=_word(r.score)) for r in strongest),
        "arguments_for": tuple(_argument(r, language) for r in favours[:TEXTS]),
        "arguments_against": tuple(_argument(r, language) for r in against[:TEXTS]),
        "risks": _risks(snapshot, language),
        "would_change": tuple(_change(r) for r in strongest[:2]),
        "p_beat_30d": p30,
        "p_beat_90d": p90,
        "p_beat_180d": p180,
        "p_beat_180d_blind": p180,
        "price_p10": low,
        "price_p50": middle,
        "price_p90": high,
        "summary": _summary(favours, against, language),
        "p_shrunk": round(shrunk(p180), 12),
        "rating": rating_of(shrunk(p180)),
        "confidence": confidence_of(p180),
        "target": middle,
    }


def _read(criterion: Criterion, snapshot: Snapshot) -> Reading | None:
    fact = next((fact for fact in snapshot.facts if fact.key == criterion.key), None)
    if fact is None:
        return None
    if criterion.kind == "level":
        score = math.tanh(criterion.better * (fact.value - criterion.level) / criterion.scale)
        return Reading(criterion, fact, score, criterion.level, "level")
    for against, reference in (("sector", fact.sector_median), ("own", fact.own_median)):
        if reference is not None and reference > 0:
            side: Literal["sector", "own"] = "sector" if against == "sector" else "own"
            return Reading(criterion, fact, _against(criterion, fact.value, reference), reference, side)
    return None


def _against(criterion: Criterion, value: float, reference: float) -> float:
    """Log distance to the median; a multiple or return that is not positive counts as bad at any size."""
    if value <= 0:
        return -1.0
    return math.tanh(criterion.better * (math.log(value) - math.log(reference)) / criterion.scale)


def _prices(snapshot: Snapshot) -> tuple[float | None, float | None, float | None]:
    """No drift, the year's volatility: the tenth, the middle and the ninetieth of a hundred."""
    values = {fact.key: fact.value for fact in snapshot.facts}
    close, volatility = values.get("close"), values.get("volatility_1y")
    if not close or not volatility or close <= 0 or volatility <= 0:
        return None, None, None
    spread = Z90 * volatility * math.sqrt(HORIZON / YEAR)
    return round(close * math.exp(-spread), 2), round(close, 2), round(close * math.exp(spread), 2)


def _word(score: float) -> Literal["favourable", "unfavourable", "neutral"]:
    if abs(score) <= NEUTRAL_ZONE:
        return "neutral"
    return "favourable" if score > 0 else "unfavourable"


_PLACES = {
    "pt": {"sector": "a mediana do setor", "own": "a mediana do próprio ativo", "level": "o nível de referência"},
    "en": {"sector": "the sector's median", "own": "the asset's own median", "level": "the reference level"},
}


def _argument(reading: Reading, language: str) -> Argument:
    """One sentence: "P/L: 4,5x, abaixo da mediana do setor (6,2x)." A level that is no fact is not written out."""
    pt = language.startswith("pt")
    place = _PLACES["pt" if pt else "en"][reading.against]
    above = reading.fact.value >= reading.reference
    written = show(reading.fact.value, reading.fact, language)
    over, under = ("acima d", "abaixo d") if pt else ("above ", "below ")
    side = (over if above else under) + place
    shown = "" if reading.against == "level" else f" ({show(reading.reference, reading.fact, language)})"
    return Argument(text=f"{label(reading.fact, language)}: {written}, {side}{shown}.", fact_ids=(reading.fact.id,))


def _change(reading: Reading) -> ChangeOfMind:
    above = reading.fact.value >= reading.reference
    return ChangeOfMind(fact_id=reading.fact.id, operator="<" if above else ">", value=round(reading.reference, 4))


class _Danger(NamedTuple):
    key: str
    above: bool
    medium: float
    high: float
    kind: Literal["debt", "volatility", "liquidity"]
    pt: str
    en: str


_DANGERS = (
    _Danger("net_debt_ebitda", True, 2.5, 4.0, "debt", "Dívida pesada ante o EBITDA", "Heavy debt against EBITDA"),
    _Danger("volatility_1y", True, 0.40, 0.60, "volatility", "Preço muito volátil", "Very volatile price"),
    _Danger("turnover_21d", False, 5e6, 1e6, "liquidity", "Pouca liquidez na bolsa", "Thinly traded"),
)


def _risks(snapshot: Snapshot, language: str) -> tuple[Risk, ...]:
    values = {fact.key: fact for fact in snapshot.facts}
    found = []
    for danger in _DANGERS:
        fact = values.get(danger.key)
        if fact is None:
            continue
        sign = 1 if danger.above else -1
        if sign * fact.value < sign * danger.medium:
            continue
        severity: Literal["medium", "high"] = "high" if sign * fact.value >= sign * danger.high else "medium"
        words = danger.pt if language.startswith("pt") else danger.en
        text = f"{words}: {show(fact.value, fact, language)}."
        found.append(Risk(kind=danger.kind, severity=severity, text=text))
    return tuple(found)


def _summary(favours: list[Reading], against: list[Reading], language: str) -> str:
    def listed(readings: list[Reading]) -> str:
        return ", ".join(label(r.fact, language) for r in readings[:3])

    if language.startswith("pt"):
        good = f"A favor: {listed(favours)}." if favours else "Nenhum critério se destaca a favor."
        bad = f"Contra: {listed(against)}." if against else "Nenhum critério se destaca contra."
        return f"{good} {bad} Soma aritmética de critérios fixos, sem notícias."
    good = f"In favour: {listed(favours)}." if favours else "No criterion stands out in favour."
    bad = f"Against: {listed(against)}." if against else "No criterion stands out against."
    return f"{good} {bad} An arithmetic sum of fixed criteria, without news."
