"""Figures in free text, in pt-BR and en: what was written, of which kind, and every value it may stand for.

What is no claim about the data is masked first: dates, quarters, years, laws and standards, tickers, index names,
indicator periods, durations, fact ids, ordinals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Kind = Literal["percent", "points", "multiple", "money", "foreign", "amount", "plain"]
Sign = Literal["given", "negative", "either"]

_MONTH = (
    r"(?:jan(?:eiro|uary)?|fev(?:ereiro)?|feb(?:ruary)?|mar(?:[cç]o|ch)?|abr(?:il)?|apr(?:il)?|mai(?:o)?|may|jun(?:ho|e)?"
    r"|jul(?:ho|y)?|ago(?:sto)?|aug(?:ust)?|set(?:embro)?|sep(?:t(?:ember)?)?|out(?:ubro)?|oct(?:ober)?|nov(?:ember|embro)?"
    r"|dez(?:embro)?|dec(?:ember)?)"
)
_DURATION = (
    r"(?:anos?|m[eê]s(?:es)?|semanas?|dias?|horas?|preg[oõ](?:es)?|preg[aã]o|trimestres?|semestres?|d[eé]cadas?|exerc[ií]cios?"
    r"|years?|months?|weeks?|days?|hours?|sessions?|quarters?|decades?|yrs?)"
)
_LAW = (
    r"(?:leis?|laws?|act|decretos?|mps?|medidas?\s+provis[oó]rias?|resolu[cç][aã]o|resolu[cç][oõ]es|resolution|instru[cç][aã]o|icvm|rcvm|ifrs|ias|ifric|cpcs?|icpc|ocpc"
    r"|nbc(?:\s+t[gs]?)?|iso|pec|pls?|art(?:igos?|icles?|s)?\.?|s[uú]mula|circular|delibera[cç][aã]o|portaria|tema|basil(?:eia|ea)|basel"
    r"|nota|notes?|item|itens|se[cç][aã]o|section|figura|figure|tabela|table|p[aá]gina|page|cap[ií]tulo|chapter|anexo|n[ií]vel|tier|level|fase|phase|etapa|top)"
)
_INDICATOR = r"(?:ifr|rsi|sma|ema|mma?|mme|ma|adx|atr|macd|di|cci|roc|bollinger|bandas?|estoc[aá]stico|stochastic|%[kd]|momento?|momentum|obv|var|piotroski\s+f)"
_INDEX = r"(?:s&p|ibr-?x|nasdaq|russell|ftse|stoxx|cac|dax|nikkei|ima-?[bs]|msci|idiv|smll)"

_MASKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"https?://\S+",
        r"\b\d{1,2}[/.]\d{1,2}[/.](?:19|20)?\d{2}\b",
        r"\b(?:19|20)\d{2}-\d{2}(?:-\d{2})?(?:T[\d:.]+Z?)?\b",
        rf"\b\d{{1,2}}[ºo°]?\s+(?:de\s+)?{_MONTH}\b\.?(?:,?\s*(?:de\s+|/)?(?:19|20)?\d{{2}}\b)?",
        rf"\b{_MONTH}\b\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?![.,]?\d|\s*%)(?:,?\s+(?:19|20)\d{{2}}\b)?",
        rf"\b{_MONTH}[./-](?:19|20)?\d{{2}}\b",
        r"(?<![\d,.])(?:0?[1-9]|1[0-2])/(?:19|20)\d{2}\b",
        r"\b(?:[1-4]\s?[TQ]|[12]\s?[SH]|(?:3|6|9|12)\s?M)\s?(?:de\s+)?['’]?(?:20)?\d{2}[Ee]?\b",
        r"\b[QTHSF]Y?[1-4]?\s?['’]?(?:20)?\d{2}[Ee]?\b(?![.,]\d)",
        r"\bQ[1-4]\b|\b[1-4][TQ]\b|\b[12][SH]\b",
        rf"\b{_LAW}\s*(?:(?:cvm|bcb|cmn)\s*)?(?:n[º°o]?\.?\s*)?\d[\d.,]*(?:\s*[/-]\s*\d{{2,4}})?(?:\([^)\s]*\))?(?!\s*(?:%|x\b|vezes|times))",
        rf"\b{_INDEX}\s*-?\s*\d+\b",
        rf"\b{_INDICATOR}\s*(?:de\s+)?\(\s*\d+(?:\s*[,;]\s*\d+)*\s*%?\s*\)",
        rf"\b{_INDICATOR}[\s-]?(?:9|14|20|21|26|50|72|80|100|200)\b(?![.,]\d|\s*%|\s*x\b)",
        r"\bm[eé]dias?(?:\s+m[oó]ve(?:l|is))?\s+(?:de\s+)?(?:9|20|21|50|72|100|200)\b(?![.,]\d|\s*%)",
        r"\b(?:9|20|21|50|72|80|100|200)(?:\s+e\s+|\s+and\s+)(?=(?:50|100|200)[\s-]*(?:dias|day|per[ií]odos))",
        r"\b12\s?[-–−]\s?1\b(?![.,]?\d|\s*%)",
        rf"(?<![\d.,])(?<!\$ )(?<!\$)\d{{1,3}}(?:\s*(?:a|e|to|and|-|–|ou|or)\s*\d{{1,3}})?[\s-]*{_DURATION}\b",
        r"(?<![\d.,$])(?<!\$ )\d{1,3}\s?(?:m|d|h|y|a)\b(?!\s?[²³])",
        r"\b\d{1,2}(?:h|:)\d{2}\b",
        r"\b\d{1,3}\s?(?:º|ª|°|st|nd|rd|th)\b",
        r"\b(?:anos|d[eé]cada\s+de)\s+\d{2}\b",
        r"(?m)^\s*\(?\d{1,2}[.)]\s+(?=\D)",
        r"(?<=\d)\s?/\s?\d{1,3}\b(?![.,/]\d)|(?<=\b\d)\s+(?:de|em|of|out\s+of)\s+\d{1,2}\b(?![.,/]?\d|\s*(?:%|x\b|¤))",
        r"\[?\bf\d{1,3}\b\]?",
        r"\^?\b[A-Z]{4}(?:[3-8]|1[1-3]|3[1-59])[BF]?\b",
        r"\b(?:[^\W\d_]+[-/]?)+\d[\w./-]*(?<![.,])",  # digits that belong to a name: B3, G20, Covid-19, MM200, P50
        r"(?<![\d.,$])(?<!\$ )\b(?:19|20)\d{2}[Ee]?\b(?![.,]\d|\s*(?:%|x\b|×|vezes|times|mil|mi\b|bi\b|m\b|reais|p\.?p|bps))",
    )
)
_SCALES = (
    (r"mil\s+milh(?:[oõ]es|[aã]o)|bilh(?:[oõ]es|[aã]o)|bi(?:l)?|billions?|bn|b", Decimal(10) ** 9),
    (r"trilh(?:[oõ]es|[aã]o)|tri|trillions?|tn", Decimal(10) ** 12),
    (r"milh(?:[oõ]es|[aã]o)|mi|mm|mln|millions?|m", Decimal(10) ** 6),
    (r"mil|k|thousands?", Decimal(10) ** 3),
)
_SCALE_WORDS = "|".join(words for words, _ in _SCALES)
_UNITS = (
    r"%|por\s+cento|percentage\s+points?|per\s?cent\b|p\.\s?p\.|pp\b|p\.p\b|pontos?\s+percentua(?:l|is)"
    r"|bps?\b|b\.p\.s?|pontos?[-\s]base|basis\s+points?|[x×](?![\w])|vezes\b|times\b"
    r"|(?:de\s+)?reais\b|brl\b|d[oó]lares\b|dollars\b|usd\b|euros?\b"
)
_NUMBER = r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?"
_FIGURE = re.compile(
    rf"""(?P<before>\()?\s?(?P<sign1>(?<![\w)])[-−–]\s?)?
    (?P<currency>(?:R|US|U|A|C|HK|NZ)?\$|€|£|¥|\bBRL|\bUSD|\bEUR)?\s?
    (?P<inner>\()?(?P<sign2>(?<![\w)])[-−–+])?\s?
    (?<![\w.,])(?P<number>{_NUMBER})(?![\w]*\d)
    (?P<close1>\))?
    \s?(?P<scale>(?:{_SCALE_WORDS})\b)?
    \s?(?P<unit>{_UNITS})?
    (?P<close2>\))?""",
    re.VERBOSE | re.IGNORECASE,
)
_RANGE = re.compile(r"^\s?(?:a|à|até|e|to|and|-|–|—|−|ou|or)\s?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure as written. `values` in the unit of its kind (percent 24.2, points 3.5, money in units of currency).

    More than one value where the notation is ambiguous (12.345); `half` is half a unit of the last digit written, for
    each value.
    """

    text: str
    start: int
    end: int
    kind: Kind
    values: tuple[Decimal, ...]
    halves: tuple[Decimal, ...]
    sign: Sign
    shares: bool = False


