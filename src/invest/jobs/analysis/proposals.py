"""Known events of what portfolios held and nobody booked: posted as proposals to confirm, each morning or at once."""

from __future__ import annotations

from invest.engine import Context, Workflow
from invest.jobs.analysis.portfolios import finish_portfolios, propose
from invest.jobs.fan_out import fan_out
from invest.jobs.queues import ANALYSIS, FAN_OUT, NEVER, PERIODIC
from invest.jobs.results import EventsProposed, PortfoliosAnalysed
from invest.settings import Settings
from invest.store import Store


@ANALYSIS.job(retry=PERIODIC, give_up_on=NEVER, owner={"portfolio_id": "portfolio"})
async def propose_portfolio_events(ctx: Context, portfolio_id: str) -> EventsProposed:
    """Post dividends, JCP, splits, bonuses and amortisations of what was held and nobody booked, to be confirmed."""
    store = ctx.use(Store)
    _, new, booked = await propose(store, ctx.use(Settings), portfolio_id)
    waiting = len(await store.portfolios.proposals(portfolio_id))
    return EventsProposed(portfolio_id=portfolio_id, new=new, open=waiting, confirmed=booked)


@ANALYSIS.job(retry=FAN_OUT, give_up_on=NEVER, cron="0 7 * * *", owner="everybody")
async def propose_all_events(ctx: Context) -> Workflow[PortfoliosAnalysed]:
    """Look in every portfolio for payments and splits that nobody booked: one job each, then one that counts them."""
    ids = await ctx.use(Store).portfolios.ids()
    return fan_out((propose_portfolio_events(i) for i in ids), finish_portfolios(len(ids)))
