"""Every upstream there is. A new one is a module with a `Source` and a line here."""

from __future__ import annotations

from collections.abc import Callable

from invest.sources.b3 import B3Source
from invest.sources.bcb import BcbSource
from invest.sources.binance import BinanceSource
from invest.sources.brapi import BrapiSource
from invest.sources.cotahist import CotahistSource
from invest.sources.cvm import CvmSource
from invest.sources.fundamentus import FundamentusSource
from invest.sources.gdelt import GdeltSource
from invest.sources.google_news import GoogleNewsSource
from invest.sources.model import Source
from invest.sources.olinda import OlindaSource
from invest.sources.rss import RssSource
from invest.sources.yahoo import YahooSource

SOURCES: tuple[Callable[[], Source], ...] = (
    CotahistSource,
    B3Source,
    CvmSource,
    BcbSource,
    OlindaSource,
    BrapiSource,
    RssSource,
    YahooSource,
    FundamentusSource,
    GoogleNewsSource,
    GdeltSource,
    BinanceSource,
)
