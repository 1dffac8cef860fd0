"""Collect several assets at the same time and count them; needs `make run` in another terminal."""

import asyncio

from invest import Invest
from invest.jobs.data_collection import batch_collect_assets


async def main() -> None:
    async with Invest.connect() as invest:
        job = await invest.enqueue(batch_collect_assets(["PETR4", "VALE3", "HGLG11"]))
        batch = await job.result(timeout=120)
        for one in batch.results:
            print(one["ticker"], one["sources_count"], "sources")
        for error in batch.errors:
            print(error.ticker, "failed:", error.error)


asyncio.run(main())
