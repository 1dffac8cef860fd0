"""What follows from cited facts: differences, ratios, discounts, roundings and thresholds that a text may state."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import permutations

from invest.domain.opinions.fact_names import fold
from invest.domain.opinions.figures_text import Figure, Kind, Sign
from invest.domain.opinions.opinion import SnapshotFact

KIND_OF_UNIT: dict[str, tuple[frozenset[Kind], Decimal]] = {
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
OTHER_UNIT: tuple[frozenset[Kind], Decimal] = (frozenset({"plain", "amount"}), Decimal(1))
ABOUT = Decimal("0.06")  # how far "about" reaches
REACH = 45  # characters before a figure in which a word speaks of it

_MORE = re.compile(
    r"(?<!nao )(?<!not )(?<!nem )(?:acima d[eao]s?|mais d[eo] que|mais de|superior(?:es)? a|maior(?:es)? (?:do )?que"
    r"|super(?:a|am|ou|aram)|ultrapass(?:a|am|ou|aram)|exced(?:e|em|eu)|pass(?:a|am|ou) de"
    r"|alem d[eao]s?|tops?|beyond|north of"
    r"|no minimo|ao menos|pelo menos|over|above|more than|greater than|higher than|at least|exceed\w*|in excess of)"
    r"(?: (?:os|as|o|a|de|the))?\s*(?:r\$|us\$|\$)?\s*$"
)
_LESS = re.compile(
    r"(?:abaixo d[eao]s?|menos de|inferior(?:es)? a|menor(?:es)? (?:do )?que|nao chega a|nao alcanca|aquem d[eao]s?"
    r"|falls? short of|shy of|below|under|less than|lower than)(?: (?:os|as|o|a|de|the))?\s*(?:r\$|us\$|\$)?\s*$"
)
_UP_TO = re.compile(
    r"(?:no maximo|\bate|at most|\bup to|nao (?:passa|supera|excede|ultrapassa)(?: d[eo])?|within|not exceed"
    r"|as much as)"
    r"(?: (?:os|as|o|a|de|the))?\s*(?:r\$|us\$|\$)?\s*$"
)
_ABOUT = re.compile(
    r"(?:cerca d[eo]s?|aproximadamente|quase|perto d[eo]|em torno d[eo]s?|por volta d[eo]s?|proxim[oa]s? (?:a|d[eo]s?)"
    r"|aprox\.?|uns|umas|about|around|roughly|nearly|almost|approximately|close to|some|~|≈)\s*(?:r\$|us\$|\$)?\s*$"
)
_COMPARED = re.compile(
    r"descont\w+|premios?|agios?|abaixo|acima|inferior\w*|superior\w*|menor\w*|maior\w*|barat\w*|car[oa]s?"
    r"|diferenca|falta\w*|potencial|distan\w*"
    r"|\bante\b|mais (?:alt|baix|elevad)\w+|frente a|\bclear(?:s|ed)?\b"
    r"|\banos? (?:d[eo]s?|of)\b|divid\w+|desde (?:a|o)|since|from (?:its|the)"
    r"|supera\w*|perde\w*|a (?:mais|menos)\b|discount|premium|below|above|lower|higher|less|more|cheaper|dearer"
    r"|beats?|exceeds?|trails?|lags?|difference|gap|versus|vs\b|against|under\b|upside|regain\w*"
    r"|(?:rise|gain|climb|fall|drop) to|short of|\bloses?\b|\boff\b|\btop(?:s|ped)\b|outpac\w*|median\w*"
    r"|aquem|quitar|repay\w*|\bpay (?:it |them )?(?:off|down)"
    r"|exced\w*|espaco|voltar|recuperar|retomar|reconquistar|alcancar|chegar a"
)
_UNDER = re.compile(r"descont|mais baix|abaixo|inferior|menor|barat|discount|below|lower|\bless|cheaper|\bunder\b")
_OVER = re.compile(
    r"premio|mais alt|mais elevad|agio|acima|superior|maior|\bcar[oa]s?\b|premium|above|higher|\bmore|dearer"
)
_TIMES = re.compile(
    r"setor|median\w*|medi[ao]s?|pares|historic\w*|sector|peers?|average|own|than|vezes [oa]\b|times (?:the|its)\b"
    r"|vezes mais|times (?:as|faster)\b"
)
_BOOK = re.compile(r"patrimoni|\bvpa\b|book|net asset")
_KEPT = re.compile(r"\bret[eé](?:m|ve|encao)|reinvest|\bretain|\bkeeps?\b|plough|plow")
_MAKES = re.compile(
    r"equival\w*|correspond\w*|represent\w*|signific\w*|rende\w*|gera\w*|produz\w*|rest[ao]\w*|sobra\w*|vira\w*"
    r"|cobre\w*"
    r"|amounts?|equals?|equivalent|yields?|leaves?|generat\w*|produc\w*|makes?|covers?|turns?|worth"
)
_RECKONED = re.compile(
    r"\bmenos\b|\bminus\b|\bless\b|net of|liquid[ao] d[eo]|descontad[ao]|\bmais\b|\bplus\b|soma\w*|\bsum\b|together"
    r"|deixa\w*|resulta\w*|leav\w+|sobra\w*|resta\w*"
)
_LATER = re.compile(r"depois|longo prazo|alem d[eo]|long[- ]term|\bafter\b|beyond|later")
_SENSITIVE = re.compile(r"sensi\w*|oscil\w*|volat\w*|menos|mais|less|more|moves?|swings?|amplif\w*")
_UPSIDE = re.compile(
    r"espaco|potencial|\bsub(?:ir|iria)|valoriz\w*|reprecific\w*|upside|\bworth\b|rerat\w*|re-rat\w*|\brise\b"
)
_OF = re.compile(r"%\s*(?:d[oae]s?|of)\b")
_POINTS = re.compile(r"\s*(?:pontos?|points?)\b")
_SECTOR = re.compile(r"\b(?:setor\w*|pares|concorrent\w*|industria|sector\w*|peers?|industry|rivals?)\b")
_OWN = re.compile(
    r"\b(?:propri\w*|histor\w*|own|usual\w*|costum\w*|habitua\w*|normal\w*|passado|past|cinco anos|five"
    r"|(?:sua|its) median\w*)\b"
)
COMPARED_WITH = re.compile(
    r"setor\w*|pares|median\w*|medias?|historic\w*|concorrent\w*|propri[oa]|sector\w*|peers?|averages?|own"
    r"|usual\w*|costum\w*|normal\w*|industry|rivals?|cinco anos|five[- ]year"
)


@dataclass(frozen=True, slots=True)
class Held:
    """One value of a fact, in the unit that figures of its kind are written in; `median` where it is not its own."""

    fact: SnapshotFact
    kinds: frozenset[Kind]
    value: Decimal
    median: bool = False


def held_values(facts: Iterable[SnapshotFact]) -> Iterator[Held]:
    """Every value of `facts`, and the medians shown beside them."""
    for fact in facts:
        kinds, scale = KIND_OF_UNIT.get(fact.unit, OTHER_UNIT)
        for value, median in ((fact.value, False), (fact.own_median, True), (fact.sector_median, True)):
            if value is not None:
                yield Held(fact, kinds, Decimal(repr(float(value))) * scale, median)


@lru_cache(maxsize=512)
def compares(sentence: str) -> bool:
    """Whether `sentence` sets one value against another."""
    return _COMPARED.search(fold(sentence)) is not None


def follows(figure: Figure, sign: Sign, sentence: str, held: Sequence[Held]) -> bool:
    """Whether `figure`, of the sign that its words claim, follows from `held`, by the words around it in `sentence`."""
    around = fold(sentence)
    held = _meant(around, held)
    sizes = list(zip(figure.values, figure.halves, strict=True))
    if _bounded(figure, sign, sentence, held):
        return True
    points = figure.kind == "points" or (figure.kind == "plain" and _POINTS.match(fold(sentence[figure.end :])))
    exact = _gaps(held) if points else []
    if figure.kind in ("money", "amount") and _RECKONED.search(around):
        exact += [v for one, other in permutations(_sums_of_money(held), 2) for v in (one + other, one - other)]
    if any(abs(abs(v) - value) <= half for v in exact for value, half in sizes):
        return True
    if figure.kind == "percent" and _share_holds(figure, sentence, around, held):
        return True
    multiple = figure.kind == "multiple" and (_TIMES.search(around) or len(_sums_of_money(held)) == 2)
    comparing = multiple or _COMPARED.search(around)  # two sums alone compare: "1,4x a receita"
    return bool(comparing) and _compared(figure, "points" if points else figure.kind, around, held)


def _meant(around: str, held: Sequence[Held]) -> Sequence[Held]:
    """`held` without the medians of the other kind, where a text speaks of the sector's alone or of its own alone."""
    sector, own = _SECTOR.search(around) is not None, _OWN.search(around) is not None
    if sector == own:
        return held
    return [h for h in held if not h.median or not _is_of(h, own=sector)]


