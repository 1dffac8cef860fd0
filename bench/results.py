"""One page of all benchmarks: ours, each peer, the limit, the ratio -> bench/RESULTS.md and bench/results.svg.

python -m bench.results

Reads bench/out/*.json as the `make bench-*` targets wrote them. What was not measured is left out and named, and so are
parts that failed in the newest run of all (bench/out/run.json) and figures older than a day at the time of writing.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any, Final

from bench import outputs

HERE: Final = Path(__file__).parent
RUN: Final = "run"  # what became of each part of `make bench`
OLD: Final = timedelta(hours=24)
LIBRARIES: Final = ("arq", "redis", "aiohttp", "asyncpg", "numpy", "uvloop", "pandas")
PEERS: Final = ("saq", "streaq", "rq", "celery", "gevent", "fastapi", "uvicorn", "polars", "taskiq", "taskiq-redis")


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
    without: str = ""  # what is shown of a peer that has no figure, from other figures of the file

    def value(self, results: Mapping[str, Any], path: str) -> float | None:
        """The figure at a dotted path of this measure's file."""
        found: Any = results.get(self.file)
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return float(found) if isinstance(found, int | float) else None

    def is_blank(self, results: Mapping[str, Any], path: str) -> bool:
        """Whether the file has this figure without a value: it was tried, and not reached."""
        parent, _, name = path.rpartition(".")
        beside: Mapping[str, Any] = results[self.file].get(parent, {})
        return name in beside and self.value(results, path) is None


def engine_peers(path: str) -> dict[str, str]:
    """The same measure of every other system."""
    return {name: path.format(name) for name in ("arq", "saq", "streaq", "taskiq", "rq", "celery")}


