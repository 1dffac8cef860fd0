"""News feeds: RSS, GDELT, Google News."""

from __future__ import annotations

from invest.sources.feeds.format import clean, identifier
from invest.sources.feeds.gdelt import GdeltSource
from invest.sources.feeds.google_news import GoogleNewsSource
from invest.sources.feeds.links import safe_link
from invest.sources.feeds.rss import RssSource

__all__ = ["GdeltSource", "GoogleNewsSource", "RssSource", "clean", "identifier", "safe_link"]
