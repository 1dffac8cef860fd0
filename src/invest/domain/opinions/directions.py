"""Claims of direction in words: "acima da mediana do setor", "below its own history", "o lucro caiu".

A claim is false only where every reading contradicts it; what has no value to be held against is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from invest.domain.opinions import direction_words as words
from invest.domain.opinions.derived import Held
from invest.domain.opinions.fact_names import Mention
from invest.domain.opinions.figures_text import Figure


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in small letters without accents, its names and figures, and what it may be held against."""

    plain: str
    mentions: Sequence[Mention]
    figures: Sequence[Figure]
    held: Sequence[Held]


def direction_claims(sentence: Sentence) -> Iterator[tuple[int, int, bool]]:
    """Where each claim of direction stands, and whether it holds; claims that cannot be judged are left out."""
    for pattern, side in ((words.OVER, 1), (words.UNDER, -1), (words.EVENLY, 0)):
        for match in pattern.finditer(sentence.plain):
            yield from _judged(match, _compared(sentence, match, side))
    for pattern, side in ((words.DEARER, 1), (words.CHEAPER, -1)):
        for match in pattern.finditer(sentence.plain):
            yield from _judged(match, _priced(sentence, match, side))
    for pattern, keys in words.MOVED:
        for match in pattern.finditer(sentence.plain):
            yield from _judged(match, _moved(sentence, match, keys))
    for match in words.AVERAGES.finditer(sentence.plain):
        yield from _judged(match, _averages(sentence, match))
    for match in words.BAND.finditer(sentence.plain):
        yield from _judged(match, _in_band(sentence, match))
    for match in words.STATE.finditer(sentence.plain):
        yield from _judged(match, _state(sentence, match))
    for match in words.FROM_TO.finditer(sentence.plain):
        yield from _judged(match, _from_to(sentence, match))
    for match in words.DAYS.finditer(sentence.plain):
        yield from _judged(match, _days(sentence, match))
    for match in words.YEARS_OF_FIVE.finditer(sentence.plain):
        yield from _judged(match, _paid_years(sentence, match))


def _judged(match: re.Match[str], holds: bool | None) -> Iterator[tuple[int, int, bool]]:
    if holds is not None and not words.DENIED.search(match.string[: match.start()][-60:]):
        yield match.start(), match.end(), holds


def _own_values(sentence: Sentence, keys: frozenset[str]) -> list[Held]:
    return [h for h in sentence.held if h.fact.key in keys and not h.median]


def medians_meant(one: Held, tail: str) -> list[Decimal]:
    """The medians of `one` that `tail` speaks of; both where it does not say whose."""
    scale = one.value / Decimal(repr(float(one.fact.value))) if one.fact.value else Decimal(1)
    sector, own = words.SECTOR.search(tail), words.OWN.search(tail)
    if sector and own:
        sector, own = (sector, None) if sector.start() < own.start() else (None, own)
    values = (
        (one.fact.sector_median, own is None),
        (one.fact.own_median, sector is None),
    )
    return [Decimal(repr(float(value))) * scale for value, meant in values if value is not None and meant]


def _stands(value: Decimal, reference: Decimal, side: int) -> bool:
    if side == 0:
        return abs(value - reference) <= words.IN_LINE * abs(reference)
    return (value - reference) * side >= -words.EVEN * abs(reference)


def _tail(sentence: Sentence, start: int) -> str:
    tail = sentence.plain[start : start + words.REACH]
    end = words.BREAK.search(tail)
    return tail[: end.start()] if end else tail


def _subject(sentence: Sentence, before: int) -> Mention | None:
    """The last name before a comparison, with the one before where an aside stands between; else the one cited fact.

    Where two comparisons share their subject ("acima do setor e abaixo da própria mediana"), that of the first.
    """
    plain = sentence.plain[:before]
    names = [m for m in sentence.mentions if m.end <= before]
    again = words.AGAIN.search(plain)
    if again:
        first = max(
            (m.start() for p in (words.OVER, words.UNDER) for m in p.finditer(plain[: again.start()])), default=0
        )
        names = [m for m in names if m.end <= first] or names
    if len(names) > 1 and words.ASIDE.search(plain):
        return Mention(names[-1].start, names[-1].end, names[-1].keys | names[-2].keys)
    if names:
        return names[-1]
    keys = {h.fact.key for h in sentence.held}
    return Mention(0, 0, frozenset(keys)) if len(keys) == 1 and words.ELIDED.search(plain) else None


