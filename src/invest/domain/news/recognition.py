"""Which assets a title speaks of: tickers as written, and companies by the names people use for them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from invest.domain.market import B3_CODE, Asset, AssetKind, display_name
from invest.domain.news.words import load_words

WORD = re.compile(r"[\w&]+(?:[-'’.][\w&]+)*", re.UNICODE)
CODE = re.compile(r"(?<![\w-])([A-Z][A-Z0-9]{3}(?:1[1-3]|3[1-59]|[3-8])F?)(?![\w-])")
COIN = re.compile(r"(?<![\w-])(BTC|ETH|SOL|XRP|ADA|DOGE|BNB|LTC)(?![\w-])")
COMPANY = re.compile(r"\bS\s?[/.]\s?A\b\.?", re.IGNORECASE)
DASH = re.compile(r"\s[-–]\s?|\s?[-–]\s")
MAX_WORDS = 5
MIN_LETTERS = 4

_NAMES = load_words()["names"]
FORMS = frozenset(_NAMES["forms"].split())
NEVER = frozenset(_NAMES["never"].split())
NICKNAMES: dict[str, list[str]] = _NAMES["nicknames"]
DOING = frozenset(_NAMES["doing"].split())
STATES = frozenset(_NAMES["states"])
PAST = re.compile(r"\w{2,}(?:[aeio]u|rá|rão)")  # anunciou, vendeu, subiu, venderá
SENTENCE = re.compile(r"[.:;!?|“”\"«»‘’—–]|\s-\s")


@dataclass(frozen=True, slots=True)
class Everyday:
    """A name that is an everyday word or place too: beside which words it is never the name."""

    before: frozenset[str]
    after: frozenset[str]

    @classmethod
    def of(cls, words: Mapping[str, str]) -> Everyday:
        """From its table in the word lists."""
        return cls(*(frozenset(words.get(side, "").split()) for side in ("before", "after")))


EVERYDAY = {tuple(name.split()): Everyday.of(words) for name, words in _NAMES["everyday"].items()}


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
        title = _Title.of(text)
        at = 0
        while at < len(title.tokens):
            length = self._match(title, at)
            if length:
                found |= self._names[title.words(at, length)]
            at += max(length, 1)
        return tuple(sorted(found))

    def _match(self, title: _Title, at: int) -> int:
        """Number of words of the longest name that starts at `at`; 0 for none."""
        for length in range(min(MAX_WORDS, len(title.tokens) - at), 0, -1):
            if title.words(at, length) in self._names and self._is_meant(title, at, length):
                return length
        return 0

    def _is_meant(self, title: _Title, at: int, length: int) -> bool:
        """Whether words that spell a name are meant as one."""
        everyday = EVERYDAY.get(title.words(at, length))
        if not title.capital(at, length):
            return False
        if everyday is None:
            return True
        before = title.folded[at - 1] if at else ""
        if before in everyday.before or title.word(at + length) in everyday.after:
            return False
        if not (title.shouted or title.starts(at)):
            return True
        return self._does_something(title, at + length) or self._follows_another(title, at)

    def _follows_another(self, title: _Title, at: int) -> bool:
        """Whether "and", "or" or a comma joins the word at `at` to a name before it."""
        if title.word(at - 1) in ("e", "ou"):
            end = at - 1
        elif "," in title.gap(at):
            end = at
        else:
            return False
        return any(title.words(end - n, n) in self._names for n in range(1, min(MAX_WORDS, end) + 1))

    def _does_something(self, title: _Title, after: int) -> bool:
        """Whether what follows an everyday word makes a company of it: where a sentence begins, its capital does not.

        A verb of the business pages, a code or a colon beside it, or "and" with another name.
        """
        following, gap = title.word(after), title.gap(after)
        if "(" in gap or ":" in gap:
            return True
        if following in ("e", "ou") or ("," in gap and following):
            other = after if "," in gap else after + 1
            known = any(title.words(other, n) in self._names for n in range(1, MAX_WORDS + 1))
            return known or (following in ("e", "ou") and title.names_something(other))
        return not SENTENCE.search(gap) and (
            following in DOING
            or f"{following} {title.word(after + 1)}" in STATES
            or (after < len(title.tokens) and PAST.fullmatch(title.tokens[after].lower()) is not None)
        )


@dataclass(frozen=True, slots=True)
class _Title:
    """A text as words: as written, as compared, and where each begins and ends."""

    text: str
    tokens: list[str]
    folded: list[str]
    spans: list[tuple[int, int]]
    shouted: bool

    @classmethod
    def of(cls, text: str) -> _Title:
        """The words of `text`."""
        found = list(WORD.finditer(text))
        tokens = [match[0] for match in found]
        return cls(text, tokens, [plain(t) for t in tokens], [match.span() for match in found], text.upper() == text)

    def words(self, at: int, length: int) -> tuple[str, ...]:
        """`length` words from `at` on, as compared."""
        return tuple(self.folded[at : at + length])

    def word(self, at: int) -> str:
        """One word, as compared; empty beyond the ends."""
        return self.folded[at] if 0 <= at < len(self.folded) else ""

    def capital(self, at: int, length: int) -> bool:
        """Whether the words are written as a name is: a capital or a digit, of all but short words after the first."""
        words = self.tokens[at : at + length]
        return all(w[0].isupper() or w[0].isdigit() for w in (words[0], *(w for w in words[1:] if len(w) > 3)))

    def names_something(self, at: int) -> bool:
        """Whether a word within a sentence has a capital that its place does not give it."""
        return not self.shouted and at < len(self.tokens) and self.tokens[at][0].isupper() and not self.starts(at)

    def gap(self, at: int) -> str:
        """What stands between a word and the one before it."""
        start = self.spans[at - 1][1] if at else 0
        return self.text[start : self.spans[at][0] if at < len(self.spans) else len(self.text)]

    def starts(self, at: int) -> bool:
        """Whether a sentence begins with the word, which then has its capital anyway."""
        return at == 0 or SENTENCE.search(self.gap(at)) is not None


def spellings(ticker: str, name: str | None, kind: AssetKind | None) -> list[tuple[str, ...]]:
    """The names an asset goes by, each as its plain words: its nicknames, and the registered name's telling part."""
    found = []
    if B3_CODE.fullmatch(ticker) and kind in (None, AssetKind.STOCK, AssetKind.UNIT, AssetKind.OTHER, AssetKind.BDR):
        found = [_words(nickname) for nickname in NICKNAMES.get(ticker[:4], ())]
    if kind and (shown := display_name(ticker, kind, None)):
        found.append(_words(shown))
    return [*found, *(_aliases(name) if name and kind in (AssetKind.STOCK, AssetKind.UNIT) else ())]


