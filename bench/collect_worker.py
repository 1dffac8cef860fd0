"""One worker process of the platform for the collection benchmark: a job per asset, everything on.

``python -m bench.collect_worker UPSTREAM SLOTS`` with REDIS_URL and DATABASE_URL set. The job makes six GETs through
the platform's own client, reads them with its brapi parser and stores them in one transaction.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from bench.collect_upstream import GETS, IN_FLIGHT
from invest import logs
from invest.domain.market.tickers import kind_from_suffix
from invest.domain.values import Harvest
from invest.engine import Context, Queue, Resources, Retry, run_worker
from invest.processes import collect_rarely
from invest.settings import Settings, load
from invest.sources import Sources
from invest.sources.brapi import format as fmt
from invest.sources.model import Reading
from invest.store import Store
from invest.workers.deps import resources

SOURCE = "brapi"
queue = Queue("bench_collect", concurrency=100, timeout=300, soft_timeout=240, retry=Retry(retries=3, delay=0.1))


@queue.job()
async def bench_collect(ctx: Context, ticker: str) -> int:
    """Collect one asset; how many observations were stored."""
    client, store = ctx.use(Sources).client, ctx.use(Store)
    asked = (client.get(SOURCE, f"/quote/{ticker}", params={"part": str(part)}) for part in range(GETS))
    answers = await asyncio.gather(*asked)
    reading = Reading(SOURCE, client.settings.source(SOURCE), ticker)
    for answer in answers:
        entry = fmt.by_symbol(fmt.results_of(SOURCE, answer.json()))[ticker]
        reading.keep(answer.payload)
        moment = fmt.observe_quote(reading, entry, answer.payload)
        assert moment is not None
        fmt.observe_figures(reading, entry, moment, answer.payload)
        bars = fmt.bars(entry, ticker, kind_from_suffix(ticker), answer.payload.sha256, SOURCE)
        reading.add(Harvest(bars=bars))
    found = reading.close()
    await store.save_harvest(found.harvest)
    return len(found.harvest.observations)


# Every limit of a host in force, wide enough for the benchmark's own: as many in flight as it allows to everybody, and
# a rate that an upstream on loopback keeps up with.
LIMITS = {"concurrency": IN_FLIGHT, "rate": 10_000.0, "burst": 1_000}


@asynccontextmanager
async def wide(settings: Settings) -> AsyncIterator[Resources]:
    """The worker's own resources, with `LIMITS` in place of the sandbox's."""
    async with resources(settings) as held:
        client = held.get(Sources).client
        client._confs[SOURCE] = settings.source(SOURCE).model_copy(update=LIMITS)
        yield held


def settings_of(upstream: str, folder: Path) -> Settings:
    """As shipped, but for the addresses."""
    return load(sandbox_url=upstream, data_dir=folder, _env_file=None)


def main(upstream: str, slots: int) -> None:
    """Run until SIGTERM, set up as `invest worker` is."""
    with tempfile.TemporaryDirectory(prefix="invest-bench-") as folder:
        settings = settings_of(upstream, Path(folder))
        logs.configure(settings, process="worker")
        collect_rarely()
        uvloop.run(run_worker([queue], settings=settings, resources=wide, concurrency=slots))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
