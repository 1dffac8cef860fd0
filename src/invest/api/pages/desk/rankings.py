"""Rankings with a screener that lives in the address, and the assets worth a closer look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web
from markupsafe import Markup
from redis.exceptions import RedisError

from invest.api.http import Problem, invalid
from invest.api.pages.entrance import local_path
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import SHAPES, render
from invest.api.pages.visit import Visit
from invest.api.routes import operations, research
from invest.domain.analysis import Recommendation, shown_score
from invest.domain.market import Market
from invest.engine import JobState
from invest.errors import NotFound
from invest.jobs.forgetting import FILTERS as SAVED
from invest.reports import MISSING

MOST_SAVED = 50
NAME = 28  # characters of a name in a row
FILTERS = ("sector", "recommendation", "min_score", "min_coverage", "text")
SORTS = {
    "position": "position", "ticker": "ticker", "name": "name", "sector": "sector", "price": "price",
    "change": "change_1d", "score": "overall_score", "coverage": "coverage", "formula": "greenblatt_rank",
}  # fmt: skip

DRAWN = web.AppKey("drawn rankings", dict[tuple[Market, str], tuple[datetime, Mapping[str, Markup]]])
ROW = Markup(
    '<tr data-id="{ticker}"><td class="r">{position}</td>'
    '<td><a href="/assets/{ticker}"><b>{ticker}</b></a> <span class="muted">{name}</span></td>'
    '<td data-th="{th[1]}">{sector}</td><td class="r" data-th="{th[2]}">{price}</td>'
    '<td class="r" data-th="{th[3]}">{mark}{change}</td><td class="r" data-th="{th[4]}"><b>{score}</b></td>'
    '<td class="r" data-th="{th[5]}">{coverage}</td><td class="r" data-th="{th[6]}">{formula}</td>'
    '<td class="c" data-th="{th[7]}">{verdict}{old}</td></tr>'
)


# The columns by which a row names its cells on a phone.
COLUMNS = ("Asset", "Sector", "Price R$", "On the day", "Score", "Coverage", "Magic formula", "Verdict")


def market_of(visit: Visit) -> Market:
    """The market in the address, shares where none is named. Raises 422."""
    given = visit.query("market", "stocks") or "stocks"
    if given not in list(Market):
        raise invalid("market", f"one of {', '.join(Market)}")
    return Market(given)


@page("GET", "/rankings", section="rankings")
async def rankings_page(visit: Visit) -> web.StreamResponse:
    """A market's ranking under a filter."""
    market = market_of(visit)
    found = None
    try:
        found = await visit.ask(research.get_ranking, path={"market": market.value})
    except Problem as problem:
        if problem.status != 404:
            raise
    rows: Sequence[dict[str, Any]] = found.ranking["rows"] if found else []
    saved: Mapping[bytes, bytes] = {}
    with suppress(RedisError, OSError):  # a ranking reads without the filters that were kept
        saved = await visit.services.invest.redis.hgetall(SAVED + visit.caller.id)  # type: ignore[misc] # Awaitable | dict
    shown = screened(visit, rows)
    drawn = drawn_rows(visit, market, found.computed_at, rows) if found else {}
    return render(
        visit,
        "desk/rankings.html",
        market=market,
        markets=list(Market),
        found=found,
        rows=[drawn[row["ticker"]] for row in shown],
        total=len(rows),
        sectors=sorted(
            ((s, visit.words.sector(s)) for s in {row["sector"] or "" for row in rows} if s), key=lambda s: s[1]
        ),
        verdicts=[r.value for r in Recommendation if r is not Recommendation.INSUFFICIENT_DATA],
        saved=sorted((k.decode(), v.decode()) for k, v in saved.items()),
        sorts=SORTS,
    )


