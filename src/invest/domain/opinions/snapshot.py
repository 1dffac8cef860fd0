"""What every AI reads of an asset: the facts of its analysis and cleaned news; no score of ours, no other opinion."""

from __future__ import annotations

from collections.abc import Sequence

from invest.domain.analysis import Analysis
from invest.domain.market import NewsItem
from invest.domain.opinions.opinion import Snapshot, SnapshotFact
from invest.domain.opinions.untrusted import excerpt

MAX_NEWS = 10


def build_snapshot(
    analysis: Analysis, news: Sequence[NewsItem] = (), language: str = "pt-BR", base_rate: float | None = None
) -> Snapshot:
    """The snapshot of `analysis` with the newest `news`, at most ten.

    `base_rate` is how often such assets beat the index over 180 days (`base_rates.base_rate` over those of its kind);
    without it the rate the analysis found among its peers, or None.
    """
    moment = analysis.analyzed_at
    dated = [(item.published_at or item.fetched_at, item) for item in news]
    newest = sorted((pair for pair in dated if pair[0] <= moment), key=lambda p: (p[0], p[1].id), reverse=True)
    return Snapshot(
        ticker=analysis.ticker,
        name=analysis.name,
        kind=analysis.kind.value,
        sector=analysis.sector,
        as_of=analysis.as_of.date(),
        facts=tuple(
            SnapshotFact(
                id=fact.id,
                key=fact.key,
                value=fact.value,
                unit=fact.unit,
                own_median=fact.own_median,
                sector_median=fact.sector_median,
            )
            for fact in analysis.facts
            if fact.value is not None
        ),
        base_rate_180d=base_rate if base_rate is not None else analysis.base_rate_180d,
        index_label=analysis.index_label,
        news=tuple(excerpt(item, moment) for _, item in newest[:MAX_NEWS]),
        language=language,
        sandbox=analysis.sandbox,
    )
