"""Numbers and dates as upstreams write them: pt-BR, en-US or plain, three styles of dates, blanks for nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NOTHING = frozenset({"", "-", "--", "n/a", "na", "nan", "null", "none", "nd", "n/d"})
PT = re.compile(r"[-+]?\d{1,3}(?:\.\d{3})*,\d+|[-+]?\d+,\d+|[-+]?\d{1,3}(?:\.\d{3}){2,}")
EN = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
FILED = re.compile(r"-?\d{1,18}\.\d{4,10}")  # as CVM writes every amount: no other way of writing looks like it
PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")
DAYS = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})(?!\d)"),
)
NEVER = date(9999, 1, 1)
FIRST_YEAR = 1800
LONGEST = 100  # characters of a figure: more take the patterns quadratic time
_TINY, _HUGE = 1e-29, 1e29  # between these nothing is out of bounds


def number(value: Any, *, pt: bool = False) -> Decimal | None:  # noqa: PLR0911 -- one return per way of writing
    """`value` as a Decimal; None for nothing and for what is no number.

    Texts may be "1.234,56", "1,234.56" or "1234.56", with % or R$ around. A lone group ("1.234") is a thousand only
    where the upstream writes pt-BR (`pt`). Floats are taken by their shortest text, so float32 noise stays small.

    >>> number("15.750.216.851"), number("0,1334"), number("101,005.64"), number("-")
    (Decimal('15750216851'), Decimal('0.1334'), Decimal('101005.64'), None)
    """
    kind = type(value)  # nearly every number of every answer is one of these two, and a bool is neither
    if kind is float and (_TINY < value < _HUGE or value == 0):
        return Decimal(repr(value))
    if kind is int and -_HUGE < value < _HUGE:
        return Decimal(value)
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        return _decimal(str(value))
    if not isinstance(value, str):
        return None
    if FILED.fullmatch(value):
        return Decimal(value)
    text = value.replace("R$", "").replace("%", "").replace("\xa0", "").replace(" ", "").strip()
    if len(text) > LONGEST or text.lower() in NOTHING:
        return None
    if PT.fullmatch(text) or (pt and re.fullmatch(r"[-+]?\d{1,3}(?:\.\d{3})+", text)):
        return _decimal(text.replace(".", "").replace(",", "."))
    if EN.fullmatch(text):
        return _decimal(text.replace(",", ""))
    return _decimal(text) if PLAIN.fullmatch(text) else None


def numbers(values: Iterable[Any]) -> list[Decimal | None]:
    """`number` of each: a column of a history is floats nearly always."""
    return [
        Decimal(repr(value)) if type(value) is float and _TINY < value < _HUGE else number(value) for value in values
    ]


def positive(value: object, *, pt: bool = False) -> Decimal | None:
    """`number` where it is above zero: of shares, lots and the like anything else is no figure."""
    found = number(value, pt=pt)
    return found if found is not None and found > 0 else None


def rounded(value: Decimal, to: Decimal) -> Decimal | None:
    """`value` at the places of `to`; None where that has more digits than any figure."""
    try:
        return value.quantize(to)
    except InvalidOperation:
        return None


def _decimal(text: str) -> Decimal | None:
    try:
        result = Decimal(text)
    except InvalidOperation:
        return None
    return result if result.is_finite() and abs(result.adjusted()) < 30 else None


def day(value: object) -> date | None:
    """A calendar day from "31/12/2024", "2024-12-31", "2024-12-31T…", or epoch seconds (in São Paulo).

    B3's 31/12/9999 means no date.
    """
    if isinstance(value, str):
        return _day_of_text(value.strip()[:32])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _day_of_seconds(value)


@lru_cache(maxsize=8192)  # the same sessions in the history of every asset
def _day_of_seconds(seconds: float) -> date | None:
    moment = instant(seconds)
    return moment.astimezone(SAO_PAULO).date() if moment else None


@lru_cache(maxsize=8192)
def _day_of_text(text: str) -> date | None:
    for pattern in DAYS:
        match = pattern.match(text)
        if match:
            try:
                result = date(int(match["y"]), int(match["m"]), int(match["d"]))
            except ValueError:
                return None
            return result if result.year >= FIRST_YEAR and result < NEVER else None
    return None


def instant(value: object) -> datetime | None:
    """An aware moment from an ISO text (São Paulo where it names no zone) or epoch seconds; None where neither."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float):
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)
        elif isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
        else:
            return None
    except (OverflowError, ValueError):
        return None
    if not FIRST_YEAR <= moment.year < NEVER.year:  # beyond these no zone can be told
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=SAO_PAULO)


def cnpj_of(text: object) -> str | None:
    """The 14 characters of a CNPJ without its punctuation; None where they are none or too many.

    Since July 2026 the first twelve may be letters (Receita Federal, IN 2.229/2024): an identifier is a text, and what
    drops its letters makes two companies one.

    >>> cnpj_of("33.000.167/0001-01"), cnpj_of("12.abc.345/01de-35")
    ('33000167000101', '12ABC34501DE35')
    """
    found = re.sub(r"[^0-9A-Za-z]", "", str(text or "")).upper()
    sane = found.isascii() and 0 < len(found) <= 14 and found.strip("0") and found[-2:].isdigit()
    return found.zfill(14) if sane else None


def digits(text: object, length: int) -> str | None:
    """The digits of a code, padded to `length`; None where they are none, too many, or not all it holds."""
    found = re.sub(r"[\s./-]", "", str(text or ""))
    return found.zfill(length) if found.isascii() and found.isdigit() and len(found) <= length and int(found) else None
