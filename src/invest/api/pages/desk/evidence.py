"""What the numbers rest on: the AIs' track record, sources side by side, and the way back to the bytes."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from aiohttp import web

from invest.api.http import Problem
from invest.api.pages.desk.assets import ticker_of
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import events, research
from invest.api.routes import reports as documents
from invest.api.routes.ownership import owner_of, require_report, visible
from invest.domain.analysis import FACT_KEYS
from invest.jobs.data_collection import bytes_of, questions
from invest.reports import MISSING, analyst_name

QUESTIONS_BACK = timedelta(days=2 * 366)  # as far back as `invest data questions` asks by itself
MOST_ASSETS = 20  # assets that a search shows; the list of assets has the others
MOST_PORTFOLIOS = 20  # portfolios that a search shows
MOST_FOUND = 10  # reports that a search shows, and assets whose reports it looks for
WHOLE_FROM = 100_000  # figures from here on are shown without decimals
SHA256 = re.compile(r"[0-9a-f]{64}")


@page("GET", "/track-record", section="ais")
async def track_record_page(visit: Visit) -> web.StreamResponse:
    """What became of closed opinions, by horizon."""
    record = await visit.ask(research.get_track_record)
    analyst = partial(analyst_name, locale=visit.words.locale)
    return render(visit, "desk/track_record.html", record=record, analyst=analyst)


@page("GET", "/quality", section="assets")
async def quality_page(visit: Visit) -> web.StreamResponse:
    """The fields of one asset with every source's value, or where sources disagree over all assets."""
    asked = visit.query("ticker", limit=20)
    store = await visit.services.store()
    if not asked:
        divergences = await store.observations.divergences()
        return render(
            visit,
            "desk/quality.html",
            ticker="",
            questions=[],
            fields=[],
            divergences=divergences,
            label=_labels(visit),
            observed=partial(observed, visit),
        )
    ticker = ticker_of(asked)
    try:
        found = await visit.ask(research.get_quality, path={"ticker": ticker})
    except Problem as problem:
        if problem.status != 404:
            raise
        return render(visit, "desk/asset_unknown.html", status=404, ticker=ticker)
    since = visit.services.settings.now().date() - QUESTIONS_BACK
    return render(
        visit,
        "desk/quality.html",
        ticker=ticker,
        questions=await questions(store, [ticker], since),
        fields=found.fields,
        divergences=found.divergences,
        label=_labels(visit),
        observed=partial(observed, visit),
    )


@page("GET", "/delistings", section="assets")
async def delistings_page(visit: Visit) -> web.StreamResponse:
    """Papers that trade no more: since when, why, and what their holders have now."""
    query = {"limit": "100"} | {k: x for k in ("ticker", "market", "since", "cursor") if (x := visit.query(k))}
    if "ticker" in query:
        query["ticker"] = ticker_of(query["ticker"])
    listing = await visit.ask(events.list_delistings, query=query)
    next_url = visit.link(cursor=listing.next_cursor) if listing.next_cursor else None
    return render(visit, "desk/delistings.html", delistings=listing.items, next=next_url)


def observed(visit: Visit, value: Any, unit: str) -> str:
    """What a source said of a figure, in its unit: large sums and counts whole, fractions in percent."""
    locale = visit.words.locale
    if value is None:
        return MISSING
    if unit == "fraction":
        return locale.percent(value, 2)
    large = abs(value) >= WHOLE_FROM
    text = locale.number(value, 0 if large or unit == "count" else 4)
    return f"R$ {text}" if unit == "BRL" else text


def _labels(visit: Visit) -> dict[str, str]:
    return {name: key.label(visit.words.language) for name, key in FACT_KEYS.items()}


@page("GET", "/payloads/{sha256}", section="assets")
async def payload_page(visit: Visit) -> web.StreamResponse:
    """What an upstream answered: address, time, size; its bytes as a file with ?file=1."""
    sha256 = visit.http.match_info["sha256"]
    if not SHA256.fullmatch(sha256):
        raise Problem(404, visit.say("no payload {id}", id=sha256[:64]))
    found = await bytes_of(await visit.services.store(), visit.services.settings, sha256)
    payload, body = found.payload, found.body
    if visit.query("file"):
        if body is None:
            raise Problem(404, visit.say("the bytes of this payload are not kept on this machine any more"))
        return documents.file_reply(body, "application/octet-stream", f"{payload.source}-{sha256[:12]}")
    text = (body or b"")[:20_000].decode("utf-8", "replace") if _is_text(payload.content_type) else ""
    return render(visit, "desk/payload.html", payload=payload, text=text, cut=len(body or b"") > 20_000)


def _is_text(content_type: str | None) -> bool:
    return bool(content_type) and any(word in (content_type or "") for word in ("json", "text", "xml", "csv"))


async def _job_seen(visit: Visit, text: str) -> bool:
    """Whether `text` is the id of a job that the caller may see, in Redis or in the history: another's is not there."""
    found = await visit.services.invest.inspect.read([text])
    if found:
        return bool(await visible(visit.request, found))
    run = await (await visit.services.store()).jobs.get(text)
    return run is not None and bool(await visible(visit.request, [run]))


async def _report_seen(visit: Visit, text: str) -> bool:
    """The same of a report."""
    try:
        await require_report(visit.request, text)
    except Problem as problem:
        if problem.status != 404:
            raise
        return False
    return await (await visit.services.store()).reports.get(text) is not None


@page("GET", "/search")
async def search_page(visit: Visit) -> web.StreamResponse:
    """Everything by one box: a ticker goes straight to its asset, an id to its job or report."""
    text = visit.query("q", limit=100)
    if not text:
        return render(
            visit, "desk/search.html", assets=[], portfolios=[], more_portfolios=False, reports=[], text="", further=""
        )
    store, request = await visit.services.store(), visit.request
    exact = await store.assets.get(text.upper()) if text.isascii() and len(text) <= 12 else None
    if exact is not None:
        return visit.go(f"/assets/{quote(exact.ticker, safe='')}")
    if " " not in text and "," not in text and "/" not in text:
        if await _job_seen(visit, text):
            return visit.go(f"/ops/jobs/{quote(text, safe='')}")
        if await _report_seen(visit, text):
            return visit.go(f"/reports/{quote(text, safe='')}")
    owner = owner_of(request)
    assets, matching = await asyncio.gather(
        store.assets.search(text, limit=MOST_ASSETS),
        store.portfolios.list(owner=owner, named=text, limit=MOST_PORTFOLIOS + 1),
    )
    listed = await asyncio.gather(
        *(store.reports.list(ticker=asset.ticker, owner=owner, limit=5) for asset in assets[:MOST_FOUND])
    )
    found = {report.report_id: report for part in listed for report in part}
    reports = sorted(found.values(), key=lambda report: report.generated_at, reverse=True)[:MOST_FOUND]
    further = f"/assets?search={quote(text, safe='')}" if len(assets) == MOST_ASSETS else ""
    return render(
        visit,
        "desk/search.html",
        assets=assets,
        portfolios=matching[:MOST_PORTFOLIOS],
        more_portfolios=len(matching) > MOST_PORTFOLIOS,
        reports=reports,
        text=text,
        further=further,
    )


PAGES = (track_record_page, quality_page, delistings_page, payload_page, search_page)
