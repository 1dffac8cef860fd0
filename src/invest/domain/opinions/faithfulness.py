"""Whether the figures of a text are those of the facts it cites: a rule for every figure, no judge.

A figure holds if the fact it is written beside (its value, or a median shown with it) is of the same kind and lies
within half a unit of the last digit written, sign included, or if it follows from cited facts by a difference, a
ratio, a discount, a rounding or a threshold. Sentences with a figure or a claim in words that does not hold are hidden.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from invest.domain.opinions.derived import COMPARED_WITH, Held, compares, contradicts, follows, held_values, stands_so
from invest.domain.opinions.fact_names import Mention, fold, mentions_in, without_parameters
from invest.domain.opinions.figures_text import Figure, Sign, figures_in, in_digits, masked, normalise, per_hundred
from invest.domain.opinions.opinion import SnapshotFact
from invest.domain.opinions.word_claims import word_claims

_FALL = (
    r"(?:quedas?|recuos?|preju[ií]zos?|perdas?|retra[cç][aã]o|contra[cç][aã]o|decl[ií]nio|desvaloriza[cç][aã]o|d[eé]ficit"
    r"|redu[cç][aã]o|diminui[cç][aã]o|encolhimento|tombo|baixa\s+de|negativ[oa]s?|ca[ií](?:u|ram|r|ndo)?|cai|recu(?:ou|aram|a|ar|ando)"
    r"|slides?|encolh(?:eu|eram|e)|perde(?:u|ram)?|diminui(?:u|ram)?|reduzi(?:u|ram)|despenc(?:ou|aram|a)|desab(?:ou|aram|a)|derret(?:eu|eram|e)|afund(?:ou|aram|a)|mergulh(?:ou|aram|a)|ced(?:eu|eram)|tomb(?:ou|a)"
    r"|desvaloriz(?:ou|aram)|declin(?:ou|aram)"
    r"|drop(?:s|ped)?|f[ae]ll(?:s|en)?(?!\s+short)|declin(?:e|es|ed)|decreas(?:e|es|ed)|loss(?:es)?|lost|loses|contract(?:ed|ion)|shr[aiu]nk"
    r"|losing|pullbacks?|corre[cç][aã]o|correction|setback|retreat(?:ed)?|falling|dropping|shedding|shed|slipping|perdendo|perder|recuar|encolher|negative|deficit|slump(?:ed)?|plummet(?:s|ed)?|crash(?:es|ed)?|sank|collapsed|plunge[ds]?|tumble[ds]?|slid|slipped|down|reduction|shortfall|minus|mingu(?:ou|a|ar|aram)|menos(?!\s+d))"
)
# Words whose figure is written without its sign as often as with it.
_SIGNLESS = (
    r"(?:trail(?:s|ed|ing)?|lag(?:s|ged|ging)|drawdown|var|value\s+at\s+risk|rebaixamento|desconto|discount|caixa\s+l[ií]quido|net\s+cash"
    r"|abaixo\s+d[aoe]s?|below)"
)
_SIGNLESS_BEFORE = re.compile(rf"(?i)\b{_SIGNLESS}[^.,;:()\d]*$")
_USUAL = (
    r"(?:\s+(?:its|seus?|suas?|the|an?|um|uma|os?|as?|usual|own|pr[oó]pri[oa]s?|habitua(?:l|is)|median\w*|averages?"
    r"|m[eé]dias?|normal|hist[oó]ric\w*|of|de))"
)
_FELL_TO = re.compile(
    rf"(?i)\b{_FALL}\s+(?:para|a|até|to|at)\s*$|\b{_FALL}\s+(?:de|d[ao]s?|from|em\s+rela[cç][aã]o|frente|ante"
    rf"|versus|compared\s+(?:to|with))(?:\s+(?:a|[àa]s?|aos?))?{_USUAL}*\s*$"
)
_FROM = re.compile(r"(?i)\s(?:de|from)\s*$")
_SUBTRACTED = re.compile(r"(?i)\d.*\b(?:menos|minus|less)\b")
_BEFORE = re.compile(rf"(?i)\b(?!caixas?\b){_FALL}(?P<gap>\s*:|[^.,;:()\d]*)$")
_LOSS = (
    r"(?:quedas?|recuos?|preju[ií]zos?|perdas?|retra[cç][aã]o|contra[cç][aã]o|decl[ií]nio|desvaloriza[cç][aã]o|d[eé]ficit"
    r"|redu[cç][aã]o|diminui[cç][aã]o|negativ[oa]s?|slide|drop|fall|decline|decrease|loss(?:es)?|contraction|deficit|slump"
    r"|reduction|shortfall|negative)"
)
_AFTER = re.compile(
    rf"(?i)^\)?\s*(?:(?:de|em|of|in|a)\s+)?(?:(?:net|profit|earnings|revenue|sales|price|annual|quarterly|sharp|maximum|worst|m[aá]xima|reais|forte|leve)\s+)?{_LOSS}\b"
)
_BELOW = re.compile(
    r"(?i)^\)?\s*(?:d[aoe]\s+(?:m[aá]xima|topo|pico)|from\s+(?:its|the)\s+(?:\S+\s+)?(?:high|peak|top)"
    r"|abaixo|atr[aá]s|distantes?|longe|away|behind|off|below|aqu[eé]m|short|lower|inferior(?:es)?|menor(?:es)?|less|under)\b"
)
_TO_LEVEL = re.compile(r"(?i)^\)?\s*(?:\([^()]*\)\s*)?(?:para|a|até|to)\s+(?:R\$\s*)?[-−]?\d")
BASE_RATE = "base_rate_180d"  # shown to every analyst and cited by none
MANY, CHANCE = 8, 0.03  # from so many values on an unnamed figure must be this unlikely to be one of them by chance
FEW = 4  # facts that an argument cites (the base rate among them): what follows from any two of them may be stated
CENT, PRICES = Decimal("0.01"), 100_000  # figures in cents without a currency may be prices below that
LISTED = 8  # names of a list that figures may follow in their order
_LINK = re.compile(r"\s*(?:de|do|da|dos|das|of|in|em|no|na)?\s*(?:the|its|os|as|o|a)?\s*", re.IGNORECASE)
_RESPECTIVE = re.compile(r"(?i)\brespectiv(?:amente|ely|os|as)\b")
_JOINED = re.compile(r"\s*(?:,|/|\be\b|\band\b)?\s*(?:o|a|the)?\s*", re.IGNORECASE)
_LISTED_WITH = re.compile(r"\s*(?:e|and|,)\s*(?:de\s+|by\s+)?", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\s*\(\s*(?:(?:R|US)?\$)?\s*")
_OF_OTHERS = re.compile(
    r"(?i)\s*(?:d[oae]s?|of|for)\s+(?:the\s+)?(?:setor|pares|mediana|sector|peers?|median|industry)\b"
)
_LINKED = re.compile(r"\s*(?:de|do|da|of|:|em|at|is|é)\s*(?:(?:R|US)?\$)?\s*", re.IGNORECASE)
_OF_EBITDA = re.compile(r"(?i)\s*(?:o|a|the|its|seu)?\s*ebitda\b")
_OF_REFERENCE = re.compile(
    r"(?i)\s*(?:the|its|a|o|as|os|sua|seu)\s+(?:own\s+|pr[oó]pri[ao]\s+)?(?:setor|mediana|sector|peers?|median|industry)\b"
)
_TO_NOW = re.compile(
    r"(?i)\b(?:de|from)\s+(?:\S+\s+){0,3}?\S*\d\S*\s+(?:\([^)]*\)\s*)?(?:para|to)\s+(?:(?:R|US)?\$\s*)?$"
)
_ASIDE = re.compile(r"\([^()]*\)")
_PART_END = re.compile(r"[;:()–—]|,(?!\d)|(?<!\d),")
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
    """Check every figure, and every word that claims one, of `text` against `facts`.

    `cited` are the ids of the facts an argument rests on: its figures must be theirs, or follow from them. Without it a
    figure must be the fact's that is named beside it, or one that few facts could be taken for. Both notations are
    read in either language, and an ambiguous one (12.345) holds if either reading does, so `language` decides nothing
    yet; it names the text's own for callers that keep it.
    """
    plain = normalise(text)
    mine = [fact for fact in facts if cited is None or fact.id in cited or fact.key == BASE_RATE]
    held = list(held_values(mine))
    matched: list[Figure] = []
    unmatched: list[Figure] = []
    hidden: list[str] = []
    visible: list[str] = []
    for sentence in split_sentences(plain):
        right, wrong = _check_sentence(sentence, mine, held, cited=cited is not None)
        matched += right
        unmatched += wrong
        (hidden if wrong else visible).append(sentence)
    shown = " ".join(visible) if hidden else text.strip()
    return FigureCheck(tuple(matched), tuple(unmatched), tuple(hidden), shown)


def _check_sentence(
    sentence: str, facts: Sequence[SnapshotFact], held: Sequence[Held], *, cited: bool
) -> tuple[list[Figure], list[Figure]]:
    """The figures and claims of one sentence: those that hold, and those that do not."""
    written = per_hundred(in_digits(sentence))
    mentions = mentions_in(written, facts)
    claims = without_parameters(written)
    figures, hidden_parts = figures_in(claims), masked(claims)
    named = {key for mention in mentions for key in mention.keys}
    claimed = held if cited else [h for h in held if h.fact.key in named]
    right, false_words = word_claims(written, mentions, figures, claimed)
    wrong: list[Figure] = []
    compared = len(figures) > 1 or COMPARED_WITH.search(fold(claims)) is not None
    sure = cited or bool(mentions)
    few = cited and len({h.fact.id for h in held}) <= FEW
    before: Figure | None = None
    last: Sign = "given"
    for figure in figures:
        about = candidates(figure, claims, mentions, held)
        claimable = [h for h in about if (compared and not _its_own(figure, claims, mentions)) or not h.median]
        claimable = [h for h in claimable if h.median or not contradicts(figure, claims, h.value)]
        sign = _sign_of(figure, hidden_parts)
        if sign == "given" and before is not None and _LISTED_WITH.fullmatch(claims[before.end : figure.start]):
            sign = last if before.kind == figure.kind else sign  # "caíram 3,1% e 11,8%"
        if before is not None and _TO_NOW.search(claims[max(figure.start - _REACH, 0) : figure.start]):
            since = _holds(before, "either", [h for h in claimable if h.median])
            claimable = [h for h in claimable if not h.median or not since]  # "from 2.9x to 3.8x": the latter is of now
        before, last = figure, sign if figure.sign == "given" else "given"  # a written minus is its own figure's alone
        if figure.kind == "multiple" and _OF_REFERENCE.match(claims[figure.end :]):
            (right if stands_so(figure, claims, about) else wrong).append(figure)  # how it stands, not what it is
            continue
        holds = _holds(figure, sign, claimable) or (sure and follows(figure, sign, claims, about))
        if few and not holds:
            holds = follows(figure, sign, claims, held) or _holds(
                figure, sign, _unnamed(figure, claims, mentions, held)
            )
        (right if holds else wrong).append(figure)
    return right, wrong or false_words  # words beside a figure that is wrong are wrong with it


def candidates(figure: Figure, sentence: str, mentions: Sequence[Mention], held: Sequence[Held]) -> list[Held]:
    """The values that `figure` may be: of the fact named beside it, else of those the sentence names, else of any.

    Where nothing is named, a figure that many facts could be taken for proves nothing, and none is a candidate.
    """
    kind = [h for h in held if figure.kind in h.kinds] or list(held)
    if figure.kind == "percent":  # "receita e lucro cresceram 13% e 22%"
        mentions = [Mention(m.start, m.end, m.keys | _changes_of(m.keys)) for m in mentions]
    able = [m for m in mentions if any(h.fact.key in m.keys for h in kind)] or list(mentions)
    if figure.kind == "multiple" and _OF_EBITDA.match(sentence[figure.end :]):
        return [h for h in held if h.fact.key in ("net_debt_ebitda", "ev_ebitda")]
    near = (
        _respective(figure, sentence, able)
        or _behind(figure, sentence, mentions if compares(sentence) else able)
        or _before(figure, sentence, able)
    )
    behind = _behind(figure, sentence, mentions)
    if behind is not None and not any(figure.kind in h.kinds for h in held if h.fact.key in behind.keys):
        named = {key for mention in mentions for key in mention.keys}  # "19% of market value", "three times the ROA"
        return [h for h in held if h.fact.key in named] if len(held) > MANY * 3 else list(held)
    if near is not None:
        return [h for h in held if h.fact.key in near.keys]
    if len(kind) <= MANY:
        return list(held)
    if able:
        named = {key for mention in able for key in mention.keys}
        return [h for h in held if h.fact.key in named]
    return list(held) if _by_chance(figure, kind) <= CHANCE else []


def _respective(figure: Figure, sentence: str, mentions: Sequence[Mention]) -> Mention | None:
    """The name in the figure's place of two lists: "ROE e ROIC de 24% e 18%, respectivamente"."""
    if len(mentions) < 2 or len(mentions) > LISTED:
        return None
    figures = [f for f in _figures_of(sentence) if f.kind == figure.kind]
    names = [m for m in mentions if m.end <= figures[0].start] if figures else []
    if len(names) != len(figures) or len(names) < 2:
        return None
    listed = all(_JOINED.fullmatch(sentence[a.end : b.start]) for a, b in pairwise([*names]))
    paired = all(_JOINED.fullmatch(sentence[a.end : b.start].removesuffix("R$ ")) for a, b in pairwise(figures))
    if not (listed and paired) and not _RESPECTIVE.search(sentence):
        return None
    return next((name for name, one in zip(names, figures, strict=True) if one.start == figure.start), None)