def _compared(sentence: Sentence, match: re.Match[str], side: int) -> bool | None:
    subject = _subject(sentence, match.start())
    tail = _tail(sentence, match.end())
    index = {key for m in sentence.mentions if m.start <= match.start() < m.end for key in m.keys if "excess" in key}
    if index and side:  # "trails the Ibovespa by 3%"
        excess = _own_values(sentence, frozenset(index))
        return any(h.value * side > 0 for h in excess) if excess else None
    written = _figures_beside(sentence, match, tail, side)
    if written is not None or words.RATIO.match(tail):
        return written
    level = _level(sentence, tail, side)
    return level if level is not None else _against(sentence, match, subject, tail, side)


def _against(sentence: Sentence, match: re.Match[str], subject: Mention | None, tail: str, side: int) -> bool | None:
    """Whether the subject stands so to what is named behind: medians, another fact, a figure, book value."""
    keys = subject.keys if subject else frozenset[str]()
    if subject and sentence.plain[subject.start : subject.end] == "juros":
        keys -= {"interest_coverage"}  # alone they are rates
    values = _own_values(sentence, keys)
    reference = min(
        (m.start() for m in (words.SECTOR.search(tail), words.OWN.search(tail), words.MEDIAN.search(tail)) if m),
        default=words.REACH,
    )
    joined = words.JOINS.search(tail)
    reach = joined.start() if joined else words.REACH  # "acima do esperado e a receita": the second is no reference
    figure = next((f for f in sentence.figures if 0 <= f.start - match.end() < min(len(tail), 26, reach)), None)
    if figure is not None and words.APART.search(tail[: figure.start - match.end()]):
        figure = None  # how far apart, not what from: "trails the index by 3%"
    other = next((m for m in sentence.mentions if 0 <= m.start - match.end() < min(25, reach)), None)
    if reference < words.REACH and (other is None or other.start - match.end() > reference or other.keys & keys):
        return _beside_medians(values, tail, side)
    if other is not None and (figure is None or other.start < figure.start):
        others = _own_values(sentence, _narrowed(sentence, other))
        if not any(one.kinds == another.kinds for one in values for another in others):
            values = _own_values(sentence, frozenset(("close",)))  # "o papel está acima da média de 200 dias"
            others = [one for one in others if one.value < words.MOST_A_SHARE]
        beside = _beside(values, others, side)
        return _beside_book(sentence, tail, side) if beside is None else beside
    if figure is not None and side:
        return _beside_figure(values, figure, side)
    return _beside_book(sentence, tail, side)


def _beside_medians(values: Sequence[Held], tail: str, side: int) -> bool | None:
    """Whether a value stands so to a median that `tail` speaks of; of falls the larger is the deeper, or the higher."""
    pairs = [(one.value, median, one.fact.key) for one in values for median in medians_meant(one, tail)]
    pairs += [(abs(value), abs(median), key) for value, median, key in pairs if key in words.FALLEN]
    return any(_stands(value, median, side) for value, median, _ in pairs) if pairs else None


def _beside_book(sentence: Sentence, tail: str, side: int) -> bool | None:
    books = _own_values(sentence, frozenset(("p_vp",))) if words.BOOK.search(tail) else []
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
    if words.JOINED.match(between) or words.JOINS.search(tail[: after.start - match.end()]):
        return None  # "acima da própria mediana de 3,9% e acima da do setor": the first figure is a reference as well
    if any(before[-1].end <= m.start and m.end <= match.start() for m in sentence.mentions):
        return None  # "com ROE de 15% o yield fica abaixo de 7%"
    one, other = ((-f.values[0] if f.sign == "negative" else f.values[0]) for f in (before[-1], after))
    return _stands(one, other, side)