MEASURES: Final[Sequence[Measure]] = (
    Measure("queue", "Jobs drained from a full queue", "drain_per_s.invest", "jobs/s", True,
            engine_peers("drain_per_s.{}"), "10 x the best peer", "jobs that do nothing"),
    Measure("queue", "Calls enqueued in bulk", "bulk_enqueue_per_s.invest", "calls/s", True,
            engine_peers("bulk_enqueue_per_s.{}"), "60,000", "arq has no bulk call: its client is pipelined by hand"),
    Measure("queue", "Enqueue to result, p50", "latency_ms.invest.p50", "ms", False, engine_peers("latency_ms.{}.p50"),
            "", "one job at a time on an idle worker"),
    Measure("queue", "Enqueue to result, p99", "latency_ms.invest.p99", "ms", False,
            engine_peers("latency_ms.{}.p99"), "1.3", "the same; median of the rounds' p99"),
    Measure("queue", "Batch of 300 ms jobs", "io_batch_x_ideal.invest", "x ideal", False,
            engine_peers("io_batch_x_ideal.{}"), "1.02", "RQ runs one job at a time and is left out"),
    Measure("queue", "Idle worker, processor time of 30 s", "idle_cpu_s_per_30s.invest", "s", False,
            engine_peers("idle_cpu_s_per_30s.{}"), "", "all workers idle side by side"),
    Measure("queue", "Idle worker, memory", "rss_mb.invest", "MB", False, engine_peers("rss_mb.{}"), "",
            "ours holds one queue of this benchmark, not the platform's jobs"),
    Measure("queue", "Cost per job at 10^6 queued", "cost_growth_1e6_over_1e3", "x at 10^3", False, {}, "",
            "processor time of worker and Redis, jobs that do nothing"),
    Measure("workflows", "Workflow of 100,000 jobs", "chord_s", "s", False, {}, "12",
            "jobs that do nothing; as many independent ones: {plain_s} s"),
    Measure("workflows", "Jobs that wait, 4 processes, of the ideal", "waits_of_ideal.4", "x", True, {}, "",
            "jobs that do nothing fill two cores with one process and its Redis"),
    Measure("recovery", "Rerun after SIGKILL", "rerun_s.invest", "s", False, engine_peers("rerun_s.{}"), "12",
            "a lease of {lease_s:g} s, in SAQ and streaQ too; the others have none for a job of 30 minutes",
            "not within {patience_s:g}"),
    Measure("collect", "1,000 assets collected and stored", "seconds.invest", "s", False,
            {"bare GETs": "seconds.bare_gather", "Celery gevent": "seconds.celery_gevent",
             "Celery prefork": "seconds.celery_prefork"}, "",
            "bare GETs are neither parsed nor stored; prefork is extrapolated from 40 assets"),
    Measure("collect", "CPU per collected asset", "cpu_ms_per_asset", "ms", False, {}, "2.5",
            "six answers of one source; not the server's"),
    Measure("collect", "Rows stored, share of plain COPY", "ingest_share_of_copy", "", True, {}, ".80"),
    Measure("analysis", "1,000 assets analysed", "seconds.invest", "s", False, {"pandas": "seconds.pandas"}, "1",
            "no filings; pandas computes the technical figures alone, no scores, no facts"),
    Measure("analysis", "Portfolio of 2,000 transactions", "portfolio_ms", "ms", False, {}, "50"),
    Measure("reports", "PDF of a report, p50", "pdf_ms_p50", "ms", False, {}, "120"),
    Measure("reports", "100 multi-AI analyses", "multi_ai_x_bound", "x bound", False, {}, "1.15",
            "stand-ins that answer after a fixed time"),
    Measure("api", "POSTs that enqueue", "rps.invest", "requests/s", True,
            {"bare aiohttp": "rps.bare", "FastAPI + Celery": "rps.fastapi_celery"}, ".8 of bare",
            "one web process, 64 connections; the others check no keys, limits or repeats"),
    Measure("api", "p99 at three times the load", "overload.p99_ms", "ms", False, {}, "500",
            "of all answers, {overload[refused]:,} refusals among {overload[sent]:,}"),
    Measure("headline", "Headline, cold", "cold_s", "s", False,
            {"claimed by the platform before": "claim_of_the_old_platform_s"}, "30",
            "limits on requests per second are lifted: `live_bound_s`; {rounds} round(s)"),
    Measure("headline", "Headline, daily", "daily_s", "s", False, {}, "10", "the same"),
    Measure("headline", "Headline, memory of all processes", "rss_mb", "MB", False, {}, "1000",
            "the most that each held, summed; not Redis and PostgreSQL"),
    Measure("pages", "Overview with 100,000 jobs, p95", "overview_ms.p95", "ms", False, {}, "50"),
    Measure("pages", "Jobs of 100,000, p95", "jobs_ms.p95", "ms", False, {}, "50"),
    Measure("pages", "Portfolio of 60 assets and ten years, p95", "portfolio_ms.p95", "ms", False, {}, "150",
            "nothing changed since the view before; the first one after a change: {portfolio_changed_ms[p95]} ms"),
    Measure("pages", "Ranking of 1,000, p95", "rankings_ms.p95", "ms", False, {}, "80"),
    Measure("siege", "Lost over the outages of the siege", "lost", "jobs", False, {}, "0"),
    Measure("siege", "Longest silence of /healthz under attack", "healthz_silent_ms", "ms", False, {}, "300"),
    Measure("soak", "Lost over the soak", "lost", "jobs", False, {}, "0", "{minutes:g} minutes"),
    Measure("soak", "Jobs accepted during the soak", "accepted", "jobs", True, {}, "", "a steady rate, not a limit"),
    Measure("fuzz", "Crashes of parsers", "crashes", "inputs", False, {}, "0", "{inputs_each:,} inputs each"),
    Measure("fuzz", "Slowest input of any parser", "slowest_s", "s", False, {}, "2"),
    Measure("faithful", "Invented figures shown", "false_shown", "share", False, {}, ".03",
            "{sentences:,} generated sentences"),
    Measure("faithful", "True sentences hidden", "true_hidden", "share", False, {}, ".02", "the same"),
    Measure("queue", "Jobs/s with a prefix, of those without", "prefix.drain.ratio", "x", True, {}, ".95",
            "quartiles {prefix[drain][quartiles][0]} and {prefix[drain][quartiles][2]}"),
    Measure("cluster", "A job with a prefix, processor time", "prefix.processor_time_ratio", "x", False, {}, "1.05",
            "a load of {load:g} beside it"),
)  # fmt: skip


def read() -> dict[str, Any]:
    """Every result file by its name."""
    return {path.stem: outputs.read(path.stem) for path in sorted(outputs.OUT.glob("*.json"))}


