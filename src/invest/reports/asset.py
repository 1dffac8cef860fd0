"""The report of one asset, in the order in which it is asked: what is it, what is thought, why, who disagrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from invest.domain.analysis import Analysis, History, follows_ibov, is_asked
from invest.domain.market import BY_LABEL, IBOV, IFIX, AssetKind, NewsItem
from invest.domain.opinions import Rating, rating_of
from invest.reports.data import AssetReportData
from invest.reports.facts import FactBook
from invest.reports.frame import ai_stats, frame, lone_opinion, sources_text
from invest.reports.locale import MARKET_ZONE, MISSING, Locale, locale_of
from invest.reports.phrases import analyst_name, change_text, sector_name, unit_of
from invest.reports.sections import (
    VERDICT_MARKS,
    Side,
    agenda_section,
    analysts_section,
    arguments_of,
    backtest_detail,
    backtest_section,
    case_section,
    cited_facts,
    consensus_text,
    dividends_section,
    facts_section,
    figure_claims,
    fit_arguments,
    fundamentals_section,
    levels_text,
    missing_text,
    months_section,
    multiples_sections,
    news_section,
    own_sections,
    peers_section,
    price_section,
    printed,
    profile_section,
    provenance_section,
    quality_section,
    record_section,
    results_sections,
    risk_section,
    score_section,
    sources_section,
    spoken,
    summary_text,
    telling,
    verdict_sentence,
    worth_section,
)
from invest.reports.views import AssetReportView, Claim, Header, Section, Stat, Strip
from invest.reports.words import clean

NEWS_BACK: Final = timedelta(days=30)
IBOVESPA: Final = BY_LABEL[IBOV].ticker
FIAGRO: Final = "Fiagro"  # the segment under which CVM's reports of agribusiness funds are kept
SIDES: Final[tuple[Side, Side]] = ("bull", "bear")


def build_asset_view(data: AssetReportData) -> AssetReportView:
    """Decide and word everything that the report of one asset says. Pure: the same data gives the same view."""
    if not is_asked(data.analysis):
        # Nobody beats the index by following it, nor as an index: what was said of that is not shown.
        data = replace(data, opinions=(), ai_consensus=None, objection=None, benchmark=None)
    locale = locale_of(data.language)
    if data.analysis.kind is AssetKind.INDEX:
        locale = replace(locale, currency="")
    analysis, book = data.analysis, FactBook(data.analysis.facts, locale)
    sandbox = data.sandbox or analysis.sandbox or any(o.sandbox for o in data.opinions)
    as_of = analysis.as_of.astimezone(MARKET_ZONE).date()
    title = locale.words.t("title.asset", ticker=analysis.ticker)
    return AssetReportView(
        **frame(data, locale, title=title, as_of=as_of, sandbox=sandbox),
        ticker=analysis.ticker,
        header=_header(data, book),
        strip=_strip(data, book),
        sections=_sections(data, book),
        contract=_contract(data, book),
    )


def _sections(data: AssetReportData, book: FactBook) -> tuple[Section, ...]:
    """What is it and what does it cost, why, what did it earn, who else, what do the AIs say, what could go wrong."""
    analysis, locale, history = data.analysis, book.locale, data.history
    day = analysis.as_of.astimezone(MARKET_ZONE).date()
    unit = unit_of(analysis.kind)
    tracker = follows_ibov(analysis)
    bull = arguments_of("bull", data.ai_consensus, data.opinions)
    bear = arguments_of("bear", data.ai_consensus, data.opinions)
    parts = [
        price_section(data.bars, book, tracker=tracker),
        score_section(analysis, book),
        fundamentals_section(analysis, book, tracker=tracker),
        *own_sections(analysis, history, book, data.holdings),
        *results_sections(history, locale),
        *multiples_sections(history, analysis.kind, book),
        worth_section(analysis, () if tracker else data.opinions, book),
        profile_section(analysis, data.asset, history, book, programme=data.programme, parity=_parity(data)),
        peers_section(analysis, data.peers, book),
        analysts_section(data, book, tracker=tracker),
        case_section("bull", bull, data, book),
        case_section("bear", bear, data, book, _objection(data, book)),
        risk_section(analysis.risk_analysis, book, bank=analysis.scorecard == "bank", ticker=analysis.ticker),
        dividends_section(data.actions, day, book, unit=unit) if analysis.kind is not AssetKind.CRYPTO else None,
        months_section(
            history,
            locale,
            index=not tracker and analysis.ticker != IBOVESPA,
            own=_own_label(analysis, history),
        ),
        news_section(
            recent(data),
            analysis.sentiment_analysis,
            locale,
            mean=book.value("news_tone_30d"),
            about=(analysis.ticker,),
            span=7,
        ),
        agenda_section(data.actions, history, day, locale, unit=unit),
        backtest_section(analysis.backtest, locale),
        record_section(data.track_record, locale),
        sources_section(
            report_id=data.report_id,
            generated_at=data.generated_at,
            sources=analysis.sources,
            outcomes=data.outcomes,
            opinions=data.opinions,
            cost=data.cost_usd,
            locale=locale,
        ),
    ]
    return (*[part for part in parts if part is not None], *_appendix(data, book, parts))


def _own_label(analysis: Analysis, history: History) -> str | None:
    """The index of the asset's own beside the IBOV: what an ETF follows, a real-estate fund's IFIX."""
    if analysis.kind is AssetKind.ETF:
        return None if history.index == IBOV else history.index
    return IFIX if analysis.kind is AssetKind.FII else None


def _parity(data: AssetReportData) -> float | None:
    """How many receipts make one home paper, as the sources agree; None where they say nothing."""
    found = next((item for item in data.quality if item.field == "parity" and not item.quarantined), None)
    return float(found.value) if found is not None and found.value is not None else None


def recent(data: AssetReportData) -> list[NewsItem]:
    """The items of the thirty days that the analysis counts its news over."""
    end = data.analysis.as_of
    start = end - NEWS_BACK
    return [item for item in data.news if start <= (item.published_at or item.fetched_at)]


def _appendix(data: AssetReportData, book: FactBook, parts: Sequence[Section | None]) -> list[Section]:
    """Where it comes from, to the byte: fields, facts, files and models."""
    cited = cited_facts([p for p in parts if p]) | {r.fact_id for r in verdict_sentence(data.analysis, book).refs}
    found = [
        facts_section(book, cited),
        quality_section(data.quality, book),
        backtest_detail(data.analysis.backtest, book.locale),
        provenance_section(
            payloads=data.payloads,
            outcomes=data.outcomes,
            opinions=data.opinions,
            cited=(f.payload for f in book.facts if f.payload),
            locale=book.locale,
        ),
    ]
    return [section for section in found if section is not None]


def _header(data: AssetReportData, book: FactBook) -> Header:
    analysis, locale, words = data.analysis, book.locale, book.locale.words
    fiagro = data.asset is not None and data.asset.segment == FIAGRO
    kind = words.t("kind.fiagro" if fiagro else f"kind.{analysis.kind}")
    segment = data.asset.segment if data.asset is not None and analysis.kind is AssetKind.FII else None
    sector = sector_name(analysis.sector or (None if fiagro else segment), locale)
    change, mark = change_text(analysis.change_1d, locale)
    low, high = book.value("week52_low"), book.value("week52_high")
    known_range = low is not None and high is not None
    week52 = words.t("header.week52", low=locale.number(low, 2), high=locale.number(high, 2)) if known_range else ""
    as_of = words.t("header.as_of", when=locale.instant(analysis.as_of))
    stale, ended = f" · {words.t('header.stale')}" if analysis.stale else "", _ended(data, locale)
    return Header(
        title=analysis.ticker,
        name=" · ".join(part for part in (clean(analysis.name, 90), sector) if part),
        tagline=f"{kind} · {sources_text(analysis.sources, data.quality, locale)} · {as_of}{ended or stale}",
        value=_price_text(analysis, locale),
        change=words.t("header.on_day", change=change) if change else "",
        change_mark=mark,
        value_note=week52,
    )


def _price_text(analysis: Analysis, locale: Locale) -> str:
    """`R$ 37,40`; of an index `130.000,00 pontos`."""
    if analysis.price is None:
        return locale.words.t("header.no_price")
    text = locale.price(analysis.price)
    return locale.words.t("header.points", value=text) if analysis.kind is AssetKind.INDEX else text


def _ended(data: AssetReportData, locale: Locale) -> str:
    """That the asset trades no more, why, since when, and what its holders have now."""
    end = data.delisting
    if end is None:
        return ""
    day = locale.day(end.ended_on or end.last_session) if end.ended_on or end.last_session else MISSING
    ratio = "" if end.ratio in (None, 1) else f" × {locale.number(end.ratio, 8).rstrip('0').rstrip(',.')}"
    now = f"{end.successor}{ratio}" if end.successor else ""
    return f" · {locale.words.t(f'header.ended_{end.reason}', day=day, now=now)}"


def _strip(data: AssetReportData, book: FactBook) -> Strip:
    analysis, locale, words = data.analysis, book.locale, book.locale.words
    judged = analysis.recommendation != "insufficient_data" and analysis.overall_score is not None
    score = Stat(
        label=words.t("strip.score"), text=locale.number(analysis.overall_score, 1), sub=words.t("strip.out_of")
    )
    return Strip(
        label=words.t("strip.verdict"),
        verdict=words.t(f"recommendation.{analysis.recommendation}"),
        mark=VERDICT_MARKS[analysis.recommendation],
        sentence=_sentence(data, book),
        stats=(
            *((score,) if judged else ()),
            *(() if not is_asked(analysis) else ai_stats(data.ai_consensus, data.opinions, locale)),
        ),
    )


def _sentence(data: AssetReportData, book: FactBook) -> Claim:
    """Why the verdict, and that the AIs come to another one where they do."""
    claim, pooled = verdict_sentence(data.analysis, book), data.ai_consensus
    verdict = data.analysis.recommendation.value.removeprefix("strong_")
    if not is_asked(data.analysis) or pooled is None or verdict == "insufficient_data":
        return claim
    lone = lone_opinion(pooled, data.opinions)
    if lone is not None:
        opinion, chance = lone
        rating, name = rating_of(chance), analyst_name(opinion.provider, book.locale)
        cases = opinion.arguments_for, opinion.arguments_against
    elif pooled.quorum and pooled.rating is not None:
        rating, name, cases = pooled.rating, "", (pooled.bull_case, pooled.bear_case)
    else:
        return claim
    if rating.value == verdict:
        return claim
    words, which = book.locale.words, "strip.ai_differs" if lone is None else "strip.one_differs"
    values = {
        "rating": words.t(f"recommendation.{rating}").lower(),
        "p": printed(pooled.probability if lone is None else lone[1], book.locale),
        "index": pooled.index_label,
        "name": name,
    }
    case = cases[1] if rating is Rating.SELL or verdict == "buy" else cases[0]
    facts = dict.fromkeys(fact_id for argument in case for fact_id in argument.fact_ids)
    names = [book.label(fact.key) for fact_id in facts if (fact := book.by_id(fact_id)) is not None][:3]
    differs = words.t(f"{which}_by", facts=book.locale.join(names), **values) if names else words.t(which, **values)
    return claim.model_copy(update={"text": f"{claim.text} {differs}"})


def _objection(data: AssetReportData, book: FactBook) -> Claim | None:
    """The counter-argument that was asked for, named as such."""
    if data.objection is None:
        return None
    text, hidden = spoken(data.objection.text, data.opinions, book.locale)
    by = book.locale.words.t("ai.objection")
    if data.objection_by:
        by = f"{by} ({analyst_name(data.objection_by, book.locale)})"
    return Claim(text=text, refs=() if hidden else book.refs(data.objection.fact_ids), by=by, mark="warn")


def _contract(data: AssetReportData, book: FactBook) -> dict[str, Any]:
    """The contract's parts of a report (its section 4), from the same facts as the pages."""
    analysis, locale = data.analysis, book.locale
    consensus = data.ai_consensus
    return {
        "ai_provider": data.ai_provider,
        "overview": {
            "ticker": analysis.ticker,
            "name": clean(analysis.name) or None,
            "kind": analysis.kind.value,
            "sector": clean(analysis.sector) or None,
            "price": analysis.price,
            "change_1d": analysis.change_1d,
            "as_of": analysis.as_of.isoformat(),
            "sources": list(analysis.sources),
            "stale": analysis.stale,
            "sandbox": data.sandbox or analysis.sandbox,
        },
        "quantitative_analysis": {
            "overall_score": analysis.overall_score,
            "coverage": analysis.coverage,
            "backtest": analysis.backtest.model_dump(mode="json") if analysis.backtest else None,
            "missing": list(analysis.missing),
            "missing_text": missing_text(analysis, book),
            "valuation": analysis.valuation_analysis.model_dump(mode="json"),
            "risk": analysis.risk_analysis.model_dump(mode="json"),
            "facts": {f.key: f.value for f in book.facts},
        },
        "qualitative_analysis": _qualitative(data, book),
        "fundamental_data": analysis.fundamental_analysis.model_dump(mode="json"),
        "technical_data": analysis.technical_analysis.model_dump(mode="json"),
        "news_summary": {
            "text": summary_text(analysis.sentiment_analysis, locale, mean=book.value("news_tone_30d"))
            or locale.words.t("news.none"),
            "count": analysis.sentiment_analysis.news_count,
            "sentiment": analysis.sentiment_analysis.sentiment,
            "titles": [clean(item.title, 220) for item in telling(recent(data), (analysis.ticker,))[:6]],
        },
        "final_recommendation": {
            "recommendation": analysis.recommendation.value,
            "text": locale.words.t(f"recommendation.{analysis.recommendation}"),
            "score": analysis.overall_score,
            "reason": verdict_sentence(analysis, book).text,
            "probability_180d": consensus.probability if consensus and consensus.quorum else None,
            "ai_rating": consensus.rating.value if consensus and consensus.quorum and consensus.rating else None,
        },
    }


def _qualitative(data: AssetReportData, book: FactBook) -> dict[str, Any]:
    sides = {}
    for side in SIDES:
        found = arguments_of(side, data.ai_consensus, data.opinions)
        arguments = fit_arguments(side, found, data.analysis, book)
        texts = [spoken(a.text, data.opinions, book.locale)[0] for a in arguments]
        sides[side] = texts or [claim.text for claim in figure_claims(side, data.analysis, book)]
    return {
        "bull_case": sides["bull"],
        "bear_case": sides["bear"],
        "risk": levels_text(data.analysis.risk_analysis, book, bank=data.analysis.scorecard == "bank"),
        "consensus": consensus_text(data.ai_consensus, data.opinions, book.locale) if data.ai_consensus else None,
        "opinions": [
            {
                "provider": o.provider,
                "model": o.model,
                "status": o.status.value,
                "reason": clean(o.reason, 200) or None,
                "rating": o.rating.value if o.valid and o.rating else None,
                "confidence": o.confidence if o.valid else None,
                "target": o.target if o.valid else None,
                "summary": spoken(o.summary, [o], book.locale)[0] if o.valid else "",
            }
            for o in data.opinions
        ],
    }
