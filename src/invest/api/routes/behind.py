"""What stands behind papers: a fund's buildings and papers, a receipt's share at home, series of the economy."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from invest.api.http import DAY_PLACE, PREFIX, Cursor, Listing, Problem, Reply, paged, read_day, route
from invest.api.request import Request
from invest.api.routes.models import Day, Strict
from invest.api.routes.research import TickerPath, known
from invest.domain.market import (
    ActionKind,
    AssetKind,
    CorporateAction,
    FundPortfolio,
    HomePaper,
    MacroPoint,
    Programme,
    home_paper,
)
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
    programme: Programme | None = Field(
        description="what the depositary's document says; null where none was read, as of sponsored receipts"
    )
    parity: Consensus | None = Field(description="receipts per home paper, as the document or a month of closes has it")
    no_parity: str | None = Field(description="why there is no parity, and what would give it; null where there is one")
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
    programme, parity, reason = await store.receipts.programme(path.ticker), latest.get("parity"), None
    home = home_paper(path.ticker) if programme is None else programme.home
    if parity is None or parity.value is None:
        on = {name: request.services.settings.source(name).enabled for name in ("b3_programmes", "yahoo")}
        reason = why_no_parity(path.ticker, home, programmes=on["b3_programmes"], yahoo=on["yahoo"])
    return Receipt(
        ticker=path.ticker, home=home, programme=programme, parity=parity, no_parity=reason, ratio_changes=changes
    )


def why_no_parity(ticker: str, home: HomePaper | None, *, programmes: bool, yahoo: bool) -> str:
    """Why no parity of a receipt is known. `programmes`, `yahoo`: whether the sources that can give one are on."""
    if not programmes:
        return (
            "the depositary's documents are read by the source b3_programmes, which is switched off: set "
            f"sources.b3_programmes.enabled = true, then collect {ticker}"
        )
    official = f"no document of a programme of {ticker} was read (Banco B3 has those of unsponsored receipts)"
    if home is None:
        return f"{official}, and the paper behind it is not known here: collect {ticker}"
    return f"{official}; {_of_closes(ticker, home, yahoo=yahoo)}"


def _of_closes(ticker: str, home: HomePaper, *, yahoo: bool) -> str:
    """Why closes gave no parity."""
    if not yahoo:
        return (
            f"closes of {home.symbol} come from the source yahoo alone, which is switched off (its terms allow "
            f"personal use only): set sources.yahoo.enabled = true, then collect {ticker}"
        )
    return (
        f"no parity was observed yet: collect {ticker}; a month of closes of it and {home.symbol} must have ten days "
        "in common and move together"
    )


class SeriesPath(Strict):
    """A series of the economy in the path."""

    series: str = Field(pattern=r"^[a-z]+:[A-Za-z0-9:_.-]{1,60}$", examples=["sgs:433"])


class SeriesFilter(Strict):
    """Which days."""

    since: Day | None = None
    limit: int = Field(default=250, ge=1, le=5000)
    cursor: Annotated[str | None, Cursor(DAY_PLACE)] = Field(default=None, description="of the page before")


@route("GET", "/macro", tag="assets", problems=(503,))
async def list_series(request: Request) -> dict[str, date]:
    """Stored series of the economy and their newest days: SGS by number (433: IPCA, % a month), Focus by year."""
    return await (await request.services.store()).macro.series()


@route("GET", "/macro/{series}", tag="assets", problems=(404, 422, 503))
async def get_series(request: Request, path: SeriesPath, query: SeriesFilter) -> Reply[Listing[MacroPoint]]:
    """The newest values of a series, oldest first, in its own unit, each with its source and payload.

    The next page goes further back.
    """
    found = await (await request.services.store()).macro.read(path.series, since=query.since)
    if (first := read_day(query.cursor)) is not None:
        found = [point for point in found if point.day < first]
    if not found:
        raise Problem(404, f"no value of {path.series!r} is stored: GET {PREFIX}/macro names the series")
    page = found[-query.limit :]
    return paged(request, page, page[0].day.isoformat() if len(found) > query.limit else None)


ROUTES = (get_fund_portfolio, get_receipt, list_series, get_series)