def normalise(text: str) -> str:
    """`text` in NFKC without invisible characters, digits of any script as ASCII, spaces within numbers closed."""
    text = re.sub(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))", "", text)
    text = unicodedata.normalize("NFKC", text)
    shown = (c for c in text if unicodedata.category(c) not in ("Cf", "Co", "Cs", "Cn"))
    return "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in shown)


def masked(text: str) -> str:
    """`text` with everything that is no claim about the data blanked out, character for character."""
    for pattern in _MASKS:
        text = pattern.sub(lambda match: "¤" * len(match[0]), text)
    return text


def figures_in(text: str) -> list[Figure]:
    """The figures of `text` (already normalised), in order. The ends of a range share the unit of the last one."""
    hidden = masked(text)
    matches = [match for match in _FIGURE.finditer(hidden) if match["number"]]
    figures: list[Figure] = []
    borrowed: tuple[str | None, str | None, str | None] = (None, None, None)
    for i in range(len(matches) - 1, -1, -1):
        match = matches[i]
        following = matches[i + 1] if i + 1 < len(matches) else None
        joined = following is not None and _RANGE.match(hidden[match.end() : following.start()]) is not None
        joined = joined or (
            following is not None
            and hidden[match.end("number") : following.start()] == ""
            and (following["sign1"] or following["sign2"]) is not None
        )
        scale, unit, currency = match["scale"], match["unit"], match["currency"]
        if joined and not (scale or unit):
            scale, unit = borrowed[0], borrowed[1]
        if following is not None and i + 1 < len(matches) and joined:
            currency = currency or borrowed[2]
        previous = matches[i - 1] if i else None
        in_range = previous is not None and _joins(hidden, previous, match)
        if in_range and previous is not None and not currency:
            currency = previous["currency"]
        borrowed = (scale, unit, currency)
        figures.append(_figure(text, match, scale, unit, currency, ranged=in_range))
    return figures[::-1]


