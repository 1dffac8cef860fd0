"""The way of a number: payload -> observation -> consensus, each step keeping the way back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen


class RawPayload(Frozen):
    """The bytes an upstream answered, by their SHA-256; `body` is dropped once stored."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    source: str
    url: str
    fetched_at: AwareDatetime
    status: int
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    size: int
    sandbox: bool = False
    body: bytes | None = Field(default=None, repr=False)


class Basis(StrEnum):
    """What a value was measured on; only like is compared with like."""

    RAW = "raw"
    ADJUSTED = "adjusted"
    TTM = "ttm"
    FISCAL_YEAR = "fiscal_year"
    QUARTER = "quarter"
    SPOT = "spot"


class Observation(NamedTuple):
    """One value of one field from one source at one time. `value` in the field's unit: BRL, shares, a fraction.

    A tuple, as a `Bar` is: thousands are made per run, of values that a parser of ours has just made, so they are
    checked where they are read from bytes (`invest.sources.model.Basket.observe`). Times are aware, the value finite;
    `payload` is the SHA-256 of the raw payload it was read from; the lower `rank` is preferred where sources disagree.
    """

    ticker: str
    field: str
    value: Decimal
    as_of: datetime
    source: str
    payload: str
    fetched_at: datetime
    basis: Basis = Basis.SPOT
    unit: str = "BRL"
    official: bool = False
    rank: int = 50


class Rejected(Frozen):
    """An observation that was not chosen, and why."""

    source: str
    value: Decimal
    reason: str
    payload: str


class Consensus(Frozen):
    """The value chosen from observations of one field, with its provenance (sources.md, "Consensus of sources")."""

    ticker: str
    field: str
    value: Decimal | None = Field(description="in `unit`; null where the sources gave nothing that is believed")
    basis: Basis
    unit: str = Field(description="BRL, count, fraction (0.05 is 5 %), x (a multiple) or points (of an index)")
    as_of: AwareDatetime
    source: str | None
    payload: str | None = Field(description="sha256 of the raw payload: GET /payloads/{sha256}")
    sources: tuple[str, ...]
    n: int
    agreement: float | None = Field(description="share of the sources within tolerance of the value, 0..1")
    confidence: float = Field(ge=0, le=1)
    divergent: bool = False
    stale: bool = False
    quarantined: bool = False
    rejected: tuple[Rejected, ...] = ()
    chosen_at: datetime | None = None
