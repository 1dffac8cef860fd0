"""B3: the exchange's listed-company backend and its COTAHIST files."""

from __future__ import annotations

from invest.sources.b3.action_labels import cash_kind, event_kind, plain, share_kind
from invest.sources.b3.cotahist import CotahistSource
from invest.sources.b3.format import argument, other_class, same_paper
from invest.sources.b3.indices import B3IndicesSource
from invest.sources.b3.listed_funds import fund_details
from invest.sources.b3.programmes import B3ProgrammesSource
from invest.sources.b3.source import B3Source

__all__ = [
    "B3IndicesSource",
    "B3ProgrammesSource",
    "B3Source",
    "CotahistSource",
    "argument",
    "cash_kind",
    "event_kind",
    "fund_details",
    "other_class",
    "plain",
    "same_paper",
    "share_kind",
]
