"""Collect one asset, analyse it, ask the AIs; needs `make run` (or SANDBOX=1 make run) in another terminal."""

import asyncio
import sys

from invest import Invest, chain
from invest.jobs.analysis import analyze_asset_async
from invest.jobs.data_collection import collect_asset_data_async
from invest.jobs.reports import generate_multi_ai_analysis


async def main(ticker: str) -> None:
    async with Invest.connect() as invest:
        steps = chain(collect_asset_data_async(ticker), analyze_asset_async(ticker), generate_multi_ai_analysis(ticker))
        job = await invest.enqueue(steps)
        found = await job.result(timeout=120)
        print(ticker, found.consensus["rating"], found.consensus["probability"], found.consensus["headline"])


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "PETR4"))
