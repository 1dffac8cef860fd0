"""Analyse one asset at one moment: bars, filings, actions, consensus and news in; figures, scores, facts out.

Pure: the same input gives the same `Analysis`, and nothing after `now` is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from invest.domain.analysis import scoring
from invest.domain.analysis.evidence import Figure, gather
from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.analysis.models import (
    Analysis,
    Dimension,
    Fact,
    Reason,
    Recommendation,
    Score,
    Withheld,
)
from invest.domain.analysis.scorecards import card_for
from invest.domain.analysis.sections import fundamental_section, risk_section, sentiment_section, valuation_section
from invest.domain.analysis.sectors import SectorStats
from invest.domain.analysis.technical import technical_analysis
from invest.domain.frozen import bare
from invest.domain.market import IBOV, AssetKind, Prices, asked_index, display_name, is_stale, session_hours
from invest.domain.maths import base_rate, windows_beaten

FACT_IDS = tuple(f"f{n:02d}" for n in range(1, len(FACT_KEYS) + 1))

NO_VERDICT_AFTER = 30  # days without a price


def analyse(given: AnalysisInput) -> Analysis:
    """The analysis of `given.asset` as of `given.now`, in the contract's shape. Never raises for poor data: nulls."""
    asset, prices = given.asset, given.prices
    evidence = gather(given)
    figures = {key: figure.value for key, figure in evidence.items()}
    company = given.company
    card = card_for(asset.kind, company.chart if company else None)
    verdict = scoring.judge(card, figures)
    facts, ids = _facts(evidence, given)
    price = figures.get("close")
    stale = _stale(given)
    label, index = _asked(given)
    withheld = _withheld(given, verdict)
    windows = windows_beaten(prices, index) if index is not None else None
    return bare(
        Analysis,
        analysis_id=hashlib.sha256(f"{asset.ticker}|{given.now.isoformat()}".encode()).hexdigest()[:16],
        ticker=asset.ticker,
        kind=asset.kind,
        name=display_name(asset.ticker, asset.kind, asset.name),
        sector=asset.sector,
        analyzed_at=given.now,
        as_of=_as_of(given, prices),
        price=price,
        change_1d=figures.get("change_1d"),
        fundamental_analysis=fundamental_section(figures, verdict),
        technical_analysis=technical_analysis(figures, price, verdict.parts.get("technical")),
        valuation_analysis=valuation_section(figures, verdict),
        risk_analysis=risk_section(figures, verdict, company, stale=stale),
        sentiment_analysis=sentiment_section(figures, verdict),
        overall_score=verdict.overall,
        coverage=verdict.coverage,
        missing=list(verdict.missing),
        recommendation=Recommendation.INSUFFICIENT_DATA if withheld else verdict.recommendation,
        withheld=withheld,
        facts=facts,
        sources=sorted({figure.source for figure in evidence.values() if figure.source}),
        stale=stale,
        sandbox=given.sandbox,
        scorecard=verdict.card,
        dimensions=_dimensions(scoring.dimensions(card, verdict), given.peers),
        reasons=_reasons(verdict, ids),
        windows_beaten_180d=windows,
        index_label=label,
        follows=given.follows,
        base_rate_180d=base_rate([windows, given.peers.windows_beaten_180d if given.peers else None]),
        backtest=given.backtest,
        remarks=[*given.price_remarks, *(company.remarks if company else ())],
        ai=None,
    )


def _asked(given: AnalysisInput) -> tuple[str, Prices | None]:
    """Label and closes of the index it is asked whether the asset beats; the IBOV where its own is not stored."""
    asked = asked_index(given.asset.ticker, given.asset.kind, given.words)
    if asked is not None and asked.label != IBOV and given.own_index is not None:
        return asked.label, given.own_index
    return IBOV, given.index_prices


def _facts(evidence: Mapping[str, Figure], given: AnalysisInput) -> tuple[list[Fact], dict[str, str]]:
    """One fact per figure with a value, in the order of `fact_keys`, and the id of each key."""
    medians = given.medians
    peers = given.peers
    index = given.asset.kind is AssetKind.INDEX  # its closes are points, no money
    facts: list[Fact] = []
    ids: dict[str, str] = {}
    for key, entry in FACT_KEYS.items():
        figure = evidence.get(key)
        if figure is None or figure.value is None:
            continue
        ids[key] = FACT_IDS[len(facts)]
        facts.append(
            bare(
                Fact,
                id=ids[key],
                key=key,
                value=figure.value,
                unit="index" if index and entry.unit == "BRL" else entry.unit,
                as_of=figure.as_of,
                source=figure.source,
                payload=figure.payload,
                own_median=medians.get(key) if entry.unit != "BRL" else None,
                sector_median=peers.median(key) if peers else None,
                sector_percentile=peers.percentile(key, figure.value) if peers else None,
                stale=figure.stale,
            )
        )
    return facts, ids


def _dimensions(scores: Mapping[str, Score], peers: SectorStats | None) -> list[Dimension]:
    return [
        bare(
            Dimension,
            name=name,
            score=scoring.shown_score(score),
            sector_median=peers.dimension_median(name) if peers else None,
        )
        for name, score in scores.items()
    ]


def _reasons(verdict: scoring.Verdict, ids: Mapping[str, str]) -> list[Reason]:
    return [
        bare(
            Reason,
            part=effect.mark.part,
            key=effect.mark.rule.key,
            fact_id=ids.get(effect.mark.rule.key),
            value=effect.mark.value,
            score=round(effect.mark.score, 2),
            effect=round(effect.effect, 4),
        )
        for effect in verdict.effects
    ]


def _stale(given: AnalysisInput) -> bool:
    """Whether the newest bar lags what should be there: one session at B3, two days for crypto."""
    last = given.prices.last_day
    if last is None:
        return True
    if given.asset.kind is AssetKind.CRYPTO:
        return last < given.today - timedelta(days=2)
    return is_stale(last, given.now)


def _withheld(given: AnalysisInput, verdict: scoring.Verdict) -> Withheld | None:
    """Why there is no verdict. Prices too old for one: trading stopped, or collection did."""
    if verdict.card is None:
        return Withheld.NO_SCORECARD
    last = given.prices.last_day
    if last is None or given.today - last > timedelta(days=NO_VERDICT_AFTER):
        return Withheld.OUTDATED_PRICES
    return Withheld.COVERAGE if verdict.recommendation is Recommendation.INSUFFICIENT_DATA else None


def _as_of(given: AnalysisInput, prices: Prices) -> datetime:
    """When the newest price used was made; `now` where there is none."""
    moments = []
    last = prices.last_day
    if last is not None:
        hours = session_hours(last)
        moments.append(hours[1] if hours else datetime.combine(last, given.now.timetz()))
    close = given.latest.get("close")
    if close is not None and not close.quarantined:
        moments.append(close.as_of)
    return min(max(moments), given.now) if moments else given.now
