"""How many assets are read whole at a time."""

from __future__ import annotations

import asyncio
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from invest.jobs.data_collection import asset_data
from invest.jobs.data_collection.asset_data import Known, collect

NEW = Known(asset=None, latest={}, bars_until=None, statements_until=None, actions=())
COLLECTED = Known(asset=None, latest={}, bars_until=date(2026, 11, 27), statements_until=None, actions=())


@pytest.mark.parametrize(("known", "force", "at_once"), [(NEW, False, 2), (COLLECTED, True, 2), (COLLECTED, False, 5)])
async def test_first_and_forced_collections_wait_for_one_another_and_daily_ones_do_not(
    monkeypatch: pytest.MonkeyPatch, known: Known, force: bool, at_once: int
) -> None:
    running = most = 0
    full = asyncio.Event()

    async def work(*_: Any, **__: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == at_once:
            full.set()
        await full.wait()
        running -= 1

    monkeypatch.setattr(asset_data, "_collect", work)
    sources: Any = SimpleNamespace(whole_histories=asyncio.Semaphore(2))
    nothing: Any = None
    async with asyncio.timeout(10):
        await asyncio.gather(
            *(collect(nothing, sources, nothing, f"AAAA{n}", force=force, known=known) for n in range(5))
        )
    assert most == at_once
