"""What frames every report: stamp, footer, disclaimers, sources in the header, the contract's common keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from invest.domain.opinions import AiConsensus, Opinion, whole_percent
from invest.domain.values import Consensus
from invest.reports.data import ReportData
from invest.reports.locale import Locale
from invest.reports.phrases import source_name
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
        "footer": words.t("footer.line", id=clean(data.report_id, 40), day=locale.day(as_of)),
        "disclaimer": words.t("disclaimer"),
        "disclaimers": tuple(words.t(f"disclaimers.{name}") for name in names),
    }


def sources_text(sources: Sequence[str], quality: Sequence[Consensus], locale: Locale) -> str:
    """How many sources there are, whether they agree, and who they are."""
    words, n = locale.words, len(set(sources))
    diverging = sum(item.divergent for item in quality)
    price = next((item for item in quality if item.field == "close"), None)
    if n == 0:
        return words.t("header.sources_none")
    if n == 1:
        text = words.t("header.sources_one")
    elif diverging:
        fields = words.t("header.fields_one") if diverging == 1 else words.t("header.fields", n=diverging)
        text = words.t("header.sources_diverge", n=n, d=fields)
    elif price is not None and price.n > 1:
        text = words.t("header.sources_agree", n=n, k=price.n)
    else:
        text = words.t("header.sources_some", n=n)
    return f"{text} · {', '.join(source_name(s, locale) for s in dict.fromkeys(sources))}"


def ai_stats(consensus: AiConsensus | None, opinions: Sequence[Opinion], locale: Locale) -> list[Stat]:
    """Probability and turnout of the AIs for the strip; one opinion alone is called so."""
    words = locale.words
    asked = [opinion for opinion in opinions if not opinion.benchmark]
    if not asked or (consensus is not None and not consensus.asked):
        return [Stat(label=words.t("strip.ais"), text="—", sub=words.t("strip.no_ai"))]
    if consensus is None:
        return [Stat(label=words.t("strip.ais"), text=str(len(asked)))]
    if not consensus.quorum:
        lone = consensus.asked == consensus.answered == 1
        sub = words.t("strip.one_opinion") if lone else words.t("strip.no_quorum")
        p = asked[0].p_shrunk if lone else None
    else:
        agreement = consensus.agreement
        sub = words.t("strip.agreement", x=locale.number(agreement, 2)) if agreement is not None else ""
        p = consensus.probability
    shown = locale.percent(None if p is None else whole_percent(p) / 100, 0)
    answered = words.t("strip.answered", n=consensus.answered, total=consensus.asked)
    return [
        Stat(label=words.t("strip.probability"), text=shown),
        Stat(label=words.t("strip.ais"), text=answered, sub=sub or None),
    ]
