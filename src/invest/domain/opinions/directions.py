"""Claims of direction in words: "acima da mediana do setor", "below its own history", "o lucro caiu".

A claim is false only where every reading contradicts it; what has no value to be held against is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from invest.domain.opinions.derived import Held
from invest.domain.opinions.fact_names import Mention
from invest.domain.opinions.figures_text import Figure

EVEN = Decimal("0.004")  # of the reference: nearer than this nobody is above or below it
IN_LINE = Decimal("0.2")  # how far from the reference "in line" reaches
REACH = 48  # characters after a comparison in which its reference stands

_LINK = r"(?:\s+(?:em|na|no|levemente|um pouco|bem|muito|mais de|by|a|the))?"
_THAN = r"\s+(?:(?:do )?que|than|em relacao|frente|ante|versus|vs|comparad\w+)\b"
_VERB = r"(?:\s+(?:em|by)\s+[^.;:()]{1,25}?(?=\s+(?:a|o|as|os|the|its|d[aoe]s?)\b))?"
_OVER = re.compile(
    r"\b(?:acima\b|clear(?:s|ed)?\b|superior(?:es)?\b|above\b"
    rf"|(?:maior(?:es)?|mais (?:alt[oa]s?|elevad[oa]s?|car[oa]s?))"
    rf"(?={_THAN})|(?:higher|greater|larger|dearer|richer|more expensive)(?={_THAN})"
    rf"|(?:super(?:a|am|ou|aram|ando)|exced(?:e|em|eu)|ultrapass(?:a|am|ou)|exceed(?:s|ed|ing)?|surpass(?:es|ed)?"
    rf"|beats?|tops?|topped)\b{_VERB})"
)
_UNDER = re.compile(
    r"\b(?:abaixo\b|nao (?:alcanca|atinge|supera|ultrapassa|chega)\b"
    r"|(?:does not|fails to|failed to) (?:reach|match|exceed|beat)\b|inferior(?:es)?\b|below\b"
    rf"|under(?=\s+(?:the|its)\b)"
    rf"|(?:menor(?:es)?|mais (?:baix[oa]s?|barat[oa]s?))"
    rf"(?={_THAN})|(?:lower|smaller|cheaper)(?={_THAN})"
    rf"|aquem\b|(?:trails?|trailed|lags?|lagged|undercuts?)\b{_VERB}|(?:falls?|fell|falling|comes?|is) short of)"
)
_DEARER = re.compile(r"\b(?:premio|agio|premium|mais car[oa]s?|dearer|more expensive|richer)\b")
_CHEAPER = re.compile(r"\b(?:desconto|discount|mais barat[oa]s?|cheaper)\b")
_EVENLY = re.compile(
    r"\b(?:em linha|alinhad[oa]s?|in line|on (?:a )?par)\s+(?:com|with|a[os]?)\b"
    r"|\b(?:proxim[oa]s?|similar|igual|semelhante)s?"
    r"\s+(?:a|ao|aos|d[ao]s?|to)\b(?=[^.;:\d]{0,12}(?:median|setor|pares|propri|histor|sector|peers))"
)
_RATIO = re.compile(
    r"\s*(?:d[aeo]s?|of|than|que|a|ao)?\s*(?:an?|uma?|o|one|dois|tres|two|three)?[\s-]*(?:metade|half|dobro|triplo|quadruplo"
    r"|twice|double|terco|third|quarto|quarter|quinto|fifth)s?\b"
)
_SECTOR = re.compile(
    r"\b(?:setor\w*|pares|concorrent\w*|industria|segmento|sector|peers?|industry|rivals?|competitors?)\b"
)
_OWN = re.compile(r"\b(?:propri[oa]s?|historic\w*|own|historical|history)\b")
_MEDIAN = re.compile(r"\b(?:median\w*|medias?|averages?)\b")
_DENIED = re.compile(
    r"\b(?:nao|nem|nunca|sem|longe d[eo]|not|never|neither|nor|isn't|far from|without)\s+(?:\w+\s+){0,2}$"
    r"|\b(?:pode\w*|deve\w*|poderia\w*|caso|(?<!-)se|ate|para|could|may|might|would|should|if|unless|until|to)\b[^.,;]{0,30}$"
)
_BREAK = re.compile(r"[.;:!?]\s|\s[—–-]\s|,\s+(?:mas|embora|enquanto|com|e|but|while|with|and|despite|apesar)\b")
_MULTIPLES = frozenset(("p_l", "p_vp", "p_sr", "p_ebit", "ev_ebit", "ev_ebitda"))
_BOOK = re.compile(r"\b(?:valor patrimonial|patrimonio|book value|net asset value)\b")
_RISE = (
    r"(?:cresce\w*|cresci\w+|avanc\w+|subi\w+|sobe\w*|aument\w+|expand\w+|melhor(?:ou|aram)|rose|rises?|grew|grows?"
    r"|increas\w+|climb\w*|advanc\w+|improved|jumped|soared)"
)
_FALL = (
    r"(?:ca[ií](?:u|ram|ndo)?|cai|recu\w+|encolhe\w*|reduzi\w+|diminui\w*|despenc\w+|pior(?:ou|aram)|fell|falls?|declin\w+"
    r"|drop(?:s|ped)?|shr[aiu]nk\w*|decreas\w+|contract\w+|plunged|tumbled)"
)
_CHANGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"lucros?(?: liquidos?)?|net income|(?:net )?profits?|earnings", ("net_income_growth_1y", "net_income_cagr_5y")),
    (r"receitas?(?: liquidas?)?|faturamento|vendas|(?:net )?revenues?|sales", ("revenue_growth_1y", "revenue_cagr_5y")),
    (r"patrimonio(?: liquido)?|equity", ("equity_cagr_5y",)),
)  # fmt: skip
_MOVED = tuple(
    (re.compile(rf"\b(?:{subject})\s+(?:ja\s+|has\s+|have\s+)?(?:(?P<rise>{_RISE})|(?P<fall>{_FALL}))\b"), keys)
    for subject, keys in _CHANGES
)
_OTHER_PERIOD = re.compile(
    r"^\s*[-−]|trimestr\w*|semestr\w*|(?<!12 )(?<!doze )\bmes(?:es)?\b|(?<!\ba )\bquarter\w*"
    r"|(?<!12 )(?<!twelve )\bmonths?\b"
    r"|semi-annual|half-year|\bmais\b|\bmore\b"
)
_AVERAGES = re.compile(
    r"\b(?P<one>50|200)\b(?:[^.;]|\.\d){0,40}?\b(?:(?P<over>acima|above|over|supera|maior)|(?P<under>abaixo|below|under|menor))\b"
    r"(?:[^.;]|\.\d){0,25}?\b(?P<other>50|200)\b"
)
_BAND = re.compile(
    r"\b(?:(?P<third>terco|third)|(?P<half>metade|half))\s+(?P<pt>superior|inferior|de cima|de baixo)"
    r"|\b(?P<en>upper|lower|top|bottom)\s+(?:(?P<third2>third)|(?P<half2>half))\b"
)
_LEVELS: tuple[tuple[str, re.Pattern[str], Decimal], ...] = (
    ("rsi_14", re.compile(r"sobrecompra\w*|overbought"), Decimal(70)),
    ("rsi_14", re.compile(r"sobrevend\w*|oversold"), Decimal(30)),
    ("rsi_14", re.compile(r"^\s*(?:d[eo]s? )?70\b"), Decimal(70)),
    ("rsi_14", re.compile(r"^\s*(?:d[eo]s? )?30\b"), Decimal(30)),
    ("altman_z", re.compile(r"(?:zona|faixa|area) de (?:perigo|risco|estresse|falencia)|distress|danger zone"),
     Decimal("1.81")),
)  # fmt: skip
_STATE = re.compile(
    r"\b(?:is|looks|esta|encontra-se|em|in|ja|na zona de|in the)\s+"
    r"(?:(?:em|na|no|in|zona de|territorio de|strongly|now|ja)\s+)*"
    r"(?:(?P<over>sobrecomprad\w+|sobrecompra|overbought)|(?P<under>sobrevendid\w+|sobrevenda|oversold))\b"
)
_STATED = Decimal(5)  # points within which an index counts as there
_FROM_TO = re.compile(
    rf"\b(?:(?P<rise>{_RISE})|(?P<fall>{_FALL}))\s+(?:de|d[ao]s?|from)\s+[^;:]{{1,60}}?\s(?:para|to|a)\s+(?:r\$\s*)?(?=\d)"
)
_DAYS = re.compile(r"(?<![\d.,])(?P<n>\d{1,3})\s+(?:dias|days)\b")
_IN_DAYS = ("inventory_days", "receivable_days")
_YEARS_OF_FIVE = re.compile(
    r"\b(?P<all>todos|all|each|every|(?:em )?cada um)?\s*(?:os |the |of the )?"
    r"(?P<n>um|dois|tres|quatro|cinco|one|two|three|four|five|[1-5])?\s*"
    r"(?:d?os |of the |in the |of (?:its )?)?(?:ultimos |last |past )?"
    r"(?:cinco|five|5) (?:ultimos |last )?(?:anos|years)\b"
)
_NUMBERS = {
    "um": 1, "dois": 2, "tres": 3, "quatro": 4, "cinco": 5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in small letters without accents, its names and figures, and what it may be held against."""

    plain: str
    mentions: Sequence[Mention]
    figures: Sequence[Figure]
    held: Sequence[Held]


