"""Every upstream there is. A new one is a module with a `Source` and a line here."""

from __future__ import annotations

from collections.abc import Callable

from invest.sources.b3 import B3Source, CotahistSource
from invest.sources.bcb import BcbSource, OlindaSource
from invest.sources.brapi import BrapiSource
from invest.sources.cvm import CvmSource
from invest.sources.feeds import GdeltSource, GoogleNewsSource, RssSource
from invest.sources.model import Source
from invest.sources.others import BinanceSource, FundamentusSource, YahooSource

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
