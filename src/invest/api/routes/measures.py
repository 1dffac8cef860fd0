"""Figures for Prometheus beside the engine's: upstreams, AIs, PostgreSQL's pool, notices that wait."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from invest.api.request import Request
from invest.domain.opinions import SpendLine
from invest.jobs.reports import SharedBudget
from invest.sources import OUTCOMES, host_key
from invest.store import Store

BUDGET = "invest:source:budget:"  # + source:month -> calls
Sample = tuple[Mapping[str, str], float]


def family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> str:
    """One metric in Prometheus' text format; without samples its name and meaning alone."""
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        inner = ",".join(f'{key}="{label(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inner}}} {value:.10g}" if inner else f"{name} {value:.10g}")
    return "\n".join(lines) + "\n"


def label(text: str) -> str:
    """A label's value, escaped."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


async def source_metrics(request: Request) -> str:
    """Calls of upstreams by how they ended, their breakers, and what is left of their monthly plans."""
    settings, redis = request.services.settings, request.services.invest.redis
    month = f"{settings.now().astimezone(UTC):%Y-%m}"
    used = {name: source for name, source in settings.sources.items() if source.enabled}
    async with redis.pipeline(transaction=False) as pipe:
        pipe.hgetall(OUTCOMES)
        for name in used:
            pipe.hmget(host_key(name, settings.source(name).base_url, sandbox=settings.sandbox), ["until", "fails"])
            pipe.get(f"{BUDGET}{name}:{month}")
        counted, *answers = await pipe.execute()
    calls: list[Sample] = []
    for field, number in sorted(counted.items()):
        source_name, _, outcome = field.decode().rpartition(":")
        calls.append(({"source": source_name, "outcome": outcome}, float(number)))
    now = time.time() * 1000
    closed, fails, limits, spent = [], [], [], []
    for place, (name, source) in enumerate(used.items()):
        labels = {"source": name}
        until, failed = (float(x or 0) for x in answers[2 * place])
        closed.append((labels, float(until > now)))
        fails.append((labels, failed))
        if source.monthly_budget:
            limits.append((labels, float(source.monthly_budget)))
            spent.append((labels, float(answers[2 * place + 1] or 0)))
    return (
        family("invest_source_calls_total", "counter", "Calls of an upstream by how they ended.", calls)
        + family("invest_source_breaker_open", "gauge", "1 while an upstream is left alone.", closed)
        + family("invest_source_failures", "gauge", "Failures of an upstream in a row.", fails)
        + family("invest_source_budget_calls", "gauge", "Calls a month that an upstream's plan allows.", limits)
        + family("invest_source_budget_used", "gauge", "Calls of this month.", spent)
    )


async def ai_metrics(request: Request) -> str:
    """Today's calls (UTC): money and tokens, opinions by how they ended; the limit, and what is in flight."""
    store = await request.services.store()
    now = datetime.now(UTC)
    lines = await store.spend.lines(now.date(), now.date())
    tally = await store.opinions.tally(since=now.replace(hour=0, minute=0, second=0, microsecond=0))
    held = await SharedBudget(request.services.invest.redis).held_today()
    limit = float(request.services.settings.ai.daily_budget_usd)
    opinions = [
        ({"provider": name, "status": status}, float(number))
        for name, by_status in sorted(tally.items())
        for status, number in sorted(by_status.items())
    ]
    return (
        family(
            "invest_ai_cost_usd_today", "gauge", "US dollars of AI calls today (UTC).", _by_provider(lines, "cost_usd")
        )
        + family("invest_ai_calls_today", "gauge", "Paid AI calls today (UTC).", _by_provider(lines, "calls"))
        + family("invest_ai_tokens_today", "gauge", "Tokens of AI calls today (UTC).", _tokens(lines))
        + family("invest_ai_opinions_today", "gauge", "Opinions today (UTC): ok, abstained, or why not.", opinions)
        + family(
            "invest_ai_held_usd", "gauge", "US dollars that calls in flight may cost at most.", [({}, float(held))]
        )
        + family("invest_ai_budget_usd", "gauge", "Daily limit in US dollars; 0: none.", [({}, limit)])
    )


def _by_provider(lines: Sequence[SpendLine], field: str) -> list[Sample]:
    sums: dict[str, float] = {}
    for line in lines:
        sums[line.provider] = sums.get(line.provider, 0.0) + float(getattr(line, field))
    return [({"provider": name}, value) for name, value in sorted(sums.items())]


def _tokens(lines: Sequence[SpendLine]) -> list[Sample]:
    return [
        ({**labels, "direction": direction}, value)
        for direction, field in (("in", "tokens_in"), ("out", "tokens_out"))
        for labels, value in _by_provider(lines, field)
    ]


async def store_metrics(store: Store) -> str:
    """The pool of this process, and notices that wait for longer than quiet hours last."""
    size, idle, most = store.database.usage
    in_use: list[Sample] = [({"state": "idle"}, float(idle)), ({"state": "used"}, float(size - idle))]
    late = await store.notices.late(timedelta(days=1))
    return (
        family("invest_postgres_connections", "gauge", "Connections of this web process.", in_use)
        + family("invest_postgres_pool_max", "gauge", "Most connections that it may have.", [({}, float(most))])
        + family("invest_notices_late", "gauge", "Notices that no channel took within a day.", [({}, float(late))])
    )