def direction_claims(sentence: Sentence) -> Iterator[tuple[int, int, bool]]:
    """Where each claim of direction stands, and whether it holds; claims that cannot be judged are left out."""
    for pattern, side in ((_OVER, 1), (_UNDER, -1), (_EVENLY, 0)):
        for match in pattern.finditer(sentence.plain):
            yield from _judged(match, _compared(sentence, match, side))
    for pattern, side in ((_DEARER, 1), (_CHEAPER, -1)):
        for match in pattern.finditer(sentence.plain):
            yield from _judged(match, _priced(sentence, match, side))
    for pattern, keys in _MOVED:
        for match in pattern.finditer(sentence.plain):
            yield from _judged(match, _moved(sentence, match, keys))
    for match in _AVERAGES.finditer(sentence.plain):
        yield from _judged(match, _averages(sentence, match))
    for match in _BAND.finditer(sentence.plain):
        yield from _judged(match, _in_band(sentence, match))
    for match in _STATE.finditer(sentence.plain):
        yield from _judged(match, _state(sentence, match))
    for match in _FROM_TO.finditer(sentence.plain):
        yield from _judged(match, _from_to(sentence, match))
    for match in _DAYS.finditer(sentence.plain):
        yield from _judged(match, _days(sentence, match))
    for match in _YEARS_OF_FIVE.finditer(sentence.plain):
        yield from _judged(match, _paid_years(sentence, match))


