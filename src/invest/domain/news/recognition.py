"""Which assets a title speaks of: tickers as written, and companies by the names people use for them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from invest.domain.market import B3_CODE, Asset, AssetKind
from invest.domain.news.words import load_words

WORD = re.compile(r"[\w&]+(?:[-'’.][\w&]+)*", re.UNICODE)
CODE = re.compile(r"(?<![\w-])([A-Z][A-Z0-9]{3}(?:1[1-3]|3[1-59]|[3-8])F?)(?![\w-])")
COIN = re.compile(r"(?<![\w-])(BTC|ETH|SOL|XRP|ADA|DOGE|BNB|LTC)(?![\w-])")
MAX_WORDS = 5
MIN_LETTERS = 4

_NAMES = load_words()["names"]
FORMS = frozenset(_NAMES["forms"].split())
NEVER = frozenset(_NAMES["never"].split())
NICKNAMES: dict[str, list[str]] = _NAMES["nicknames"]
EVERYDAY: dict[str, frozenset[str]] = {word: frozenset(rest.split()) for word, rest in _NAMES["everyday"].items()}


@dataclass(slots=True)
class Recogniser:
    """Knows assets by code and by name. Build it with `Recogniser.of`."""

    _codes: set[str] = field(default_factory=set)
    _names: dict[tuple[str, ...], set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, assets: Iterable[Asset]) -> Recogniser:
        """A recogniser of `assets`; the classes of one company are all meant by its name."""
        known = cls()
        for asset in assets:
            known.add(asset.ticker, asset.name, asset.kind)
        return known

    def add(self, ticker: str, name: str | None = None, kind: AssetKind | None = None) -> None:
        """Learn one more asset."""
        self._codes.add(ticker)
        for words in spellings(ticker, name, kind):
            self._names[words].add(ticker)

    def tickers_in(self, text: str) -> tuple[str, ...]:
        """Tickers that `text` names, sorted. A code counts only where it is a known asset's."""
        found = {code for match in CODE.findall(text) if (code := match.rstrip("F")) in self._codes}
        found |= {pair for coin in COIN.findall(text) if (pair := f"{coin}-BRL") in self._codes}
        tokens = [match[0] for match in WORD.finditer(text)]
        folded = [plain(token) for token in tokens]
        shouted = text.upper() == text
        at = 0
        while at < len(tokens):
            length = self._match(tokens, folded, at, shouted)
            if length:
                found |= self._names[tuple(folded[at : at + length])]
            at += max(length, 1)
        return tuple(sorted(found))

    def _match(self, tokens: list[str], folded: list[str], at: int, shouted: bool) -> int:
        """Number of words of the longest name that starts at `at`; 0 for none."""
        for length in range(min(MAX_WORDS, len(tokens) - at), 0, -1):
            if tuple(folded[at : at + length]) in self._names and _meant(tokens, folded, at, length, shouted):
                return length
        return 0


def spellings(ticker: str, name: str | None, kind: AssetKind | None) -> list[tuple[str, ...]]:
    """The names an asset goes by, each as its plain words: its nicknames, and the registered name's telling part."""
    found = []
    if B3_CODE.fullmatch(ticker) and kind in (None, AssetKind.STOCK, AssetKind.UNIT, AssetKind.OTHER):
        found = [_words(nickname) for nickname in NICKNAMES.get(ticker[:4], ())]
    alias = _alias(name) if name and kind in (AssetKind.STOCK, AssetKind.UNIT) else ()
    return [*found, alias] if alias else found


def hints(ticker: str, name: str | None, kind: AssetKind | None) -> frozenset[str]:
    """Plain words of which a text that names the asset holds at least one: a quick first look (see `plain`)."""
    return frozenset({plain(ticker.partition("-")[0]), *(words[0] for words in spellings(ticker, name, kind))})


def _meant(tokens: list[str], folded: list[str], at: int, length: int, shouted: bool) -> bool:
    """Whether words that spell a name are meant as one."""
    if not tokens[at][:1].isupper() and not tokens[at][:1].isdigit():
        return False
    if length > 1 or folded[at] not in EVERYDAY:
        return True
    following = folded[at + 1] if at + 1 < len(folded) else ""
    return not shouted and following not in EVERYDAY[folded[at]]


def plain(text: str) -> str:
    """Lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _words(name: str) -> tuple[str, ...]:
    return tuple(plain(match[0]) for match in WORD.finditer(name))


def _alias(name: str) -> tuple[str, ...]:
    """The part of a registered name that people use; empty where nothing distinctive is left."""
    words = list(_words(name))
    while words and words[-1] in FORMS:
        words.pop()
    while words and words[0] in FORMS:
        words.pop(0)
    words = words[:MAX_WORDS]
    if not words or (len(words) == 1 and (words[0] in NEVER or len(words[0]) < MIN_LETTERS)):
        return ()
    return tuple(words)
