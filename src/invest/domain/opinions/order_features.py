"""What a headline and an order to a machine differ in, as numbers of features: what words are about, their order, form.

An order speaks of its reader, of answers, of levels and of what to leave out, whatever its words are; the fields of
`order_fields.toml` name these. A text's features are the fields that occur, pairs of them, fields that follow each
other, how its clauses begin, the stems of its words, and its words spelt out in sequences of three to five letters,
each hashed to a number below `SIZE`: fields below `FIELDS_SIZE`, spellings above.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
import zlib
from functools import cache, lru_cache
from importlib import resources
from itertools import combinations, pairwise

FIELDS_SIZE = 1 << 14
SPELT_SIZE = 1 << 15
SIZE = FIELDS_SIZE + SPELT_SIZE
LANGUAGE_SIZE = 1 << 13
NUMBER, SHARE = "#", "0.p"

MANY_CLAUSES = 20  # the first ones are looked at
CLAUSE_WORDS = 4
LEAST_PLAIN = 3  # words that are no names, for a language to be told by them

_CLAUSE_ENDS = re.compile(
    r"[.;!?|\n]+\s|[—–]|:\s|,\s|\s-\s|[\"“”()]|\s(?:e|y|and|mas|but|pero|enquanto|while|mientras|logo|so|portanto)\s"
)
_TOKEN = re.compile(r"(?<!\d)[01]?[.,]\d\d?\b|\d[\d.,]*|[a-z_]+(?:'[a-z]+)?|[%=:;,.!?\"(){}<>|/#*\[\]-]")
_SPELT = re.compile(r"[a-z']+|\d[\d.,]*|[^\sa-z\d]")
_SHARE = re.compile(r"[01]?[.,]\d\d?")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_CAPITAL = re.compile(r"[^\W\d_][\w'&]*")
_BREAKS = frozenset(':;,.!?"(){}<>|/')
_LINKING = frozenset(("e", "y", "and", "then", "please", "kindly", "favor", "por"))
_WEAK = frozenset(("news", "num", "whoever", "deictic", "negation", "yours"))
_FORMS = (
    ("ticker", re.compile(r"[A-Z]{4}\d\d?\b")),
    ("money", re.compile(r"\$")),
    ("percent", re.compile(r"\d\s?%")),
    ("attributed", re.compile(r", (?:diz|dizem|afirma|segundo|says?|dice|according|alerta|avalia|mostra|aponta)\b")),
    ("ends attributed", re.compile(r"\b(?:says?|warns|shows)\s*$")),
    ("question", re.compile(r"\?\s*$")),
)


def order_features(text: str) -> set[int]:
    """The features by which a text is told to be an order."""
    found = _word_features(text) | _form_features(text)
    return {zlib.crc32(name.encode()) & (FIELDS_SIZE - 1) for name in found} | _spelt(text)


def clauses(text: str) -> list[str]:
    """The clauses of `text` that are long enough to be judged alone; none where it is one clause."""
    parts = _CLAUSE_ENDS.split(text)[:MANY_CLAUSES]
    return [part for part in parts if len(part.split()) >= CLAUSE_WORDS] if len(parts) > 1 else []


def language_features(text: str) -> dict[int, float]:
    """How often each sequence of two to four letters, and each word, occurs per word of `text`.

    Names are foreign everywhere: capitals within a sentence count only where little else is left.
    """
    words = _WORD.findall(text)
    plain = [word for word in words if word[0].islower()]
    words = plain if len(plain) >= LEAST_PLAIN else [word.lower() for word in words]
    weights: dict[int, float] = {}
    for word in words:
        parts = _letters(word)
        for number in parts:
            weights[number] = weights.get(number, 0.0) + 10 / len(parts) / len(words)
    return weights


@lru_cache(20_000)
def _letters(word: str) -> tuple[int, ...]:
    spelt = f"_{word}_"
    parts = {spelt[i : i + n] for n in (2, 3, 4) for i in range(len(spelt) - n + 1)} | {"w" + word}
    return tuple(zlib.crc32(part.encode()) & (LANGUAGE_SIZE - 1) for part in sorted(parts))


def _word_features(text: str) -> set[str]:
    words: list[str] = []
    fields: list[frozenset[str]] = []
    found: set[str] = set()
    begins, awaits_object = True, ""
    for token in _tokens(text):
        if not (token[0].isalpha() or token in (NUMBER, SHARE)):
            begins = begins or token in _BREAKS
            continue
        about = _about(token)
        if awaits_object:
            found.add(f"i:{awaits_object} {'object' if token in _verbs()['object'] else 'other'}")
        awaits_object = ""
        if begins:
            awaits_object = _mood(token)
            found.add(f"i:{awaits_object or 'none'}")
            found |= {f"s:{field}" for field in about} | {f"^{token[:6]}", f"^e{token[-2:]}"}
        begins = token in _LINKING
        words.append(token)
        fields.append(about)
    found |= {f"w:{word[:6]}" for word in words}
    found |= {f"b:{a[:5]} {b[:5]}" for a, b in pairwise(words)}
    for apart in (1, 2):
        for some, others in zip(fields, fields[apart:], strict=False):
            found |= {f"q:{a}>{b}" for a in some for b in others}
    all_fields = frozenset[str]().union(*fields)
    found |= {f"f:{field}" for field in all_fields}
    found |= {f"p:{a}+{b}" for a, b in combinations(sorted(all_fields), 2)}
    strong = len(all_fields - _WEAK)
    found |= {f"n:{n}" for n in (2, 3, 4, 5, 6, 8) if strong >= n}
    found.add(f"l:{min(len(words) // 4, 5)}")
    return found


def _form_features(text: str) -> set[str]:
    capitals = [word for word in _CAPITAL.findall(text)[1:] if word[0].isupper() and not word.isupper()]
    return {f"c:{min(len(capitals), 3)}"} | {f"c:{name}" for name, form in _FORMS if form.search(text)}


def _spelt(text: str) -> set[int]:
    """Features of how words are spelt, of their neighbours, and of the first one."""
    found: set[int] = set()
    before = "<"
    for word in map(_token, _SPELT.findall(_plain(text))):
        if before == "<":
            found |= {_spelling(f"1{word}"), _spelling(f"1e{word[-2:]}"), _spelling(f"1s{word[:4]}")}
        found |= _sequences(word)
        found.add(_spelling(f"b{before} {word}"))
        before = word
    return found


@lru_cache(20_000)
def _sequences(word: str) -> frozenset[int]:
    spelt = f"_{word[:24]}_"
    parts = (spelt[i : i + n] for n in (3, 4, 5) for i in range(len(spelt) - n + 1))
    return frozenset((*(_spelling(f"c{part}") for part in parts), _spelling(f"w{word}")))


def _spelling(name: str) -> int:
    return FIELDS_SIZE + (zlib.crc32(name.encode()) & (SPELT_SIZE - 1))


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in plain if not unicodedata.combining(c))


def _tokens(text: str) -> list[str]:
    return [_token(found) for found in _TOKEN.findall(_plain(text))]


def _token(found: str) -> str:
    if found[0].isdigit() or (found[0] in ".," and len(found) > 1):
        return SHARE if _SHARE.fullmatch(found) else NUMBER
    return found


@lru_cache(20_000)
def _about(word: str) -> frozenset[str]:
    """The fields that `word` belongs to."""
    if word in (NUMBER, SHARE):
        return frozenset(("num",)) if word == NUMBER else frozenset(("prob",))
    whole, stems = _fields()
    about = set(whole.get(word, ()))
    for end in range(2, len(word) + 1):
        about |= stems.get(word[:end], frozenset())
    return frozenset(about)


def imperatives(language: str) -> list[str]:
    """Imperatives of a language, as orders begin with them."""
    lists = _verb_lists()
    if language == "en":
        return lists["en"]
    ends = (("e", "em"), ("a", "am")) if language == "pt" else (("e", "en"), ("a", "an"))
    regular = {word for infinitive in lists[language] for word in _imperatives(infinitive, *ends)}
    return sorted(word for word in {*regular, *lists[f"{language}_irregular"]} if len(word) > 2)


def _mood(word: str) -> str:
    """Whether `word`, at the beginning of a clause, is an imperative: of those that invite to read, or another."""
    verbs = _verbs()
    return "invites" if word in verbs["inviting"] else "orders" if word in verbs["orders"] else ""


@cache
def _verbs() -> dict[str, frozenset[str]]:
    """Imperatives that invite, imperatives that order, and words that begin an object."""
    lists = _verb_lists()
    orders = {*imperatives("pt"), *imperatives("es"), *imperatives("en")}
    for infinitive in lists["es"]:
        orders.add(infinitive[:-1] if infinitive[-2] == "a" else infinitive[:-2] + "e")
    orders = {word for word in orders if len(word) > 2} - {"dar", "las", "los"}
    return {name: frozenset(lists[name]) for name in ("inviting", "object")} | {"orders": frozenset(orders)}


@cache
def _verb_lists() -> dict[str, list[str]]:
    text = resources.files("invest.domain.opinions").joinpath("order_verbs.toml").read_text("utf-8")
    return {name: words.split() for name, words in tomllib.loads(text).items()}


def _imperatives(infinitive: str, of_ar: tuple[str, ...], of_others: tuple[str, ...]) -> set[str]:
    """Regular imperatives, spelt without accents."""
    stem, ending = infinitive[:-2], infinitive[-2:]
    if ending == "ar":
        stem = stem[:-1] + "qu" if stem.endswith("c") else stem + "u" if stem.endswith("g") else stem
        also = {infinitive[:-2] + end for end in of_ar}  # avancar: avance
        also |= {stem[:-1] + "c" + end for end in of_ar if stem.endswith("z")}
        return {stem + end for end in of_ar} | also
    stem = stem[:-1] + "j" if stem.endswith("g") else stem
    return {stem + end for end in of_others}


@cache
def _fields() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Which fields each whole word, and each stem, belongs to."""
    text = resources.files("invest.domain.opinions").joinpath("order_fields.toml").read_text("utf-8")
    whole: dict[str, frozenset[str]] = {}
    stems: dict[str, frozenset[str]] = {}
    for field, words in tomllib.loads(text).items():
        for word in words.split():
            table = stems if word.endswith("*") else whole
            key = word.rstrip("*")
            table[key] = table.get(key, frozenset()) | {field}
    return whole, stems
