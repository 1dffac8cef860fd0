"""Tell texts that give a machine orders from news that report: language, form, and two small models, not single words.

"CVM abre instrução" and "agência eleva rating" are news; "ignore as instruções acima" is an order. A text is no news of
ours in a script or a language that the feeds are not written in, or where it is no prose; it is an order for one sure
sign (a role mark, an order to forget what was said, an answer dictated), or where the model of `order_model.py` says
so. What slips through is bounded: see `untrusted.bounded_by_news`.
"""

from __future__ import annotations

import codecs
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from invest.domain.opinions.order_features import clauses
from invest.domain.opinions.order_model import CLAUSE_MARGIN, foreign_score, order_score

_FOREIGN = frozenset("ąćęłńśźżčďěňřšťůžőűğışđơưăâșțåäöøæßþðāēīūķļņģõ") - frozenset("âõ")
MOST_FOREIGN = 1  # words with letters that neither Portuguese, English nor their neighbours write
LETTERS = 12
MOST_STRANGE = 1  # letters of other scripts: β and µ occur in news
LEAST_LETTERS = 0.35  # of what is written
MOST_PICTURES = 2
MOST_DISGUISED = 1  # words with a digit between letters
ORDER_FROM = 2.0  # of `address_score`
FOREIGN_PART = 0.5  # a part has fewer words to go by than its whole

_DISGUISED = re.compile(r"\b[a-zA-Z]*[a-zA-Z]\d+[a-zA-Z]\w*\b")
_VIETNAMESE = frozenset(map(chr, range(0x1EA0, 0x1EFA)))
_CODE = re.compile(r"\w\s?:?=\s?[\w\"']|\{\s?[\"']|\]\s?\(|\w\(\)|\w_\w|\\[ux][0-9a-fA-F]{2}|\[\[|%[0-9a-fA-F]{2}%")


def no_news(text: str) -> bool:
    """Whether `text`, cleaned already, is nothing that our feeds would write, or an order in the models' judgement.

    For news alone: names of companies are foreign, short, and no prose.
    """
    letters = sum(c.isalpha() for c in text)
    if letters < LEAST_LETTERS * len(text.replace(" ", "")) or len(_DISGUISED.findall(text)) > MOST_DISGUISED:
        return True
    if _CODE.search(text) or sum(c.isalpha() and not _latin(c) for c in text) > MOST_STRANGE:
        return True
    if any(c in _VIETNAMESE for c in unicodedata.normalize("NFC", text)):
        return True
    if sum(unicodedata.category(c) in ("So", "Sk") for c in text) > MOST_PICTURES:
        return True
    if _suspicion(text) >= 0:
        return True
    return any(order_score(part) >= CLAUSE_MARGIN or foreign_score(part) >= FOREIGN_PART for part in clauses(text))


def _suspicion(text: str) -> float:
    """The larger of both scores; two halves of a suspicion are one."""
    order, foreign = order_score(text), foreign_score(text)
    return max(order, foreign, (min(order, 0) + 1) + (min(foreign, 0) + 1) - 1)


def orders_a_machine(text: str) -> bool:
    """Whether `text`, cleaned already, gives a machine orders; also written backwards or in ROT13."""
    if foreign_script(text) or mixed_scripts(text):
        return True
    plain = _plain(text)
    return _orders(plain) or _forgets(plain[::-1]) or _forgets(codecs.decode(plain, "rot13"))


def foreign_script(text: str) -> bool:
    """Whether most letters are of a script, or several words of a language, in which none of our sources writes."""
    letters = [c for c in text if c.isalpha()]
    if len(letters) >= LETTERS and sum(_latin(c) for c in letters) < 0.7 * len(letters):
        return True
    words = re.findall(r"[^\W\d_]+", text.lower())
    return sum(any(c in _FOREIGN for c in word) for word in words) > MOST_FOREIGN


def mixed_scripts(text: str) -> bool:
    """Whether some word is written in Latin letters and in look-alikes of another script."""
    for word in re.findall(r"[^\W\d_]{3,}", text):
        latin = sum(_latin(c) for c in word)
        if 0 < latin < len(word):
            return True
    return False


def _orders(plain: str) -> bool:
    return any(pattern.search(plain) for pattern in _sure()) or _forgets(plain) or address_score(plain) >= ORDER_FROM


def _forgets(plain: str) -> bool:
    return any(pattern.search(plain) for pattern in _forgetting())


@cache
def _sure() -> tuple[re.Pattern[str], ...]:
    return tuple(compiled(pattern) for pattern in order_words()["sure"]["patterns"])


@cache
def _forgetting() -> tuple[re.Pattern[str], ...]:
    """The verb and what is to be forgotten, in either order, a few words apart."""
    return tuple(
        compiled(
            rf"\b{row['verb']}\b(?:\W+\w+){{0,5}}?\W+{row['what']}|\b{row['what']}\b(?:\W+\w+){{0,4}}?\W+{row['verb']}\b"
        )
        for row in order_words()["forget"]
    )


def address_score(plain: str) -> float:
    """How much `plain`, in small letters without accents, addresses its reader with a task, rather than reporting.

    Each row of `orders.toml` adds its weight once: news speak of companies in the third person; who writes for a
    machine tells it what to answer. From `ORDER_FROM` on it is an order.
    """
    return sum(weight for weight, pattern in _rows() if pattern.search(plain))


@cache
def order_words() -> Mapping[str, Any]:
    """`orders.toml`: lists of words, what is to be forgotten, sure signs, and the rows of the score."""
    text = resources.files("invest.domain.opinions").joinpath("orders.toml").read_text("utf-8")
    return tomllib.loads(text)


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of `orders.toml` with its lists filled in."""
    lists: Mapping[str, str] = order_words()["lists"]
    while names := re.findall("«([a-z]+)»", pattern):
        for name in names:
            pattern = pattern.replace(f"«{name}»", lists[name])
    return re.compile(pattern)


@cache
def _rows() -> tuple[tuple[float, re.Pattern[str]], ...]:
    return tuple((row["weight"], compiled(row["pattern"])) for row in order_words()["weights"])


def _latin(c: str) -> bool:
    return ord(c) < 0x250 or 0x1E00 <= ord(c) < 0x1F00 or c in "ªº"


def _plain(text: str) -> str:
    """`text` in small letters without accents."""
    folded = unicodedata.normalize("NFD", text.lower().replace("ı", "i").replace("đ", "d").replace("ł", "l"))
    return "".join(c for c in folded if not unicodedata.combining(c))
