"""Events booked by hand and questions that stored data ask."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import Field

from invest.api.http import PREFIX, Listing, Problem, Reply, invalid, route, sliced
from invest.api.request import Request
from invest.api.routes.models import Day, Strict, WholePage
from invest.api.routes.ownership import owner_of
from invest.api.routes.portfolio.portfolios import PortfolioId
from invest.api.routes.research import TickerPath, known
from invest.domain.market import (
    ActionKind,
    AgendaEntry,
    CorporateAction,
    Delisting,
    EventTerms,
    Market,
    Ticker,
    market_day,
)
from invest.domain.values import Question, QuestionKind
from invest.errors import NotFound
from invest.jobs.data_collection import (
    ResultsDay,
    UnbookableEvent,
    announced,
    answer_question,
    book_event,
    held_tickers,
    questions,
    results_days,
    withdraw_event,
)

AHEAD = timedelta(days=180)
YEARS_BACK = timedelta(days=2 * 366)


class EventPath(TickerPath):
    """One event booked by hand."""

    kind: ActionKind
    last_date_with: date


@route("POST", "/assets/{ticker}/events", tag="assets", scope="admin", status=201, problems=(404, 422, 503))
async def book_asset_event(request: Request, path: TickerPath, body: EventTerms) -> Reply[CorporateAction]:
    """Book an event that no source gives, or gives without its terms. Adjusted prices follow it at once."""
    store = await request.services.store()
    try:
        booked = await book_event(store, path.ticker, body, request.services.settings.now())
    except UnbookableEvent as error:
        name, _, reason = str(error).partition(": ")
        field, why = (name, reason) if name in EventTerms.model_fields else ("kind", str(error))
        raise invalid(field, why) from None
    except NotFound as error:
        raise Problem(404, str(error)) from None
    request.audit("book event", path.ticker, {"kind": str(body.kind), "day": str(body.last_date_with)})
    return Reply(
        booked, 201, {"Location": f"{PREFIX}/assets/{path.ticker}/events/{booked.kind}/{booked.last_date_with}"}
    )


@route("GET", "/assets/{ticker}/events/{kind}/{last_date_with}", tag="assets", problems=(404, 422, 503))
async def get_asset_event(request: Request, path: EventPath) -> CorporateAction:
    """An event as its owner's word or the best source has it."""
    await known(request, path.ticker)
    for action in await (await request.services.store()).actions.of(path.ticker):
        if (action.kind, action.last_date_with) == (path.kind, path.last_date_with):
            return action
    raise Problem(404, f"no {path.kind} of {path.ticker} with rights until {path.last_date_with}")


@route(
    "DELETE",
    "/assets/{ticker}/events/{kind}/{last_date_with}",
    tag="assets",
    scope="admin",
    status=204,
    problems=(404, 422, 503),
)
async def withdraw_asset_event(request: Request, path: EventPath) -> None:
    """Take back an event booked by hand."""
    try:
        await withdraw_event(await request.services.store(), path.ticker, path.kind, path.last_date_with)
    except NotFound as error:
        raise Problem(404, str(error)) from None
    request.audit("withdraw event", path.ticker, {"kind": str(path.kind), "day": str(path.last_date_with)})


class AgendaFilter(WholePage):
    """Whose events, of which days."""

    ticker: Ticker | None = None
    portfolio_id: PortfolioId | None = None
    since: Day | None = Field(default=None, description="today without it")
    until: Day | None = Field(default=None, description="180 days ahead without it")


@route("GET", "/data/calendar", tag="assets", problems=(404, 422, 503))
async def get_calendar(request: Request, query: AgendaFilter) -> Reply[Listing[AgendaEntry]]:
    """Announced events of an asset or a portfolio: last day with rights, first without, payment or none set yet."""
    if query.since is not None and query.until is not None and query.until < query.since:
        raise invalid("until", f"{query.until} lies before since, {query.since}")
    tickers = await _asked(request, query)
    store, today = await request.services.store(), market_day(request.services.settings.now())
    since = query.since or today
    found = await announced(store, tickers, since, query.until or max(since, today) + AHEAD, today)
    return sliced(request, found, lambda entry: entry.model_dump_json(), query.cursor, query.limit)


