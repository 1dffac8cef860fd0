"""When a paper's events are asked for again: where something tells of a new one, else by turns.

The exchange gives events paper by paper and slowly; the whole market's files say sooner, and at once, for which papers
asking can bring anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from zlib import crc32

from invest.domain.market import CorporateAction, count_sessions

EPOCH = date(2000, 1, 3)  # a Monday that turns are counted from
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EventReading:
    """That a source's events of a paper were read whole on a day; `mark`: of its newest quote then (`EventSigns`)."""

    ticker: str
    source: str
    read_on: date
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class EventSigns:
    """What files of the whole market say of one paper.

    `mark`: what its newest quote says that it trades without ("EJ": interest on equity), "" for nothing, None where no
    quote is known. `noticed_on`: the day of its company's newest notice that may tell of an event. `unread`: sources
    that could not be asked, so that their silence says nothing.
    """

    mark: str | None = None
    noticed_on: date | None = None
    unread: tuple[str, ...] = ()

    def __add__(self, other: EventSigns) -> EventSigns:
        """The signs of both: the newer notice, the first mark that is known."""
        days = [day for day in (self.noticed_on, other.noticed_on) if day is not None]
        mark = other.mark if self.mark is None else self.mark
        return EventSigns(mark, max(days, default=None), self.unread + other.unread)


def reason_to_read(
    last: EventReading | None, signs: EventSigns, known: Iterable[CorporateAction], today: date, turns: int
) -> str | None:
    """Why a paper's events are asked for today; None where nothing speaks for it.

    Each company's turn comes every `turns` sessions, spread over the days by its letters, and no reading gets older.
    Between turns: a mark in the quotes that was not there at the last reading, a notice since, an announced day (the
    last with rights, the payment) that passed since, for which the event may have been moved or called off.
    """
    if last is None:
        return "never read"
    reasons = {
        f"{', '.join(signs.unread)} cannot say whether there is a new event": bool(signs.unread),
        f"its quote is marked {signs.mark}": bool(signs.mark) and signs.mark != last.mark,
        f"a notice of {signs.noticed_on}": signs.noticed_on is not None and signs.noticed_on >= last.read_on,
        "a day of an announced event has passed": _passed(known, last.read_on, today),
        "its turn": _turn(last.ticker, last.read_on, today, turns),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _passed(known: Iterable[CorporateAction], read_on: date, today: date) -> bool:
    """Whether an announced day came after the reading: the first without rights, or the payment."""
    days = (day for event in known for day in (event.last_date_with + DAY, event.payment_date))
    return any(day is not None and read_on < day <= today for day in days)


def _turn(ticker: str, read_on: date, today: date, turns: int) -> bool:
    """Whether the company's turn came since the reading. Its papers have one turn, for their answers are shared."""
    if count_sessions(read_on, today) >= turns:
        return True
    offset = crc32(ticker[:4].encode()) % turns
    return (count_sessions(EPOCH, today) + offset) // turns > (count_sessions(EPOCH, read_on) + offset) // turns
