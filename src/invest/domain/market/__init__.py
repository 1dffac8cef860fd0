"""The market: tickers, assets, sessions, bars, adjusted prices, changes of code, macro series."""

from __future__ import annotations

from invest.domain.market.adjustment import SHARE_KINDS, Event, PriceEvent, Step, adjustment_factors, distinct_actions
from invest.domain.market.assets import (
    ActionKind,
    Asset,
    CorporateAction,
    MacroPoint,
    NewsItem,
    StatementLine,
    TickerChange,
)
from invest.domain.market.bars import MICRO, Bar, Bars, BarTable, Days, Floats
from invest.domain.market.calendar import (
    MARKET_ZONE,
    count_sessions,
    is_session,
    is_stale,
    last_closed_session,
    market_day,
    previous_session,
    session_hours,
    session_open,
    sessions_between,
)
from invest.domain.market.funds import IBOV, tracked_index
from invest.domain.market.lineage import Lineages, joined, known_changes
from invest.domain.market.macro import RateCurve
from invest.domain.market.names import display_name
from invest.domain.market.prices import (
    DAYS_A_YEAR_CRYPTO,
    SESSIONS_A_YEAR,
    YEAR,
    Prices,
    aligned_returns,
    stamp_of,
    usable,
)
from invest.domain.market.tickers import (
    B3_CODE,
    CRYPTO_PAIR,
    AssetKind,
    InvalidTicker,
    Market,
    Ticker,
    kind_from_suffix,
    kind_of,
    parse_ticker,
)

__all__ = [
    "B3_CODE",
    "CRYPTO_PAIR",
    "DAYS_A_YEAR_CRYPTO",
    "IBOV",
    "MARKET_ZONE",
    "MICRO",
    "SESSIONS_A_YEAR",
    "SHARE_KINDS",
    "YEAR",
    "ActionKind",
    "Asset",
    "AssetKind",
    "Bar",
    "BarTable",
    "Bars",
    "CorporateAction",
    "Days",
    "Event",
    "Floats",
    "InvalidTicker",
    "Lineages",
    "MacroPoint",
    "Market",
    "NewsItem",
    "PriceEvent",
    "Prices",
    "RateCurve",
    "StatementLine",
    "Step",
    "Ticker",
    "TickerChange",
    "adjustment_factors",
    "aligned_returns",
    "count_sessions",
    "display_name",
    "distinct_actions",
    "is_session",
    "is_stale",
    "joined",
    "kind_from_suffix",
    "kind_of",
    "known_changes",
    "last_closed_session",
    "market_day",
    "parse_ticker",
    "previous_session",
    "session_hours",
    "session_open",
    "sessions_between",
    "stamp_of",
    "tracked_index",
    "usable",
]
