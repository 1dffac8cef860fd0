"""At most six news items: titles as published, cleaned, linked only to the web."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from invest.domain.analysis import SentimentAnalysis
from invest.domain.market import NewsItem
from invest.reports.locale import MARKET_ZONE, Locale
from invest.reports.views import Block, Cell, Column, Mark, Paragraph, Section, Table
from invest.reports.words import clean

MOST: Final = 6
_TONE: Final = 0.2


def safe_link(link: str | None) -> str | None:
    """The link if it leads to the web by http or https and carries no user name; else None (`javascript:`, …)."""
    if not link or len(link) > 2000 or any(c in link for c in '\\"<>`{}|^') or any(ord(c) <= 0x20 for c in link):
        return None
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        return None
    usable = parts.scheme in ("http", "https") and host and "@" not in parts.netloc
    return link if usable else None


def news_section(news: Sequence[NewsItem], sentiment: SentimentAnalysis | None, locale: Locale) -> Section:
    """The newest items, and the tone of all that were counted."""
    words = locale.words
    blocks: list[Block] = []
    newest = sorted(news, key=lambda item: item.published_at or datetime.min.replace(tzinfo=UTC), reverse=True)[:MOST]
    if newest:
        columns = (
            Column(label=words.t("news.date"), width=0.9),
            Column(label=words.t("news.outlet"), width=1.1),
            Column(label=words.t("news.headline"), width=5),
            Column(label=words.t("news.tone"), width=0.9),
        )
        blocks.append(
            Table(caption=words.t("news.caption"), columns=columns, rows=tuple(_row(i, locale) for i in newest))
        )
    else:
        blocks.append(Paragraph(text=words.t("news.none"), muted=True))
    if sentiment is not None and newest:
        blocks.append(Paragraph(text=summary_text(sentiment, locale), muted=True))
    return Section(id="news", title=words.t("news.title"), note=words.t("news.note") if newest else "",
                   blocks=tuple(blocks))  # fmt: skip


def summary_text(sentiment: SentimentAnalysis, locale: Locale) -> str:
    """How many items were counted, and their tone."""
    words = locale.words
    if not sentiment.news_count:
        return words.t("news.summary_none")
    tone = words.t(f"news.{sentiment.sentiment or 'neutral'}")
    key = "news.summary_one" if sentiment.news_count == 1 else "news.summary"
    return words.t(key, n=sentiment.news_count, tone=tone)


def _row(item: NewsItem, locale: Locale) -> tuple[Cell, ...]:
    mark, tone = _tone(item.sentiment)
    day = item.published_at.astimezone(MARKET_ZONE).date() if item.published_at else None
    return (
        Cell(text=locale.day(day)),
        Cell(text=clean(item.outlet, 40), muted=True),
        Cell(text=clean(item.title, 220), link=safe_link(item.link)),
        Cell(text=locale.words.t(f"news.{tone}"), mark=mark),
    )


def _tone(sentiment: float | None) -> tuple[Mark | None, str]:
    if sentiment is None:
        return None, "unknown"
    if sentiment >= _TONE:
        return "up", "positive"
    return ("down", "negative") if sentiment <= -_TONE else ("flat", "neutral")
