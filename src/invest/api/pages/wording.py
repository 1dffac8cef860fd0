"""The pages' words: templates are written in English, `words.pt-BR.toml` says each text in Portuguese."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from invest.api.pages.session import Language
from invest.reports import MARKET_ZONE, MISSING, Locale, locale_of


@cache
def translations(language: Language) -> Mapping[str, str]:
    """Text of a template -> what is said, of one language; English needs only what stands for codes (states, kinds)."""
    raw = (files("invest.api.pages") / f"words.{language}.toml").read_text(encoding="utf-8")
    return {text: translation for section in tomllib.loads(raw).values() for text, translation in section.items()}


class Wording:
    """Texts, numbers and times in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.locale: Locale = locale_of(language)

    def say(self, text: str, /, **values: Any) -> str:
        """`text` in this language with `{name}` filled in; one without a translation stays English."""
        sentence = translations(self.language).get(text, text)
        return sentence.format(**values) if values else sentence

    def some(self, number: int, one: str, many: str) -> str:
        """`one` for 1, else `many`, with `{n}` filled in."""
        return self.say(one if number == 1 else many, n=self.count(number))

    def count(self, number: int | float | None) -> str:
        """A whole number with its groups."""
        return self.locale.number(number, 0)

    def when(self, at: datetime | None) -> str:
        """Day and minute on São Paulo's clock."""
        return self.locale.instant(at)

    def clock(self, at: datetime | None) -> str:
        """Time of day to the millisecond on São Paulo's clock."""
        if at is None:
            return MISSING
        local = at.astimezone(MARKET_ZONE)
        return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"

    def hour(self, at: datetime | None) -> str:
        """Hour and minute on São Paulo's clock."""
        return MISSING if at is None else f"{at.astimezone(MARKET_ZONE):%H:%M}"

    def span(self, seconds: float | timedelta | None) -> str:
        """A length of time in its largest unit: 285 ms, 12 s, 6 min, 3 h, 2 d."""
        if seconds is None:
            return MISSING
        amount = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
        if amount < 0:
            return MISSING
        if amount < 1:
            return f"{amount * 1000:.0f} ms"
        for limit, unit, size in ((60, "s", 1), (3600, "min", 60), (86400, "h", 3600)):
            if amount < limit:
                value = amount / size
                return f"{self.locale.number(value, 1 if value < 10 and size == 1 else 0)} {unit}"
        return f"{amount / 86400:.0f} d"
