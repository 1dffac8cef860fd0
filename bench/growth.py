"""What a job costs while many others wait: 10^3, 10^5 and 10^6 of them, on one server that fills up.

python -m bench.growth [--samples 5]   -> cost_us_by_queued and cost_growth_1e6_over_1e3 in bench/out/queue.json

One worker takes `TAKEN` jobs that do nothing; a sample is the processor time that it and its Redis need from the first
one's start to the last one's, by job (a busy machine changes that less than the clock, which is kept as
`elapsed_us_by_queued`). With 10^3 waiting, that empties the queue; it is filled again for each sample.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
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
queue = Queue("growth", concurrency=10)


class Meter:
    """The clock, and processor time of this process and of a server's main thread, at the first job and the last."""

    def __init__(self) -> None:
        self.server = Path("/dev/null")
        self.started = 0
        self.marks: list[tuple[float, float]] = []

    def start(self) -> None:
        """A job starts."""
        self.started += 1
        if self.started in (1, TAKEN):
            served = int(self.server.read_text().split()[0]) / 1e9
            self.marks.append((time.process_time() + served, time.perf_counter()))

    def sample(self) -> tuple[float, float]:
        """Microseconds of a job since the last sample: processor time, and on the clock."""
        (spent, at), (spent_last, at_last) = self.marks
        self.started, self.marks = 0, []
        return (spent_last - spent) / (TAKEN - 1) * 1e6, (at_last - at) / (TAKEN - 1) * 1e6


meter = Meter()


@queue.job()
async def bench_started(ctx: Context) -> None:
    """Say when it starts."""
    meter.start()


async def fill(invest: Invest, waiting: int, level: int) -> int:
    """Queue jobs until `level` wait; how many do."""
    while waiting < level:
        more = min(BULK, level - waiting)
        await invest.enqueue_many(bench_started() for _ in range(more))
        waiting += more
    return waiting


async def taken(settings: Settings) -> int:
    """Take a sample's jobs with a worker of this process; how many it took, some more than `TAKEN`."""
    worker = await run_worker([queue], settings=settings, concurrency=200, max_jobs=TAKEN, handle_signals=False)
    return worker.jobs_complete


async def cost_by_level(samples: int, levels: tuple[int, ...]) -> tuple[dict[str, float], dict[str, float]]:
    """Median microseconds of a job at each level: processor time, and on the clock."""
    costs, elapsed = dict[str, float](), dict[str, float]()
    with OwnValkey() as server:
        meter.server = Path(f"/proc/{server.pid}/task/{server.pid}/schedstat")
        settings = load(redis={"url": server.url})
        async with Invest.connect(settings) as invest:
            waiting = await fill(invest, 0, TAKEN)
            waiting -= await taken(settings)  # what is imported and connected first counts for no level
            meter.sample()
            for level in levels:
                found = []
                for _ in range(samples):
                    waiting = await fill(invest, waiting, level)
                    waiting -= await taken(settings)
                    found.append(meter.sample())
                costs[f"{level}"], elapsed[f"{level}"] = (
                    round(statistics.median(c), 2) for c in zip(*found, strict=True)
                )
                print(f"{level:,} queued: {costs[f'{level}']} us a job, {elapsed[f'{level}']} on the clock", flush=True)
    return costs, elapsed


def growth(samples: int, levels: tuple[int, ...] = LEVELS) -> dict[str, Any]:
    """The figures for the file; the ratio is of the outer two levels."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    cost, elapsed = uvloop.run(cost_by_level(samples, levels))
    ratio = round(cost[f"{levels[-1]}"] / cost[f"{levels[0]}"], 3)
    return {
        "cost_us_by_queued": cost,
        "cost_growth_1e6_over_1e3": ratio,
        "growth_samples": samples,
        "elapsed_us_by_queued": elapsed,
    }


def main() -> None:
    """Parse, run, print, and add to the figures of the queue."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=5)
    report = growth(parser.parse_args().samples)
    outputs.write("queue", report, part=True)
    print(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