def _judged(match: re.Match[str], holds: bool | None) -> Iterator[tuple[int, int, bool]]:
    if holds is not None and not _DENIED.search(match.string[: match.start()][-60:]):
        yield match.start(), match.end(), holds


def _own_values(sentence: Sentence, keys: frozenset[str]) -> list[Held]:
    return [h for h in sentence.held if h.fact.key in keys and not h.median]


def medians_meant(one: Held, tail: str) -> list[Decimal]:
    """The medians of `one` that `tail` speaks of; both where it does not say whose."""
    scale = one.value / Decimal(repr(float(one.fact.value))) if one.fact.value else Decimal(1)
    sector, own = _SECTOR.search(tail), _OWN.search(tail)
    if sector and own:
        sector, own = (sector, None) if sector.start() < own.start() else (None, own)
    values = (
        (one.fact.sector_median, own is None),
        (one.fact.own_median, sector is None),
    )
    return [Decimal(repr(float(value))) * scale for value, meant in values if value is not None and meant]


def _stands(value: Decimal, reference: Decimal, side: int) -> bool:
    if side == 0:
        return abs(value - reference) <= IN_LINE * abs(reference)
    return (value - reference) * side >= -EVEN * abs(reference)


def _tail(sentence: Sentence, start: int) -> str:
    tail = sentence.plain[start : start + REACH]
    end = _BREAK.search(tail)
    return tail[: end.start()] if end else tail


