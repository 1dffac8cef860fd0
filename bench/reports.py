"""How long a full asset report takes as PDF and HTML, and how near 100 multi-AI analyses come to the APIs' latency.

python -m bench.reports [--rounds 40] [--analyses 100] [--latency 2.0]   -> bench/out/reports.json

`pdf_ms_p50`: from the gathered data to the bytes of the PDF (view, charts, typesetting); every round has other data,
as the typesetter remembers what it has set before. `pdf_cpu_ms_p50`: processor time of the same, which a busy machine
stretches less. `multi_ai_x_bound`: wall time over the least the configured calls
in flight per provider allow. `multi_ai_x_sequential`: how often the same calls fit into that time when they are made
one after another (measured on a sample, as all of them would take minutes). `rss_mb`: this process at its end.
`calls_per_analysis`, `tokens_…`, `usd_…`: of one AI at the prices of settings.toml, over analyses without news, with
old, with new ones, and asked again with other news; `…_always_twice`: with a run for the news whenever there are any.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Any
from unittest import mock

from tests.builders import reports as build

from bench import outputs
from invest.ai import Analysts, MemoryLedger
from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.opinions.opinion import Snapshot, SnapshotFact, SnapshotNews
from invest.reports import AssetReportData, build_asset_view, render_html, render_pdf
from invest.settings import Settings, load

PROVIDERS = ("openai", "anthropic", "gemini")
KEYS = ("p_l", "p_vp", "ev_ebitda", "roe", "roic", "net_margin", "net_debt_ebitda", "dividend_yield", "return_1y")


def full_data(seed: int) -> AssetReportData:
    """A report with everything in it; no two seeds alike."""
    return build.asset_data(
        report_id=f"r_{seed}", bars=build.bars(seed=seed, last=20 + seed), news=build.news(6, f"Item {seed}")
    )


def timed(work: Callable[[AssetReportData], object], rounds: int, first_seed: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each round on the clock, and of processor time; the first one, which loads fonts, is left out."""
    work(full_data(first_seed - 1))
    times, spent = [], []
    for seed in range(first_seed, first_seed + rounds):
        data = full_data(seed)
        begun, used = time.perf_counter(), time.process_time()
        work(data)
        times.append((time.perf_counter() - begun) * 1000)
        spent.append((time.process_time() - used) * 1000)
    return times, spent


def measure_rendering(rounds: int) -> dict[str, float]:
    """Percentiles of one report's PDF and HTML, and its size."""
    pdf, spent = timed(lambda data: render_pdf(build_asset_view(data)), rounds, 1000)
    html, _ = timed(lambda data: render_html(build_asset_view(data)), rounds, 3000)
    view = build_asset_view(full_data(1))
    return {
        "pdf_ms_p50": round(statistics.median(pdf), 1),
        "pdf_cpu_ms_p50": round(statistics.median(spent), 1),
        "pdf_ms_p95": round(statistics.quantiles(pdf, n=20)[-1], 1),
        "html_ms_p50": round(statistics.median(html), 1),
        "pdf_kb": round(len(render_pdf(view)) / 1000, 1),
        "html_kb": round(len(render_html(view).encode()) / 1000, 1),
    }


def _sandbox(pipe: Connection, latency: float) -> None:
    from invest_sandbox import main

    main(port=0, assets=1, ai_latency=dict.fromkeys(PROVIDERS, latency), ready=lambda running: pipe.send(running.url))


@contextmanager
def slow_apis(latency: float) -> Iterator[str]:
    """The three AIs' stand-ins in a process of their own, each answer `latency` seconds late; their address."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_sandbox, args=(there, latency), daemon=True)
    process.start()
    try:
        if not here.poll(60):
            raise RuntimeError("the sandbox did not start within 60 s")
        yield here.recv()
    finally:
        process.terminate()
        process.join(10)


def snapshot(number: int) -> Snapshot:
    """One asset's figures; no two alike, so that nothing comes from a cache."""
    from datetime import date

    facts = tuple(
        SnapshotFact(id=f"f{i:02d}", key=key, value=round(0.05 * i + number / 1000, 4), unit=FACT_KEYS[key].unit)
        for i, key in enumerate(KEYS, start=1)
    )
    return Snapshot(
        ticker=f"AA{chr(65 + number // 26 % 26)}{chr(65 + number % 26)}3", name=None, kind="stock", sector=None,
        as_of=date(2026, 3, 31), facts=facts, base_rate_180d=0.5, sandbox=True,
    )  # fmt: skip


