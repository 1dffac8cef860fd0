"""How good a stored value is: each source's value, its time, and why one was chosen."""

from __future__ import annotations

from decimal import Decimal

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen
from invest.domain.values.observations import Basis


class SourceValue(Frozen):
    """The newest value of one source for one field."""

    source: str
    value: Decimal
    as_of: AwareDatetime
    fetched_at: AwareDatetime
    age_days: float = Field(description="days since `as_of`")
    official: bool
    rank: int
    payload: str
    chosen: bool
    rejected: str | None = Field(default=None, description="why it was not taken, where it was not")


class FieldQuality(Frozen):
    """The value in force of one field of one asset, and everything known against it."""

    ticker: str
    field: str
    basis: Basis
    unit: str
    value: Decimal | None
    as_of: AwareDatetime
    age_days: float
    source: str | None
    agreement: float | None
    confidence: float
    divergent: bool
    stale: bool
    quarantined: bool
    checked_at: AwareDatetime = Field(description="when sources were last compared")
    kept_because: str | None = Field(default=None, description="why a newer comparison did not replace the value")
    sources: tuple[SourceValue, ...]
