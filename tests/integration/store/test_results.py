"""Analyses, opinions, reports, history of jobs, keys and clean-up on a real database."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from invest.domain.access import Scope
from invest.domain.analysis.models import (
    Analysis,
    FundamentalAnalysis,
    Recommendation,
    RiskAnalysis,
    SentimentAnalysis,
    TechnicalAnalysis,
    ValuationAnalysis,
)
from invest.domain.documents import StoredReport
from invest.domain.market.tickers import AssetKind
from invest.domain.opinions.opinion import AiConsensus, Opinion, OpinionStatus
from invest.domain.track_record.outcome import Outcome
from invest.domain.values.observations import Consensus, Observation, RawPayload
from invest.errors import NotFound
from invest.store import Store

T0 = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def analysis(number: int, ticker: str = "PETR4", at: datetime = T0) -> Analysis:
    empty: dict[str, Any] = {}
    return Analysis(
        analysis_id=f"a{number}",
        ticker=ticker,
        kind=AssetKind.STOCK,
        analyzed_at=at,
        as_of=at,
        price=38.5,
        change_1d=None,
        fundamental_analysis=FundamentalAnalysis(
            profitability={"roe": 0.2417, "odd": float("nan")},
            growth=empty,
            debt=empty,
            efficiency=empty,
            overall_score=7,
        ),
        technical_analysis=TechnicalAnalysis(
            trend=empty,
            momentum=empty,
            support_resistance=empty,
            volume_analysis=empty,
            volatility=empty,
            overall_score=None,
        ),
        valuation_analysis=ValuationAnalysis(
            multiples=empty, models=empty, dividends=empty, score=None, overall_valuation=None
        ),
        risk_analysis=RiskAnalysis(
            debt_risk=None, volatility_risk=None, liquidity_risk=None, overall_risk=None, score=None
        ),
        sentiment_analysis=SentimentAnalysis(sentiment=None, score=None, news_count=0),
        overall_score=7.0,
        coverage=0.8,
        recommendation=Recommendation.BUY,
        facts=[],
        sources=["cvm"],
    )


async def test_the_newest_analysis_of_each_asset_is_found(store: Store) -> None:
    old, new, other = analysis(1, at=T0 - timedelta(days=1)), analysis(2), analysis(3, "VALE3")
    await store.analyses.save(new, old, other)
    await store.analyses.save(new)
    latest = await store.analyses.latest("PETR4")
    assert latest is not None
    assert latest.analysis_id == "a2"
    assert latest.fundamental_analysis.profitability == {"roe": 0.2417, "odd": None}
    found = await store.analyses.latest_many(["PETR4", "VALE3", "XXXX3"])
    assert {t: a.analysis_id for t, a in found.items()} == {"PETR4": "a2", "VALE3": "a3"}
    assert [a.analysis_id for a in await store.analyses.history("PETR4", before=T0)] == ["a1"]
    assert await store.analyses.latest("PETR4", since=T0 + timedelta(seconds=1)) is None
    verdicts = await store.analyses.verdicts(["PETR4", "XXXX3"])
    assert verdicts == {"PETR4": [(T0, 7.0, "buy"), (T0 - timedelta(days=1), 7.0, "buy")]}
    assert len((await store.analyses.verdicts(["PETR4"], since=T0))["PETR4"]) == 1


async def test_an_older_ranking_never_replaces_a_newer_one(store: Store) -> None:
    assert await store.analyses.ranking("stocks") is None
    await store.analyses.save_ranking("stocks", [{"ticker": "PETR4", "score": 7.1}], T0)
    await store.analyses.save_ranking("stocks", [], T0 - timedelta(hours=1))
    assert await store.analyses.ranking("stocks") == (T0, [{"ticker": "PETR4", "score": 7.1}])


def opinion(number: int, *, status: OpinionStatus = OpinionStatus.OK, at: datetime = T0) -> Opinion:
    return Opinion(
        opinion_id=f"o{number}",
        ticker="PETR4",
        provider="openai",
        model="m-1",
        status=status,
        p_beat_180d=0.6 if status is OpinionStatus.OK else None,
        prompt_hash="p",
        data_hash="d",
        asked_at=at,
        seconds=1.5,
        cost_usd=Decimal("0.0123"),
        summary="um\x00dois",
        raw_prompt="prompt \x00 exact",
        raw_answer='{"broken": "\ud800"',
    )


async def test_an_opinion_keeps_its_exact_answer_and_never_changes(store: Store) -> None:
    first = opinion(1)
    await store.opinions.append(first)
    await store.opinions.append(first.model_copy(update={"p_beat_180d": 0.1}))
    kept = await store.opinions.get("o1")
    assert kept == first.model_copy(update={"summary": "um\ufffddois"})
    with pytest.raises(ValueError, match="append-only"):
        await store.database.execute("UPDATE opinion SET status = 'ok'")
    with pytest.raises(ValueError, match="append-only"):
        await store.database.execute("DELETE FROM opinion")


async def test_a_prompt_that_was_answered_is_not_paid_twice(store: Store) -> None:
    await store.opinions.append(opinion(1, status=OpinionStatus.TIMEOUT), opinion(2, at=T0 - timedelta(hours=2)))
    hit = await store.opinions.cached("p", "openai", since=T0 - timedelta(hours=24))
    assert hit is not None
    assert hit.opinion_id == "o2"
    assert await store.opinions.cached("p", "openai", since=T0) is None
    assert await store.opinions.cached("p", "gemini", since=LONG_AGO) is None


async def test_calls_fall_due_once_and_close_once(store: Store) -> None:
    later = T0 + timedelta(days=181)
    await store.opinions.append(opinion(1), opinion(2, status=OpinionStatus.REFUSED), opinion(3, at=later))
    assert [o.opinion_id for o in await store.opinions.due(180, now=later)] == ["o1"]
    assert await store.opinions.due(30, now=later) == []
    outcome = Outcome(
        opinion_id="o1",
        horizon_days=180,
        provider="openai",
        ticker="PETR4",
        probability=0.6,
        entry_day=date(2026, 4, 1),
        exit_day=date(2026, 9, 28),
        entry_price=Decimal("38.50"),
        total_return=0.1,
        benchmark_return=0.05,
        excess=0.047619,
        beat=True,
        closed_at=later,
    )
    await store.opinions.close([outcome])
    await store.opinions.close([outcome.model_copy(update={"beat": False})])
    assert await store.opinions.outcomes(horizon_days=180) == [outcome]
    assert await store.opinions.due(180, now=later) == []


async def test_a_pooled_opinion_is_frozen_too(store: Store) -> None:
    pooled = AiConsensus(
        ticker="PETR4",
        asked=4,
        answered=3,
        quorum=True,
        probability=0.59,
        rating=None,
        agreement=0.6,
        independent_votes=1.6,
        fragile=False,
        target=40.0,
        headline="3 of 4 answered",
    )
    await store.opinions.append_consensus("c1", pooled, T0)
    await store.opinions.append_consensus("c1", pooled.model_copy(update={"probability": 0.1}), T0)
    assert await store.opinions.consensus_history("PETR4") == [("c1", T0, pooled)]


def report(number: int, *, at: datetime = T0, kept: bool = False) -> StoredReport:
    return StoredReport(
        report_id=f"r{number}",
        report_type="asset",
        tickers=("PETR4",),
        generated_at=at,
        kept=kept,
        view={"price": "38.50", "bad": "\x00"},
        content="# PETR4",
    )


async def test_a_report_and_its_files_come_back_byte_for_byte(store: Store) -> None:
    await store.reports.save(report(1))
    body = bytes(range(256)) * 10
    saved = await store.reports.save_export("r1", "pdf", body, filename="r1.pdf", content_type="application/pdf")
    assert saved.size == 2560
    got = await store.reports.download("r1", "pdf")
    assert got is not None
    assert got.body == body
    assert [e.format for e in await store.reports.exports("r1")] == ["pdf"]
    whole = await store.reports.get("r1")
    assert whole is not None
    assert whole.view == {"price": "38.50", "bad": "\ufffd"}
    assert await store.reports.download("r1", "html") is None
    with pytest.raises(NotFound, match="r9"):
        await store.reports.save_export("r9", "pdf", body, filename="x", content_type="application/pdf")


async def test_reports_are_listed_in_pages_newest_first(store: Store) -> None:
    for number in range(5):
        await store.reports.save(report(number, at=T0 - timedelta(days=number // 2)))
    first = await store.reports.list(ticker="PETR4", limit=3)
    rest = await store.reports.list(ticker="PETR4", before=(first[-1].generated_at, first[-1].report_id))
    assert [r.report_id for r in [*first, *rest]] == ["r0", "r1", "r2", "r3", "r4"]
    assert await store.reports.list(ticker="VALE3") == []
    assert await store.reports.delete("r0") is True
    assert await store.reports.delete("r0") is False


def event(state: str, ms: int, **more: Any) -> dict[str, Any]:
    return {"id": "j1", "state": state, "event_id": f"{ms}-0", **more}


async def test_late_and_repeated_events_leave_a_jobs_history_right(store: Store) -> None:
    done = event("succeeded", 30, finished_at=T0, attempt=2, deliveries=3)
    queued = event("queued", 10, name="collect", queue="data_collection", args={"ticker": "PETR4"}, enqueued_at=T0)
    started = event("running", 20, started_at=T0, attempt=1)
    await store.jobs.upsert([done])
    await store.jobs.upsert([started, queued])
    await store.jobs.upsert([queued, done, started])
    run = await store.jobs.get("j1")
    assert run is not None
    assert (run.state, run.attempt, run.deliveries, run.name) == ("succeeded", 2, 3, "collect")
    assert (run.args, run.started_at, run.finished_at) == ({"ticker": "PETR4"}, T0, T0)
    assert await store.jobs.unfinished() == []


async def test_a_replayed_job_is_open_again(store: Store) -> None:
    await store.jobs.upsert([event("failed", 10, finished_at=T0, error={"type": "Boom"})])
    await store.jobs.upsert([event("queued", 20)])
    (run,) = await store.jobs.unfinished()
    assert (run.state, run.finished_at, run.error) == ("queued", None, None)


async def test_history_is_read_in_pages_by_queue_and_state(store: Store) -> None:
    rows = [{"id": f"r{i}", "state": "succeeded", "queue": "reports", "event_id": f"{i}-0"} for i in range(1, 6)]
    await store.jobs.upsert([*rows, event("failed", 9)])
    first = await store.jobs.history(queue="reports", limit=2)
    then = await store.jobs.history(queue="reports", before=first[-1].event_id)
    assert [r.id for r in [*first, *then]] == ["r5", "r4", "r3", "r2", "r1"]
    assert [r.id for r in await store.jobs.history(states=["failed"])] == ["j1"]


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(store: Store) -> None:
    plain, key = await store.keys.create("painel", ["write"])
    found = await store.keys.verify(plain)
    assert found is not None
    assert (found.id, found.allows(Scope.READ), found.allows(Scope.ADMIN)) == (key.id, True, False)
    stored = await store.database.fetchrow("SELECT * FROM api_key")
    assert plain not in str(dict(stored or {}))
    assert await store.keys.verify(plain + "x") is None
    assert await store.keys.verify("inv_" + "\ud800") is None
    assert await store.keys.revoke(key.id) is True
    assert await store.keys.revoke(key.id) is False
    assert await store.keys.verify(plain) is None
    assert [k.id for k in await store.keys.list(revoked=True)] == [key.id]
    with pytest.raises(ValueError, match="at least one scope"):
        await store.keys.create("none", [])


async def test_an_expired_key_opens_nothing(store: Store) -> None:
    plain, _ = await store.keys.create("kurz", [Scope.READ], expires_at=T0)
    assert await store.keys.verify(plain, now=T0 - timedelta(seconds=1)) is not None
    assert await store.keys.verify(plain, now=T0) is None


async def test_changes_leave_an_audit_line(store: Store) -> None:
    number = await store.audit.append("key:1", "portfolio.delete", "p1", detail={"name": "x\x00"}, at=T0)
    await store.audit.append("key:2", "key.create", "k", at=T0)
    (line,) = await store.audit.list(before=number + 1)
    assert (line.actor, line.detail) == ("key:1", {"name": "x\ufffd"})
    assert [a.actor for a in await store.audit.list(action="key.create")] == ["key:2"]


async def test_an_ai_call_written_twice_is_paid_once(store: Store) -> None:
    day = date(2026, 3, 31)
    for _ in range(2):
        await store.spend.record("call-1", day, "openai", Decimal("0.0123"))
    await store.spend.record("call-2", day, "gemini", Decimal("0.0001"))
    assert await store.spend.of_day(day) == Decimal("0.0124")
    assert await store.spend.by_provider(day, day) == {"gemini": Decimal("0.0001"), "openai": Decimal("0.0123")}
    assert await store.spend.of_day(date(2026, 4, 1)) == 0
    with pytest.raises(ValueError, match="ai_call"):
        await store.spend.record("call-3", day, "openai", Decimal(-1))


async def test_cleaning_up_measures_what_goes_and_spares_what_people_keep(store: Store) -> None:
    for number, kept in ((1, False), (2, True)):
        await store.reports.save(report(number, at=LONG_AGO, kept=kept))
        await store.reports.save_export(f"r{number}", "pdf", b"x" * 999, filename="f", content_type="application/pdf")
    await store.reports.save(report(3))
    await store.opinions.append(opinion(1, at=LONG_AGO))
    await store.analyses.save(analysis(1, at=LONG_AGO), analysis(2, "VALE3", at=LONG_AGO), analysis(3))
    await store.jobs.upsert([event("succeeded", 10, finished_at=LONG_AGO)])
    foreseen = await store.cleanup.run(T0 - timedelta(days=90), dry_run=True)
    done = await store.cleanup.run(T0 - timedelta(days=90))
    assert done == foreseen
    gone = {table: c.rows for table, c in done.items() if c.rows}
    assert gone == {"report": 1, "report_export": 1, "analysis": 1, "job_run": 1}
    assert done["report_export"].bytes >= 999
    assert [r.report_id for r in await store.reports.list()] == ["r3", "r2"]
    assert await store.opinions.get("o1") is not None
    assert {c.rows for c in (await store.cleanup.run(T0 - timedelta(days=90))).values()} == {0}


async def test_cleaning_up_keeps_the_bytes_that_a_value_or_a_report_leads_back_to(store: Store) -> None:
    def bytes_of(name: str) -> RawPayload:
        body = name.encode()
        digest = hashlib.sha256(body).hexdigest()
        return RawPayload(
            sha256=digest,
            source="brapi",
            url=f"https://example.org/{name}",
            fetched_at=LONG_AGO,
            status=404,
            size=len(body),
            body=body,
        )

    kept, chosen, lost = bytes_of("report"), bytes_of("observation"), bytes_of("nothing")
    await store.payloads.put(kept, chosen, lost)
    made = report(1, at=LONG_AGO, kept=True)
    await store.reports.save(made.model_copy(update={"view": {"facts": [{"payload": kept.sha256}]}}))
    seen = Observation(
        ticker="PETR4",
        field="close",
        value=Decimal("38.5"),
        as_of=LONG_AGO,
        source="brapi",
        payload=chosen.sha256,
        fetched_at=LONG_AGO,
    )
    await store.observations.insert([seen])
    await store.observations.choose(
        [
            Consensus(
                ticker="PETR4",
                field="close",
                value=seen.value,
                basis=seen.basis,
                unit="BRL",
                as_of=LONG_AGO,
                source="brapi",
                payload=chosen.sha256,
                sources=("brapi",),
                n=1,
                agreement=1.0,
                confidence=1.0,
                chosen_at=LONG_AGO,
            )
        ]
    )
    done = await store.cleanup.run(T0)
    assert done["raw_payload"].rows == 1
    assert done["observation"].rows == 0
    assert set(await store.payloads.describe(kept.sha256, chosen.sha256, lost.sha256)) == {kept.sha256, chosen.sha256}
