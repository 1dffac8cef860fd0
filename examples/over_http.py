"""The same verbs from a program elsewhere: over HTTP, with a key beyond loopback (API_URL, API_KEY)."""

import asyncio
import os

from invest.http import Client


async def main() -> None:
    url = os.environ.get("API_URL", "http://127.0.0.1:8000")
    async with Client(url, key=os.environ.get("API_KEY")) as client:
        job = await client.enqueue("analyze_asset_async", ticker="PETR4")
        analysis = await job.result(timeout=60)
        print(analysis["ticker"], analysis["overall_score"], analysis["recommendation"])


asyncio.run(main())
