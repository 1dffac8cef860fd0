"""Every upstream there is. A new one is a module with a `Source` and a line here."""

from __future__ import annotations

from collections.abc import Callable

from invest.sources.bcb import BcbSource
from invest.sources.brapi import BrapiSource
from invest.sources.cotahist import CotahistSource
from invest.sources.cvm import CvmSource
from invest.sources.model import Source
from invest.sources.rss import RssSource

SOURCES: tuple[Callable[[], Source], ...] = (
    CotahistSource,
    CvmSource,
    BrapiSource,
    BcbSource,
    RssSource,
)
