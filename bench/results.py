"""One page of all benchmarks: ours, each peer, the limit, the ratio -> bench/RESULTS.md and bench/results.svg.

python -m bench.results

Reads bench/out/*.json as the `make bench-*` targets wrote them. What was not measured is left out and named.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import orjson

from bench.servers import OUT

HERE: Final = Path(__file__).parent
LIBRARIES: Final = ("arq", "redis", "aiohttp", "asyncpg", "numpy", "uvloop")


@dataclass(frozen=True)
class Measure:
    """One figure: where it stands, in which unit, whether more is better, what is wanted, what it does not show."""

    file: str
    name: str
    ours: str
    unit: str
    more: bool
    peers: Mapping[str, str]
    wanted: str = ""
    caveat: str = ""

    def value(self, results: Mapping[str, Any], path: str) -> float | None:
        """The figure at a dotted path of this measure's file."""
        found: Any = results.get(self.file)
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return float(found) if isinstance(found, int | float) else None


def engine_peers(path: str) -> dict[str, str]:
    """The same measure of every other system."""
    return {name: path.format(name) for name in ("arq", "saq", "streaq", "taskiq", "rq", "celery")}


MEASURES: Final[Sequence[Measure]] = (
    Measure("queue", "Jobs drained from a full queue", "drain_per_s.invest", "jobs/s", True,
            engine_peers("drain_per_s.{}"), "10 x the best peer", "jobs that do nothing"),
    Measure("queue", "Calls enqueued in bulk", "bulk_enqueue_per_s.invest", "calls/s", True,
            engine_peers("bulk_enqueue_per_s.{}"), "60,000", "arq has no bulk call: its client is pipelined by hand"),
    Measure("queue", "Enqueue to start, p50", "latency_ms.invest.p50", "ms", False, engine_peers("latency_ms.{}.p50")),
    Measure("queue", "Enqueue to start, p99", "latency_ms.invest.p99", "ms", False,
            engine_peers("latency_ms.{}.p99"), "1.3"),
    Measure("queue", "Batch of 300 ms jobs", "io_batch_x_ideal.invest", "x ideal", False,
            engine_peers("io_batch_x_ideal.{}"), "1.02"),
    Measure("queue", "Cost per job at 10^6 queued", "cost_growth_1e6_over_1e3", "x at 10^3", False, {}),
    Measure("workflows", "Workflow of 100,000 jobs", "chord_s", "s", False, {}, "12",
            "as many independent jobs: `plain_s`"),
    Measure("workflows", "Jobs that wait, 4 processes, of the ideal", "waits_of_ideal.4", "x", True, {}),
    Measure("recovery", "Rerun after SIGKILL", "rerun_s.invest", "s", False, engine_peers("rerun_s.{}"), "12"),
    Measure("collect", "1,000 assets collected and stored", "seconds.invest", "s", False,
            {"bare GETs": "seconds.bare_gather", "Celery gevent": "seconds.celery_gevent",
             "Celery prefork": "seconds.celery_prefork"}, "", "prefork is extrapolated from 40 assets"),
    Measure("collect", "CPU per collected asset", "cpu_ms_per_asset", "ms", False, {}, "2.5"),
    Measure("collect", "Rows stored, share of plain COPY", "ingest_share_of_copy", "", True, {}, ".80"),
    Measure("analysis", "1,000 assets analysed", "seconds.invest", "s", False, {"pandas": "seconds.pandas"}, "1"),
    Measure("analysis", "Portfolio of 2,000 transactions", "portfolio_ms", "ms", False, {}, "50"),
    Measure("reports", "PDF of a report, p50", "pdf_ms_p50", "ms", False, {}, "120"),
    Measure("reports", "100 multi-AI analyses", "multi_ai_x_bound", "x bound", False, {}, "1.15"),
    Measure("api", "POSTs that enqueue", "rps.invest", "requests/s", True,
            {"bare aiohttp": "rps.bare", "FastAPI + Celery": "rps.fastapi_celery"}, ".8 of bare"),
    Measure("api", "p99 at three times the load", "overload.p99_ms", "ms", False, {}, "500"),
    Measure("headline", "Headline, cold", "cold_s", "s", False,
            {"claimed by the platform before": "claim_of_the_old_platform_s"}, "30",
            "limits on requests per second are lifted: `live_bound_s`"),
    Measure("headline", "Headline, daily", "daily_s", "s", False, {}, "10"),
    Measure("headline", "Headline, memory of all processes", "rss_mb", "MB", False, {}, "1000"),
    Measure("pages", "Overview with 100,000 jobs, p95", "overview_ms.p95", "ms", False, {}, "50"),
    Measure("pages", "Jobs of 100,000, p95", "jobs_ms.p95", "ms", False, {}, "50"),
    Measure("pages", "Portfolio of 60 assets and ten years, p95", "portfolio_ms.p95", "ms", False, {}, "150",
            "when nothing changed since the view before: `portfolio_changed_ms` for the first one after a change"),
    Measure("pages", "Ranking of 1,000, p95", "rankings_ms.p95", "ms", False, {}, "80"),
    Measure("siege", "Lost over the outages of the siege", "lost", "jobs", False, {}, "0"),
    Measure("siege", "Longest silence of /healthz under attack", "healthz_silent_ms", "ms", False, {}, "300"),
    Measure("soak", "Lost over the soak", "lost", "jobs", False, {}, "0"),
    Measure("soak", "Jobs accepted during the soak", "accepted", "jobs", True, {}),
    Measure("fuzz", "Crashes of parsers", "crashes", "inputs", False, {}, "0"),
    Measure("fuzz", "Slowest input of any parser", "slowest_s", "s", False, {}, "2"),
    Measure("faithful", "Invented figures shown", "false_shown", "share", False, {}, ".03"),
    Measure("faithful", "True sentences hidden", "true_hidden", "share", False, {}, ".02"),
    Measure("queue", "Jobs/s with a prefix, of those without", "prefix.drain.ratio", "x", True, {}, ".95"),
    Measure("cluster", "A job with a prefix, processor time", "prefix.processor_time_ratio", "x", False, {}, "1.05"),
)  # fmt: skip


