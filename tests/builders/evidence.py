"""What stands beside an analysis in a report: opinions, actions, news, fields, payloads, records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from invest.domain.market.assets import ActionKind, CorporateAction, NewsItem
from invest.domain.opinions.opinion import (
    AiConsensus,
    Argument,
    ChangeOfMind,
    KeyFact,
    Opinion,
    OpinionStatus,
    Rating,
    Risk,
)
from invest.domain.values.collected import SourceOutcome
from invest.domain.values.observations import Basis, Consensus, RawPayload, Rejected
from invest.reports.data import TrackRow
from tests.builders.analysis import NOW, sha


def opinion(provider: str, p: float | None, **changes: Any) -> Opinion:
    """A valid opinion where `p` is given, else an abstention."""
    rating = None if p is None else Rating.BUY if p >= 0.55 else Rating.SELL if p <= 0.45 else Rating.HOLD
    target = None if p is None else round(40 + 18 * p, 2)
    fields: dict[str, Any] = {
        "opinion_id": f"o-{provider}",
        "ticker": "PETR4",
        "provider": provider,
        "model": {"openai": "gpt-5.1-2026-01-15", "anthropic": "claude-sonnet-4-5-20250929"}.get(
            provider, f"{provider}-1"
        ),
        "status": OpinionStatus.OK if p is not None else OpinionStatus.TIMEOUT,
        "reason": None if p is not None else "no answer within 60 s",
        "key_facts": (KeyFact(fact_id="f04", reading="favourable"),),
        "arguments_for": (
            Argument(text=f"O fluxo de caixa livre cobre os dividendos ({provider}).", fact_ids=("f10", "f04")),
            Argument(text="Múltiplos abaixo do setor.", fact_ids=("f01", "f03")),
        ),
        "arguments_against": (Argument(text="Os dividendos caem pelo segundo ano.", fact_ids=("f10",)),),
        "risks": (Risk(kind="governance", severity="high", text="Intervenção na política de preços."),),
        "p_beat_30d": None if p is None else round(0.5 + (p - 0.5) * 0.4, 4),
        "p_beat_90d": None if p is None else round(0.5 + (p - 0.5) * 0.7, 4),
        "p_beat_180d": p,
        "price_p10": None if target is None else round(target * 0.8, 2),
        "price_p90": None if target is None else round(target * 1.25, 2),
        "would_change": (ChangeOfMind(fact_id="f02", operator=">", value=3.0432),) if p is not None else (),
        "price_p50": target,
        "target": target,
        "summary": "Múltiplos baixos e dívida contida.",
        "rating": rating,
        "confidence": None if p is None else abs(p - 0.5) * 2,
        "figures_checked": 12,
        "prompt_hash": sha(f"prompt {provider}"),
        "data_hash": sha("data"),
        "asked_at": NOW,
        "seconds": 3.21,
        "tokens_in": 4120,
        "tokens_out": 812,
        "cost_usd": Decimal("0.0231"),
    }
    if p is None:
        fields |= {"arguments_for": (), "arguments_against": (), "risks": (), "tokens_in": None, "tokens_out": None}
        fields |= {"cost_usd": None, "summary": "", "model": None}
    return Opinion(**(fields | changes))


def opinions() -> list[Opinion]:
    """Four answers and one time-out."""
    return [
        opinion("openai", 0.70),
        opinion("anthropic", 0.62),
        opinion("gemini", 0.52),
        opinion(
            "rules", 0.58, model="rules-1", vendor="rules", cost_usd=None, tokens_in=None, tokens_out=None, seconds=0.01
        ),
        opinion("deepseek", None),
    ]


def ai_consensus(answers: Sequence[Opinion] | None = None, **changes: Any) -> AiConsensus:
    """A pooled verdict of `opinions()`."""
    answers = opinions() if answers is None else answers
    valid = [o for o in answers if o.valid]
    fields: dict[str, Any] = {
        "ticker": "PETR4",
        "asked": len(answers),
        "answered": len(valid),
        "quorum": True,
        "probability": 0.588,
        "rating": Rating.BUY,
        "agreement": 0.567,
        "independent_votes": 1.6,
        "fragile": False,
        "target": 51.85,
        "bull_case": tuple(o.arguments_for[0] for o in valid[:3] if o.arguments_for),
        "bear_case": tuple(o.arguments_against[0] for o in valid[:2] if o.arguments_against),
        "dissent": ("gemini",),
        "headline": f"{len(valid)} of {len(answers)} answered",
    }
    return AiConsensus(**(fields | changes))


def actions(ticker: str = "PETR4") -> list[CorporateAction]:
    """Five years of payments and one split."""
    paid = [
        CorporateAction(
            ticker=ticker,
            kind=ActionKind.DIVIDEND if month % 2 else ActionKind.JCP,
            last_date_with=date(year, month, 21),
            payment_date=date(year, month, 28) if year < 2026 else None,
            amount=Decimal("0.4107") + Decimal(month + year - 2021) / 20,
            source="b3",
            payload=sha("actions"),
        )
        for year in range(2021, 2027)
        for month in ((2, 5, 8, 11) if year < 2026 else (2,))
    ]
    split = CorporateAction(
        ticker=ticker,
        kind=ActionKind.SPLIT,
        last_date_with=date(2025, 6, 2),
        factor=Decimal(2),
        source="b3",
        payload=sha("x"),
    )
    return [*paid, split]


def news(count: int = 8, title: str = "Petrobras anuncia plano de investimentos para 2026-2030") -> list[NewsItem]:
    """Items of the last days, newest last."""
    return [
        NewsItem(
            id=sha(f"news {i}"),
            title=f"{title} ({i}ª parte)" if i % 2 else f"Petróleo fecha em queda pelo {i}º dia",
            link=f"https://news.example/{i}",
            outlet=("InfoMoney", "Agência Brasil", "Valor")[i % 3],
            published_at=NOW - timedelta(days=count - i),
            fetched_at=NOW,
            source="rss",
            payload=sha("feed"),
            tickers=("PETR4",),
            sentiment=(0.6, -0.5, 0.0, None)[i % 4],
        )
        for i in range(count)
    ]


def quality() -> list[Consensus]:
    """Fields with several sources, one with a rejected value, one with a single source."""

    def field(name: str, value: str, unit: str, n: int, **changes: Any) -> Consensus:
        fields: dict[str, Any] = {
            "ticker": "PETR4",
            "field": name,
            "value": Decimal(value),
            "basis": Basis.SPOT,
            "unit": unit,
            "as_of": NOW,
            "source": "cotahist",
            "payload": sha("payload 1"),
            "sources": ("cotahist", "brapi", "yahoo")[:n],
            "n": n,
            "agreement": 1.0,
            "confidence": 0.9,
        }
        return Consensus(**(fields | changes))

    rejected = Rejected(
        source="brapi", value=Decimal("590"), reason="unit error: about 100 times what the others say", payload=sha("r")
    )
    return [
        field("close", "48.67", "BRL", 3),
        field("p_l", "5.9", "x", 3, agreement=2 / 3, rejected=(rejected,)),
        field("roe", "0.242", "fraction", 2),
        field("shares_outstanding", "13044496930", "count", 1),
    ]


def payloads() -> list[RawPayload]:
    """What the facts cite and a few more."""
    return [
        RawPayload(
            sha256=sha(f"payload {i}"),
            source=("cotahist", "cvm", "brapi", "bcb")[i % 4],
            url=f"https://source.example/{i}",
            fetched_at=NOW - timedelta(minutes=i),
            status=200,
            size=1000 + i,
        )
        for i in range(14)
    ]


def outcomes() -> list[SourceOutcome]:
    """One source that failed."""
    return [SourceOutcome(source="fundamentus", status="failed", reason="HTTP 503 em 3 tentativas")]


def track_record() -> list[TrackRow]:
    """A ranked AI, one collecting, a benchmark."""
    return [
        TrackRow(
            analyst="anthropic", horizon_days=180, closed=142, cohorts=9, status="ranked", brier=0.236, skill=0.056,
            skill_low=0.011, skill_high=0.101, hit_rate=0.61, base_rate=0.52,
        ),
        TrackRow(
            analyst="always_50", horizon_days=180, closed=142, cohorts=9, status="ranked", brier=0.25, skill=0.0,
            skill_low=0.0, skill_high=0.0, base_rate=0.52, benchmark=True,
        ),
        TrackRow(analyst="openai", horizon_days=180, closed=12, cohorts=2, status="collecting", brier=0.24),
    ]  # fmt: skip
