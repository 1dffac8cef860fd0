"""Figures of a fund that are computed of what its sources say, in the shape of what a source says.

A fund reports what a unit is worth and the exchange what it costs and pays: multiples and yields follow from these, the
same in an analysis, in a report and beside the values of the sources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Final

from invest.domain.analysis.evidence import Figure, gather
from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.market import MARKET_ZONE, Asset, AssetKind, Bars, CorporateAction
from invest.domain.values import Basis, Consensus

COMPUTED: Final[Mapping[AssetKind, Mapping[str, Basis]]] = {
    AssetKind.FII: {"p_vp": Basis.SPOT, "dividends_12m": Basis.TTM, "dividend_yield": Basis.TTM},
    AssetKind.ETF: {"p_vp": Basis.SPOT},
}
NOON: Final = time(12)


def fund_values(
    asset: Asset, latest: Mapping[str, Consensus], actions: Sequence[CorporateAction], now: datetime
) -> dict[str, Consensus]:
    """The computed figures of a fund by field, each led back to the payload of its rarer part; none of other kinds."""
    wanted = COMPUTED.get(asset.kind, {})
    if not wanted:
        return {}
    bars = Bars.from_rows(asset.ticker, ())
    found = gather(AnalysisInput(asset=asset, bars=bars, now=now, latest=latest, actions=actions))
    parts = [held.confidence for key in ("close", "bvps") if (held := latest.get(key)) is not None]
    figures = {key: found[key] for key in wanted if key in found and _is_computed(found[key], latest.get(key))}
    return {
        key: Consensus(
            ticker=asset.ticker,
            field=key,
            value=Decimal(repr(figure.value)),
            basis=wanted[key],
            unit=FACT_KEYS[key].unit,
            as_of=_moment(figure, now),
            source=figure.source,
            payload=figure.payload,
            sources=(figure.source,) if figure.source else (),
            n=1,
            agreement=None,
            confidence=min(parts, default=1.0),
            stale=figure.stale,
            chosen_at=now,
        )
        for key, figure in figures.items()
    }


def _moment(figure: Figure, now: datetime) -> datetime:
    """Noon of the figure's day, as reports of days count, but never later than now."""
    return now if figure.as_of is None else min(now, datetime.combine(figure.as_of, NOON, MARKET_ZONE))


def _is_computed(figure: Figure, told: Consensus | None) -> bool:
    """Whether the figure is another one than what the sources agree on."""
    return figure.value is not None and (told is None or told.value is None or float(told.value) != figure.value)