def screened(visit: Visit, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that pass the filter in the address, in its order; missing values come last."""
    sector, verdict, text = visit.query("sector"), visit.query("recommendation"), visit.query("text").lower()
    score, coverage = _number(visit, "min_score"), _number(visit, "min_coverage")
    found = [
        row
        for row in rows
        if (not sector or row["sector"] == sector)
        and (not verdict or row["recommendation"] == verdict)
        and (score is None or (shown_score(row["overall_score"]) or 0) >= score)
        and (coverage is None or row["coverage"] * 100 >= coverage)
        and (not text or text in f"{row['ticker']} {row['name'] or ''}".lower())
    ]
    sort = visit.query("sort", "position")
    name, down = SORTS.get(sort.removeprefix("-"), "position"), sort.startswith("-")
    known = [row for row in found if row[name] is not None]
    known.sort(key=lambda row: row[name], reverse=down)
    return known + [row for row in found if row[name] is None]


def drawn_rows(
    visit: Visit, market: Market, computed_at: datetime, rows: Sequence[dict[str, Any]]
) -> Mapping[str, Markup]:
    """Each row of a ranking as it stands in the table, by ticker: drawn once for each ranking and language."""
    drawn, key = visit.http.app[DRAWN], (market, visit.words.language)
    known = drawn.get(key)
    if known is None or known[0] != computed_at:
        known = drawn[key] = (computed_at, {row["ticker"]: _drawn(visit, row) for row in rows})
    return known[1]


def _drawn(visit: Visit, row: Mapping[str, Any]) -> Markup:
    words, locale = visit.words, visit.words.locale
    change = row["change_1d"]
    mark = "" if change is None else SHAPES["up" if change > 0 else "down" if change < 0 else "flat"]
    old = Markup(' <span class="warn">{}</span>').format(words.say("old data")) if row["stale"] else ""
    return ROW.format(
        th=[words.say(name) for name in COLUMNS],
        ticker=row["ticker"],
        position=row["position"],
        name=_short(row["name"] or ""),
        sector=words.sector(row["sector"]) or MISSING,
        price=locale.number(row["price"]),
        mark=Markup('<span class="m" aria-hidden="true">{}</span>').format(mark) if mark else "",
        change=locale.percent(change, 2, signed=True),
        score=locale.number(row["overall_score"], 1),
        coverage=locale.percent(row["coverage"], 0),
        formula=row["greenblatt_rank"] or MISSING,
        verdict=words.say(f"verdict {row['recommendation']}"),
        old=old,
    )


def _short(name: str) -> str:
    return name if len(name) <= NAME else name[: NAME - 1].rstrip() + "…"


def remember_in(app: web.Application) -> None:
    """Give a server the place where it keeps drawn rows."""
    app[DRAWN] = {}


def _number(visit: Visit, name: str) -> float | None:
    text = visit.query(name).replace(",", ".")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise invalid(name, visit.say("{text} is no number", text=text[:20])) from None


@page("POST", "/rankings/save", section="rankings")
async def save_filter(visit: Visit, form: Form) -> web.StreamResponse:
    """Keep a filter's address under a name, or forget one."""
    redis, key = visit.services.invest.redis, SAVED + visit.caller.id
    name, where = form.text("name", limit=60), local_path(form.text("where", "/rankings"))
    if form.ticked("forget"):
        await redis.hdel(key, form.text("forget", limit=60))  # type: ignore[misc] # redis-py: Awaitable | int
        return visit.go(where, visit.say("The filter is forgotten."))
    if not name:
        raise invalid("name", visit.say("give the filter a name"))
    if await redis.hlen(key) >= MOST_SAVED:  # type: ignore[misc] # the same
        raise Problem(409, visit.say("{n} filters are kept already: forget one first", n=MOST_SAVED))
    await redis.hset(key, name, where)  # type: ignore[misc] # the same
    return visit.go(where, visit.say("The filter is kept as {name}.", name=name))


@page("POST", "/rankings/update", scope="write", section="rankings")
async def update_ranking(visit: Visit, form: Form) -> web.StreamResponse:
    """Rank a market now."""
    market = form.text("market", "stocks")
    body = {"market": market}
    queued = await visit.ask(operations.enqueue_job, path={"name": "update_asset_rankings"}, body=body)
    message = visit.say("The market is being ranked: this is the job, the ranking page has the result.")
    return visit.go(f"/ops/jobs/{quote(queued['task_id'], safe='')}", message)


@page("GET", "/opportunities", section="rankings", live=True)
async def opportunities_page(visit: Visit) -> web.StreamResponse:
    """The newest search for assets above a score, with what speaks for and against each."""
    market = market_of(visit)
    result, job, pending = await _newest(visit, market)
    return render(
        visit,
        "desk/opportunities.html",
        market=market,
        markets=list(Market),
        result=result,
        job=job,
        pending=pending,
        min_score=visit.query("min_score") or visit.words.locale.number(result["min_score"] if result else 7, 1),
    )


async def _newest(visit: Visit, market: Market) -> tuple[dict[str, Any] | None, Any, bool]:
    """(what the newest search of the market found while its result is kept, its job, whether one is under way)."""
    invest = visit.services.invest
    for state in (JobState.RUNNING, JobState.QUEUED):
        page_of = await invest.inspect.jobs(state, name="detect_opportunities", limit=20)
        if any((job.kwargs.get("market") or "stocks") == market for job in page_of.items):
            return None, None, True
    done = await invest.inspect.jobs(JobState.SUCCEEDED, name="detect_opportunities", limit=20)
    for one in done.items:
        try:
            job = await invest.status(one.id)
        except NotFound:
            continue
        if isinstance(job.result, dict) and job.result.get("market") == market:
            return job.result, job, False
    return None, None, False


@page("POST", "/opportunities", scope="write", section="rankings")
async def search_opportunities(visit: Visit, form: Form) -> web.StreamResponse:
    """Look for assets above a score."""
    market, score = form.text("market", "stocks"), form.text("min_score", "7").replace(",", ".")
    try:
        body = {"market": market, "min_score": float(score)}
    except ValueError:
        raise invalid("min_score", visit.say("{text} is no number", text=score[:20])) from None
    await visit.ask(operations.enqueue_job, path={"name": "detect_opportunities"}, body=body)
    where = "/opportunities?" + urlencode({"market": market, "min_score": score})
    return visit.go(where, visit.say("The search is under way: this page shows what it finds."))


PAGES = (rankings_page, save_filter, update_ranking, opportunities_page, search_opportunities)
