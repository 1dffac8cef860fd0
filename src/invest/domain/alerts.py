"""Alerts: a person's condition, evaluated against the newest data by a pure function; each occasion fires once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field, model_validator

from invest.domain.frozen import Frozen
from invest.domain.market import CorporateAction, NewsItem, Ticker, market_day
from invest.domain.values import Consensus

Comparison = Literal["<", "<=", ">", ">="]
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class AlertKind(StrEnum):
    """What an alert watches."""

    PRICE = "price"  # the newest close against a level, BRL
    INDICATOR = "indicator"  # a figure of the newest analysis (its fact key) against a level, in the fact's unit
    NEWS = "news"  # a new item of the asset, at or below a sentiment where a level is given
    DIVIDEND = "dividend"  # a corporate action in cash that became known, of at least a level per share


class Alert(Frozen):
    """One wish. `ticker` null watches every asset of the portfolio."""

    id: str = Field(min_length=1, max_length=64)
    kind: AlertKind
    ticker: Ticker | None = None
    portfolio_id: str | None = None
    owner: str | None = Field(default=None, description="id of the API key whose it is; null: the admins'")
    field: str | None = Field(default=None, max_length=50, description="fact key, for indicators: p_l, rsi_14, …")
    comparison: Comparison | None = None
    level: Decimal | None = Field(default=None, max_digits=24, decimal_places=8)
    created_at: AwareDatetime
    active: bool = True
    note: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _complete(self) -> Alert:
        if self.ticker is None and self.portfolio_id is None:
            raise ValueError("an alert watches a ticker or a portfolio: give one of them")
        if self.kind in (AlertKind.PRICE, AlertKind.INDICATOR) and (self.comparison is None or self.level is None):
            raise ValueError(f"an alert on {self.kind} needs comparison and level")
        if self.kind is AlertKind.INDICATOR and not self.field:
            raise ValueError("an alert on an indicator needs its field, such as p_l or rsi_14")
        return self


class AlertEvent(Frozen):
    """An alert that fired. `occasion` names the cause: the same cause never fires an alert twice."""

    alert_id: str
    occasion: str = Field(max_length=200)
    ticker: str
    kind: AlertKind
    value: float | None = None
    message: str = Field(max_length=1000, description="plain words, untrusted titles included: escape when shown")
    payload: str | None = None
    fired_at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Watched:
    """The newest data by ticker. `figures`: analysis facts by key; `closes`: consensus of the close."""

    now: datetime
    closes: Mapping[str, Consensus] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    news: Mapping[str, Sequence[NewsItem]] = field(default_factory=dict)
    actions: Mapping[str, Sequence[CorporateAction]] = field(default_factory=dict)
    holdings: Mapping[str, Sequence[str]] = field(default_factory=dict)  # portfolio id -> tickers held


def evaluate(alerts: Iterable[Alert], watched: Watched) -> list[AlertEvent]:
    """What fires now. Levels fire once per market day they hold; news and dividends once per item.

    Nothing fires on data that is missing, stale or in quarantine, nor on what was known before the alert was made.
    """
    found: list[AlertEvent] = []
    for alert in alerts:
        if not alert.active:
            continue
        tickers = [alert.ticker] if alert.ticker else watched.holdings.get(alert.portfolio_id or "", ())
        for ticker in tickers:
            found += _WATCHERS[alert.kind](alert, ticker, watched)
    return found


def _price(alert: Alert, ticker: str, watched: Watched) -> list[AlertEvent]:
    close = watched.closes.get(ticker)
    if close is None or close.value is None or close.stale or close.quarantined:
        return []
    return _level(alert, ticker, watched, name="close", value=float(close.value), payload=close.payload)


def _indicator(alert: Alert, ticker: str, watched: Watched) -> list[AlertEvent]:
    value = watched.figures.get(ticker, {}).get(alert.field or "")
    if value is None:
        return []
    return _level(alert, ticker, watched, name=alert.field or "", value=value, payload=None)


def _level(
    alert: Alert, ticker: str, watched: Watched, *, name: str, value: float, payload: str | None
) -> list[AlertEvent]:
    assert alert.comparison is not None
    assert alert.level is not None
    if not COMPARE[alert.comparison](value, float(alert.level)):
        return []
    day = market_day(watched.now)
    message = f"{ticker}: {name} {value:g} {alert.comparison} {alert.level.normalize():f}"
    return [_event(alert, ticker, f"{ticker}|{name}|{day}", message, watched, value=value, payload=payload)]


def _news(alert: Alert, ticker: str, watched: Watched) -> list[AlertEvent]:
    events = []
    for item in watched.news.get(ticker, ()):
        if (item.published_at or item.fetched_at) < alert.created_at:
            continue
        if alert.level is not None and (item.sentiment is None or item.sentiment > float(alert.level)):
            continue
        message = f"{ticker}: {item.title} ({item.outlet})"[:1000]
        tone = item.sentiment
        events.append(
            _event(alert, ticker, f"{ticker}|news|{item.id}", message, watched, value=tone, payload=item.payload)
        )
    return events


def _dividend(alert: Alert, ticker: str, watched: Watched) -> list[AlertEvent]:
    events = []
    since = market_day(alert.created_at)
    for action in watched.actions.get(ticker, ()):
        if not action.kind.in_cash or action.amount is None or action.last_date_with < since:
            continue
        if alert.level is not None and action.amount < alert.level:
            continue
        occasion = f"{ticker}|{action.kind}|{action.last_date_with}|{action.amount.normalize():f}"
        message = f"{ticker}: {action.kind} of R$ {action.amount:f} per share, with rights until {_shown(action)}"
        events.append(
            _event(alert, ticker, occasion, message, watched, value=float(action.amount), payload=action.payload)
        )
    return events


def _shown(action: CorporateAction) -> str:
    pays: date | None = action.payment_date
    return f"{action.last_date_with}, paid on {pays}" if pays else str(action.last_date_with)


def _event(
    alert: Alert,
    ticker: str,
    occasion: str,
    message: str,
    watched: Watched,
    *,
    value: float | None,
    payload: str | None,
) -> AlertEvent:
    return AlertEvent(
        alert_id=alert.id,
        occasion=occasion,
        ticker=ticker,
        kind=alert.kind,
        value=value,
        message=message,
        payload=payload,
        fired_at=watched.now,
    )


_WATCHERS: dict[AlertKind, Callable[[Alert, str, Watched], list[AlertEvent]]] = {
    AlertKind.PRICE: _price,
    AlertKind.INDICATOR: _indicator,
    AlertKind.NEWS: _news,
    AlertKind.DIVIDEND: _dividend,
}
