"""What stands behind a paper: a fund's buildings and papers, the share at home behind a receipt."""

from __future__ import annotations

from pydantic import BaseModel, Field

from invest.api.http import Problem, route
from invest.api.request import Request
from invest.api.routes.research import TickerPath, known
from invest.domain.market import ActionKind, AssetKind, CorporateAction, FundPortfolio, HomePaper, home_paper
from invest.domain.values import Consensus


@route("GET", "/assets/{ticker}/portfolio", tag="assets", problems=(404, 422, 503))
async def get_fund_portfolio(request: Request, path: TickerPath) -> FundPortfolio:
    """What a fund holds by its newest quarterly report: buildings and papers, with the payload they came from."""
    await known(request, path.ticker)
    found = await (await request.services.store()).funds.portfolio(path.ticker)
    if found is None:
        raise Problem(
            404, f"no report of {path.ticker}'s buildings and papers was read: only real-estate funds file one"
        )
    return found


class Receipt(BaseModel):
    """What stands behind a receipt of a foreign share (BDR)."""

    ticker: str
    home: HomePaper | None = Field(description="the paper at its home exchange; null where it is not known")
    parity: Consensus | None = Field(description="receipts per home paper, observed over a month of closes")
    ratio_changes: list[CorporateAction] = Field(description="splits, joins and changes of parity, newest first")


@route("GET", "/assets/{ticker}/receipt", tag="assets", problems=(404, 422, 503))
async def get_receipt(request: Request, path: TickerPath) -> Receipt:
    """The paper at home behind a receipt, its parity and the changes of it, with their sources."""
    asset, store = await known(request, path.ticker), await request.services.store()
    if asset.kind is not AssetKind.BDR:
        raise Problem(404, f"{path.ticker} is no receipt of a foreign share")
    latest, events = await store.observations.latest(path.ticker), await store.actions.of(path.ticker)
    changes = [event for event in events if event.factor is not None or event.kind is ActionKind.RATIO_CHANGE]
    changes.sort(key=lambda event: event.last_date_with, reverse=True)
    return Receipt(ticker=path.ticker, home=home_paper(path.ticker), parity=latest.get("parity"), ratio_changes=changes)


ROUTES = (get_fund_portfolio, get_receipt)
