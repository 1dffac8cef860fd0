"""News items from feeds: bytes in, clean items out. Titles and summaries are untrusted text, links only http(s)."""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import feedparser
from feedparser.encodings import convert_to_utf8
from selectolax.lexbor import LexborHTMLParser

from invest.domain.market import NewsItem
from invest.domain.news import Recogniser, sentiment, title_key
from invest.domain.values import RawPayload
from invest.sources.errors import Malformed
from invest.sources.feeds.dates import published
from invest.sources.feeds.links import normalised, safe_link

MAX_ITEMS = 300
MAX_TITLE, MAX_SUMMARY, MAX_MARKUP = 500, 2000, 40_000
SEARCHED = 300  # characters of a summary in which assets are looked for
ENTITY = re.compile(rb"<!ENTITY", re.I)
ENDLESS_NAME = re.compile(rb"<[/?]?[A-Za-z_:][\w:.-]{500}")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def entries_of(source: str, body: bytes) -> list[Mapping[str, Any]]:
    """Entries of an RSS or Atom feed. Raises `Malformed` for what is no feed, or would fill the memory."""
    text = convert_to_utf8({}, body, {})  # as feedparser will read it: entities hide in UTF-16, UTF-7 and the like
    plain = text if isinstance(text, bytes) else text.encode()
    if ENTITY.search(plain):
        raise Malformed(source, "the feed defines entities: not read")
    if ENDLESS_NAME.search(plain):  # its name costs a hundred and fifty times its size in memory
        raise Malformed(source, "a tag of the feed has a name of more than 500 characters: not read")
    try:
        parsed = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    except Exception as error:  # tags that end where they did not begin lead it to what it has not kept
        raise Malformed(source, f"no feed that can be read ({type(error).__name__})") from None
    if not parsed.get("version") and not parsed.entries:
        raise Malformed(source, "no feed")
    # Plain dicts: feedparser's own map old names to new ones, with a warning each time.
    return [{key: dict.__getitem__(entry, key) for key in dict.keys(entry)} for entry in parsed.entries[:MAX_ITEMS]]


def item(
    entry: Mapping[str, Any], *, outlet: str, source: str, payload: RawPayload, known: Recogniser
) -> NewsItem | None:
    """One item, or None without a title."""
    title = clean(str(entry.get("title") or ""), MAX_TITLE)
    if not title:
        return None
    link = safe_link(str(entry.get("link") or ""))
    summary = clean(str(entry.get("summary") or ""), MAX_SUMMARY)
    return NewsItem(
        id=identifier(link, outlet, title),
        title=title,
        link=link,
        outlet=outlet[:120],
        summary=summary,
        published_at=moment(entry, payload.fetched_at),
        fetched_at=payload.fetched_at,
        source=source,
        payload=payload.sha256,
        tickers=known.tickers_in(title) or known.tickers_in(summary[:SEARCHED]),
        sentiment=sentiment(title, summary),
    )


def clean(text: str, limit: int) -> str:
    """Text without markup, control and invisible characters, in one line of at most `limit` characters."""
    text = text[:MAX_MARKUP]
    if "<" in text or "&" in text:
        tree = LexborHTMLParser(text)
        for node in tree.css("script, style"):
            node.decompose()
        text = tree.body.text(separator=" ") if tree.body else ""
    text = CONTROL.sub("", unicodedata.normalize("NFC", text.encode("utf-8", "ignore").decode("utf-8")))
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def identifier(link: str | None, outlet: str, title: str) -> str:
    """SHA-256 of the normalised link, or of outlet and title."""
    text = normalised(link) if link else f"{outlet}\n{title_key(title)}"
    return hashlib.sha256(text.encode("utf-8", "ignore")).hexdigest()


def moment(entry: Mapping[str, Any], now: datetime) -> datetime | None:
    """When an entry says it was published; without a zone it is São Paulo's time; None for none and for the future."""
    for name in ("published", "updated", "created"):
        text = str(entry.get(name) or "").strip()
        found = published(text) if text else None
        if found is not None:
            return found if found <= now + timedelta(hours=1) else None
    return None


def distinct(items: Iterable[NewsItem]) -> list[NewsItem]:
    """Items once each, newest first: the same page, or the same headline within two days, is one item."""
    kept: list[NewsItem] = []
    ids: set[str] = set()
    headlines: dict[str, list[datetime]] = {}
    for one in sorted(items, key=lambda n: (n.published_at or n.fetched_at, n.id), reverse=True):
        when, key = one.published_at or one.fetched_at, title_key(one.title)
        if one.id in ids or any(abs(when - other) < timedelta(days=2) for other in headlines.get(key, ())):
            continue
        ids.add(one.id)
        headlines.setdefault(key, []).append(when)
        kept.append(one)
    return kept
