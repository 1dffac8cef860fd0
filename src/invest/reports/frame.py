"""What frames every report: stamp, footer, disclaimers, sources in the header, the contract's common keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from invest.domain.opinions import AiConsensus, Opinion, rating_of
from invest.domain.values import Consensus
from invest.reports.data import LIVE, ReportData
from invest.reports.locale import Locale
from invest.reports.sections import on_scale, printed, ratings_text
from invest.reports.views import Stat
from invest.reports.words import clean


def frame(data: ReportData, locale: Locale, *, title: str, as_of: date | None, sandbox: bool) -> dict[str, Any]:
    """The fields that `ReportView` shares between kinds, as keyword arguments."""
    words = locale.words
    names = ("advice", "past", "ai", "sandbox") if sandbox else ("advice", "past", "ai")
    return {
        "report_id": data.report_id,
        "language": locale.language,
        "title": title,
        "generated_at": data.generated_at,
        "sandbox": sandbox,
        "stamp": words.t("stamp") if sandbox else None,
        "footer": footer_text(data.report_id, as_of, locale),
        "disclaimer": words.t("disclaimer"),
        "disclaimers": tuple(words.t(f"disclaimers.{name}") for name in names),
    }


def footer_text(report_id: str, as_of: date | None, locale: Locale) -> str:
    """Which report it is and how far its data go; what a page shows now has no id."""
    key = "footer.now" if report_id == LIVE else "footer.line"
    return locale.words.t(key, id=clean(report_id, 40), day=locale.day(as_of))


def sources_text(sources: Sequence[str], quality: Sequence[Consensus], locale: Locale) -> str:
    """How far the price can be trusted: in how many sources it was checked, or that the sources differ."""
    words, n = locale.words, len(set(sources))
    diverging = sum(item.divergent for item in quality)
    price = next((item for item in quality if item.field == "close"), None)
    if n == 0:
        return words.t("header.sources_none")
    if n == 1 or (price is not None and price.n == 1):
        return words.t("header.sources_one")
    if diverging:
        fields = words.t("header.fields_one") if diverging == 1 else words.t("header.fields", n=diverging)
        return words.t("header.sources_diverge", d=fields)
    if price is not None and price.n > 1:
        return words.t("header.sources_agree", k=price.n)
    return words.t("header.sources_some", n=n)


def lone_opinion(consensus: AiConsensus | None, opinions: Sequence[Opinion]) -> tuple[Opinion, float] | None:
    """The one AI that was asked, with its probability on the scale of the pool; None where there is no such."""
    asked = [opinion for opinion in opinions if not opinion.benchmark]
    if consensus is None or consensus.quorum or not asked or not consensus.asked == consensus.answered == 1:
        return None
    p = on_scale(asked[0])
    return None if p is None else (asked[0], p)


def ai_stats(consensus: AiConsensus | None, opinions: Sequence[Opinion], locale: Locale) -> list[Stat]:
    """Probability and verdicts of the AIs for the strip; one opinion alone is called so; empty where none was asked."""
    words = locale.words
    asked = [opinion for opinion in opinions if not opinion.benchmark]
    if consensus is None or not consensus.asked or not asked:
        return []
    lone = lone_opinion(consensus, opinions)
    p: float | None
    if lone is not None:  # "1 of 1" beside the verdict would read as agreement
        p = lone[1]
        ais = Stat(label=words.t("strip.one_ai"), text=words.t(f"recommendation.{rating_of(p)}"))
    else:
        p = consensus.probability if consensus.quorum else None
        sub = ratings_text(opinions, locale) if consensus.quorum else words.t("strip.no_quorum")
        answered = words.t("strip.answered", n=consensus.answered, total=consensus.asked)
        ais = Stat(label=words.t("strip.ais"), text=answered, sub=sub or None)
    if p is None:
        return [ais]
    return [Stat(label=words.t("strip.probability", index=consensus.index_label), text=printed(p, locale)), ais]
