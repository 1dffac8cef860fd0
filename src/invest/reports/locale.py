"""Numbers, money and dates as a Brazilian (pt-BR) or an English-speaking (en) investor writes them.

Every function answers "—" for what is missing: None, NaN and infinity never print as a number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

from invest.domain.maths import half_up
from invest.reports.words import Words, words_of

Language = Literal["pt-BR", "en"]
Number = float | int | Decimal

MISSING: Final = "—"
MINUS: Final = "−"
MARKET_ZONE: Final = ZoneInfo("America/Sao_Paulo")

# Least absolute value of each magnitude, its divisor and the key of its abbreviation.
_MAGNITUDES: Final = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e4, "thousand"))


@dataclass(frozen=True, slots=True)
class Locale:
    """One language's notation; get it from `locale_of`."""

    language: Language
    point: str
    group: str
    words: Words
    currency: str = "R$"  # "" where amounts are no money: of an index

    def number(self, value: Number | None, decimals: int = 2, *, signed: bool = False) -> str:
        """`1.234,56`; with `signed`, a plus for what is above zero. A half is rounded away from zero."""
        exact = _exact(value)
        if exact is None:
            return MISSING
        rounded = half_up(exact, decimals)
        text = f"{abs(rounded):,.{decimals}f}".translate({ord(","): self.group, ord("."): self.point})
        if rounded < 0:
            return MINUS + text
        return f"+{text}" if signed and rounded > 0 else text

    def quantity(self, value: Number | None) -> str:
        """A number of shares or coins: up to eight decimals, without zeros that say nothing."""
        exact = _exact(value)
        if exact is None:
            return MISSING
        rounded = half_up(exact, 8)
        return self.number(rounded, max(0, -int(rounded.normalize().as_tuple().exponent)))

    def percent(self, fraction: Number | None, decimals: int = 1, *, signed: bool = False) -> str:
        """A fraction as a percentage: 0.242 is `24,2%`."""
        exact = _exact(fraction)
        return MISSING if exact is None else self.number(exact * 100, decimals, signed=signed) + "%"

    def money(self, value: Number | None, decimals: int = 2, *, currency: str | None = None) -> str:
        """`R$ 1.234,56`; the sign stands before the currency."""
        return self._in_currency(self.number(value, decimals), self.currency if currency is None else currency)

    @staticmethod
    def _in_currency(text: str, currency: str) -> str:
        if text == MISSING or not currency:
            return text
        return f"{MINUS}{currency} {text[1:]}" if text.startswith(MINUS) else f"{currency} {text}"

    def short(self, value: Number | None, decimals: int = 1, *, thousands: bool = False) -> str:
        """A large number by its magnitude: `12,3 bi`; below a million in full, or from ten thousand as `12,3 mil`."""
        exact = _exact(value)
        if exact is None:
            return MISSING
        for i, (least, name) in enumerate(_MAGNITUDES if thousands else _MAGNITUDES[:-1]):
            if abs(exact) >= Decimal(least):
                scale = Decimal(1000) if name == "thousand" else Decimal(least)
                if i and abs(half_up(exact / scale, decimals)) >= 1000:  # 999.97 million is a billion
                    return self._scaled(exact / Decimal(_MAGNITUDES[i - 1][0]), decimals, _MAGNITUDES[i - 1][1])
                return self._scaled(exact / scale, decimals, name)
        return self.number(exact, 0 if exact == exact.to_integral_value() else 2)

    def _scaled(self, value: Decimal, decimals: int, magnitude: str) -> str:
        return f"{self.number(value, decimals)} {self.words.t(f'magnitude.{magnitude}')}"

    def short_money(self, value: Number | None, decimals: int = 1) -> str:
        """`R$ 12,3 bi`, `R$ 607,4 mil`."""
        return self._in_currency(self.short(value, decimals, thousands=True), self.currency)

    def price(self, value: Number | None) -> str:
        """A price in BRL: two decimals, four where it is worth less than ten cents."""
        exact = _exact(value)
        return self.money(exact, 4 if exact is not None and 0 < abs(exact) < Decimal("0.1") else 2)

    def day(self, value: date | None) -> str:
        """`31/03/2026`, or `31 Mar 2026`; a date in the year 9999 stands for none."""
        if value is None or value.year >= 9000:
            return MISSING
        if self.language == "pt-BR":
            return f"{value.day:02d}/{value.month:02d}/{value.year:04d}"
        return f"{value.day} {self.month(value.month)} {value.year:04d}"

    def as_day(self, text: str) -> date | None:
        """The day that `day` prints so; None for any other text."""
        if self.language == "pt-BR":
            match = re.fullmatch(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", text)
            month = int(match[2]) if match else 0
        else:
            match = re.fullmatch(r"([0-9]{1,2}) (\w+) ([0-9]{4})", text)
            names = self.words.t("months").split()
            month = names.index(match[2]) + 1 if match and match[2] in names else 0
        try:
            return date(int(match[3]), month, int(match[1])) if match else None
        except ValueError:
            return None

    def month(self, number: int) -> str:
        """The month's abbreviation: `jan`, `Jan`."""
        return self.words.t("months").split()[number - 1]

    def months(self, periods: Sequence[str], most: int = 3) -> str:
        """`out 2026, set 2026` of `2026-10` and `2026-09`; the others beyond `most` counted."""
        named = [f"{self.month(int(p[5:7]))} {p[:4]}" for p in periods[:most]]
        return ", ".join(named) + (f" +{len(periods) - most}" if len(periods) > most else "")

    def months_so_far(self, day: date) -> str:
        """`jan–mar`: the months of its year up to `day`."""
        return self.month(1) if day.month == 1 else f"{self.month(1)}–{self.month(day.month)}"

    def instant(self, value: datetime | None) -> str:
        """Day and minute on the clock of São Paulo."""
        if value is None:
            return MISSING
        local = value.astimezone(MARKET_ZONE)
        return f"{self.day(local.date())} {local:%H:%M}"

    def listed(self, items: list[str]) -> str:
        """`a, b, c`; with semicolons where an item holds a comma of its own."""
        return ("; " if any(", " in item for item in items) else ", ").join(items)

    def join(self, items: list[str]) -> str:
        """`a, b e c`."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self.words.t('and')} {items[-1]}"


def _exact(value: Number | None) -> Decimal | None:
    """The value as the decimal a person would write, or None where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)) if isinstance(value, float) else value)
    return exact if exact.is_finite() else None


_LOCALES: Final[dict[str, Locale]] = {
    "pt-BR": Locale("pt-BR", ",", ".", words_of("pt-BR")),
    "en": Locale("en", ".", ",", words_of("en")),
}


def locale_of(language: str) -> Locale:
    """The notation of `language`: `en` and its variants are English, everything else Brazilian Portuguese."""
    return _LOCALES["en" if language.lower().startswith("en") else "pt-BR"]
