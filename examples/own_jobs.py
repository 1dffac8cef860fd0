"""Jobs and a queue of your own, run by the same workers: see docs/extending.md.

    invest --app own_jobs:queues worker run research
    invest --app own_jobs:queues job run momentum PETR4 days=20 --wait

In a package of your own declare them once and leave ``--app`` away:

    [project.entry-points."invest.jobs"]
    research = "own_jobs:queues"
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel

from invest.engine import Context, GiveUp, Queue, Retry, Workflow, chain
from invest.store import Store

research = Queue("research", concurrency=4, timeout=60, soft_timeout=None, retry=Retry(retries=2, delay=5))
queues = [research]


class Momentum(BaseModel):
    """The return of a paper over so many sessions; a fraction."""

    ticker: str
    sessions: int
    change: Decimal


@research.job()
async def momentum(ctx: Context, ticker: str, days: int = 60) -> Momentum:
    """The return over the last `days` sessions, from the closes on record. A worker holds the store open."""
    rows = await ctx.use(Store).bars.rows(ticker, limit=days + 1)
    if len(rows) < 2:
        raise GiveUp(f"no prices of {ticker} are stored: collect it first")
    newest, oldest = rows[0].close, rows[-1].close
    await ctx.progress(1, 1, f"{len(rows)} sessions")
    return Momentum(ticker=ticker, sessions=len(rows) - 1, change=newest / oldest - 1)


@research.job()
async def verdict(ctx: Context) -> str:
    """A word on the momentum of the step before."""
    found = await ctx.previous(Momentum)
    return f"{found.ticker} {'rose' if found.change > 0 else 'fell'} {abs(found.change):.1%}"


def study(ticker: str) -> Workflow[str]:
    """Momentum, then the word on it, as one workflow."""
    return chain(momentum(ticker), verdict())
