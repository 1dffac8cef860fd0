"""Keep a finished report: its id, its view, the payloads it rests on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from invest.domain.analysis import Analysis
from invest.domain.documents import StoredReport
from invest.domain.values import Consensus, RawPayload
from invest.engine import Context
from invest.jobs.notices import announce_report
from invest.reports import (
    AnyView,
    contract_report,
    render_markdown,
)
from invest.store import Store


def new_report_id() -> str:
    """A fresh report id."""
    return f"r_{uuid4().hex[:20]}"


async def payloads_of(store: Store, analyses: Iterable[Analysis], chosen: Iterable[Consensus] = ()) -> list[RawPayload]:
    """The payloads that facts and chosen values were read from, without their bytes."""
    hashes = {f.payload for a in analyses for f in a.facts if f.payload} | {c.payload for c in chosen if c.payload}
    return list((await store.payloads.describe(*sorted(hashes))).values())


async def keep(
    ctx: Context, view: AnyView, *, tickers: Sequence[str], ai_provider: str | None, portfolio_id: str | None = None
) -> dict[str, Any]:
    """Store a report whole and give it in the contract's shape."""
    content = await asyncio.to_thread(render_markdown, view)
    await ctx.use(Store).reports.save(
        StoredReport(
            report_id=view.report_id,
            report_type=view.report_type,
            tickers=tuple(tickers),
            portfolio_id=portfolio_id,
            language=view.language,
            ai_provider=ai_provider,
            generated_at=view.generated_at,
            sandbox=view.sandbox,
            view=view.model_dump(mode="json"),
            content=content,
        )
    )
    await announce_report(ctx, view.report_id, view.title, portfolio_id)
    return contract_report(view, content)
