"""Verbs about what is kept of one person: `invest data export` and `invest data erase` (LGPD, article 18)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson, Yes
from invest.cli.server import refuse_remote, with_platform
from invest.errors import NotFound

Key = Annotated[str, typer.Option("--key", help="id of the person's API key (see `invest keys ls`)")]


def export(
    key: Key,
    out: Annotated[Path, typer.Option("--out", help="file to write, readable to you alone")] = Path("data.json"),
    json_output: AsJson = False,
) -> None:
    """Write everything that is kept of a key: portfolios, transactions, alerts, reports, jobs, audit lines."""
    from invest.engine import Invest
    from invest.jobs.forgetting import filters_of
    from invest.store import Store

    refuse_remote()

    async def work(invest: Any) -> Any:
        assert isinstance(invest, Invest)
        async with Store.open(invest.settings) as store:
            await _known(store, key)
            kept = await store.erasure.of_key(key)
        named = await filters_of(invest, key)
        return kept | {"filters": [{"name": name, "address": where} for name, where in named.items()]}

    found = with_platform(work)
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(found, file, ensure_ascii=False, indent=1)
    counts = {kind: len(rows) for kind, rows in found.items()}
    message = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    output.outcome(json_output, f"wrote {out}: {message}", file=str(out), counts=counts)


def erase(key: Key, yes: Yes = False, json_output: AsJson = False) -> None:
    """Delete everything that is kept of a key, here and in Redis, and end the key. Market data and opinions stay."""
    from invest.engine import Invest
    from invest.jobs.forgetting import forget, forget_caller
    from invest.store import Store

    refuse_remote()
    output.confirm(f"erase everything of key {key}? This cannot be undone", yes=yes)

    async def work(invest: Any) -> Any:
        assert isinstance(invest, Invest)
        async with Store.open(invest.settings) as store:
            await _known(store, key)
            gone = await store.erasure.key(key)
            await store.audit.append("command line", "erase key", key, detail={"portfolios": len(gone.portfolios)})
        await forget(invest, invest.settings.data_dir, gone)
        await forget_caller(invest, key)
        return gone

    gone = with_platform(work)
    counts = {name: len(getattr(gone, name)) for name in ("portfolios", "reports", "files", "jobs")}
    counts["alerts"] = gone.alerts
    message = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    output.outcome(json_output, f"erased {message}; key {key} is revoked", key=key, counts=counts)


async def _known(store: Any, key: str) -> None:
    if await store.keys.get(key) is None:
        raise NotFound(f"no key {key!r}; `invest keys ls --revoked` lists them all")
