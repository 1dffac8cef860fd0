"""Sector statistics: medians and percentiles of figures and scores among peers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping

from pydantic import Field

from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.models import Analysis
from invest.domain.frozen import Frozen

MIN_FOR_MEDIAN = 3
MIN_FOR_PERCENTILE = 5
COMPARED = frozenset(
    key
    for key, entry in FACT_KEYS.items()
    if entry.unit in ("fraction", "x", "index") or entry.group in ("quality", "dividends")
)


class SectorStats(Frozen):
    """Figures of the peers of one sector, each column ascending. An empty column has no peers with that figure."""

    sector: str
    count: int = Field(description="assets in the sector")
    tickers: tuple[str, ...] = ()
    values: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    dimension_values: dict[str, tuple[float, ...]] = Field(default_factory=dict)

    windows_beaten_180d: tuple[int, int] = Field(default=(0, 0), description="(beat the index, counted) of all peers")

    def median(self, key: str) -> float | None:
        """Median of a figure, from at least three peers."""
        return _median(self.values.get(key, ()))

    def dimension_median(self, name: str) -> float | None:
        """Median score of a side, from at least three peers."""
        return _median(self.dimension_values.get(name, ()))

    def percentile(self, key: str, value: float) -> float | None:
        """Share of the peers below `value`, equals counted half, from at least five peers."""
        peers = self.values.get(key, ())
        if len(peers) < MIN_FOR_PERCENTILE:
            return None
        return (bisect_left(peers, value) + bisect_right(peers, value)) / 2 / len(peers)


def _median(ascending: tuple[float, ...]) -> float | None:
    """The middle of a column, as `statistics.median` finds it, which would sort the column first for every asset."""
    middle, odd = divmod(len(ascending), 2)
    if len(ascending) < MIN_FOR_MEDIAN:
        return None
    return float(ascending[middle] if odd else (ascending[middle - 1] + ascending[middle]) / 2)


def sector_stats(analyses: Iterable[Analysis], sector: str) -> SectorStats:
    """The peers of `sector` among `analyses`; one company counts once, by its most traded paper."""
    peers = _one_per_issuer(a for a in analyses if a.sector == sector)
    values: dict[str, list[float]] = defaultdict(list)
    sides: dict[str, list[float]] = defaultdict(list)
    for analysis in peers:
        for fact in analysis.facts:
            if fact.value is not None and fact.key in COMPARED and not fact.stale:
                values[fact.key].append(fact.value)
        for side in analysis.dimensions:
            if side.score is not None:
                sides[side.name].append(side.score)
    windows = [a.windows_beaten_180d for a in peers if a.windows_beaten_180d]
    return SectorStats(
        sector=sector,
        count=len(peers),
        tickers=tuple(sorted(a.ticker for a in peers)),
        values={key: tuple(sorted(column)) for key, column in values.items()},
        dimension_values={name: tuple(sorted(column)) for name, column in sides.items()},
        windows_beaten_180d=(sum(won for won, _ in windows), sum(n for _, n in windows)),
    )


def all_sector_stats(analyses: Iterable[Analysis]) -> Mapping[str, SectorStats]:
    """The statistics of every sector among `analyses`, by its name."""
    held = list(analyses)
    return {sector: sector_stats(held, sector) for sector in sorted({a.sector for a in held if a.sector})}


def _one_per_issuer(analyses: Iterable[Analysis]) -> list[Analysis]:
    best: dict[tuple[str, str], tuple[float, Analysis]] = {}
    for analysis in analyses:
        traded = next((f.value for f in analysis.facts if f.key == "turnover_21d" and f.value is not None), 0.0)
        key = (analysis.kind, analysis.ticker[:4])
        if key not in best or (traded, analysis.ticker) > (best[key][0], best[key][1].ticker):
            best[key] = (traded, analysis)
    return [analysis for _, analysis in best.values()]