async def measure_asking(analyses: int, latency: float, sample: int = 3) -> dict[str, float]:
    """All at once, then a sample one call after another."""
    with slow_apis(latency) as url:
        settings: Settings = load(sandbox_url=url, ai={"cache_hours": 0, "daily_budget_usd": 0})
        async with Analysts.open(settings) as panel:
            await panel.ask(snapshot(analyses + sample), providers=PROVIDERS)  # connections and schemas
            begun = time.perf_counter()
            answers = await asyncio.gather(*(panel.ask(snapshot(i), providers=PROVIDERS) for i in range(analyses)))
            wall = time.perf_counter() - begun
            valid = sum(opinion.valid for opinions in answers for opinion in opinions)
            alone = await one_after_another(panel, range(analyses, analyses + sample))
    bound = math.ceil(analyses / settings.ai.concurrency) * latency
    sequential = alone / (sample * len(PROVIDERS)) * analyses * len(PROVIDERS)
    return {
        "multi_ai_s": round(wall, 2),
        "multi_ai_bound_s": round(bound, 2),
        "multi_ai_x_bound": round(wall / bound, 3),
        "multi_ai_x_sequential": round(sequential / wall, 2),
        "multi_ai_calls": analyses * len(PROVIDERS),
        "multi_ai_valid": valid,
        "concurrency_per_provider": settings.ai.concurrency,
    }


async def one_after_another(panel: Analysts, numbers: range) -> float:
    """Seconds of the same questions with one call in flight."""
    begun = time.perf_counter()
    opinions = [await panel.ask_one(p, snapshot(n)) for n in numbers for p in PROVIDERS]
    assert all(opinion.valid for opinion in opinions)
    return time.perf_counter() - begun


NEWS = {
    "none": (),
    "old or neutral": (SnapshotNews(tone="neutral", topic="market", age_days=9, excerpt="Bolsa fecha estável"),),
    "new and material": (SnapshotNews(tone="positive", topic="results", age_days=1, excerpt="Lucro supera projeções"),),
    "changed since": (SnapshotNews(tone="negative", topic="debt", age_days=0, excerpt="Agência rebaixa rating"),),
}


async def money(settings: Settings, analyses: int) -> dict[str, float]:
    """Calls, tokens and US$ per analysis by one AI: a quarter each without news, with old, with new, and asked again
    with other news an hour later.
    """
    ledger = MemoryLedger()
    async with Analysts.open(settings, ledger=ledger) as analysts:
        for i in range(analyses):
            kind = list(NEWS)[i % len(NEWS)]
            number = i - 1 if kind == "changed since" else i  # the facts of the analysis before
            asked = snapshot(number).model_copy(update={"news": NEWS[kind]})
            assert (await analysts.ask_one("openai", asked)).valid
    calls = ledger.calls
    return {
        "calls": len(calls) / analyses,
        "tokens_in": sum(call.tokens_in or 0 for call in calls) / analyses,
        "tokens_out": sum(call.tokens_out or 0 for call in calls) / analyses,
        "usd": float(sum((call.cost_usd or Decimal(0) for call in calls), Decimal(0))) / analyses,
    }


async def measure_money(analyses: int = 40) -> dict[str, float]:
    """The same questions with a run for news whenever there are any and nothing kept, and as they are asked now."""
    with slow_apis(0.0) as url:
        free = {"daily_budget_usd": 0}
        with mock.patch("invest.ai.analyst.material_news", bool):
            before = await money(load(sandbox_url=url, ai={"cache_hours": 0, **free}), analyses)
        after = await money(load(sandbox_url=url, ai=free), analyses)
    rows = {f"{name}_per_analysis_always_twice": value for name, value in before.items()}
    rows |= {f"{name}_per_analysis": value for name, value in after.items()}
    return {name: round(value, 5) for name, value in rows.items()}


def rss_mb() -> float:
    """The most memory this process has held, in MB (kilobytes on Linux, bytes on macOS)."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(used / (1e6 if sys.platform == "darwin" else 1e3), 1)


def main() -> None:
    """Measure, print, and write bench/out/reports.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--analyses", type=int, default=100)
    parser.add_argument("--latency", type=float, default=2.0)
    options = parser.parse_args()
    result: dict[str, Any] = measure_rendering(options.rounds)
    result |= asyncio.run(measure_asking(options.analyses, options.latency))
    result |= asyncio.run(measure_money())
    result["rss_mb"] = rss_mb()
    outputs.write("reports", result)
    for name, value in result.items():
        print(f"  {name:<28}{value}")


if __name__ == "__main__":
    main()
