"""Alerts: make one, try it against the newest data, see what fired."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial

from aiohttp import web

from invest.api.http import Problem
from invest.api.pages.desk.assets import figure_text
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import alerts as routes
from invest.api.routes.ownership import owner_of
from invest.api.routes.portfolio import portfolios as holdings
from invest.domain.alerts import AlertKind, evaluate
from invest.domain.analysis import FACT_KEYS
from invest.jobs.analysis import watch

LEVEL = re.compile(r"(?P<ticker>\S+): (?P<name>\w+) (?P<value>\S+) (?P<comparison>[<>]=?) (?P<level>\S+)")
PAYMENT = re.compile(r"(?P<ticker>\S+): (?P<kind>\w+) of R\$ (?P<amount>[\d.]+) (?P<rest>per share, .+)")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
SIGNS = {"<=": "≤", ">=": "≥"}
FIELDS = ("kind", "ticker", "portfolio_id", "field", "comparison", "level", "note")


@page("GET", "/alerts", section="alerts")
async def alerts_page(visit: Visit) -> web.StreamResponse:
    """One's alerts and what they fired."""
    listed, events, own = await asyncio.gather(
        visit.listed(routes.list_alerts), visit.listed(routes.list_alert_events), visit.ask(holdings.list_portfolios)
    )
    return render(
        visit,
        "desk/alerts.html",
        alerts=listed,
        events=events,
        portfolios=own.items,
        names={head.id: head.name for head in own.items},
        kinds=list(AlertKind),
        facts=sorted(
            ((name, key.label(visit.words.language)) for name, key in FACT_KEYS.items()), key=lambda item: item[1]
        ),
        label={name: key.label(visit.words.language) for name, key in FACT_KEYS.items()},
        happened=partial(happened, visit),
        figure=partial(figure_text, visit),
    )


def happened(visit: Visit, message: str) -> str:
    """What an alert saw, with the figure's name and numbers as the reader writes them."""
    words, locale = visit.words, visit.words.locale
    if seen := LEVEL.fullmatch(message):
        name, sign = seen["name"], SIGNS.get(seen["comparison"], seen["comparison"])
        try:
            value, level = Decimal(seen["value"]), Decimal(seen["level"])
        except InvalidOperation:
            return message
        if name == "close":
            texts = words.say("close"), locale.money(value), locale.money(level)
        elif name in FACT_KEYS:
            figures = [figure_text(visit, name, float(number)) for number in (value, level)]
            texts = visit.fact(name), figures[0], figures[1]
        else:
            return message
        return f"{seen['ticker']}: {texts[0]} {texts[1]} {sign} {texts[2]}"
    if paid := PAYMENT.fullmatch(message):
        whole = words.translated(message)
        for english, own in ((paid["kind"], words.say(f"paid {paid['kind']}")), (paid["amount"], _amount(visit, paid))):
            whole = whole.replace(english, own, 1)
        return DAY.sub(lambda day: locale.day(date.fromisoformat(day[0])), whole)
    return words.translated(message)


def _amount(visit: Visit, paid: re.Match[str]) -> str:
    amount = Decimal(paid["amount"]).normalize()
    return visit.words.locale.number(amount, max(2, min(6, -int(amount.as_tuple().exponent))))


def _level(text: str) -> str:
    """A level as the API takes it: 30,50 is 30.50, 20% is 0.20."""
    percent = text.endswith("%")
    text = text.removesuffix("%").strip()
    plain = text.replace(".", "").replace(",", ".") if "," in text else text
    try:
        return str(Decimal(plain) / 100) if percent else plain
    except InvalidOperation:
        return text


@page("POST", "/alerts", scope="write", section="alerts")
async def make_alert(visit: Visit, form: Form) -> web.StreamResponse:
    """Make an alert of the form."""
    body = {name: text for name in FIELDS if (text := form.text(name, limit=500))}
    if body.get("kind") != AlertKind.INDICATOR:
        body.pop("field", None)
    if body.get("kind") not in (AlertKind.PRICE, AlertKind.INDICATOR):
        body.pop("comparison", None)
    if "level" in body:
        body["level"] = _level(body["level"])
    await visit.ask(routes.create_alert, body=body)
    return visit.go("/alerts", visit.say("The alert is set. What was known before it is not told."))


@page("POST", "/alerts/{alert_id}/test", scope="write", section="alerts")
async def test_alert(visit: Visit, form: Form) -> web.StreamResponse:
    """Say what the alert would tell now; nothing is recorded."""
    store = await visit.services.store()
    wanted = visit.http.match_info["alert_id"]
    alert = next((a for a in await store.alerts.list(owner=owner_of(visit.request)) if a.id == wanted), None)
    if alert is None:
        raise Problem(404, visit.say("no alert {id}", id=wanted))
    fired = evaluate([alert], await watch(store, visit.services.settings, [alert]))
    if not fired:
        return visit.go("/alerts", visit.say("With the newest data it would not fire."))
    text = "; ".join(happened(visit, event.message) for event in fired[:3])
    return visit.go("/alerts", visit.say("With the newest data it would fire: {what}", what=text))


@page("POST", "/alerts/{alert_id}/delete", scope="write", section="alerts")
async def delete_alert(visit: Visit, form: Form) -> web.StreamResponse:
    """Delete an alert and what it fired."""
    await visit.ask(routes.delete_alert, path={"alert_id": visit.http.match_info["alert_id"]})
    return visit.go("/alerts", visit.say("The alert was deleted, with what it fired."))


PAGES = (alerts_page, make_alert, test_alert, delete_alert)
