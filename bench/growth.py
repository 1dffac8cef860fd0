"""What a job costs while many others wait: 10^3, 10^5 and 10^6 of them, on one server that fills up.

python -m bench.growth [--samples 5]   -> cost_us_by_queued and cost_growth_1e6_over_1e3 in bench/out/queue.json

One worker takes `TAKEN` jobs that do nothing; a sample is the time from the first one's start to the last one's, by
job. With 10^3 waiting, that empties the queue; it is filled again for each sample.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any, Final

import orjson
import structlog
import uvloop

from bench import outputs
from bench.servers import OwnValkey
from invest.engine import Context, Invest, Queue, run_worker
from invest.settings import Settings, load

LEVELS: Final = (10**3, 10**5, 10**6)
TAKEN: Final = 1000  # jobs of a sample
BULK: Final = 50_000  # jobs in one call
started: list[float] = []
queue = Queue("growth", concurrency=10)


@queue.job()
async def bench_started(ctx: Context) -> None:
    """Say when it starts."""
    started.append(time.perf_counter())


async def fill(invest: Invest, waiting: int, level: int) -> int:
    """Queue jobs until `level` wait; how many do."""
    while waiting < level:
        more = min(BULK, level - waiting)
        await invest.enqueue_many(bench_started() for _ in range(more))
        waiting += more
    return waiting


async def sample(settings: Settings) -> tuple[float, int]:
    """Microseconds of a job, and how many were taken."""
    started.clear()
    worker = await run_worker([queue], settings=settings, concurrency=200, max_jobs=TAKEN, handle_signals=False)
    return (started[-1] - started[0]) / (len(started) - 1) * 1e6, worker.jobs_complete


async def cost_by_level(samples: int, levels: tuple[int, ...]) -> dict[str, float]:
    """Median microseconds of a job at each level."""
    found: dict[str, float] = {}
    with OwnValkey() as server:
        settings = load(redis={"url": server.url})
        async with Invest.connect(settings) as invest:
            waiting = 0
            for level in levels:
                costs = []
                for _ in range(samples):
                    waiting = await fill(invest, waiting, level)
                    cost, taken = await sample(settings)
                    costs.append(cost)
                    waiting -= taken
                found[f"{level}"] = round(statistics.median(costs), 2)
                print(f"{level:,} queued: {found[f'{level}']} us a job", flush=True)
    return found


def growth(samples: int, levels: tuple[int, ...] = LEVELS) -> dict[str, Any]:
    """The figures for the file; the ratio is of the outer two levels."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    cost = uvloop.run(cost_by_level(samples, levels))
    ratio = round(cost[f"{levels[-1]}"] / cost[f"{levels[0]}"], 3)
    return {"cost_us_by_queued": cost, "cost_growth_1e6_over_1e3": ratio, "growth_samples": samples}


def main() -> None:
    """Parse, run, print, and add to the figures of the queue."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=5)
    report = growth(parser.parse_args().samples)
    outputs.write("queue", report, part=True)
    print(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
