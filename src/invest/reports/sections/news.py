"""At most six news items, the most telling first: titles as published, cleaned, linked only to the web."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import urlsplit

from invest.domain.analysis import FACT_KEYS, TONE_BAND, SentimentAnalysis
from invest.domain.market import NewsItem
from invest.reports.locale import MARKET_ZONE, Locale
from invest.reports.views import Block, Cell, Column, Mark, Paragraph, Section, Table
from invest.reports.words import clean

MOST: Final = 6
_MARKS: Final[dict[str, Mark]] = {"positive": "up", "negative": "down", "neutral": "flat"}
_EACH: Final = 2  # stories of one asset where several matter
_WORDS: Final = 5  # of a headline that is another one's beginning
# Subjects of headlines, weightiest first.
_SUBJECTS: Final = (
    re.compile(
        r"lucro|prejuizo|resultado|balanco|trimestre|guidance|fusao|aquisicao|incorpora|opa\b|recuperacao judicial"
        r"|profit|loss|results|quarter|merger|acquisition"
    ),
    re.compile(
        r"dividendo|jcp|proventos|rendimento|amortizacao|cvm|investigacao|processo|rating|rebaixa|presidente|ceo"
        r"|dividend|downgrade|lawsuit|probe"
    ),
    re.compile(r"divida|debenture|captacao|emissao|contrato|producao|cade|debt|contract|output"),
)


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


def news_section(
    news: Sequence[NewsItem],
    sentiment: SentimentAnalysis | None,
    locale: Locale,
    *,
    mean: float | None = None,
    about: Sequence[str] = (),
    span: Literal[7, 12] = 12,
) -> Section | None:
    """The most telling items, those about `about` first, and how many there were in all. None without any."""
    words = locale.words
    chosen = _varied(telling(news, about), about)[:MOST]
    if not chosen:
        return None
    columns = (
        Column(label=words.t("news.date")),
        Column(label=words.t("news.headline")),
        Column(label=words.t("news.tone")),
    )
    rows = tuple(_row(item, locale) for item in chosen)
    small = span == 7
    table = Table(caption=words.t("news.caption"), columns=columns, rows=rows, small=small)
    blocks: tuple[Block, ...] = (table,)
    if sentiment is not None:
        text = summary_text(sentiment, locale, shown=len(chosen), mean=mean)
        blocks += (Paragraph(text=text, muted=True),) if text else ()
    return Section(id="news", title=words.t("news.title"), note=words.t("news.note"), blocks=blocks, span=span)


def telling(news: Sequence[NewsItem], about: Sequence[str] = ()) -> list[NewsItem]:
    """Each story once: dated ones before undated, then by what they are about, by weight of subject, the newest first.

    `about`: tickers in the order they matter; without any, all items matter equally.
    """
    places = {ticker: i for i, ticker in enumerate(about)}

    def order(item: NewsItem) -> tuple[bool, int, int, float]:
        place = min((places[t] for t in item.tickers if t in places), default=len(places))
        moment = item.published_at
        return moment is None, place, -_weight(item), -moment.timestamp() if moment else 0.0

    first: dict[str, NewsItem] = {}
    for item in sorted(news, key=lambda i: (i.published_at is None, i.published_at and -i.published_at.timestamp())):
        story = _story(item.title)
        if not any(_same(story, known) for known in first):
            first[story] = item
    return sorted(first.values(), key=order)


def _varied(items: Sequence[NewsItem], about: Sequence[str]) -> list[NewsItem]:
    """Two stories at most of any one asset before the others' where several matter; the rest behind them."""
    if len(about) < 2:
        return list(items)
    first: list[NewsItem] = []
    later: list[NewsItem] = []
    counts: dict[str | None, int] = defaultdict(int)
    for item in items:
        whose = next((ticker for ticker in about if ticker in item.tickers), None)
        counts[whose] += 1
        (first if whose is not None and counts[whose] <= _EACH else later).append(item)
    return first + later


def _same(one: str, other: str) -> bool:
    """Whether two headlines tell one story: alike, or the longer one goes on after five words or more of the other."""
    short, long = sorted((one, other), key=len)
    return one == other or (short.count(" ") >= _WORDS - 1 and long.startswith(f"{short} "))


def _story(title: str) -> str:
    """A headline without what outlets write differently: case, accents, the outlet behind a dash."""
    text = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    head = re.split(r"\s[-|–]\s", text)[0]
    return " ".join(re.findall(r"[a-z0-9]+", head)) or text


def _weight(item: NewsItem) -> int:
    """How much a story's subject matters to a holder, 0 to 3, by the words of its headline."""
    title = _story(item.title)
    heavy = next((3 - i for i, pattern in enumerate(_SUBJECTS) if pattern.search(title)), 0)
    return heavy * 2 + (item.sentiment is not None and abs(item.sentiment) > TONE_BAND)


def summary_text(sentiment: SentimentAnalysis, locale: Locale, *, shown: int = MOST, mean: float | None = None) -> str:
    """How many items were counted, how many of them are shown, and their mean tone in number and word."""
    words, count = locale.words, sentiment.news_count
    if not count:
        return ""
    if mean is None:
        untold = "untold_one" if count == 1 else "untold_all" if shown >= count else "untold"
        return words.t(f"news.summary_{untold}", n=count, shown=shown)
    tone = f"{words.t(f'news.{tone_word(mean)}')} ({locale.number(mean, 2, signed=True)})"
    key = "news.summary_one" if count == 1 else "news.summary_all" if shown >= count else "news.summary"
    return words.t(key, n=count, shown=shown, tone=tone)


def _row(item: NewsItem, locale: Locale) -> tuple[Cell, ...]:
    tone = tone_word(item.sentiment)
    number = None if item.sentiment is None else locale.number(item.sentiment, 2, signed=True)
    day = item.published_at.astimezone(MARKET_ZONE).date() if item.published_at else None
    return (
        Cell(text=locale.day(day) if day else locale.words.t("news.undated"), muted=day is None),
        Cell(text=clean(item.title, 220), link=safe_link(item.link), sub=clean(item.outlet, 40) or None),
        Cell(text=locale.words.t(f"news.{tone}"), mark=_MARKS.get(tone), sub=number),
    )


def tone_word(tone: float | None) -> str:
    """The word for a tone, of one item as of their mean, cut from the number as it is printed."""
    shown = FACT_KEYS["news_tone_30d"].as_printed(tone)
    if shown is None:
        return "unknown"
    return "positive" if shown > TONE_BAND else "negative" if shown < -TONE_BAND else "neutral"