def _is_of(held: Held, *, own: bool) -> bool:
    """Whether a median is that one and not the other."""
    values = (held.fact.own_median, held.fact.sector_median)
    scaled = [
        None if v is None else Decimal(repr(float(v))) * KIND_OF_UNIT.get(held.fact.unit, OTHER_UNIT)[1] for v in values
    ]
    mine, other = scaled if own else scaled[::-1]
    return held.value == mine != other


def stands_so(figure: Figure, sentence: str, held: Sequence[Held]) -> bool:
    """Whether a multiple is how a fact stands to its medians: "three times the sector's"."""
    return _compared(figure, figure.kind, fold(sentence), held)


def _bounded(figure: Figure, sign: Sign, sentence: str, held: Sequence[Held]) -> bool:
    """Whether one of `held` is above, below or about `figure`, as the words before it say."""
    before = fold(sentence[max(figure.start - REACH, 0) : figure.start])
    same = [_claimed(h.value, sign) for h in held if figure.kind in h.kinds and not h.median]
    if figure.kind == "points":
        same = [abs(v) for v in _gaps(held)]
    more, less = _MORE.search(before), _LESS.search(before)
    about = _ABOUT.search(before) or _UP_TO.search(before)
    return any(
        (more and v > value) or (less and 0 <= v < value) or (about and abs(abs(v) - value) <= ABOUT * value)
        for value in figure.values
        for v in same
    )