def hints(ticker: str, name: str | None, kind: AssetKind | None) -> frozenset[str]:
    """Plain words of which a text that names the asset holds at least one: a quick first look (see `plain`)."""
    return frozenset({plain(ticker.partition("-")[0]), *(words[0] for words in spellings(ticker, name, kind))})


def plain(text: str) -> str:
    """Lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _words(name: str) -> tuple[str, ...]:
    return tuple(plain(match[0]) for match in WORD.finditer(name))


def _aliases(name: str) -> list[tuple[str, ...]]:
    """The parts of a registered name that people use; none where nothing distinctive is left.

    What stands behind the legal form says what the company makes (Bardella S.A. Indústrias Mecânicas), one word behind
    a dash is its short name (Cia Ferro Ligas da Bahia - Ferbasa).
    """
    first, *rest = [part for part in COMPANY.split(name) if part.strip()] or [""]
    head, *others = DASH.split(first)
    behind = [part for text in rest for part in DASH.split(text)[1:]]
    short = [alias for part in (*others, *behind) if len(alias := _alias(part)) == 1]
    return [alias for alias in (_alias(head), *short) if alias]


def _alias(name: str) -> tuple[str, ...]:
    words = list(_words(name))
    while words and words[-1] in FORMS:
        words.pop()
    while words and words[0] in FORMS and (words[0] != "grupo" or len(words) > 2):  # Grupo Mateus is no Mateus
        words.pop(0)
    words = words[:MAX_WORDS]
    if not words or (len(words) == 1 and (words[0] in NEVER or len(words[0]) < MIN_LETTERS)):
        return ()
    return tuple(words)
