"""`invest demo`: twenty assets from upstream bytes to a multi-AI report, every step a job on its queue."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

from invest.cli import output
from invest.cli.platform.demo_table import show_results
from invest.cli.platform.local import environment_of, local_settings
from invest.cli.platform.platform import QUEUES, START_LIMIT, World, recorded_bars, start_sandbox
from invest.cli.platform.progress import Steps
from invest.cli.platform.supervise import family
from invest.engine import Call, Invest, Job, JobFailed
from invest.settings import Settings

R = TypeVar("R")
WANTED = (
    *("PETR4", "VALE3", "ITUB4", "BBAS3", "ABEV3", "WEGE3", "MGLU3", "RENT3", "RADL3", "B3SA3", "TAEE11", "KLBN11"),
    *("HGLG11", "KNRI11", "BOVA11", "IVVB11", "AAPL34", "MSFT34", "BTC-BRL", "ETH-BRL"),
)
MARKET = 60  # assets the upstreams know at least; the well-known ones and some of every kind are among them
TRADED_WITHIN = timedelta(days=10)  # a recording that ends before is of no use to a demo of today
STEP_LIMIT = 120.0  # seconds for one step; the whole takes less than a minute


async def run_demo(out: Path, count: int, bars: Path | None, language: str, *, as_json: bool = False) -> int:
    """Run it, write `out`, print the tables (or the summary as JSON); 0 when every job succeeded."""
    started = time.monotonic()
    with local_settings(beside=False, data_dir=fresh_folder()) as settings:
        log = fresh_log(out)
        async with family(environment_of(settings), log) as members:
            with Steps() as steps:
                steps.begin("start", "Sandbox, three workers")
                world = await start_sandbox(members, assets=max(MARKET, 2 * count), bars=bars or recorded_bars())
                used = settings.model_copy(update={"sandbox_url": world.url, "as_of": world.as_of})
                async with platform(used, members) as invest:
                    steps.end("start", f"market as of {world.as_of:%d/%m/%Y}, {_real(world)} assets with real bars")
                    summary = await Demo(invest, used, out, language, steps).run(pick(world, count))
    summary["seconds"] = round(time.monotonic() - started, 1)
    (out / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    output.as_json(summary) if as_json else show_results(summary, out)
    return 0 if summary["jobs"]["failed"] == 0 else 1


def fresh_log(out: Path) -> Path:
    """An empty log of the children in the folder of the results."""
    out.mkdir(parents=True, exist_ok=True)
    log = out / "demo.log"
    log.unlink(missing_ok=True)
    return log


def fresh_folder() -> Path:
    """The demo's own data folder, without what an earlier demo left in it but for the servers' own files."""
    folder = Path(".data") / "demo"
    shutil.rmtree(folder / "exports", ignore_errors=True)
    return folder


def _real(world: World) -> int:
    return sum(1 for a in world.assets if a.get("real"))


def pick(world: World, count: int) -> list[str]:
    """The well-known assets the world has, then others of every kind, `count` in all."""
    traded = world.as_of.date() - TRADED_WITHIN
    there = {a["ticker"]: a for a in world.assets if date.fromisoformat(a["until"]) >= traded}
    chosen = [t for t in WANTED if t in there]
    by_kind: dict[str, list[str]] = {}
    for ticker, asset in there.items():
        if ticker not in chosen and asset["kind"] not in ("index", "right", "other"):
            by_kind.setdefault(asset["kind"], []).append(ticker)
    while len(chosen) < count and any(by_kind.values()):
        for rest in by_kind.values():
            if rest and len(chosen) < count:
                chosen.append(rest.pop(0))
    return chosen[:count]


@contextlib.asynccontextmanager
async def platform(settings: Settings, members: Any) -> AsyncIterator[Invest]:
    """Schema, workers, and a client whose queues are empty."""
    from invest.jobs.declared import declare_all
    from invest.store import migrate

    declare_all()
    await migrate(settings)
    members.environment = {**members.environment, **environment_of(settings), "INVEST_DATA_DIR": str(settings.data_dir)}
    async with Invest.connect(settings) as invest:
        for queue in QUEUES:
            await members.start(queue, "worker", queue, "--child")
        async with asyncio.timeout(START_LIMIT):  # workers announce themselves by their heartbeat
            while len(await invest.inspect.workers()) < len(QUEUES):  # noqa: ASYNC110 - another process's heartbeat
                await asyncio.sleep(0.05)
        yield invest


class Demo:
    """The steps, each a job or several; counts their outcomes."""

    def __init__(self, invest: Invest, settings: Settings, out: Path, language: str, steps: Steps) -> None:
        self.invest = invest
        self.settings = settings
        self.out = out
        self.language = language
        self.steps = steps
        self.jobs = {"succeeded": 0, "failed": 0}

    async def run(self, tickers: Sequence[str]) -> dict[str, Any]:
        """All steps in order; the summary."""
        from invest.jobs import analysis, data_collection, reports

        await self.step("economy", "Reading the index and the economy's series", data_collection.update_benchmarks())
        batch = data_collection.batch_collect_assets(list(tickers), force_update=True)
        collected = await self.step("collect", f"Collecting {len(tickers)} assets from every source", batch)
        await self.step("news", "Reading the news feeds", data_collection.update_news_feed())
        markets = [analysis.update_asset_rankings(m) for m in ("stocks", "fiis", "etfs", "bdrs", "cryptos")]  # type: ignore[arg-type]
        await self.many("rank", "Ranking the markets", markets)
        await self.step("backtest", "Backtesting the scores, day by day as then known", analysis.backtest_scores())
        batch_analysis = analysis.batch_analyze_assets(list(tickers))
        analysed = await self.step("analyse", f"Analysing {len(tickers)} assets", batch_analysis)
        stocks = [t for t in tickers if t in analysed.analyses][:4]
        multi = await self.step(
            "ai", f"Asking several AIs about {tickers[0]}", reports.generate_multi_ai_analysis(tickers[0])
        )
        comparison = await self.step(
            "compare",
            f"Comparing {', '.join(stocks)}",
            reports.generate_comparison_report_async(stocks, "openai", self.language),  # type: ignore[arg-type]
        )
        single = await self.step(
            "report",
            f"Writing the report of {tickers[1]}",
            reports.generate_report_async(tickers[1], "anthropic", self.language),  # type: ignore[arg-type]
        )
        ids = [multi.report_id, comparison["report_id"], single["report_id"]]
        files = await self.export(ids, [tickers[0], "comparison", tickers[1]])
        return self.summary(collected, analysed, multi, files)

    async def step(self, name: str, title: str, call: Call[R]) -> R:
        """Queue one job, follow its progress, give its result."""
        self.steps.begin(name, title)
        job = await self.invest.enqueue(call)
        result = await self.follow(name, job)
        self.steps.end(name)
        return result

    async def follow(self, name: str, job: Job[R]) -> R:
        """Wait for a job, moving its bar."""
        waiting = asyncio.ensure_future(job.result(timeout=STEP_LIMIT))
        try:
            while not waiting.done():
                await asyncio.wait([waiting], timeout=0.25)
                if progress := (await job.status()).progress:
                    self.steps.move(name, progress.done, progress.total)
            result = waiting.result()
        except JobFailed:
            self.jobs["failed"] += 1
            raise
        self.jobs["succeeded"] += 1
        return result

    async def many(self, name: str, title: str, calls: Iterable[Call[R]]) -> list[R]:
        """Queue several jobs at once and wait for all."""
        self.steps.begin(name, title)
        jobs = await self.invest.enqueue_many(calls)
        results = [await self.follow(name, job) for job in jobs]
        self.steps.end(name)
        return results

    async def export(self, ids: Sequence[str], names: Sequence[str]) -> list[dict[str, Any]]:
        """Every report in three formats, copied beside summary.json under plain names."""
        from invest.jobs import reports

        formats = {"pdf": "pdf", "html": "html", "markdown": "md"}
        calls = [reports.export_report_async(i, f) for i in ids for f in formats]  # type: ignore[arg-type]
        done = await self.many("export", f"Exporting {len(ids)} reports as PDF, HTML and Markdown", calls)
        plain = dict(zip(ids, names, strict=True))
        files = []
        for export in done:
            path = self.out / f"{plain[export.report_id]}.{formats[export.format]}"
            shutil.copyfile(export.file_path, path)
            files.append({"format": export.format, "path": str(path), "bytes": path.stat().st_size})
        return files

    def summary(self, collected: Any, analysed: Any, multi: Any, files: list[dict[str, Any]]) -> dict[str, Any]:
        """What summary.json says."""
        sources = {r["ticker"]: r["sources_count"] for r in collected.results}
        assets = [
            {
                "ticker": ticker,
                "kind": a["kind"],
                "price": a["price"],
                "sources_count": sources.get(ticker, 0),
                "overall_score": a["overall_score"],
                "recommendation": a["recommendation"],
                "coverage": a["coverage"],
            }
            for ticker, a in analysed.analyses.items()
        ]
        assets.sort(key=lambda a: (a["overall_score"] is None, -(a["overall_score"] or 0), a["ticker"]))
        opinions = [
            {
                "provider": provider,
                "rating": answer.get("rating"),
                "confidence": answer.get("confidence"),
                "seconds": answer.get("seconds"),
                "status": answer.get("status"),
            }
            for provider, answer in multi.analyses.items()
        ]
        failed = len(collected.errors) + len(analysed.errors)
        children = len(collected.results) + len(analysed.analyses)
        return {
            "sandbox": True,
            "as_of": self.settings.now().isoformat(),
            "assets": assets,
            "opinions": opinions,
            "consensus": {k: multi.consensus[k] for k in ("rating", "probability", "agreement", "fragile")},
            "reports": files,
            "jobs": {"succeeded": self.jobs["succeeded"] + children, "failed": self.jobs["failed"] + failed},
        }
