"""How a fact is written in a prompt: the same digits a page prints, so that an AI that copies it copies it right."""

from __future__ import annotations

from invest.domain.analysis import FACT_KEYS
from invest.domain.opinions import SnapshotFact

_SCALES = ((1e12, "tri", "tn"), (1e9, "bi", "bn"), (1e6, "mi", "m"))


def label(fact: SnapshotFact, language: str) -> str:
    """The name of `fact` in `language`; its key where it has none."""
    known = FACT_KEYS.get(fact.key)
    return known.label(language) if known else fact.key.replace("_", " ")


def show(value: float, fact: SnapshotFact, language: str) -> str:
    """`value` in the unit of `fact`, as printed: "24,2%", "R$ 12,3 bi", "4,5x"."""
    known = FACT_KEYS.get(fact.key)
    decimals = known.decimals if known else 2
    if fact.unit == "fraction":
        return _number(value * 100, max(decimals, 1), language) + "%"
    if fact.unit == "BRL":
        return "R$ " + _money(value, decimals, language)
    if fact.unit == "x":
        return _number(value, max(decimals, 1), language) + "x"
    if fact.unit == "count":
        return _number(value, 0, language)
    return _number(value, decimals, language)


def _money(value: float, decimals: int, language: str) -> str:
    for scale, pt, en in _SCALES:
        if abs(value) >= scale:
            word = pt if language.startswith("pt") else en
            return f"{_number(value / scale, 2, language)} {word}"
    return _number(value, max(decimals, 2), language)


def _number(value: float, decimals: int, language: str) -> str:
    text = f"{value:,.{decimals}f}"
    return text.translate(str.maketrans(",.", ".,")) if language.startswith("pt") else text
