"""The pages' words: templates are written in English, `words.pt-BR.toml` says each text in Portuguese.

What the domain, the jobs and the API say in English `sentences.pt-BR.toml` says in Portuguese, by its form.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from invest.api.pages.session import Language
from invest.reports import MARKET_ZONE, MISSING, Locale, analyst_name, locale_of, sector_name


@cache
def translations(language: Language) -> Mapping[str, str]:
    """Text of a template -> what is said, of one language; English needs only what stands for codes (states, kinds)."""
    raw = (files("invest.api.pages") / f"words.{language}.toml").read_text(encoding="utf-8")
    return {text: translation for section in tomllib.loads(raw).values() for text, translation in section.items()}


LONGEST = 1_000  # characters of a sentence that is looked up; longer ones are somebody's text
PLACE = re.compile(r"\{(\w+)\}")
MOST_OUTCOMES = 30
OUTCOME = re.compile(r"\w+ (?:empty|skipped|failed|rejected)\b")  # of one source, in a list of several
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@cache
def sentences(language: Language) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """(its longest fixed part, the form of an English sentence, the same in `language`), the most telling first."""
    path = files("invest.api.pages") / f"sentences.{language}.toml"
    if not path.is_file():
        return ()
    found = []
    for section in tomllib.loads(path.read_text(encoding="utf-8")).values():
        for text, translation in section.items():
            parts = PLACE.split(text)  # fixed, name, fixed, name, ...
            fixed = parts[::2]
            form = "".join(f"(?P<{p}>.+?)" if at % 2 else re.escape(p) for at, p in enumerate(parts))
            found.append((len("".join(fixed)), max(fixed, key=len), re.compile(form, re.S), translation))
    found.sort(key=lambda one: -one[0])
    return tuple(one[1:] for one in found)


@lru_cache(maxsize=4_096)
def translated(text: str, language: Language) -> str:
    """A sentence of the domain, the jobs or the API in `language`; one whose form is not known stays as it is."""
    if ISO_DAY.fullmatch(text):
        try:
            return locale_of(language).day(date.fromisoformat(text))
        except ValueError:
            return text
    if " " not in text or len(text) > LONGEST:
        return text
    parts = text.split("; ")
    if 1 < len(parts) <= MOST_OUTCOMES and all(map(OUTCOME.match, parts)):
        return "; ".join(translated(part, language) for part in parts)
    for fixed, form, translation in sentences(language):
        if fixed in text and (match := form.fullmatch(text)):
            return translation.format(**{name: translated(part, language) for name, part in match.groupdict().items()})
    field, colon, rest = text.partition(": ")
    return f"{field}: {translated(rest, language)}" if colon and " " not in field else text


class Wording:
    """Texts, numbers and times in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.locale: Locale = locale_of(language)

    def say(self, text: str, /, **values: Any) -> str:
        """`text` in this language with `{name}` filled in; one without a translation stays English."""
        sentence = translations(self.language).get(text, text)
        return sentence.format(**values) if values else sentence

    def translated(self, text: str | None) -> str:
        """A sentence that was written by the domain, a job or the API; see `translated`."""
        return "" if text is None else translated(text, self.language)

    def sector(self, sector: str | None) -> str:
        """A sector as B3 writes it, in this language; empty where it is not known."""
        return sector_name(sector, self.locale)

    def analyst(self, provider: str) -> str:
        """An AI as it writes itself; `multi` stands for several."""
        return self.say("report multi_ai") if provider == "multi" else analyst_name(provider, self.locale)

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
