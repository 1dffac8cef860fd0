"""The table at the end of the demo: assets by score, opinions, files, next steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from invest.cli.output import rounded

VERDICTS = {
    "strong_buy": ("▲▲", "strong buy", "bold blue"),
    "buy": ("▲ ", "buy", "blue"),
    "hold": ("■ ", "hold", ""),
    "sell": ("▼ ", "sell", "dark_orange3"),
    "strong_sell": ("▼▼", "strong sell", "red"),
    "insufficient_data": ("· ", "too little data", "dim"),
}


def show_results(summary: dict[str, Any], out: Path, console: Console | None = None) -> None:
    """Print the whole ending."""
    console = console or Console()
    console.print()
    console.print(assets_table(summary))
    console.print(opinions_table(summary))
    console.print(endings(summary, out))


def _verdict(name: str | None) -> Text:
    mark, words, style = VERDICTS.get(name or "", ("· ", name or "—", ""))
    return Text(f"{mark} {words}", style=style)


def _bar(score: float | None, width: int = 6) -> Text:
    if score is None:
        return Text("—", style="dim")
    full = round(score / 10 * width)
    return Text("━" * full, style="blue") + Text("·" * (width - full), style="bright_black")


def _price(value: float | None) -> str:
    return "—" if value is None else f"{value:,.2f}"


def plain_table(title: str) -> Table:
    """A table with hairlines under its head only, narrow enough for 80 columns."""
    return Table(
        box=box.SIMPLE_HEAD,
        header_style="dim",
        title=title,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def assets_table(summary: dict[str, Any]) -> Table:
    """One line per asset, best score first."""
    table = plain_table("Assets by score · SANDBOX data")
    for name, justify in (("asset", "left"), ("kind", "left"), ("price R$", "right"), ("score", "right"), ("", "left")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for name, justify in (("verdict", "left"), ("data", "right"), ("src", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for a in summary["assets"]:
        score = a["overall_score"]
        table.add_row(
            Text(a["ticker"], style="bold"),
            a["kind"],
            _price(a["price"]),
            "—" if score is None else f"{rounded(score, 1)}",
            _bar(score),
            _verdict(a["recommendation"]),
            f"{rounded(a['coverage'] * 100, 0)} %",
            str(a["sources_count"]),
        )
    return table


def opinions_table(summary: dict[str, Any]) -> Table:
    """Each AI's opinion of the first asset."""
    from invest.domain.opinions import whole_percent

    consensus = summary["consensus"]
    agreed = consensus["agreement"]
    message = consensus["rating"] or "no quorum"
    chance, index = consensus["probability"], consensus.get("index_label", "IBOV")
    share = "" if chance is None else f" · P(beats {index} in 180 d) {whole_percent(chance)}%"
    answered = sum(1 for o in summary["opinions"] if o["rating"])
    heading = f"AIs: {message}{share} · {answered} of {len(summary['opinions'])} answered"
    table = plain_table(heading + ("" if agreed is None else f" · agreement {agreed:.2f}"))
    table.min_width = 76
    table.add_column("analyst")
    table.add_column("rating")
    table.add_column("confidence", justify="right")
    table.add_column("seconds", justify="right")
    for o in summary["opinions"]:
        confidence = o["confidence"]
        table.add_row(
            o["provider"],
            _verdict(o["rating"]) if o["rating"] else Text(o["status"] or "—", style="dim"),
            "—" if confidence is None else f"{confidence:.2f}",
            "—" if o["seconds"] is None else f"{o['seconds']:.2f}",
        )
    return table


def endings(summary: dict[str, Any], out: Path) -> Group:
    """Files, counts and what to try next."""
    jobs = summary["jobs"]
    lines = Table.grid(padding=(0, 2))
    for report in summary["reports"]:
        lines.add_row(Text(report["path"], style="bold"), f"{report['bytes'] / 1000:,.0f} kB")
    lines.add_row(Text(str(out / "summary.json"), style="bold"), "")
    done = f"{jobs['succeeded']} jobs succeeded, {jobs['failed']} failed, {summary['seconds']} s in all"
    checkout = Path("Makefile").is_file() and Path("settings.toml").is_file()
    live, stand_in = ("make run", "SANDBOX=1 make run") if checkout else ("invest run", "invest run --sandbox")
    tries = Text.assemble(
        *("Try next  ", (live, "bold"), "  the platform on port 8000, live upstreams\n          "),
        *((stand_in, "bold"), "  the same with the sandbox\n          "),
        *((("make test", "bold"), "  every test. ") if checkout else (("invest --help", "bold"), "  every verb. ")),
        "Not investment advice.",
    )
    return Group(Rule(style="bright_black"), lines, Text(done), Text(), tries)
