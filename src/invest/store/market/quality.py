"""Rows of observations and consensus read together as the data-quality view."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from invest.domain.values import Consensus, FieldQuality, Observation, SourceValue

DAY = 86_400


def field_quality(
    kept: Consensus, checked: Consensus, observations: Sequence[Observation], now: datetime
) -> FieldQuality:
    """One field: `kept` is in force, `checked` the newest outcome (the same one where it was taken)."""
    mine = [o for o in observations if o.field == kept.field and o.basis == kept.basis]
    refused = {r.source: r.reason for r in (*kept.rejected, *checked.rejected)}
    return FieldQuality(
        ticker=kept.ticker,
        field=kept.field,
        basis=kept.basis,
        unit=kept.unit,
        value=kept.value,
        as_of=kept.as_of,
        age_days=_days(now, kept.as_of),
        source=kept.source,
        agreement=kept.agreement,
        confidence=kept.confidence,
        divergent=kept.divergent or checked.divergent,
        stale=kept.stale or checked.stale,
        quarantined=kept.quarantined,
        checked_at=checked.chosen_at or kept.chosen_at or kept.as_of,
        kept_because=_why_kept(kept, checked),
        sources=tuple(_source(o, kept, refused.get(o.source), now) for o in sorted(mine, key=_preference)),
    )


def _preference(observation: Observation) -> tuple[bool, int, str]:
    return (not observation.official, observation.rank, observation.source)


def _source(observation: Observation, kept: Consensus, refused: str | None, now: datetime) -> SourceValue:
    chosen = kept.source == observation.source and kept.payload == observation.payload
    return SourceValue(
        source=observation.source,
        value=observation.value,
        as_of=observation.as_of,
        fetched_at=observation.fetched_at,
        age_days=_days(now, observation.as_of),
        official=observation.official,
        rank=observation.rank,
        payload=observation.payload,
        chosen=chosen,
        rejected=None if chosen else refused,
    )


def _why_kept(kept: Consensus, checked: Consensus) -> str | None:
    if checked == kept or (checked.value, checked.as_of) == (kept.value, kept.as_of):
        return None
    if checked.value is None:
        return "the newest comparison found no value"
    if checked.quarantined and not kept.quarantined:
        return f"the newest value, {checked.value} of {checked.source}, is quarantined"
    if checked.as_of < kept.as_of:
        return f"the newest comparison is of {checked.as_of:%Y-%m-%d %H:%M}, older than the value in force"
    return f"the newest comparison is less sure ({checked.confidence:.2f} against {kept.confidence:.2f})"


def _days(now: datetime, then: datetime) -> float:
    return round((now - then).total_seconds() / DAY, 4)