def _subject(sentence: Sentence, before: int) -> Mention | None:
    """The last name before a comparison; else what the only cited fact is."""
    names = [m for m in sentence.mentions if m.end <= before]
    if names:
        return names[-1]
    keys = {h.fact.key for h in sentence.held}
    return Mention(0, 0, frozenset(keys)) if len(keys) == 1 else None


def _compared(sentence: Sentence, match: re.Match[str], side: int) -> bool | None:
    subject = _subject(sentence, match.start())
    tail = _tail(sentence, match.end())
    written = _figures_beside(sentence, match, tail, side)
    if written is not None or _RATIO.match(tail):
        return written
    level = _level(sentence, tail, side)
    return level if level is not None else _against(sentence, match, subject, tail, side)


def _against(sentence: Sentence, match: re.Match[str], subject: Mention | None, tail: str, side: int) -> bool | None:
    """Whether the subject stands so to what is named behind: medians, another fact, a figure, book value."""
    keys = subject.keys if subject else frozenset[str]()
    values = _own_values(sentence, keys)
    reference = min(
        (m.start() for m in (_SECTOR.search(tail), _OWN.search(tail), _MEDIAN.search(tail)) if m), default=REACH
    )
    figure = next((f for f in sentence.figures if 0 <= f.start - match.end() < min(len(tail), 26)), None)
    other = next((m for m in sentence.mentions if 0 <= m.start - match.end() < 25), None)
    if reference < REACH and (other is None or other.start - match.end() > reference or other.keys & keys):
        references = [(one, median) for one in values for median in medians_meant(one, tail)]
        return any(_stands(one.value, median, side) for one, median in references) if references else None
    if other is not None and (figure is None or other.start < figure.start):
        others = _own_values(sentence, _narrowed(sentence, other))
        if not any(one.kinds == another.kinds for one in values for another in others):
            values = _own_values(sentence, frozenset(("close",)))  # "o papel está acima da média de 200 dias"
        return _beside(values, others, side)
    if figure is not None and side:
        return _beside_figure(values, figure, side)
    books = _own_values(sentence, frozenset(("p_vp",))) if _BOOK.search(tail) else []
    return any(_stands(h.value, Decimal(1), side) for h in books) if books else None


def _narrowed(sentence: Sentence, name: Mention) -> frozenset[str]:
    """The keys of a name; of averages those of as many days as it says."""
    days = re.search(r"\d+", sentence.plain[name.start : name.end])
    return frozenset(key for key in name.keys if key == f"sma_{days[0]}") or name.keys if days else name.keys


def _figures_beside(sentence: Sentence, match: re.Match[str], tail: str, side: int) -> bool | None:
    """What the figures on both sides say: "(63%) está acima da anual (58%)"; one right before is a difference."""
    before = [f for f in sentence.figures if f.end <= match.start()]
    after = next((f for f in sentence.figures if 0 <= f.start - match.end() < min(len(tail), 30)), None)
    if not side or not before or after is None or after.kind != before[-1].kind or after.kind == "points":
        return None
    between = sentence.plain[before[-1].end : match.start()]
    if not re.search(r"\w", between) or re.search(r"[.;:]|,\s", between) or len(between) > 40:
        return None
    one, other = ((-f.values[0] if f.sign == "negative" else f.values[0]) for f in (before[-1], after))
    return _stands(one, other, side)


def _level(sentence: Sentence, tail: str, side: int) -> bool | None:
    for key, words, level in _LEVELS:
        values = _own_values(sentence, frozenset((key,)))
        if side and values and words.search(tail):
            return any(_stands(h.value, level, side) for h in values)
    return None


def _beside(values: Sequence[Held], others: Sequence[Held], side: int) -> bool | None:
    pairs = [
        (one, other) for one in values for other in others if one.kinds == other.kinds and one.fact is not other.fact
    ]
    return any(_stands(one.value, other.value, side) for one, other in pairs) if pairs else None


def _beside_figure(values: Sequence[Held], figure: Figure, side: int) -> bool | None:
    same = [h.value for h in values if figure.kind in h.kinds]
    if not same or figure.sign == "negative":
        return None
    return any(_stands(abs(value), size, side) for value in same for size in figure.values)