def read() -> dict[str, Any]:
    """Every result file by its name."""
    return {path.stem: orjson.loads(path.read_bytes()) for path in sorted(OUT.glob("*.json"))}


def taken() -> str:
    """When each result file was written."""
    days = [
        f"{path.stem} {datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d %H:%M}"
        for path in sorted(OUT.glob("*.json"))
    ]
    return ", ".join(days)


def number(value: float | None) -> str:
    """A figure with three significant digits."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratio(measure: Measure, ours: float, best: float) -> float:
    """How many times better ours is than `best`; below 1 where it is worse."""
    return ours / best if measure.more else best / ours


def row(measure: Measure, results: Mapping[str, Any]) -> str | None:
    """One line of the table; None where ours was not measured."""
    ours = measure.value(results, measure.ours)
    if ours is None:
        return None
    peers = {name: measure.value(results, path) for name, path in measure.peers.items()}
    known = {name: value for name, value in peers.items() if value}
    shown = ", ".join(f"{name} {number(value)}" for name, value in known.items()) or "-"
    best = (max if measure.more else min)(known.values()) if known else None
    times = f"{ratio(measure, ours, best):.2f}" if best else "-"
    cells = (
        measure.name,
        f"{number(ours)} {measure.unit}".strip(),
        shown,
        times,
        measure.wanted or "-",
        measure.caveat,
    )
    return "| " + " | ".join(cells) + " |"


def machine() -> str:
    """What it ran on."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), "")
    versions = []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    python = f"Python {sys.version.split()[0]}"
    return (
        f"{model or platform.machine()}, {os.cpu_count()} cores, {platform.system()}; {python}, {', '.join(versions)}"
    )


def picture(results: Mapping[str, Any]) -> str:
    """Ours beside the best peer as bars of the same length for the peer."""
    bars = []
    for measure in MEASURES:
        ours = measure.value(results, measure.ours)
        known = [v for v in (measure.value(results, p) for p in measure.peers.values()) if v]
        if ours and known:
            bars.append((measure.name, ratio(measure, ours, (max if measure.more else min)(known))))
    lines, width = [], 300.0
    for place, (name, times) in enumerate(bars):
        y = 12 + place * 26
        length = min(times / 10, 1) * width
        lines += [
            f'<text x="300" y="{y + 13}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="310" y="{y}" width="{length:.0f}" height="17" fill="#2f6f9f"/>',
            # Beyond the line of the best peer, which would strike the figure out.
            f'<text x="{316 + max(length, width / 10):.0f}" y="{y + 13}">{times:.2f} x the best peer</text>',
        ]
    height = 40 + 26 * len(bars)
    lines.append(
        f'<line x1="{310 + width / 10:.0f}" y1="6" x2="{310 + width / 10:.0f}" y2="{height - 22}" stroke="#999"/>'
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}" role="img">'
    style = "<title>Each measure against the best peer; the line is 1</title><style>text{font:13px sans-serif}</style>"
    ground = f'<rect width="760" height="{height}" fill="#fff"/>'
    return "\n".join([head, style, ground, *lines, "</svg>", ""])


def page(results: Mapping[str, Any]) -> str:
    """The Markdown of the page."""
    rows = {m.name: row(m, results) for m in MEASURES}
    missing = [name for name, line in rows.items() if line is None]
    lines = [
        "# Benchmarks",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}.",
        "",
        "`make bench` runs all of them and writes this page; `make bench-queue` and its like run one. Every comparison"
        " is of one run: ours and the peers in turns, medians of the rounds. Ratios count; absolute figures are this"
        " machine's.",
        "",
        "![Each measure against the best peer](results.svg)",
        "",
        "| measure | ours | peers | x the best | wanted | what it does not show |",
        "|---|---|---|---|---|---|",
        *(line for line in rows.values() if line),
    ]
    if missing:
        lines += ["", f"Not measured in this run: {', '.join(missing)}."]
    lines += ["", f"Taken (UTC): {taken()}."]
    return "\n".join([*lines, ""])


def main() -> None:
    """Write the page and the picture."""
    results = read()
    (HERE / "RESULTS.md").write_text(page(results), encoding="utf-8")
    (HERE / "results.svg").write_text(picture(results), encoding="utf-8")
    print(page(results))


if __name__ == "__main__":
    main()
