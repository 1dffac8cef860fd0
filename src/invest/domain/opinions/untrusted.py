"""Words of strangers on their way to an AI: reduced to enums and a short, cleaned excerpt without figures.

What protects the judgement is its construction (the news may move a probability by little, see `bounded_by_news`);
cleaning only makes the attacker's work harder and the excerpt safe to quote.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from invest.domain.market import NewsItem
from invest.domain.opinions.machine_orders import no_news, orders_a_machine
from invest.domain.opinions.opinion import SnapshotNews

MAX_EXCERPT = 140  # a headline; an order that fits has little room
MAX_READ = 3000
NEWS_REACH = 0.025  # two runs with different news then differ by .05 at most
NEWS_FLAG = 0.20
TONE_FROM = 0.15
NEW_DAYS = 3
MATERIAL: frozenset[str] = frozenset({"results", "dividends", "merger", "debt", "governance", "regulation"})
Topic = Literal["results", "dividends", "merger", "debt", "governance", "regulation", "operations", "market", "other"]

_TAG = re.compile(r"<!--.*?(?:-->|$)|<(script|style)\b.*?(?:</\1\s*>|$)|</?[a-zA-Z!?][^<>]*(?:>|$)", re.DOTALL | re.I)
_LINK = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]*:/{0,2}|www\.)\S+|\S+@\S+\.\S+|data:\S+")
_BLOB = re.compile(r"\S*[A-Za-z0-9+/=_-]{24,}\S*|(?:\b[0-9a-fA-F]{2}[\s:]){6,}\S*|(?:\\[ux][0-9a-fA-F]{2,4}){3,}")
_FIGURE = re.compile(r"(?<![^\W\d_])(?:R\$|US\$|\$|€)?\s?[-+−]?\d[\d.,:/]*\d?\s?(?:%|p\.?p\.?\b|bps\b)?", re.IGNORECASE)
_MARKUP = re.compile(r"[<>\[\]{}|`~#*_=\\^«»‹›⟨⟩【】]+")
_RULE = re.compile(r"(?:[-–—=.]\s?){4,}")
_HIDING = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0020-\U000e007e]")  # turns letters round, or writes unseen
_LETTERS_APART = re.compile(r"\b(?:[^\W\d_][\s.·-]{1,2}){4,}[^\W\d_]\b")
_TOPIC_WORDS: tuple[tuple[Topic, str], ...] = (
    (
        "dividends",
        r"dividend|provento|\bjcp\b|juros sobre (?:o )?capital|rendimento|payout|buyback|recompra",
    ),
    (
        "results",
        r"lucro|preju[ií]zo|receita|ebitda|resultado|balan[cç]o|trimestre|earnings|revenue|profit|guidance",
    ),
    (
        "merger",
        r"fus[aã]o|aquisi[cç]|adquir|incorpora|compra d[aeo]|vende (?:fatia|participa)|\bopa\b|merger"
        r"|acqui|takeover",
    ),
    (
        "debt",
        r"d[ií]vida|deb[eê]nture|\bbonds?\b|rating|recupera[cç][aã]o judicial|credor|calote|endivid|\bdebt\b"
        r"|default|alavancagem",
    ),
    (
        "governance",
        r"conselho|\bceo\b|\bcfo\b|presidente|diretor|assembleia|acionist|governan|fraude|investiga|board|resign",
    ),
    (
        "regulation",
        r"\bcvm\b|\bcade\b|aneel|anp\b|anatel|regula|\blei\b|decreto|imposto|tribut|multa|\btax\b|fine\b"
        r"|lawsuit|justi[cç]a",
    ),
    (
        "operations",
        r"produ[cç][aã]o|vendas|contrato|f[aá]brica|obra|expans|investiment|capex|inaugur|greve|output|plant|contract",
    ),
    (
        "market",
        r"ibovespa|bolsa|a[cç][oõ]es (?:sobem|caem)|d[oó]lar|pre[cç]o-alvo|upgrade|downgrade|target price"
        r"|shares? (?:rise|fall)|cota[cç]",
    ),
)
_TOPICS = tuple((topic, re.compile(words, re.IGNORECASE)) for topic, words in _TOPIC_WORDS)


def clean(text: str) -> str:
    """`text` as plain words: markup out, NFKC, no invisible, bidirectional or private characters, on one line."""
    for _ in range(3):
        plain = html.unescape(text)
        if plain == text:
            break
        text = plain
    text = _TAG.sub(" ", text)
    text = unicodedata.normalize("NFKC", text)
    text = "".join(_shown(c) for c in text)
    text = _TAG.sub(" ", text)  # full-width brackets became real ones
    return " ".join(_thin_marks(text).split())


def clean_excerpt(text: str, limit: int = MAX_EXCERPT) -> str:
    """A quotable excerpt of `text`: cleaned, without links, blobs, figures or markup; empty where it gives orders."""
    words = clean(text[:MAX_READ])
    if not words or hides(text) or gives_orders(words) or _LETTERS_APART.search(words) or _BLOB.search(words):
        return ""
    looked_at, words = words, _LINK.sub(" ", words)
    if no_news(words):
        return ""
    words = _FIGURE.sub(" # ", _MARKUP.sub(" ", words))
    words = " ".join(_RULE.sub(" ", words).split())
    if len(words) > limit:
        words = words[: limit - 1].rsplit(" ", 1)[0].rstrip() + "…"
    return "" if words != looked_at and gives_orders(words) else words


def hides(text: str) -> bool:
    """Whether `text` has characters that no headline needs: they turn letters round, or write what nobody sees."""
    return _HIDING.search(html.unescape(text)) is not None


def gives_orders(text: str) -> bool:
    """Whether `text` gives a machine orders, as it stands or with look-alike letters made Latin."""
    return orders_a_machine(text) or (text.translate(_LOOKALIKES) != text and orders_a_machine(_fold(text)))


def excerpt(item: NewsItem, now: datetime) -> SnapshotNews:
    """`item` as an AI may read it: tone, topic and age by code, and an excerpt of the title; summaries stay away."""
    published = item.published_at or item.fetched_at
    return SnapshotNews(
        tone=_tone(item.sentiment),
        topic=topic_of(clean(item.title)),
        age_days=max((now - published).days, 0),
        excerpt=clean_excerpt(item.title),
    )


def topic_of(text: str) -> Topic:
    """The first topic whose words occur in `text`."""
    return next((topic for topic, words in _TOPICS if words.search(text)), "other")


def age_of(days: int) -> str:
    """Age in coarse steps, so that a question does not change every day."""
    return "0-2 d" if days <= 2 else "3-7 d" if days <= 7 else "8-30 d" if days <= 30 else "> 30 d"


def bounded_by_news(blind: float, informed: float) -> float:
    """The probability after news: the blind one, moved by .025 at most and kept within [0, 1]."""
    moved = min(max(informed, blind - NEWS_REACH), blind + NEWS_REACH)
    return round(min(max(moved, 0.0), 1.0), 6)


def material_news(news: Sequence[SnapshotNews]) -> bool:
    """Whether something new and material was published: of the last days, with a tone or of a topic that moves prices.

    Older items, and neutral ones on the market or on nothing in particular, are left out: asking again with them costs
    as much as the opinion, and may move it by no more than the bound.
    """
    return any(
        item.excerpt and item.age_days <= NEW_DAYS and (item.tone != "neutral" or item.topic in MATERIAL)
        for item in news
    )


def moved_by_news(blind: float, informed: float) -> bool:
    """Whether the news would have moved the probability by more than .20: worth a look by a person."""
    return abs(informed - blind) > NEWS_FLAG


def plain_name(text: str | None, limit: int = 60) -> str | None:
    """A company's or sector's name fit for a prompt: letters, digits and the signs that names have; None if empty."""
    if not text:
        return None
    name = " ".join(re.sub(r"[^\w\s&.,'/()+-]", " ", clean(text)).replace("_", " ").split())[:limit].strip()
    return name if name and not gives_orders(name) else None


def _tone(sentiment: float | None) -> Literal["positive", "neutral", "negative"]:
    if sentiment is None or abs(sentiment) < TONE_FROM:
        return "neutral"
    return "positive" if sentiment > 0 else "negative"


def _shown(c: str) -> str:
    if c in "\n\r\t\v\f\u0085\u2028\u2029":
        return " "
    category = unicodedata.category(c)
    if category in ("Cf", "Cc", "Co", "Cs", "Cn") or 0xFE00 <= ord(c) <= 0xFE0F or 0xE0100 <= ord(c) <= 0xE01EF:
        return ""
    if c in "\u115f\u1160\u3164\uffa0\u2800\u034f":  # letters that show nothing
        return ""
    return " " if category in ("Zs", "Zl", "Zp") else c


def _thin_marks(text: str) -> str:
    """At most two combining marks in a row: more is no spelling."""
    return re.sub(
        r"([\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]{2})[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]+", r"\1", text
    )


# Letters of other scripts that pass for Latin ones, and digits and signs that stand for letters.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏкмтвнАЕОРСУХІЈЅКМТВНαορυικΑΒΕΖΗΙΚΜΝΟΡΤΥΧ0134@$5",
    "aeopcyxijsdhlkmtbhAEOPCYXIJSKMTBHaopuikABEZHIKMNOPTYXoieaasS".replace("S", "s"),
)


def _fold(text: str) -> str:
    """`text` with look-alike letters made Latin and accents taken off."""
    latin = unicodedata.normalize("NFD", text.translate(_LOOKALIKES))
    return "".join(c for c in latin if not unicodedata.combining(c))