def taken(results: Mapping[str, Any]) -> dict[str, str]:
    """When the figures of the table were taken, by file; of a file whose parts are of several times, all of them."""
    times: dict[str, set[str]] = {}
    for measure in MEASURES:
        if measure.value(results, measure.ours) is not None:
            key = measure.ours.partition(".")[0]
            times.setdefault(measure.file, set()).add(outputs.taken_of(results[measure.file], key))
    return {name: " and ".join(map(shown_time, sorted(found))) for name, found in sorted(times.items())}


def shown_time(text: str) -> str:
    """A time of a file for the page."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"


def is_old(measure: Measure, results: Mapping[str, Any], now: datetime) -> bool:
    """Whether a figure of the table is older than a day."""
    if measure.value(results, measure.ours) is None:
        return False
    when = outputs.taken_of(results[measure.file], measure.ours.partition(".")[0])
    return now - datetime.fromisoformat(when) > OLD


def remarks(results: Mapping[str, Any], now: datetime) -> list[str]:
    """What of the table is missing, old, or could not be measured again."""
    lines = []
    if missing := [m.name for m in MEASURES if m.value(results, m.ours) is None]:
        lines.append(f"Not measured: {', '.join(missing)}.")
    if old := [m.name for m in MEASURES if is_old(m, results, now)]:
        lines.append(f"Older than a day: {', '.join(old)}.")
    parts: dict[str, dict[str, Any]] = results.get(RUN, {}).get("parts", {})
    lines += [
        f"**{name} failed** at {shown_time(one['ended'])} ({one['error']}): what it did not reach is of an earlier run."
        for name, one in parts.items()
        if one["error"]
    ]
    lines.append("Taken (UTC): " + ", ".join(f"{name} {when}" for name, when in taken(results).items()) + ".")
    if parts:
        loads = ", ".join(f"{name} {one['seconds']:.0f} ({one['load_before']:g})" for name, one in parts.items())
        lines.append(f"Seconds of each part of `make bench`, and the load of the machine before it: {loads}.")
    return lines


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
    texts = [f"{name} {number(value)}" for name, value in known.items()]
    if measure.without:
        without = measure.without.format_map(results[measure.file])
        texts += [f"{name} {without}" for name, path in measure.peers.items() if measure.is_blank(results, path)]
    failed = results[measure.file].get("failed", {})
    texts += [f"{name} failed" for name in peers if name in failed and name not in known]
    shown = ", ".join(texts) or "-"
    best = (max if measure.more else min)(known.values()) if known else None
    times = f"{ratio(measure, ours, best):.2f}" if best else "-"
    cells = (
        measure.name,
        f"{number(ours)} {measure.unit}".strip(),
        shown,
        times,
        measure.wanted or "-",
        measure.caveat.format_map(results[measure.file]),
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
    folders = [folder for name in ("", "-taskiq") for folder in HERE.parent.glob(f".venv-bench{name}/lib/*/*-packages")]
    found = {one.name.lower(): one.version for one in distributions(path=list(map(str, folders)))}
    versions += [f"{name} {found[name]}" for name in PEERS if name in found]
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
    now = datetime.now(UTC)
    lines = [
        "# Benchmarks",
        "",
        f"{now:%Y-%m-%d}, {machine()}.",
        "",
        "`make bench` runs the benchmarks and writes this page (`make bench ONLY=queue,api` some of them); cluster,"
        " siege, soak and fuzz take longer and have targets of their own. Every comparison is of one run: ours and the"
        " peers in turns (reruns and idle workers side by side), medians of the rounds. Ratios count; absolute figures"
        " are this machine's.",
        "",
        "![Each measure against the best peer](results.svg)",
        "",
        "| measure | ours | peers | x the best | wanted | what it does not show |",
        "|---|---|---|---|---|---|",
        *(line for line in (row(measure, results) for measure in MEASURES) if line),
    ]
    for remark in remarks(results, now):
        lines += ["", remark]
    return "\n".join([*lines, ""])


def main() -> None:
    """Write the page and the picture."""
    results = read()
    (HERE / "RESULTS.md").write_text(page(results), encoding="utf-8")
    (HERE / "results.svg").write_text(picture(results), encoding="utf-8")
    print(page(results))


if __name__ == "__main__":
    main()