def _its_own(figure: Figure, sentence: str, mentions: Sequence[Mention]) -> bool:
    """Whether a figure is written as the fact's own: "EV/EBITDA de 3,2x", and not "a mediana do EV/EBITDA de 5,1x"."""
    name = next(
        (m for m in mentions if m.end <= figure.start and _LINKED.fullmatch(sentence[m.end : figure.start])), None
    )
    around = fold(sentence[max(name.start - 30, 0) : name.end]) if name else ""
    return name is not None and not COMPARED_WITH.search(around) and not _OF_OTHERS.match(sentence[figure.end :])


def _changes_of(keys: frozenset[str]) -> frozenset[str]:
    return frozenset(f"{key}_{change}" for key in keys for change in ("growth_1y", "cagr_5y"))


def _unnamed(figure: Figure, sentence: str, mentions: Sequence[Mention], held: Sequence[Held]) -> list[Held]:
    """Cited facts without a name in the sentence, where the name before `figure` has a figure of its own already.

    "Da receita de R$ 34,9 bi restam R$ 4,96 bi" speaks of revenue by name and of the profit that is cited beside it.
    """
    name = _before(figure, sentence, mentions)
    if name is None or COMPARED_WITH.search(fold(sentence)):
        return []
    between = (f for f in _figures_of(sentence) if name.end <= f.start < figure.start)
    if not any(_LINKED.fullmatch(sentence[name.end : f.start]) for f in between):
        return []
    named = {key for mention in mentions if mention.end <= figure.start for key in mention.keys}
    return [h for h in held if h.fact.key not in named and not h.median]