def _priced(sentence: Sentence, match: re.Match[str], side: int) -> bool | None:
    """A premium or a discount: of the multiple that is named, or the only one cited, to its medians."""
    tail = _tail(sentence, match.end())
    if not (_SECTOR.search(tail) or _OWN.search(tail)):
        return None
    named = [m.keys & _MULTIPLES for m in sentence.mentions if m.keys & _MULTIPLES]
    cited = {h.fact.key for h in sentence.held} & _MULTIPLES
    keys = frozenset().union(*named) if named else frozenset(cited if len(cited) == 1 else ())
    references = [(one, median) for one in _own_values(sentence, keys) for median in medians_meant(one, tail)]
    return any(_stands(one.value, median, side) for one, median in references) if references else None


def _moved(sentence: Sentence, match: re.Match[str], keys: tuple[str, ...]) -> bool | None:
    """Whether some cited change of the subject goes the way that the verb says."""
    if _OTHER_PERIOD.search(sentence.plain[match.end() : match.end() + REACH]):
        return None
    values = _own_values(sentence, frozenset(keys))
    return any((h.value > 0) == bool(match["rise"]) for h in values) if values else None


def _averages(sentence: Sentence, match: re.Match[str]) -> bool | None:
    by_days = {h.fact.key.removeprefix("sma_"): h.value for h in sentence.held if h.fact.key in ("sma_50", "sma_200")}
    one, other = by_days.get(match["one"]), by_days.get(match["other"])
    is_object = re.search(r"\b(?:acima|abaixo|above|below|supera)\b[^.;]{0,20}$", sentence.plain[: match.start()])
    if one is None or other is None or is_object or match["one"] == match["other"]:
        return None
    return _stands(one, other, 1 if match["over"] else -1)


def _in_band(sentence: Sentence, match: re.Match[str]) -> bool | None:
    """Whether the price lies in that third, or half, of its range of a year."""
    values = {h.fact.key: h.value for h in sentence.held if not h.median}
    close, low, high = (values.get(key) for key in ("close", "week52_low", "week52_high"))
    position = values["week52_position"] / 100 if "week52_position" in values else None
    if position is None:
        if close is None or low is None or high is None or high <= low:
            return None
        position = (close - low) / (high - low)
    upper = (match["pt"] or match["en"]) in ("superior", "de cima", "upper", "top")
    part = Decimal(1) / (3 if match["third"] or match["third2"] else 2) + Decimal("0.02")
    return position >= 1 - part if upper else position <= part


def _state(sentence: Sentence, match: re.Match[str]) -> bool | None:
    values = _own_values(sentence, frozenset(("rsi_14",)))
    if not values:
        return None
    return any(h.value >= 70 - _STATED if match["over"] else h.value <= 30 + _STATED for h in values)


def _from_to(sentence: Sentence, match: re.Match[str]) -> bool | None:
    """Whether a change from one level to another goes the way that its verb says."""
    inside = [f for f in sentence.figures if match.start() <= f.start < match.end()]
    after = next((f for f in sentence.figures if 0 <= f.start - match.end() < 4), None)
    if len(inside) != 1 or after is None or inside[0].kind != after.kind:
        return None
    return _stands(after.values[0], inside[0].values[0], 1 if match["rise"] else -1)


def _days(sentence: Sentence, match: re.Match[str]) -> bool | None:
    """Whether stocks or receivables take so many days, where the sentence is about them."""
    named = {key for m in sentence.mentions if m.end <= match.start() for key in m.keys} & set(_IN_DAYS)
    if not named or re.search(r"\b(?:ultimos|last|past)\s+$", sentence.plain[: match.start()]):
        return None
    values = [h.value for h in sentence.held if h.fact.key in named]
    return any(abs(value - int(match["n"])) <= Decimal("0.5") for value in values) if values else None


def _paid_years(sentence: Sentence, match: re.Match[str]) -> bool | None:
    """Whether dividends were paid in so many of five years."""
    paid = _own_values(sentence, frozenset(("dividend_years_5y",)))
    if not paid or not (match["all"] or match["n"]):
        return None
    number = 5 if match["all"] else _NUMBERS.get(match["n"]) or int(match["n"])
    return any(h.value == number for h in paid)
