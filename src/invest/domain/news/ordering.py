"""The order in which news are read: one headline once, the newest day first, official facts first within it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from invest.domain.market import MARKET_ZONE, NewsItem
from invest.domain.news.notices import OFFICIAL
from invest.domain.news.recognition import plain
from invest.domain.news.words import load_words

SAME_HEADLINE = timedelta(days=2)  # at most between two items with one headline
OUTLETS = frozenset(load_words()["outlets"])
_BETWEEN = re.compile(r"\s+[-|–—·•]\s+")
_CODES = re.compile(r"\(\s*[A-Z][A-Z0-9]{3}\d{1,2}(?:[\s,;/e]+[A-Z][A-Z0-9]{3}\d{1,2})*\s*\)")


def title_key(title: str) -> str:
    """A title as it is compared across outlets: its words, without accents, codes in brackets and an outlet's name."""
    parts = _BETWEEN.split(title)
    while len(parts) > 1 and _compared(parts[-1]) in OUTLETS:
        parts.pop()
    return _compared(_CODES.sub(" ", " ".join(parts)))


def _compared(text: str) -> str:
    return " ".join(re.findall(r"\w+", plain(text.casefold())))


def moment_of(item: NewsItem) -> datetime:
    """When an item was published, else when it was fetched."""
    return item.published_at or item.fetched_at


def once_each(items: Iterable[NewsItem]) -> list[NewsItem]:
    """Items newest first; of one headline within two days the official telling, else the one told first."""
    tellings: dict[str, list[NewsItem]] = {}
    for item in sorted(
        items, key=lambda one: (one.source != OFFICIAL, one.published_at is None, moment_of(one), one.id)
    ):
        key = title_key(item.title)
        if not any(abs(moment_of(item) - moment_of(other)) < SAME_HEADLINE for other in tellings.get(key, ())):
            tellings.setdefault(key, []).append(item)
    kept = [item for group in tellings.values() for item in group]
    return sorted(kept, key=lambda one: (moment_of(one), one.id), reverse=True)


def reading_order(items: Sequence[NewsItem]) -> list[NewsItem]:
    """The newest day first, official facts first within a day, what has no date last."""

    def key(item: NewsItem) -> tuple[bool, int, bool, float, str]:
        when = moment_of(item)
        day = when.astimezone(MARKET_ZONE).date().toordinal()
        return item.published_at is None, -day, item.source != OFFICIAL, -when.timestamp(), item.id

    return sorted(items, key=key)