def contradicts(figure: Figure, sentence: str, value: Decimal) -> bool:
    """Whether `value` lies on the wrong side of a figure that a text says it is above or below of."""
    before = fold(sentence[max(figure.start - REACH, 0) : figure.start])
    size = figure.values[0]
    return bool(_MORE.search(before) and abs(value) < size) or bool(_LESS.search(before) and abs(value) > size)


def _claimed(value: Decimal, sign: Sign) -> Decimal:
    """`value` as it is written after words of that sign: a fall of 8.7 % is -8.7."""
    return -value if sign == "negative" else abs(value) if sign == "either" else value


def _sums_of_money(held: Sequence[Held]) -> list[Decimal]:
    return [h.value for h in held if "money" in h.kinds and not h.median]


def _compared(figure: Figure, kind: Kind, around: str, held: Sequence[Held]) -> bool:
    """Whether a figure, read as of `kind`, is how two of `held` stand to each other, on the side that the words say."""
    sizes = list(zip(figure.values, figure.halves, strict=True))
    under, over = _UNDER.search(around) is not None, _OVER.search(around) is not None
    about = ABOUT if _ABOUT.search(around[max(figure.start - REACH, 0) : figure.start]) else Decimal(0)
    return any(
        abs(abs(found) - value) <= max(half, about * value) and not (under != over and (found > 0) == under)
        for found in (
            *_relations(kind, held, upside=_UPSIDE.search(around) is not None),
            *(_steps(held) if figure.kind in ("multiple", "plain") else ()),
        )
        for value, half in sizes
    )


def _share_holds(figure: Figure, sentence: str, around: str, held: Sequence[Held]) -> bool:
    """Whether a percentage is a premium to book value, one sum's share of another, what a payout or a beta leaves."""
    found: list[Decimal] = []
    if _BOOK.search(around):
        under, over = _UNDER.search(around) is not None, _OVER.search(around) is not None
        books = [(h.value - 1) * 100 for h in held if h.fact.key == "p_vp" and not h.median]
        found += [gap for gap in books if not (under != over and (gap > 0) == under)]
    if _OF.match(fold(sentence[figure.end - 1 :])) or _MAKES.search(around):
        found += [
            one.value / other.value * 100
            for one, other in permutations(held, 2)
            if other.value and "money" in one.kinds and "money" in other.kinds and one.fact is not other.fact
        ]
    if _KEPT.search(around):
        found += [100 - h.value for h in held if h.fact.key == "payout" and not h.median]
    if _LATER.search(around):
        found += [100 - h.value for h in held if h.fact.key == "short_term_debt_share"]
    if _SENSITIVE.search(around):
        found += [(h.value - 1) * 100 for h in held if h.fact.key == "beta_1y"]
    about = ABOUT if _ABOUT.search(fold(sentence[max(figure.start - REACH, 0) : figure.start])) else Decimal(0)
    return any(
        abs(abs(share) - value) <= max(half, about * value)
        for share in found
        for value, half in zip(figure.values, figure.halves, strict=True)
    )


def _steps(held: Sequence[Held]) -> Iterator[Decimal]:
    """By how much a multiple differs from its own medians: "0,5x abaixo da mediana"."""
    for one, other in permutations(held, 2):
        if one.fact is other.fact and other.median and "multiple" in one.kinds:
            yield one.value - other.value


def _gaps(held: Sequence[Held]) -> list[Decimal]:
    """Facts that are differences of percentages themselves: a return over an index."""
    return [h.value for h in held if "percent" in h.kinds and "excess" in h.fact.key]


def only_two(held: Sequence[Held], like: Held) -> bool:
    """Whether `like` is one of just two facts of its kind: then a text that compares two means these."""
    return len({h.fact.id for h in held if h.kinds == like.kinds}) == 2


def _relations(kind: Kind, held: Sequence[Held], *, upside: bool) -> Iterator[Decimal]:
    """How values stand to those they may be compared with: a fact to its medians, two facts of one unit to each other.

    Negative where the first is the smaller; ratios have no sign to be wrong about.
    """
    for one, other in permutations(held, 2):
        if one.kinds != other.kinds or one.median:
            if one.fact is other.fact and kind == "percent" and upside and other.value:
                yield (one.value / other.value - 1) * 100  # what a price gains that reaches its sector's multiple
            continue
        if other.median and one.fact is not other.fact:
            continue
        own = one.fact is other.fact or only_two(held, one)
        if (kind == "points" and "percent" in one.kinds) or (kind in one.kinds and "money" in one.kinds):
            yield one.value - other.value
        elif other.value and kind == "percent" and (one.fact is other.fact or "money" in one.kinds):
            yield (one.value / other.value - 1) * 100
        elif other.value and kind in ("multiple", "plain") and own and other.median == (one.fact is other.fact):
            ratio = one.value / other.value
            yield ratio if ratio > 1 else -ratio