class Whose(WholePage):
    """An asset, or all that a portfolio ever held."""

    ticker: Ticker | None = None
    portfolio_id: PortfolioId | None = None


@route("GET", "/data/results", tag="assets", problems=(404, 422, 503))
async def get_results_days(request: Request, query: Whose) -> Reply[Listing[ResultsDay]]:
    """The next results of an asset's or a portfolio's companies: as announced to CVM, else by when the law asks."""
    tickers = await _asked(request, query)
    found = await results_days(await request.services.store(), request.services.settings, tickers)
    return sliced(request, found, lambda day: day.model_dump_json(), query.cursor, query.limit)


async def _asked(request: Request, query: AgendaFilter | Whose) -> list[str]:
    """The assets asked for. Raises 422 for neither or both, 404 for a portfolio that is not the caller's."""
    if (query.ticker is None) == (query.portfolio_id is None):
        raise invalid("ticker", "give a ticker or a portfolio_id")
    if query.portfolio_id is None:
        return [query.ticker] if query.ticker else []
    store = await request.services.store()
    if not await store.portfolios.exists(query.portfolio_id, owner=owner_of(request)):
        raise Problem(404, f"no portfolio {query.portfolio_id!r}")
    return await held_tickers(store, query.portfolio_id)


class DelistingFilter(WholePage):
    """Which papers."""

    ticker: Ticker | None = None
    market: Market | None = None
    since: Day | None = Field(default=None, description="that ended from here on; all without it")


@route("GET", "/data/delistings", tag="assets", problems=(422, 503))
async def list_delistings(request: Request, query: DelistingFilter) -> Reply[Listing[Delisting]]:
    """Papers that trade no more, the newest end first: last session, why, and what their holders have now."""
    store = await request.services.store()
    found = await store.assets.delistings([query.ticker] if query.ticker else None)
    kinds = None if query.market is None else query.market.kinds
    chosen = [
        one for one in found
        if (kinds is None or one.kind in kinds) and (query.since is None or one.day >= query.since)
    ]  # fmt: skip
    return sliced(request, chosen, lambda one: one.ticker, query.cursor, query.limit)


class QuestionFilter(WholePage):
    """Which questions."""

    ticker: Ticker | None = None
    since: Day | None = Field(default=None, description="days from here on; two years without it")


@route("GET", "/data/questions", tag="assets", problems=(422, 503))
async def list_questions(request: Request, query: QuestionFilter) -> Reply[Listing[Question]]:
    """What stored data ask and nobody answered: unexplained prices, payments beyond 30 % of the price, odd values."""
    since = query.since or request.services.settings.now().date() - YEARS_BACK
    found = await questions(await request.services.store(), [query.ticker] if query.ticker else None, since)
    return sliced(request, found, lambda q: f"{q.ticker} {q.kind} {q.day}", query.cursor, query.limit)


class QuestionAnswer(Strict):
    """The answer to one question."""

    kind: QuestionKind
    day: date
    answer: str = Field(min_length=1, max_length=500, examples=["the fraud became known that day: no event"])


@route("POST", "/assets/{ticker}/answers", tag="assets", scope="admin", status=204, problems=(404, 422, 503))
async def answer_asset_question(request: Request, path: TickerPath, body: QuestionAnswer) -> None:
    """Answer a question for good. Of a move it says that there was no event: prices compare across it again."""
    await known(request, path.ticker)
    store, now = await request.services.store(), request.services.settings.now()
    try:
        await answer_question(store, path.ticker, body.kind, body.day, body.answer, by=request.caller.id, now=now)
    except NotFound as error:
        raise Problem(404, str(error)) from None
    request.audit("answer question", path.ticker, {"kind": str(body.kind), "day": str(body.day)})


ROUTES = (
    get_calendar,
    get_results_days,
    book_asset_event,
    get_asset_event,
    withdraw_asset_event,
    list_delistings,
    list_questions,
    answer_asset_question,
)
