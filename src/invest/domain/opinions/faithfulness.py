"""Whether the figures of a text are in the data: a rule for every figure, no judge.

A figure holds if some fact (its value, or a median shown beside it) of the same kind lies within half a unit of the
last digit written, sign included. Sentences with a figure that does not hold are hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from invest.domain.opinions.figures_text import Figure, Kind, Sign, figures_in, in_digits, masked, normalise
from invest.domain.opinions.opinion import SnapshotFact

_KIND_OF_UNIT: dict[str, tuple[frozenset[Kind], Decimal]] = {
    "fraction": (frozenset({"percent"}), Decimal(100)),
    "percent": (frozenset({"percent"}), Decimal(1)),
    "%": (frozenset({"percent"}), Decimal(1)),
    "pp": (frozenset({"points"}), Decimal(1)),
    "bps": (frozenset({"points"}), Decimal("0.01")),
    "BRL": (frozenset({"money", "amount"}), Decimal(1)),
    "USD": (frozenset({"foreign"}), Decimal(1)),
    "x": (frozenset({"multiple", "plain"}), Decimal(1)),
    "count": (frozenset({"plain", "amount"}), Decimal(1)),
    "index": (frozenset({"plain"}), Decimal(1)),
    "score": (frozenset({"plain"}), Decimal(1)),
}
_OTHER_UNIT: tuple[frozenset[Kind], Decimal] = (frozenset({"plain", "amount"}), Decimal(1))

_FALL = (
    r"(?:quedas?|recuos?|preju[ií]zos?|perdas?|retra[cç][aã]o|contra[cç][aã]o|decl[ií]nio|desvaloriza[cç][aã]o|d[eé]ficit"
    r"|redu[cç][aã]o|diminui[cç][aã]o|encolhimento|tombo|baixa\s+de|negativ[oa]s?|ca[ií](?:u|ram|r|ndo)?|cai|recu(?:ou|aram|a|ar|ando)"
    r"|encolh(?:eu|eram|e)|perde(?:u|ram)?|diminui(?:u|ram)?|reduzi(?:u|ram)|despenc(?:ou|aram|a)|tomb(?:ou|a)"
    r"|desvaloriz(?:ou|aram)|declin(?:ou|aram)"
    r"|drop(?:s|ped)?|f[ae]ll(?:s|en)?|declin(?:e|es|ed)|decreas(?:e|es|ed)|loss(?:es)?|lost|loses|contract(?:ed|ion)|shr[aiu]nk"
    r"|negative|deficit|slump(?:ed)?|plunge[ds]?|tumble[ds]?|slid|slipped|down|reduction|shortfall|minus|menos)"
)
# Words whose figure is written without its sign as often as with it.
_SIGNLESS = r"(?:drawdown|rebaixamento|desconto|discount|caixa\s+l[ií]quido|net\s+cash|abaixo\s+d[aoe]s?|below)"
_SIGNLESS_BEFORE = re.compile(rf"(?i)\b{_SIGNLESS}[^.,;:()\d]*$")
_FELL_TO = re.compile(rf"(?i)\b{_FALL}\s+(?:para|a|até|to|at)\s*$|\b{_FALL}\s+(?:de|from)\s*$")
_BEFORE = re.compile(rf"(?i)\b{_FALL}(?P<gap>\s*:|[^.,;:()\d]*)$")
_LOSS = (
    r"(?:quedas?|recuos?|preju[ií]zos?|perdas?|retra[cç][aã]o|contra[cç][aã]o|decl[ií]nio|desvaloriza[cç][aã]o|d[eé]ficit"
    r"|redu[cç][aã]o|diminui[cç][aã]o|negativ[oa]s?|drop|fall|decline|decrease|loss(?:es)?|contraction|deficit|slump"
    r"|reduction|shortfall|negative)"
)
_AFTER = re.compile(
    rf"(?i)^\)?\s*(?:(?:de|em|of|in|a)\s+)?(?:(?:net|annual|quarterly|sharp|reais|forte|leve)\s+)?{_LOSS}\b"
)
_BELOW = re.compile(r"(?i)^\)?\s*(?:abaixo|below|lower|inferior(?:es)?|menor(?:es)?|less|under)\b")
_TO_LEVEL = re.compile(r"(?i)^\)?\s*(?:para|a|até|to)\s+(?:R\$\s*)?[-−]?\d")
_REACH = 100  # characters looked at on each side
_ADJACENT, _NEAR = 3, 8  # words between a falling word and its figure: surely about it, perhaps about it

_PREFIX = re.compile(r"(?i)(?:(?:R|US)?\$|€|BRL|USD|[(+\s])*$")
_ABBREVIATION = "".join(
    rf"(?<!\b{word})"
    for word in ("art", "vs", "n", "nº", "Dr", "Sr", "Sra", "aprox", "p", r"i\.e", r"e\.g", "ex", "Inc", "Cia", "S")
)
_SENTENCE_END = re.compile(
    rf"{_ABBREVIATION}[.!?…]+[\"”'’)]*\s+(?=[\"“'‘(]?[A-ZÀ-Þ0-9R+−-])|(?<=p\.p\.)\s+(?=[A-ZÀ-Þ])|\n+"
)


@dataclass(frozen=True, slots=True)
class FigureCheck:
    """What the check found. `visible` is the text without the sentences in `hidden`."""

    matched: tuple[Figure, ...]
    unmatched: tuple[Figure, ...]
    hidden: tuple[str, ...]
    visible: str

    @property
    def count(self) -> int:
        """Figures checked."""
        return len(self.matched) + len(self.unmatched)


def check_figures(
    text: str, facts: Sequence[SnapshotFact], language: str = "pt-BR", *, cited: Sequence[str] | None = None
) -> FigureCheck:
    """Check every figure of `text` against `facts`.

    Both notations are read in either language, and an ambiguous one (12.345) holds if either reading does, so
    `language` decides nothing yet; it names the text's own for callers that keep it.
    """
    plain = normalise(text)
    held = list(_held(facts))
    matched: list[Figure] = []
    unmatched: list[Figure] = []
    hidden: list[str] = []
    visible: list[str] = []
    for sentence in split_sentences(plain):
        claims = in_digits(sentence)
        found, hidden_parts = figures_in(claims), masked(claims)
        wrong = [figure for figure in found if not _holds(figure, _sign_of(figure, hidden_parts), held)]
        matched += [figure for figure in found if figure not in wrong]
        unmatched += wrong
        (hidden if wrong else visible).append(sentence)
    shown = " ".join(visible) if hidden else text.strip()
    return FigureCheck(tuple(matched), tuple(unmatched), tuple(hidden), shown)


def split_sentences(text: str) -> list[str]:
    """Sentences of `text`; points within numbers and after common abbreviations do not end one."""
    sentences, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        sentences.append(text[start : match.end()].strip())
        start = match.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


def _held(facts: Iterable[SnapshotFact]) -> Iterable[tuple[frozenset[Kind], Decimal]]:
    for fact in facts:
        kinds, scale = _KIND_OF_UNIT.get(fact.unit, _OTHER_UNIT)
        for value in (fact.value, fact.own_median, fact.sector_median):
            if value is not None:
                yield kinds, Decimal(repr(float(value))) * scale


def _holds(figure: Figure, sign: Sign, held: Sequence[tuple[frozenset[Kind], Decimal]]) -> bool:
    for value, half in zip(figure.values, figure.halves, strict=True):
        claims = (-value,) if sign == "negative" else (value, -value) if sign == "either" else (value,)
        slack = half + abs(value) * Decimal("1e-12")  # what binary floats lose
        if any(figure.kind in kinds and abs(truth - claim) <= slack for kinds, truth in held for claim in claims):
            return True
    return False


def _sign_of(figure: Figure, sentence: str) -> Sign:
    """The sign claimed: the one written, or the one that words such as "queda" and "loss" give it.

    `sentence` is masked; only the words near the figure are looked at.
    """
    if figure.sign == "negative":
        return "negative"
    before = _PREFIX.sub("", sentence[max(figure.start - _REACH, 0) : figure.start])
    after = sentence[figure.end : figure.end + _REACH]
    if _FELL_TO.search(before) and (_TO_LEVEL.match(after) or not before.rstrip().endswith((" de", " from"))):
        return figure.sign  # "caiu para 4,5x", "caiu de 5,1x para 4,5x": levels, not changes
    if _AFTER.match(after):
        return "negative"
    match = _BEFORE.search(before)
    distance = len(match["gap"].split()) if match else _NEAR + 1
    if distance <= _ADJACENT:
        return "negative"
    unsure = distance <= _NEAR or _BELOW.match(after) or _SIGNLESS_BEFORE.search(before)
    return "either" if unsure else figure.sign
