"""The sentences of the reports, one TOML file per language in `templates/`, with the same keys."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

# Control characters, surrogates, private use and unassigned code points; tabs and line ends become spaces before.
_UNPRINTABLE = {"Cc", "Cs", "Co", "Cn"}
# Direction overrides and zero-width characters disguise words (UAX #9; hardening of untrusted text).
_DISGUISES = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]")


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language by dotted key."""

    language: str
    texts: dict[str, str]

    def t(self, key: str, /, **values: object) -> str:
        """The text of `key` with `{name}` filled in; an unknown key is a programming error and raises KeyError."""
        text = self.texts[key]
        return text.format_map(values) if values else text

    def get(self, key: str, default: str) -> str:
        """The text of `key`, or `default`: for words of an open set (sources, providers, keys of facts)."""
        return self.texts.get(key, default)


@lru_cache(maxsize=2)
def words_of(language: str) -> Words:
    """The texts of `pt-BR` or `en`, read once."""
    raw = resources.files("invest.reports").joinpath("templates", f"words.{language}.toml").read_text(encoding="utf-8")
    return Words(language, dict(_flatten(tomllib.loads(raw), "")))


def _flatten(tree: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            pairs.extend(_flatten(value, f"{prefix}{key}."))
        else:
            pairs.append((f"{prefix}{key}", str(value)))
    return pairs


def clean(text: str | None, limit: int = 300) -> str:
    """Untrusted text as one printable line of at most `limit` characters: NFC, no controls, no disguises.

    It is not escaped: each renderer escapes for its own format.
    """
    if not text:
        return ""
    # Cap before normalising: one character may expand to eighteen, and a title may be megabytes.
    flat = _DISGUISES.sub("", unicodedata.normalize("NFC", " ".join(text[: limit * 8].split())))
    shown = "".join(c for c in flat if unicodedata.category(c) not in _UNPRINTABLE)
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"
