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
from itertools import pairwise
from typing import Literal

Kind = Literal["percent", "points", "multiple", "money", "foreign", "amount", "plain"]
Sign = Literal["given", "negative", "either"]

_MONTH = (
    r"(?:jan(?:eiro|uary)?|fev(?:ereiro)?|feb(?:ruary)?|mar(?:[cç]o|ch)?|abr(?:il)?|apr(?:il)?|mai(?:o)?|may|jun(?:ho|e)?"
    r"|jul(?:ho|y)?|ago(?:sto)?|aug(?:ust)?|set(?:embro)?|sep(?:t(?:ember)?)?|out(?:ubro)?(?!\s+of)|oct(?:ober)?|nov(?:ember|embro)?"
    r"|dez(?:embro)?|dec(?:ember)?)"
)
_DURATION = (
    r"(?:anos?|m[eê]s(?:es)?|semanas?|dias?|horas?|preg[oõ](?:es)?|preg[aã]o|trimestres?|semestres?|d[eé]cadas?|exerc[ií]cios?"
    r"|years?|months?|weeks?|days?|hours?|sessions?|quarters?|decades?|yrs?)"
)
_EARNED = r"(?:(?:its|seu|the|o)\s+)?(?:lucros?|ebitda|gera[cç][aã]o|caixa|profits?|earnings|cash)\b"
_LAW = (
    r"(?:leis?|laws?|act|decretos?(?:-lei)?|mps?|medidas?\s+provis[oó]rias?|resolu[cç](?:[aã]o|[oõ]es)|resolution"
    r"|instru[cç](?:[aã]o|[oõ]es)|icvm|rcvm|ifrs|ias|ifric|cpcs?|icpc|ocpc|nbc(?:\s+t[gs]?)?|iso|pec|pls?"
    r"|art(?:igos?|icles?|s)?\.?|s[uú]mula|circular|delibera[cç][aã]o|portaria|basil(?:eia|ea)|basel)"
)
_REFERENCE = (
    r"(?:nota|notes?|item|itens|se[cç][aã]o|section|figura|figure|tabela|table|p[aá]gina|page|cap[ií]tulo|chapter|anexo"
    r"|n[ií]vel|tier|level|fase|phase|etapa|tema|top)"
)
_INDICATOR = (
    r"(?:ifr|rsi|sma|ema|mma?|mme|ma|adx|atr|macd|di|cci|roc|bollinger|bandas?|estoc[aá]stico|stochastic|%[kd]"
    r"|momento?|momentum|obv|var|piotroski\s+f)"
)
_INDEX = r"(?:s&p|ibr-?x|nasdaq|russell|ftse|stoxx|cac|dax|nikkei|ima-?[bs]|msci|idiv|smll)"

_MASKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"https?://\S+",
        r"\b\d{1,2}[/.]\d{1,2}[/.](?:19|20)?\d{2}\b",
        r"(?<![\d.,/])(?:(?:1[3-9]|2\d|3[01])/(?:0?[1-9]|1[0-2])|\d{1,2}/0[1-9])\b(?![.,/]\d)",
        r"\b(?:19|20)\d{2}-\d{2}(?:-\d{2})?(?:T[\d:.]+Z?)?\b",
        rf"\b\d{{1,2}}[ºo°]?\s+(?:de\s+)?{_MONTH}\b\.?(?:,?\s*(?:de\s+|/)?(?:19|20)?\d{{2}}\b)?",
        rf"\b{_MONTH}\b\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?![.,]?\d|\s*%)(?:,?\s+(?:19|20)\d{{2}}\b)?",
        rf"\b{_MONTH}[./-](?:19|20)?\d{{2}}\b",
        r"(?<![\d,.])(?:0?[1-9]|1[0-2])/(?:19|20)\d{2}\b",
        r"\b(?:[1-4]\s?[TQ]|[12]\s?[SH]|(?:3|6|9|12)\s?M)\s?(?:de\s+)?['’]?(?:20)?\d{2}[Ee]?\b",
        r"(?<!/)\b[QTHSF]Y?[1-4]?\s?['’]?(?:20)?\d{2}[Ee]?\b(?![.,]\d|\s*(?:%|x\b))",
        r"\bQ[1-4]\b|\b[1-4][TQ]\b|\b[12][SH]\b",
        r"\b(?:ifrs|ias|cpc|ifric)\s*\d+(?:\s*(?:,|e|and)\s*\d+\b(?![.,]\d|\s*(?:%|x\b)))*",
        rf"\b{_LAW}\s*(?:(?:complementar|cvm|bcb|cmn)\s*)?(?:n[º°o]?\.?\s*)?\d[\d.,]*+(?:\s*[/-]\s*\d{{2,4}})?(?:\([^)\s]*\))?"
        r"(?!\s*(?:%|x\b|vezes|times|p\.?p|bps))",
        rf"\b{_REFERENCE}\s*\d{{1,3}}+(?![.,]?\d|\s*(?:%|x\b|vezes|times|mil|mi\b|bi\b|m\b|p\.?p|bps|¤|(?:de|em|of|out\s+of)\s+\d))",
        rf"\b{_INDEX}\s*-?\s*\d+\b",
        rf"\b{_INDICATOR}\s*(?:de\s+)?\(\s*\d+(?:(?:\s*[,;]\s*\d+){{2,}}|[,;]\s+\d+)?\s*%?\s*\)",
        rf"\b{_INDICATOR}\s*\d{{1,3}}(?:\s*/\s*\d{{1,3}})+\b",
        rf"\b{_INDICATOR}[\s-]?(?:9|14|20|21|26|50|72|80|100|200)\b(?![.,]\d|\s*%|\s*x\b)",
        r"\bm[eé]dias?(?:\s+m[oó]ve(?:l|is))?\s+(?:de\s+)?(?:9|20|21|50|72|100|200)\b(?![.,]\d|\s*%)",
        r"\b(?:9|20|21|50|72|80|100|200)-?(?:\s+e\s+|\s+and\s+)(?=(?:50|100|200)[\s-]*(?:dias|day|per[ií]odos))",
        r"\b9[059]\s?%(?=\s+(?:d[eo]s?|of)\s+(?:the\s+)?(?:dias|days|casos|cases|preg[oõ]es|sessions|vezes|time)\b)",
        r"\b9[059](?:[.,]\d)?\s?%(?=\s+(?:de\s+)?(?:confian[cç]a|confidence)\b)",
        r"(?:sobrecompra\w*|sobrevend\w+|overbought|oversold)[^.;:\d]{0,40}?\b(?:20|30|70|80)\b(?![.,]\d|\s*%)",
        r"\b12\s?[-–−]\s?1\b(?![.,]?\d|\s*%)",
        rf"(?<![\d.,])(?<!\$ )(?<!\$)\d{{1,3}}(?:\s*(?:a|e|to|and|-|–|ou|or)\s*\d{{1,3}})?[\s-]*{_DURATION}\b"
        rf"(?!\s+(?:d[eo]s?|of)\s+{_EARNED}|\s+(?:para|to)\s+(?:quitar|pagar|zerar|repay|pay))",
        r"(?<![\d.,$€£])(?<![$€£] )\d{1,3}(?:[mdhya]|\sd)\b",
        r"\b\d{1,2}(?:h|:)\d{2}\b",
        r"(?<![\d.,])\d{1,3}(?:[ºª°]|o|a|os|as|st|nd|rd|th)\b",  # NFKC turns º and ª into letters
        r"\b\d+x\d+\b|\b[2-6]G\b",
        r"\b(?:anos|d[eé]cada\s+de)\s+\d{2}\b",
        r"(?m)^\s*\(?\d{1,2}[.)]\s+(?=\D)",
        r"(?<=\d)\s?/\s?\d{1,3}\b(?![.,/]\d)|(?<=\b\d)\s+(?:de|em|of|out\s+of)\s+\d{1,2}\b(?![.,/]?\d|\s*(?:%|x\b|¤))",
        r"(?<=pontos)\s+(?:em|de)\s+(?:9|10|nove|dez)\b|(?<=points)\s+(?:of|out\s+of)\s+(?:9|10)\b",
        r"(?:zona|distress|grey|gray|cinzenta|segura|safe)[^.;\d]{0,25}\b(?:1[.,]81?|2[.,]99|3[.,]0|3)\b(?![.,]?\d)",
        r"\b(?:d[ao]s? de|the)\s+(?:20|50|100|200)(?:[- ]day)?\b"
        r"(?![.,]?\d|\s*(?:%|x\b|mi|bi|tri|mil|mm\b|m\b|bn|tn|k\b|thou|vezes|times|reais|por\s?cento|per\s?cent|p\.?p|bps))",
        r"\[?\bf\d{1,3}\b\]?",
        r"\^?\b[A-Z]{4}(?:[3-8]|1[1-3]|3[1-59])[BF]?\b",
        # Digits that belong to a name: B3, G20, Covid-19, MM200, P50. Not ROE24,2% nor BRL12.3bn.
        r"\b(?!(?:BRL|USD|EUR)\d)[^\W\d_]++(?:-[^\W\d_]++)*+-?\d++(?:[^\W\d_]++\d*+)*+"
        r"(?![.,]\d|\s?(?:%|pp\b|p\.p|bps\b|[x×]\b))",
        r"(?<![\d.,$])(?<!\$ )\b(?:19|20)\d{2}[Ee]?\b"
        r"(?![.,]\d|\s*(?:%|x\b|×|vezes|times|mil|mi\b|bi\b|m\b|reais|p\.?p|bps))",
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
    r"%|por\s+cento|percentage\s+points?|per\s?cent\b|pct\b|p\.\s?p\.|pp\b|p\.p\b|pontos?\s+percentua(?:l|is)"
    r"|bps?\b|b\.p\.s?|pontos?[-\s]base|basis\s+points?|[x×](?![\w])|vez(?:es)?\b|times\b"
    r"|(?:de\s+)?reais\b|brl\b|d[oó]lares\b|dollars\b|usd\b|euros?\b"
)
_NUMBER = r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?"
_FIGURE = re.compile(
    rf"""(?P<before>\()?\s?(?P<sign1>(?<![\w)])[-−–])?
    (?P<currency>(?:R|US|U|A|C|HK|NZ)?\$|€|£|¥|\bBRL|\bUSD|\bEUR)?\s?
    (?P<inner>\()?(?P<sign2>(?<![\w)])[-−–+])?
    (?<![\d.,])(?P<number>{_NUMBER})(?!\w{{0,60}}\d)
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


def normalise(text: str) -> str:
    """`text` in NFKC without invisible characters, digits of any script as ASCII, spaces within numbers closed."""
    text = re.sub(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))", "", text)
    text = unicodedata.normalize("NFKC", text)
    shown = (c for c in text if unicodedata.category(c) not in ("Cf", "Co", "Cs", "Cn"))
    return "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in shown)


_SPELLED = {
    **dict.fromkeys(("um", "uma", "one"), 1), **dict.fromkeys(("dois", "duas", "two"), 2), "tres": 3, "three": 3,
    "quatro": 4, "four": 4, "cinco": 5, "five": 5, "seis": 6, "six": 6, "sete": 7, "seven": 7, "oito": 8, "eight": 8,
    "nove": 9, "nine": 9, "dez": 10, "ten": 10, "onze": 11, "eleven": 11, "doze": 12, "twelve": 12, "treze": 13,
    "thirteen": 13, "quatorze": 14, "catorze": 14, "fourteen": 14, "quinze": 15, "fifteen": 15, "dezesseis": 16,
    "sixteen": 16, "dezessete": 17, "seventeen": 17, "dezoito": 18, "eighteen": 18, "dezenove": 19, "nineteen": 19,
    "vinte": 20, "twenty": 20, "trinta": 30, "thirty": 30, "quarenta": 40, "forty": 40, "cinquenta": 50, "fifty": 50,
    "sessenta": 60, "sixty": 60, "setenta": 70, "seventy": 70, "oitenta": 80, "eighty": 80, "noventa": 90,
    "ninety": 90, "cem": 100, "cento": 100, "duzentos": 200, "trezentos": 300, "quatrocentos": 400,
    "quinhentos": 500, "seiscentos": 600, "setecentos": 700, "oitocentos": 800, "novecentos": 900,
}  # fmt: skip
_COUNTED = (
    r"(?:por\s+cento|per\s?cent|pontos?|percentage|basis|vezes|times|mil|milh(?:[oõ]es|[aã]o)|bilh(?:[oõ]es|[aã]o)"
    r"|trilh(?:[oõ]es|[aã]o)|thousand|million|billion|trillion|reais"
    r"|(?:d[oe]s?|of|out\s+of|em)\s+(?:(?:the|os)\s+)?(?:nove|nine|9)\b)\b"
)
_IN_WORDS = re.compile(
    rf"(?i)\b((?:(?:{'|'.join(_SPELLED)}|três)(?:\s+e\s+|\s*-\s*|\s+(?={_COUNTED})|\s+)){{1,8}})(?={_COUNTED})"
)


_YEARS_AND_HALF = re.compile(
    r"(?i)\b(?P<n>um|dois|tr[eê]s|quatro|cinco|seis|an?|one|two|three|four|five|six)\s+(?P<en>and\s+a\s+half\s+)?(?:anos?|years?)"
    r"(?P<half>\s+e\s+meio|\s+and\s+a\s+half)?(?=\s+(?:d[eo]s?|of)\s+(?:its\s+|seu\s+|the\s+)?(?:ebitda|lucros?"
    r"|gera[cç][aã]o|profits?|earnings|cash))"
)


_HALF_A_YEAR = re.compile(
    r"(?i)\b(?:meio\s+ano|half\s+a\s+year)(?=\s+(?:d[eo]s?|of)\s+(?:ebitda|lucros?|profits?|earnings))"
)


def _years(match: re.Match[str]) -> str:
    """Years of earnings in digits: "um ano e meio de EBITDA" is 1.5 of them."""
    word = match["n"].lower().replace("ê", "e")
    whole = 1 if word in ("a", "an") else _SPELLED[word]
    return f"{whole}{',5' if match['half'] or match['en'] else ''} anos"


def in_digits(text: str) -> str:
    """`text` with numbers in words before a unit written in digits: "vinte e quatro por cento" becomes "24 por cento".

    Numbers in words without a unit ("duas empresas") claim no figure and stay.
    """

    def digits(match: re.Match[str]) -> str:
        words = re.findall(r"[^\W\d_]+", match[1].lower().replace("ê", "e"))
        return f"{sum(_SPELLED.get(word, 0) for word in words)} "

    text = _HALF_A_YEAR.sub("0,5 anos", text)
    return _IN_WORDS.sub(digits, _YEARS_AND_HALF.sub(_years, text))


def per_hundred(text: str) -> str:
    """`text` with shares of a hundred as percentages, sums per real as multiples: "de cada R$ 100, sobram R$ 18,70"."""
    if _EACH_HUNDRED.search(text):
        return _OF_HUNDRED.sub(r"\1%", _EACH_HUNDRED.sub("", text))
    without = _EACH_REAL.sub("", text)
    if without != text and _CENTS.search(without):
        return _CENTS.sub(r"\1%", without)
    if without != text and _PER_ONE.search(without):
        return _PER_ONE.sub(r"\1x", without)
    return _CENTS.sub(r"\1%", text) if _PER_REAL.search(text) else text


_EACH_HUNDRED = re.compile(r"(?i)\b(?:de|a|por|of|for|per|from)?\s*(?:cada|every|each)\s+R\$\s?100\b(?![.,]?\d)")
_OF_HUNDRED = re.compile(r"(?i)R\$\s?(\d{1,2}(?:[.,]\d{1,2})?)\b(?!\s*(?:mi|bi|tri|mil|bn|m\b))")
_EACH_REAL = re.compile(r"(?i)\b(?:(?:para|for)\s+)?(?:cada|each|every|por|per)\s+(?:real\b|R\$\s?1\b(?![.,]?\d))")
_PER_ONE = re.compile(r"(?i)R\$\s?(\d{1,3}(?:[.,]\d{1,2})?)\b(?!\s*(?:mi|bi|tri|mil|bn|m\b))")
_CENTS = re.compile(r"(?i)\b(\d{1,2}(?:[.,]\d+)?)\s+(?:centavos?|cents?)\b")
_PER_REAL = re.compile(r"(?i)\b(?:por|per|of each|of every|de cada|a cada)\s+(?:real|R\$\s?1)\b")


def masked(text: str) -> str:
    """`text` with everything that is no claim about the data blanked out, character for character."""
    for pattern in _MASKS:
        text = pattern.sub(lambda match: "¤" * len(match[0]), text)
    return text


def figures_in(text: str) -> list[Figure]:
    """The figures of `text` (already normalised), in order.

    Within a range ("R$ 10 a 12 bi") an end without scale and unit has those of the end after it, and one without
    currency that of the end before it.
    """
    hidden = masked(text)
    matches = list(_FIGURE.finditer(hidden))
    joined = [_RANGE.match(hidden[a.end() : b.start()]) is not None for a, b in pairwise(matches)]
    measures: list[tuple[str | None, str | None]] = [(m["scale"], m["unit"]) for m in matches]
    for i in range(len(joined) - 1, -1, -1):
        if joined[i] and measures[i] == (None, None):
            measures[i] = measures[i + 1]
    currencies = [m["currency"] for m in matches]
    for i, together in enumerate(joined):
        if together:
            currencies[i + 1] = currencies[i + 1] or currencies[i]
    return [
        _figure(text, match, *measure, currency, ranged=i > 0 and joined[i - 1])
        for i, (match, measure, currency) in enumerate(zip(matches, measures, currencies, strict=True))
    ]


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


_KINDS: tuple[tuple[re.Pattern[str], Kind, Decimal], ...] = (
    (re.compile(r"%|por\s?cento|per\s?cent|pct"), "percent", Decimal(1)),
    (re.compile(r"p\.?\s?p\.?|pontos? percentua(?:l|is)|percentage points?"), "points", Decimal(1)),
    (re.compile(r"bps?|b\.p\.s?|pontos?[-\s]base|basis points?"), "points", Decimal("0.01")),
    (re.compile(r"[x×]|vez(?:es)?|times"), "multiple", Decimal(1)),
)


def _kind(unit: str | None, currency: str | None, scale: str | None) -> tuple[Kind, Decimal]:
    word = " ".join(unit.lower().split()) if unit else ""
    for pattern, kind, multiplier in _KINDS:
        if pattern.fullmatch(word):
            return kind, multiplier
    sign = (currency or word).upper().removeprefix("DE ")
    if sign in ("R$", "BRL", "REAIS"):
        return "money", Decimal(1)
    return ("foreign" if sign else "amount" if scale else "plain"), Decimal(1)


def _sign(match: re.Match[str], *, ranged: bool) -> Sign:
    marks = (match["sign1"] or "") + (match["sign2"] or "")
    if (match["inner"] or match["before"]) and match["close1"]:
        # (3,2)% and R$ (1,2) bi are the accountant's minus; (24,2) or (24,2%) may be one or a mere aside.
        return "negative" if match["scale"] or match["unit"] or (match["inner"] and match["currency"]) else "either"
    if any(c in "-−" for c in marks) and not ranged:
        return "negative"
    if "–" in marks and not ranged:
        return "either"
    return "either" if match["before"] and match["close2"] else "given"
