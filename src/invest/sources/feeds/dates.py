"""When a feed's item was published: RFC 822, ISO 8601, and dates as Brazilian outlets write them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final

from invest.sources.numerals import SAO_PAULO

FIRST_YEAR: Final = 1990  # no feed is older: an earlier date stands for none
LONGEST: Final = 100  # characters of a date
ZONES: Final = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "BRT": -3, "BRST": -2,
}  # fmt: skip
MONTHS: Final = {
    "jan": 1, "fev": 2, "feb": 2, "mar": 3, "abr": 4, "apr": 4, "mai": 5, "may": 5, "jun": 6, "jul": 7, "ago": 8,
    "aug": 8, "set": 9, "sep": 9, "out": 10, "oct": 10, "nov": 11, "dez": 12, "dec": 12,
}  # fmt: skip
_MONTH: Final = rf"(?P<month>{'|'.join(MONTHS)})[a-z]*\.?"
_DAYS: Final = (
    re.compile(r"(?<!\d)(?P<y>\d{4})(?P<between>[-/.])(?P<m>\d{1,2})(?P=between)(?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d{1,2})(?P<between>[/.-])(?P<m>\d{1,2})(?P=between)(?P<y>\d{4}|\d\d)(?!\d)"),
    re.compile(
        rf"(?<!\d)(?P<d>\d{{1,2}})(?:o|st|nd|rd|th)?[\s/-]*(?:de )?\s*{_MONTH},?[\s/-]*(?:de )?"
        r"(?P<y>\d{4}|\d\d)\b(?!:)"
    ),
    re.compile(rf"\b{_MONTH}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:).*?(?<![\d:+-])(?P<y>\d{{4}})\b"),
)  # fmt: skip
_CLOCK: Final = re.compile(
    r"(?<!\d)(?P<hour>\d{1,2})(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?|h(?P<m>\d\d)?(?:min)?\b)(?:[.,]\d+)?\s*(?P<half>[ap]m\b)?"
)
_ZONE: Final = re.compile(r"\s*(?P<name>[A-Za-z]{1,5})?(?![\w/])\s*(?P<offset>[-+]\d{1,2}(?::?\d\d)?)?(?![\d/])")
_STAMP: Final = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)")
_MIDNIGHT: Final = re.compile(r"(?<![\d:])24:00(?=:00|(?![:\d]))")  # a day's end
_SECONDS: Final = re.compile(r"\d{10}(?:\d{3})?")


def published(text: str) -> datetime | None:
    """The moment that `text` names, in UTC; None for what names none.

    Without a time it is the day's beginning, without a zone São Paulo's.

    >>> published("sex, 24 abr 2026 10h30")
    datetime.datetime(2026, 4, 24, 13, 30, tzinfo=datetime.timezone.utc)
    """
    text = text.strip()[:LONGEST]
    try:
        seconds = _SECONDS.fullmatch(text)
        if stamp := _STAMP.fullmatch(text):  # as databases write it
            text = "{}-{}-{} {}:{}:{}".format(*stamp.groups())
        text, midnights = _MIDNIGHT.subn("00:00", text)
        found = datetime.fromtimestamp(int(text[:10]), UTC) if seconds else _iso(text) or _written(text)
        found = found + timedelta(days=midnights) if found is not None else None
        return found.astimezone(UTC) if found is not None and found.year >= FIRST_YEAR else None
    except (ValueError, OverflowError):
        return None


def _iso(text: str) -> datetime | None:
    """ISO 8601 whole; with "-0000" or a name of a zone behind it it is no such date."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=SAO_PAULO)


def _written(text: str) -> datetime | None:
    """A day, a time and a zone wherever they stand. Raises `ValueError` for a day or a time that cannot be."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    plain = re.sub(r"(?<=\d)T(?=\d)", " ", plain)
    day = next((match for pattern in _DAYS if (match := pattern.search(plain.lower()))), None)
    if day is None:
        return None
    named = day.groupdict()
    year = int(named["y"]) + (2000 if len(named["y"]) == 2 else 0)
    month = MONTHS[named["month"]] if named.get("month") else int(named["m"])
    when = date(year, month, int(named["d"]))
    clock = next((c for c in _CLOCK.finditer(plain.lower()) if not day.start("d") <= c.start() < day.end("d")), None)
    if clock is None:
        return datetime(when.year, when.month, when.day, tzinfo=SAO_PAULO)
    hour, minute, second = int(clock["hour"]), int(clock["minute"] or clock["m"] or 0), int(clock["second"] or 0)
    if clock["half"]:
        hour = hour % 12 + (12 if clock["half"] == "pm" else 0)
    time_of_day = (hour, minute, min(second, 59))  # 60: a leap second
    return datetime(when.year, when.month, when.day, *time_of_day, tzinfo=_zone(plain[clock.end() :]))


def _zone(text: str) -> tzinfo:
    """The zone after a time, by RFC 5322: "-0000", military letters and names it does not know are UTC.

    Brazil's own names are what they say; none at all is São Paulo's. Raises `ValueError` for an offset beyond a day.
    """
    match = _ZONE.match(text)
    name, offset = (match["name"], match["offset"]) if match else (None, None)
    if offset:
        digits = offset[1:].replace(":", "")
        hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
        ahead = timedelta(hours=hours, minutes=minutes)
        return timezone(-ahead if offset[0] == "-" else ahead)
    if not name or not (name.isupper() or name.upper() in ("GMT", "UTC", "UT", "Z", *ZONES)):
        return SAO_PAULO
    return timezone(timedelta(hours=ZONES.get(name.upper(), 0)))