@lru_cache(maxsize=64)
def _figures_of(sentence: str) -> tuple[Figure, ...]:
    return tuple(figures_in(sentence))


def _behind(figure: Figure, sentence: str, mentions: Sequence[Mention]) -> Mention | None:
    """The name right behind a figure: "24% de ROE"."""
    behind = (m for m in mentions if m.start >= figure.end and _LINK.fullmatch(sentence[figure.end : m.start]))
    return next(behind, None)


def _before(figure: Figure, sentence: str, mentions: Sequence[Mention]) -> Mention | None:
    """The last name before a figure in the same part of the sentence."""
    before = [
        m
        for m in mentions
        if m.end <= figure.start
        and (
            not _PART_END.search(_ASIDE.sub("", sentence[m.end : figure.start]))
            or _IN_BRACKETS.fullmatch(sentence[m.end : figure.start])
        )
    ]
    return before[-1] if before else None


def _by_chance(figure: Figure, held: Sequence[Held]) -> float:
    """How likely an invented figure of as many digits is one of `held`: the share of its decade that they cover."""
    value, half = abs(figure.values[0]), figure.halves[0]
    if not value or not half:
        return 1.0
    decade = value.adjusted()
    steps = max(float(Decimal(9).scaleb(decade) / (2 * half)), 1.0)
    return sum(abs(h.value).adjusted() == decade for h in held if h.value) / steps