def _level(sentence: Sentence, tail: str, side: int) -> bool | None:
    for key, named, level in words.LEVELS:
        values = _own_values(sentence, frozenset((key,)))
        if side and values and named.search(tail):
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
    if not (words.SECTOR.search(tail) or words.OWN.search(tail)):
        return None
    named = [m.keys & words.MULTIPLES for m in sentence.mentions if m.keys & words.MULTIPLES]
    cited = {h.fact.key for h in sentence.held} & words.MULTIPLES
    keys = frozenset().union(*named) if named else frozenset(cited if len(cited) == 1 else ())
    references = [(one, median) for one in _own_values(sentence, keys) for median in medians_meant(one, tail)]
    return any(_stands(one.value, median, side) for one, median in references) if references else None


def _moved(sentence: Sentence, match: re.Match[str], keys: tuple[str, ...]) -> bool | None:
    """Whether some cited change of the subject goes the way that the verb says."""
    if words.OTHER_PERIOD.search(sentence.plain[match.end() : match.end() + words.REACH]):
        return None
    values = _own_values(sentence, frozenset(keys))
    return any((h.value > 0) == bool(match["rise"]) for h in values) if values else None


def _averages(sentence: Sentence, match: re.Match[str]) -> bool | None:
    by_days = {h.fact.key.removeprefix("sma_"): h.value for h in sentence.held if h.fact.key in ("sma_50", "sma_200")}
    one, other = by_days.get(match["one"]), by_days.get(match["other"])
    is_object = re.search(r"\b(?:acima|abaixo|above|below|supera)\b[^.;]{0,20}$", sentence.plain[: match.start()])
    of_rsi = words.OF_RSI.search(sentence.plain[: match.start()])
    if one is None or other is None or is_object or of_rsi or match["one"] == match["other"]:
        return None
    return _stands(one, other, 1 if match["over"] else -1)


def _in_band(sentence: Sentence, match: re.Match[str]) -> bool | None:
    """Whether the price lies in that third, or half, of its range of a year."""
    if words.SECTOR.search(sentence.plain[match.end() : match.end() + 20]):
        return None
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
    return any(h.value >= 70 - words.STATED if match["over"] else h.value <= 30 + words.STATED for h in values)


def _from_to(sentence: Sentence, match: re.Match[str]) -> bool | None:
    """Whether a change from one level to another goes the way that its verb says."""
    inside = [f for f in sentence.figures if match.start() <= f.start < match.end()]
    after = next((f for f in sentence.figures if 0 <= f.start - match.end() < 4), None)
    if len(inside) != 1 or after is None or inside[0].kind != after.kind:
        return None
    return _stands(after.values[0], inside[0].values[0], 1 if match["rise"] else -1)


def _days(sentence: Sentence, match: re.Match[str]) -> bool | None:
    """Whether stocks or receivables take so many days, where the last name before them, or one behind, is theirs."""
    before = [m for m in sentence.mentions if m.start < match.start()]
    behind = [m for m in sentence.mentions if 0 <= m.start - match.end() < 5]
    if not before or not before[-1].keys & words.IN_DAYS or before[-1].end > match.start():
        return None
    if words.OTHER_DAYS.search(sentence.plain[: match.start()]):
        return None
    named = {key for m in (*before, *behind) for key in m.keys} & words.IN_DAYS
    values = [h.value for h in sentence.held if h.fact.key in named]
    return any(abs(value - int(match["n"])) <= Decimal("0.5") for value in values) if values else None


def _paid_years(sentence: Sentence, match: re.Match[str]) -> bool | None:
    """Whether dividends were paid in so many of five years."""
    paid = _own_values(sentence, frozenset(("dividend_years_5y",)))
    if not paid or not (match["all"] or match["n"]) or words.NEARLY.search(sentence.plain[: match.start()]):
        return None
    number = 5 if match["all"] else words.NUMBERS.get(match["n"]) or int(match["n"])
    return any(h.value == number for h in paid)