def _joins(text: str, left: re.Match[str], right: re.Match[str]) -> bool:
    between = text[left.end() : right.start()]
    if _RANGE.match(between):
        return True
    return between == "" and (right["sign1"] or right["sign2"]) is not None


def _figure(
    text: str, match: re.Match[str], scale: str | None, unit: str | None, currency: str | None, *, ranged: bool
) -> Figure:
    factor = _factor(scale)
    kind, multiplier = _kind(unit, currency, scale)
    readings = list(_readings(match["number"]))
    values = tuple(value * factor * multiplier for value, _ in readings)
    halves = tuple(step * factor * multiplier / 2 for _, step in readings)
    start = match.start("before") if match["before"] else match.start()
    return Figure(
        text=" ".join(text[start : match.end()].strip(" (").split()),
        start=match.start("number"),
        end=match.end(),
        kind=kind,
        values=values,
        halves=halves,
        sign=_sign(match, ranged=ranged),
    )


def _readings(number: str) -> Iterator[tuple[Decimal, Decimal]]:
    """Each value that `number` may stand for, with one unit of its last digit."""
    separators = [c for c in number if c in ".,"]
    if not separators:
        yield Decimal(number), Decimal(1)
        return
    last = separators[-1]
    head, _, tail = number.rpartition(last)
    grouped = len(tail) == 3 and (len(separators) > 1 or head not in ("0", "00", "000"))
    if len(set(separators)) == 2 or (len(separators) == 1 and not grouped):
        yield _decimal(head, tail)
        return
    if len(separators) > 1 and len(tail) != 3:  # 1.234.56: grouped, then a decimal part
        yield _decimal(head, tail)
        return
    yield Decimal(re.sub(r"[.,]", "", number)), Decimal(1)
    if len(separators) == 1:  # 12.345 is twelve thousand to one reader and twelve and a bit to the next
        yield _decimal(head, tail)


def _decimal(head: str, tail: str) -> tuple[Decimal, Decimal]:
    return Decimal(re.sub(r"[.,]", "", head) + "." + tail), Decimal(1).scaleb(-len(tail))


def _factor(scale: str | None) -> Decimal:
    if scale is None:
        return Decimal(1)
    return next(factor for words, factor in _SCALES if re.fullmatch(words, scale, re.IGNORECASE))


def _kind(unit: str | None, currency: str | None, scale: str | None) -> tuple[Kind, Decimal]:
    word = re.sub(r"[\s.\-]", "", unit.lower()) if unit else ""
    one = Decimal(1)
    if word in ("%", "porcento", "percent"):
        return "percent", one
    if word.startswith(("pp", "pontopercent", "pontospercent", "percentagepoint")):
        return "points", one
    if word.startswith(("bp", "pontobase", "pontosbase", "basis")):
        return "points", Decimal("0.01")
    if word in ("x", "×", "vezes", "times"):
        return "multiple", one
    if currency and currency.upper() in ("R$", "BRL"):
        return "money", one
    if currency or word in ("dólares", "dolares", "dollars", "usd", "euro", "euros"):
        return "foreign", one
    if word in ("reais", "dereais", "brl"):
        return "money", one
    return ("amount" if scale else "plain"), one


def _sign(match: re.Match[str], *, ranged: bool) -> Sign:
    marks = (match["sign1"] or "") + (match["sign2"] or "")
    if (match["inner"] or match["before"]) and match["close1"]:
        # (3,2)% and R$ (1,2) bi are the accountant's minus; (24,2) or (24,2%) may be one or a mere aside.
        return "negative" if match["scale"] or match["unit"] or match["inner"] and match["currency"] else "either"
    if any(c in "-−" for c in marks) and not ranged:
        return "negative"
    if "–" in marks and not ranged:
        return "either"
    return "either" if match["before"] and match["close2"] else "given"