def split_sentences(text: str) -> list[str]:
    """Sentences of `text`; points within numbers and after common abbreviations do not end one."""
    sentences, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        sentences.append(text[start : match.end()].strip())
        start = match.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


def _holds(figure: Figure, sign: Sign, held: Sequence[Held]) -> bool:
    for value, half in zip(figure.values, figure.halves, strict=True):
        claims = (-value,) if sign == "negative" else (value, -value) if sign == "either" else (value,)
        slack = half + abs(value) * Decimal("1e-12")  # what binary floats lose
        price = figure.kind == "plain" and half <= CENT / 2  # "the 50-day average (29.40)"
        able = [h for h in held if figure.kind in h.kinds or (price and "money" in h.kinds and abs(h.value) < PRICES)]
        if any(abs(h.value - claim) <= slack for h in able for claim in claims):
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
    if _FELL_TO.search(before) and (_TO_LEVEL.match(after) or not _FROM.search(before)):
        return figure.sign  # "caiu para 4,5x", "caiu de 5,1x para 4,5x": levels, not changes
    if _AFTER.match(after):
        return "negative"
    if figure.kind in ("money", "amount") and _SUBTRACTED.search(before):
        return "either"
    match = _BEFORE.search(before)
    distance = len(match["gap"].split()) if match else _NEAR + 1
    if distance <= _ADJACENT:
        return "negative"
    unsure = distance <= _NEAR or _BELOW.match(after) or _SIGNLESS_BEFORE.search(before)
    return "either" if unsure else figure.sign
