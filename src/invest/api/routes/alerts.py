"""Alerts on a price, a figure, a news item or a dividend; a job evaluates them every ten minutes."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationError

from invest.api.http import (
    PREFIX,
    Cursor,
    Listing,
    Problem,
    Reply,
    invalid,
    invalid_fields,
    paged,
    read_time,
    route,
    sliced,
    time_cursor,
)
from invest.api.request import Request
from invest.api.routes.models import Moment, Strict, WholePage
from invest.api.routes.ownership import owner_of, require_portfolio
from invest.api.routes.portfolio.portfolios import Amount, PortfolioId
from invest.domain.alerts import Alert, AlertEvent, AlertKind, Comparison
from invest.domain.analysis import FACT_KEYS
from invest.domain.market import Ticker
from invest.error_info import wrong_values

AlertId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class NewAlert(Strict):
    """What to watch. Without a ticker every asset that the portfolio holds is watched.

    `price` and `indicator` need comparison and level; `news` may have a level (fires at or below that sentiment), and
    `dividend` one (fires from that amount per share).
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "price", "ticker": "PETR4", "comparison": "<=", "level": "30.00"}]}
    )

    kind: AlertKind
    ticker: Ticker | None = None
    portfolio_id: PortfolioId | None = None
    field: str | None = Field(default=None, max_length=50, description="fact key, for indicators", examples=["p_l"])
    comparison: Comparison | None = None
    level: Amount | None = Field(default=None, examples=["30.00"])
    note: str = Field(default="", max_length=500)


class AlertPath(Strict):
    """An alert's id in the path."""

    alert_id: AlertId


class AlertFilter(WholePage):
    """Whose alerts."""

    portfolio_id: PortfolioId | None = None


class EventFilter(Strict):
    """Which events."""

    portfolio_id: PortfolioId | None = None
    since: Moment | None = None
    limit: int = Field(default=100, ge=1, le=500, description="entries of one page")
    cursor: Annotated[str | None, Cursor(r"^[^~]{1,40}~[^~]{1,64}~.{1,200}$")] = Field(
        default=None, description="`next_cursor` of the page before"
    )

    @property
    def seen(self) -> tuple[datetime, str, str] | None:
        """The last event of the page before: when it fired, its alert, its occasion. Raises 422."""
        at, _, rest = (self.cursor or "").partition("~")
        moment = read_time(at or None)
        alert_id, _, occasion = rest.partition("~")
        return None if moment is None else (moment, alert_id, occasion)


@route("POST", "/alerts", tag="portfolios", scope="write", status=201, problems=(404, 409, 503))
async def create_alert(request: Request, body: NewAlert) -> Reply[Alert]:
    """Make an alert. News and dividends that were known before do not fire it."""
    if body.kind is AlertKind.INDICATOR and body.field not in FACT_KEYS:
        raise invalid("field", f"{body.field!r} is no figure of an analysis, such as p_l, roe or rsi_14")
    if body.portfolio_id is not None:
        await require_portfolio(request, body.portfolio_id)
    made = request.job_id or secrets.token_hex(8)
    try:
        alert = Alert(id=made, created_at=request.services.settings.now(), owner=request.caller.id, **dict(body))
    except ValidationError as error:
        raise invalid_fields(wrong_values(error)) from None
    store = await request.services.store()
    async with request.services.quotas.storing(request.caller, alerts=1):
        await store.alerts.save(alert)
    request.audit("create alert", alert.id, {"kind": str(alert.kind)})
    return Reply(alert, 201, {"Location": f"{PREFIX}/alerts/{alert.id}"})


@route("GET", "/alerts", tag="portfolios", problems=(503,))
async def list_alerts(request: Request, query: AlertFilter) -> Reply[Listing[Alert]]:
    """Alerts by creation, of one portfolio or all that the caller may see."""
    if query.portfolio_id is not None:
        await require_portfolio(request, query.portfolio_id)
    store = await request.services.store()
    found = await store.alerts.list(portfolio_id=query.portfolio_id, owner=owner_of(request))
    return sliced(request, found, lambda alert: alert.id, query.cursor, query.limit)


@route("GET", "/alerts/events", tag="portfolios", problems=(503,))
async def list_alert_events(request: Request, query: EventFilter) -> Reply[Listing[AlertEvent]]:
    """What fired, newest first; each cause once."""
    if query.portfolio_id is not None:
        await require_portfolio(request, query.portfolio_id)
    store, owner = await request.services.store(), owner_of(request)
    found = await store.alerts.events(
        portfolio_id=query.portfolio_id, owner=owner, since=query.since, seen=query.seen, limit=query.limit + 1
    )
    page = found[: query.limit]
    more = len(found) > query.limit
    place = f"{time_cursor(page[-1].fired_at)}~{page[-1].alert_id}~{page[-1].occasion}" if more else None
    return paged(request, page, place)


@route("GET", "/alerts/{alert_id}", tag="portfolios", problems=(404, 503))
async def get_alert(request: Request, path: AlertPath) -> Alert:
    """One alert."""
    return await _own_alert(request, path.alert_id)


async def _own_alert(request: Request, alert_id: str) -> Alert:
    found: Alert | None = await (await request.services.store()).alerts.get(alert_id, owner=owner_of(request))
    if found is None:
        raise Problem(404, f"no alert {alert_id!r}")
    return found


class AlertChange(Strict):
    """What of an alert may change; what is left out stays. What it watches does not: make another alert."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"level": "28.50", "note": "second chance"}]})

    comparison: Comparison | None = None
    level: Amount | None = None
    note: str | None = Field(default=None, max_length=500)
    active: bool | None = Field(default=None, description="false: it rests until it is made active again")


@route("PATCH", "/alerts/{alert_id}", tag="portfolios", scope="write", problems=(404, 422, 503))
async def change_alert(request: Request, path: AlertPath, body: AlertChange) -> Alert:
    """Change an alert's level, comparison or note, or let it rest."""
    alert = await _own_alert(request, path.alert_id)
    changes = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    try:
        changed = Alert(**dict(alert) | changes)
    except ValidationError as error:
        raise invalid_fields(wrong_values(error)) from None
    await (await request.services.store()).alerts.save(changed)
    request.audit("change alert", alert.id, {"fields": sorted(changes)})
    return changed


@route("DELETE", "/alerts/{alert_id}", tag="portfolios", scope="write", status=204, problems=(404, 503))
async def delete_alert(request: Request, path: AlertPath) -> None:
    """Delete an alert and what it fired."""
    if not await (await request.services.store()).alerts.delete(path.alert_id, owner=owner_of(request)):
        raise Problem(404, f"no alert {path.alert_id!r}")
    request.audit("delete alert", path.alert_id)


ROUTES = (create_alert, list_alerts, list_alert_events, get_alert, change_alert, delete_alert)
