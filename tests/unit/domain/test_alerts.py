"""Alerts fire on fresh data alone, and once per occasion."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from invest.domain.alerts import Alert, AlertKind, Watched, evaluate
from invest.domain.market.assets import ActionKind, CorporateAction, NewsItem
from invest.domain.values.observations import Basis, Consensus

NOW = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)
D = Decimal


def alert(kind: AlertKind, **more: object) -> Alert:
    return Alert(**{"id": "a", "kind": kind, "ticker": "PETR4", "created_at": NOW - timedelta(days=1), **more})


def close(value: str, **more: bool) -> Consensus:
    return Consensus(
        ticker="PETR4",
        field="close",
        value=D(value),
        basis=Basis.SPOT,
        unit="BRL",
        as_of=NOW,
        source="b3",
        payload="x",
        sources=("b3",),
        n=1,
        agreement=1,
        confidence=1,
        **more,
    )


def test_a_price_alert_fires_once_a_day_and_only_on_sound_data() -> None:
    low = alert(AlertKind.PRICE, comparison="<", level=D(30))
    (event,) = evaluate([low], Watched(NOW, closes={"PETR4": close("29.90")}))
    (again,) = evaluate([low], Watched(NOW + timedelta(minutes=5), closes={"PETR4": close("29.80")}))
    (tomorrow,) = evaluate([low], Watched(NOW + timedelta(days=1), closes={"PETR4": close("29.80")}))
    assert event.occasion == again.occasion != tomorrow.occasion
    assert event.message == "PETR4: close 29.9 < 30"
    for bad in (close("29", stale=True), close("29", quarantined=True), close("30")):
        assert evaluate([low], Watched(NOW, closes={"PETR4": bad})) == []
    assert evaluate([low], Watched(NOW)) == []
    off = low.model_copy(update={"active": False})
    assert evaluate([off], Watched(NOW, closes={"PETR4": close("29")})) == []


def test_an_indicator_alert_reads_its_fact_and_ignores_what_is_missing() -> None:
    high = alert(AlertKind.INDICATOR, field="rsi_14", comparison=">=", level=D(70))
    assert [e.value for e in evaluate([high], Watched(NOW, figures={"PETR4": {"rsi_14": 70.0}}))] == [70.0]
    assert evaluate([high], Watched(NOW, figures={"PETR4": {"p_l": 99.0}})) == []


def test_news_and_dividends_fire_once_per_item_known_since_the_alert() -> None:
    item = NewsItem(
        id="n1", title="Queda", outlet="X", published_at=NOW, fetched_at=NOW, source="rss", payload="y", sentiment=-0.6
    )
    old = item.model_copy(update={"id": "n0", "published_at": NOW - timedelta(days=3)})
    mild = item.model_copy(update={"id": "n2", "sentiment": -0.1})
    bad_news = alert(AlertKind.NEWS, level=D("-0.5"))
    events = evaluate([bad_news], Watched(NOW, news={"PETR4": [item, old, mild]}))
    assert [e.occasion for e in events] == ["PETR4|news|n1"]
    paid = CorporateAction(
        ticker="PETR4",
        kind=ActionKind.JCP,
        last_date_with=date(2026, 4, 10),
        amount=D("0.50"),
        source="b3",
        payload="z",
    )
    small = paid.model_copy(update={"amount": D("0.01")})
    past = paid.model_copy(update={"last_date_with": date(2026, 1, 10)})
    (event,) = evaluate(
        [alert(AlertKind.DIVIDEND, level=D("0.1"))], Watched(NOW, actions={"PETR4": [paid, small, past]})
    )
    assert (event.occasion, event.value) == ("PETR4|jcp|2026-04-10|0.5", 0.5)


def test_an_alert_on_a_portfolio_watches_what_it_holds() -> None:
    wish = alert(AlertKind.PRICE, ticker=None, portfolio_id="p", comparison=">", level=D(1))
    closes = {t: close("10") for t in ("PETR4", "VALE3", "ITUB4")}
    events = evaluate([wish], Watched(NOW, closes=closes, holdings={"p": ["PETR4", "VALE3"]}))
    assert [e.ticker for e in events] == ["PETR4", "VALE3"]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"kind": "price"}, "needs comparison and level"),
        ({"kind": "indicator", "comparison": "<", "level": "1"}, "needs its field"),
        ({"kind": "news", "ticker": None}, "watches a ticker or a portfolio"),
    ],
)
def test_an_incomplete_alert_is_refused(parts: dict[str, str | None], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Alert.model_validate({"id": "a", "ticker": "PETR4", "created_at": NOW, **parts})
