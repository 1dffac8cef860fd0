"""Result of collecting one asset."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen
from invest.domain.market import Asset
from invest.domain.values.observations import Consensus


class SourceOutcome(Frozen):
    """What one source gave for one asset."""

    source: str
    status: Literal["ok", "not_modified", "empty", "skipped", "rejected", "failed"]
    reason: str | None = None
    lacking: bool = Field(default=False, description="it could not give all that it has; the reason names what")
    observations: int = 0
    bars: int = 0
    payloads: tuple[str, ...] = ()
    seconds: float = 0


class AssetData(Frozen):
    """Everything stored of one asset by one collection; `sources_count` counts the sources that gave usable data."""

    ticker: str
    asset: Asset | None
    sources_count: int
    sources: tuple[SourceOutcome, ...]
    data: dict[str, Consensus] = Field(description="consensus by field")
    bars_stored: int
    bars_until: str | None
    statements_stored: int
    actions_stored: int
    news_stored: int
    collected_at: AwareDatetime
    skipped_fresh: bool = False
    sandbox: bool = False
