"""Jobs that analyse at about the same time read what they need together.

Each asset is measured against the same indices, interest and sectors, which cost more to read than the asset itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from invest.domain.analysis import AnalysisInput
from invest.jobs.loading import load_inputs
from invest.settings import Settings
from invest.store import GroupReads, Store

TOGETHER = 50  # assets in one read, unless one request asks for more: their lines of accounts lie in memory meanwhile
PAGES = 2  # of one process in memory at a time: one is read while another is computed


class InputReader(GroupReads[AnalysisInput]):
    """Reads the inputs of analyses, those that are asked for meanwhile at once."""

    def __init__(self, store: Store, settings: Settings) -> None:
        async def read(tickers: Sequence[str]) -> dict[str, AnalysisInput]:
            return await load_inputs(store, settings, tickers)

        super().__init__(read, TOGETHER)
        self.pages = asyncio.Semaphore(PAGES)  # for jobs about many assets, which read them page by page

    async def inputs(self, tickers: Sequence[str]) -> dict[str, AnalysisInput]:
        """What `load_inputs` gives for `tickers`. Raises what it raises for them, whatever others asked for."""
        return await self.get(tickers)
