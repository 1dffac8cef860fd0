"""Facts of one analysis as printed figures, references and readings in words, by rules alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from invest.domain.analysis import FACT_KEYS, Fact
from invest.reports.locale import MINUS, MISSING, Locale
from invest.reports.views import Figure, Mark, Ref
from invest.reports.words import clean

SHA_SHOWN: Final = 12
# Within this distance of the median (relative to it), or this part of the sector's middle, a figure is "in line".
_NEAR: Final = 0.10
_LOW_THIRD: Final = 1 / 3
_HIGH_THIRD: Final = 2 / 3

_IN_POINTS: Final = frozenset({"tracking_difference_1y"})  # one percentage less another

Standing = Literal["below", "near", "above"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a figure says, in words; `mark` good or bad for the holder, None where neither."""

    text: str
    mark: Mark | None


class FactBook:
    """The facts of an analysis by id and by key, in one language."""

    def __init__(self, facts: Iterable[Fact], locale: Locale, *, of: str = "") -> None:
        """`of` names the asset in the ids (`PETR4.f01`) where a report holds facts of several."""
        self.locale = locale
        named = (f.model_copy(update={"id": f"{of}.{f.id}"}) if of else f for f in facts)
        self.facts = [f if _finite(f.value) else f.model_copy(update={"value": None}) for f in named]
        self._by_id = {f.id: f for f in self.facts}
        self._by_key: dict[str, Fact] = {}
        for fact in self.facts:
            if fact.value is not None or fact.key not in self._by_key:
                self._by_key.setdefault(fact.key, fact)

    def get(self, key: str) -> Fact | None:
        """The fact of `key`, known or missing."""
        return self._by_key.get(key)

    def by_id(self, fact_id: str) -> Fact | None:
        """The fact called `fact_id`."""
        return self._by_id.get(fact_id)

    def value(self, key: str) -> float | None:
        """Its raw value."""
        fact = self._by_key.get(key)
        return fact.value if fact else None

    def label(self, key: str) -> str:
        """Its name; a key that is not in the dictionary prints as its words."""
        entry = FACT_KEYS.get(key)
        known = entry.label(self.locale.language) if entry else clean(key.replace("_", " "), 60)
        return self.locale.words.get(f"label.{key}", known)

    def short(self, key: str) -> str:
        """Its name where there is little room."""
        return self.locale.words.get(f"short.{key}", self.label(key))

    def shortest(self, key: str) -> str:
        """Its name above a figure in a row of figures."""
        return self.locale.words.get(f"strip_short.{key}", self.short(key))

    def column(self, key: str) -> str:
        """Its name above a column of a wide table."""
        return self.locale.words.get(f"column.{key}", self.shortest(key))

    def text(self, key: str, value: float | None, unit: str | None = None) -> str:
        """`value` as `key` is printed."""
        entry = FACT_KEYS.get(key)
        kind = entry.unit if entry else unit or "index"
        decimals = entry.decimals if entry else 2
        match kind:
            case "BRL" if decimals == 0:
                return self.locale.short_money(value)
            case "BRL":
                return self.locale.money(value, decimals if decimals <= 2 or (value and abs(value) < 1) else 2)
            case "fraction":
                return self._points(value, decimals) if key in _IN_POINTS else self.locale.percent(value, decimals)
            case "count":
                return self.locale.short(value)
            case "score":
                return self.locale.number(value, 1)
            case _:
                return self.locale.number(value, decimals)

    def _points(self, value: float | None, decimals: int) -> str:
        text = self.locale.number(None if value is None else value * 100, decimals, signed=True)
        return text if value is None else self.locale.words.t("tracking.points", x=text)

    def figure(self, key: str) -> Figure:
        """The printed figure of `key`; "—" with what is known of it where it has no value."""
        fact = self._by_key.get(key)
        entry = FACT_KEYS.get(key)
        if fact is None:
            return Figure(text=MISSING, raw=None, unit=entry.unit if entry else "", key=key)
        return self.figure_of(fact)

    def figure_of(self, fact: Fact) -> Figure:
        """The printed figure of one fact."""
        return Figure(
            text=self.text(fact.key, fact.value, fact.unit),
            raw=fact.value,
            unit=fact.unit,
            key=fact.key,
            fact_id=fact.id,
            source=fact.source,
            payload=fact.payload[:SHA_SHOWN] if fact.payload else None,
            as_of=fact.as_of,
            stale=fact.stale,
        )

    def refs(self, ids: Sequence[str]) -> tuple[Ref, ...]:
        """References to the facts that exist among `ids`, each with its number from the data."""
        found = (self._by_id[i] for i in dict.fromkeys(ids) if i in self._by_id)
        return tuple(Ref(fact_id=f.id, text=self.named(f)) for f in found)

    def named(self, fact: Fact) -> str:
        """`ROE de 24,2%`: the figure as part of a sentence."""
        words, value = self.locale.words, self.text(fact.key, fact.value, fact.unit)
        below = words.get(f"phrase_below.{fact.key}", "") if fact.value is not None and fact.value < 0 else ""
        if below:  # a fall of its own word: no "growing by -0.7%"
            return below.format(value=value.lstrip(MINUS))
        phrase = words.get(f"phrase.{fact.key}", "")
        return phrase.format(value=value) if phrase else words.t("claim.of", name=self.label(fact.key), value=value)

    def reading(self, key: str) -> Reading:
        """Where the figure stands in its sector (else against its own median), and for whom that is good."""
        words, fact, entry = self.locale.words, self._by_key.get(key), FACT_KEYS.get(key)
        if fact is None or fact.value is None:
            return Reading(words.t("reading.none"), "off")
        group = entry.group if entry else ""
        if group == "valuation" and fact.unit == "x" and fact.value <= 0:
            return Reading(words.t("reading.negative"), "bad")
        style = "price" if group == "valuation" and fact.unit == "x" else "level"
        better = entry.better if entry else None
        if (at := sector_standing(fact)) is not None:
            text = words.t(f"reading.sector_{style}_{at}")
        elif (at := own_standing(fact)) is not None:
            text = words.t(f"reading.own_{at}")
        else:
            return Reading(words.t("reading.alone"), None)
        if fact.stale:
            text += words.t("reading.stale")
        if better is None or at == "near":
            return Reading(text, None)
        return Reading(text, "good" if (at == "above") == (better == 1) else "bad")

    def strength(self, fact: Fact) -> float | None:
        """How favourable a figure is among its sector, 0..1 with 0.5 in the middle; None where it is not known."""
        entry = FACT_KEYS.get(fact.key)
        if entry is None or entry.better is None or fact.value is None:
            return None
        if entry.group == "valuation" and fact.unit == "x" and fact.value <= 0:
            return 0.0
        if fact.sector_percentile is not None:
            return fact.sector_percentile if entry.better == 1 else 1 - fact.sector_percentile
        at = sector_standing(fact)
        if at is None:
            return None
        return 0.5 if at == "near" else 0.75 if (at == "above") == (entry.better == 1) else 0.25


def _finite(value: float | None) -> bool:
    """A NaN or an infinity that slipped through is no figure."""
    return value is None or math.isfinite(value)


def sector_standing(fact: Fact) -> Standing | None:
    """Whether a figure is below, near or above its sector: by percentile, else by distance from the median."""
    if fact.value is None:
        return None
    if fact.sector_percentile is not None:
        if fact.sector_percentile <= _LOW_THIRD:
            return "below"
        return "above" if fact.sector_percentile >= _HIGH_THIRD else "near"
    return _standing(fact.value, fact.sector_median)


def own_standing(fact: Fact) -> Standing | None:
    """Whether a figure is below, near or above the asset's own five-year median."""
    return None if fact.value is None else _standing(fact.value, fact.own_median)


def _standing(value: float, median: float | None) -> Standing | None:
    if median is None:
        return None
    room = abs(median) * _NEAR
    if abs(value - median) <= room:
        return "near"
    return "above" if value > median else "below"
