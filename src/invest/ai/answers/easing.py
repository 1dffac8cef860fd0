"""Answers that miss the structure by their form alone, put into it: what they say is not changed.

Servers that ignore the schema give a list of one as a string, a number as text, or "pt_BR" for "pt-BR". Nothing is
guessed: a missing field stays missing, one that was not asked for stays wrong, and so does 60 for .60.
"""

from __future__ import annotations

import json
import re
from typing import Any

_PARTS = ("key_facts", "arguments_for", "arguments_against", "risks", "would_change")
_NUMBERS = ("p_beat_30d", "p_beat_90d", "p_beat_180d", "price_p10", "price_p50", "price_p90")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_SHARE = re.compile(r"(\d+(?:[.,]\d+)?)\s*%")
_LANGUAGES = {"pt": "pt-BR", "ptbr": "pt-BR", "portuguese": "pt-BR", "portugues": "pt-BR", "português": "pt-BR",
              "en": "en", "enus": "en", "engb": "en", "english": "en"}  # fmt: skip
_NOTHING = re.compile(
    r"(?i)\W*(?:n/?a|none|null|nil|nothing|nenhum[ao]?s?|nada|no arguments?|sem argumentos?|not applicable"
    r"|n[ãa]o (?:se aplica|h[áa]|aplic[áa]vel))?(?: argumentos?| arguments?)?\W*"
)


def eased(written: str) -> str:
    """The JSON object `written` with forms that mean the same put into those asked for."""
    value = json.loads(written)
    if not isinstance(value, dict):
        return written
    kept: dict[str, Any] = dict(value)
    for name in _NUMBERS:
        kept |= {name: _number(kept[name])} if name in kept else {}
    language = str(kept.get("language", ""))
    kept["language"] = _LANGUAGES.get(re.sub(r"[\W_]", "", language.lower()), language)
    for name in _PARTS:
        if isinstance(items := kept.get(name), list):
            kept[name] = [_part(item) for item in items]
    return json.dumps(kept, ensure_ascii=False)


def says_nothing(text: str) -> bool:
    """Whether an argument's text is empty, signs, or a word for none."""
    return _NOTHING.fullmatch(text) is not None


def _part(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    part = dict(item)
    if isinstance(part.get("fact_ids"), str | int):
        part["fact_ids"] = [str(part["fact_ids"])]
    if isinstance(part.get("fact_ids"), list):
        part["fact_ids"] = [str(one) if isinstance(one, int) else one for one in part["fact_ids"]]
    if "value" in part:
        part["value"] = _number(part["value"])
    return part


def _number(value: Any) -> Any:
    """A number written as text, a percentage as a fraction; anything else as it is."""
    if not isinstance(value, str):
        return value
    if share := _SHARE.fullmatch(value.strip()):
        return float(share[1].replace(",", ".")) / 100
    return float(value.strip().replace(",", ".")) if _NUMBER.fullmatch(value.strip()) else value
