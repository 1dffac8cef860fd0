"""Tone of a news title in Portuguese, from -1 to 1, by a small lexicon of market words.

A direction ("sobe", "cai") takes its sign from what moves: profit that falls is bad, debt that falls is good. A
negation just before turns a word round. No word known: no tone at all (None), which is not the same as neutral.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from invest.domain.news.words import load_words

TOKEN = re.compile(r"[a-zà-ÿ0-9]+(?:-[a-zà-ÿ0-9]+)*|[;:.!?—–]", re.IGNORECASE)
CLAUSE_END = frozenset(";:.!?—–")
REACH = 4  # words between a direction and what moves
NEGATED = 3  # words after a negation that it turns
TITLE_WEIGHT, SUMMARY_WEIGHT = 1.0, 0.4


_TONE = load_words()["tone"]
UP, DOWN = frozenset(_TONE["up"].split()), frozenset(_TONE["down"].split())
BAD_TO_GROW = frozenset(_TONE["bad_to_grow"].split())
NEGATIONS = frozenset(_TONE["negations"].split())
BREAKS = frozenset(_TONE["breaks"].split())
WORDS: dict[str, float] = {word: float(weight) for weight, words in _TONE["words"].items() for word in words.split()}
PHRASES: dict[tuple[str, ...], float] = {tuple(text.split()): weight for text, weight in _TONE["phrases"].items()}
NEUTRAL_BAND = 0.15


@dataclass(frozen=True, slots=True)
class Tone:
    """`score` from -1 to 1; `words` that were understood."""

    score: float
    words: int

    @property
    def label(self) -> str:
        """positive, neutral or negative."""
        if abs(self.score) < NEUTRAL_BAND:
            return "neutral"
        return "positive" if self.score > 0 else "negative"


def tone_of(title: str, summary: str = "") -> Tone | None:
    """The tone of an item, its title counting more than its summary; None where no word of it is known."""
    parts = [(_weigh(text), weight) for text, weight in ((title, TITLE_WEIGHT), (summary, SUMMARY_WEIGHT)) if text]
    values = [value * weight for found, weight in parts for value in found]
    if not values:
        return None
    return Tone(round(math.tanh(sum(values) / math.sqrt(len(values))), 4), len(values))


def sentiment(title: str, summary: str = "") -> float | None:
    """`tone_of` as a bare number."""
    tone = tone_of(title, summary)
    return tone.score if tone else None


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _weigh(text: str) -> list[float]:
    """The weights of all understood words, clause by clause."""
    clause: list[str] = []
    values: list[float] = []
    for token in [*(_plain(m[0]) for m in TOKEN.finditer(text[:2000])), "."]:
        if token in CLAUSE_END:
            values += _weigh_clause(clause)
            clause = []
        else:
            clause.append(token)
    return values


def _weigh_clause(words: list[str]) -> list[float]:
    values, at, used = [], 0, set[int]()
    while at < len(words):
        phrase = next((p for p in PHRASES if tuple(words[at : at + len(p)]) == p), None)
        if phrase:
            values.append(PHRASES[phrase] * _turn(words, at))
            at += len(phrase)
            continue
        if words[at] in UP or words[at] in DOWN:
            mover = _mover(words, at)
            used |= {mover} if mover is not None else set()
            sign = (1 if words[at] in UP else -1) * (-1 if mover is not None else 1)
            values.append(sign * _turn(words, at))
        at += 1
    plain = [(i, word) for i, word in enumerate(words) if word in WORDS and i not in used and word not in UP | DOWN]
    return values + [WORDS[word] * _turn(words, i) for i, word in plain if not _in_phrase(words, i)]


def _mover(words: list[str], at: int) -> int | None:
    """Position of something bad to grow that this direction speaks of, None where it speaks of something else."""
    for step in (-1, 1):
        for i in range(at + step, at + step * (REACH + 1), step):
            if not 0 <= i < len(words) or words[i] in BREAKS:
                break
            if words[i] in BAD_TO_GROW:
                return i
    return None


def _in_phrase(words: list[str], at: int) -> bool:
    spans = ((p, start) for p in PHRASES for start in range(at - len(p) + 1, at + 1) if start >= 0)
    return any(tuple(words[start : start + len(p)]) == p for p, start in spans)


def _turn(words: list[str], at: int) -> int:
    return -1 if any(word in NEGATIONS for word in words[max(0, at - NEGATED) : at]) else 1
