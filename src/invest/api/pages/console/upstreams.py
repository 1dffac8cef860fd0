"""Upstreams: may they be asked, what they answered last, what their plan leaves for the month."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

from aiohttp import web

from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.settings import SourceSettings
from invest.sources import host_key, outcomes_of

BUDGET = "invest:source:budget:"  # + source:month -> calls


@dataclass(frozen=True)
class Upstream:
    """One source as its settings and the workers' shared memory know it."""

    name: str
    settings: SourceSettings
    host: str
    state: Literal["off", "closed", "open", "trying", "failing"]
    fails: int
    good: int  # calls of today (UTC) that brought an answer
    bad: int  # and those that failed
    opens_in: float | None
    spent: int | None
    last_at: datetime | None
    answers: int


@page("GET", "/ops/upstreams", section="ops.upstreams", live=True)
async def upstreams_page(visit: Visit) -> web.StreamResponse:
    """Every upstream that the settings name."""
    return render(visit, "console/upstreams.html", rows=await upstreams(visit))


async def upstreams(visit: Visit) -> list[Upstream]:
    """What is known of each upstream, the enabled ones first."""
    settings = visit.services.settings
    month = f"{settings.now().astimezone(UTC):%Y-%m}"
    hosts = {name: urlsplit(source.base_url).hostname or "" for name, source in settings.sources.items()}
    async with visit.services.invest.redis.pipeline(transaction=False) as pipe:
        for name in hosts:
            base_url = settings.source(name).base_url  # what the workers ask: in the sandbox another than is shown
            pipe.hmget(host_key(name, base_url, sandbox=settings.sandbox), ["until", "fails"])
            pipe.get(f"{BUDGET}{name}:{month}")
        pipe.hgetall(outcomes_of(datetime.now(UTC)))
        *answers, counted = await pipe.execute()
    last = await (await visit.services.store()).payloads.by_source()
    now = time.time() * 1000
    found = []
    for place, (name, source) in enumerate(settings.sources.items()):
        until, fails = (float(x or 0) for x in answers[2 * place])
        good, bad = _calls(counted, name)
        spent = answers[2 * place + 1]
        seen = last.get(name)
        found.append(
            Upstream(
                name=name,
                settings=source,
                host=hosts[name],
                state=_state(source, now, until, fails=fails, threshold=settings.http.breaker_failures),
                fails=int(fails),
                good=good,
                bad=bad,
                opens_in=(until - now) / 1000 if until > now else None,
                spent=int(spent) if spent else (0 if source.monthly_budget else None),
                last_at=seen[0] if seen else None,
                answers=seen[1] if seen else 0,
            )
        )
    return sorted(found, key=lambda u: (not u.settings.enabled, u.settings.rank, u.name))


def _calls(counted: Mapping[bytes, bytes], source: str) -> tuple[int, int]:
    """(calls that were answered, calls that were not or wrongly); those our own limits held back are neither."""
    good, down, wrong = (int(counted.get(f"{source}:{word}".encode(), 0)) for word in ("ok", "down", "wrong"))
    return good, down + wrong


def _state(
    source: SourceSettings, now: float, until: float, *, fails: float, threshold: int
) -> Literal["off", "closed", "open", "trying", "failing"]:
    """Of its breaker: open while nobody may ask, trying while one call finds out, failing below the threshold."""
    if not source.enabled:
        return "off"
    if until > now:
        return "open"
    if fails >= threshold:
        return "trying"
    return "failing" if fails else "closed"


PAGES = (upstreams_page,)
