"""News items from feeds: bytes in, clean items out. Titles and summaries are untrusted text, links only http(s)."""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import feedparser
from feedparser.encodings import convert_to_utf8
from selectolax.lexbor import LexborHTMLParser

from invest.domain.market import NewsItem
from invest.domain.news import Recogniser, sentiment, title_key
from invest.domain.values import RawPayload
from invest.sources.errors import Malformed
from invest.sources.numerals import FIRST_YEAR, SAO_PAULO

MAX_ITEMS = 300
MAX_TITLE, MAX_SUMMARY, MAX_MARKUP = 500, 2000, 40_000
SEARCHED = 300  # characters of a summary in which assets are looked for
TRACKING = re.compile(r"^(utm_.*|fbclid|gclid|ref|source|origem|at_.*|mc_[ce]id)$", re.I)
ENTITY = re.compile(rb"<!ENTITY", re.I)
CLOCK = re.compile(
    r"(?P<time>\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*(?P<name>[A-Za-z]{1,5})?\s*(?P<offset>[-+]\d{1,2}(?::?\d\d)?)?"
    r"\s*(?:\([^()]*\))?\s*$"
)
ZONES = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "BRT": -3, "BRST": -2}
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def entries_of(source: str, body: bytes) -> list[Mapping[str, Any]]:
    """Entries of an RSS or Atom feed. Raises `Malformed` for what is no feed, or defines entities of its own."""
    text = convert_to_utf8({}, body, {})  # as feedparser will read it: entities hide in UTF-16, UTF-7 and the like
    if ENTITY.search(text if isinstance(text, bytes) else text.encode()):
        raise Malformed(source, "the feed defines entities: not read")
    parsed = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
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


def safe_link(link: str) -> str | None:
    """`link` where it is an http(s) address of some host, else None."""
    link = link.strip()
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        return None
    sane = parts.scheme in ("http", "https") and host and "@" not in parts.netloc and not re.search(r"[\s<>\"']", link)
    return link if sane and len(link) <= 2000 else None


def normalised(link: str) -> str:
    """A link without what does not tell pages apart: scheme, www, tracking parameters, fragment, last slash."""
    parts = urlsplit(link)
    query = urlencode(sorted((k, v) for k, v in parse_qsl(parts.query) if not TRACKING.match(k)))
    host = (parts.hostname or "").removeprefix("www.")
    return urlunsplit(("", host, parts.path.rstrip("/"), query, ""))


def identifier(link: str | None, outlet: str, title: str) -> str:
    """SHA-256 of the normalised link, or of outlet and title."""
    text = normalised(link) if link else f"{outlet}\n{title_key(title)}"
    return hashlib.sha256(text.encode("utf-8", "ignore")).hexdigest()


def moment(entry: Mapping[str, Any], now: datetime) -> datetime | None:
    """When an entry says it was published; without a zone it is São Paulo's time; None for none and for the future."""
    for name in ("published", "updated", "created"):
        text = str(entry.get(name) or "").strip()
        found = _date(text) if text else None
        if found is not None:
            return found if found <= now + timedelta(hours=1) else None
    return None


def _date(text: str) -> datetime | None:
    match = CLOCK.search(text)
    try:
        zone = _zone(match["name"], match["offset"]) if match else SAO_PAULO
        plain = text[: match.end("time")] if match else text
        found = _iso(plain) or parsedate_to_datetime(plain)
        return found.replace(tzinfo=found.tzinfo or zone).astimezone(UTC) if found.year >= FIRST_YEAR else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _zone(name: str | None, offset: str | None) -> tzinfo:
    """The zone that a date ends with, by RFC 5322: "-0000", military letters and names it does not know are UTC.

    Brazil's own names are what they say; none at all is São Paulo's. Raises `ValueError` for an offset beyond a day.
    """
    if offset:
        digits = offset[1:].replace(":", "")
        hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
        ahead = timedelta(hours=hours, minutes=minutes)
        return timezone(-ahead if offset[0] == "-" else ahead)
    if not name:
        return SAO_PAULO
    return timezone(timedelta(hours=ZONES.get(name.upper(), 0)))


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
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
