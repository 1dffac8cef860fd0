"""Whose events the exchange is asked for on a day: nothing stays unread for long, and little is asked for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from invest.domain.market.assets import ActionKind, CorporateAction
from invest.domain.market.calendar import count_sessions, is_session
from invest.domain.values.event_readings import EventReading, EventSigns, reason_to_read

FRIDAY, MONDAY, TUESDAY = date(2026, 11, 13), date(2026, 11, 16), date(2026, 11, 17)
QUIET = EventSigns(mark="")
NEVER = 10**6  # turns that do not come


def read(on: date, mark: str | None = "", ticker: str = "PETR4") -> EventReading:
    return EventReading(ticker, "b3", on, mark)


def event(last: date, pays: date | None = None) -> CorporateAction:
    return CorporateAction(
        ticker="PETR4", kind=ActionKind.DIVIDEND, last_date_with=last, payment_date=pays, amount=Decimal(1),
        source="b3", payload="p",
    )  # fmt: skip


def test_what_was_never_read_is_read() -> None:
    assert reason_to_read(None, QUIET, (), MONDAY, NEVER) == "never read"


@pytest.mark.parametrize(
    ("last", "signs", "known", "word"),
    [
        (read(FRIDAY), QUIET, (), None),
        (read(FRIDAY), EventSigns(mark="EJ"), (), "EJ"),
        (read(FRIDAY, "EJ"), EventSigns(mark="EJ"), (), None),  # read with that mark: it stays for some sessions
        (read(FRIDAY, "EJ"), EventSigns(mark="EDJ"), (), "EDJ"),
        (read(FRIDAY, "EJ"), EventSigns(mark=""), (), None),
        (read(FRIDAY, None), EventSigns(mark="ED"), (), "ED"),
        (read(FRIDAY), EventSigns(mark="", noticed_on=MONDAY), (), "notice"),
        (read(FRIDAY), EventSigns(mark="", noticed_on=FRIDAY), (), "notice"),  # may have come after the reading
        (read(MONDAY), EventSigns(mark="", noticed_on=FRIDAY), (), None),
        (read(FRIDAY), EventSigns(mark="", unread=("cvm",)), (), "cvm cannot say"),
        (read(FRIDAY), QUIET, (event(FRIDAY),), "announced"),  # trades without it today: moved, or called off?
        (read(MONDAY), QUIET, (event(FRIDAY),), None),
        (read(FRIDAY), QUIET, (event(MONDAY),), None),
        (read(FRIDAY), QUIET, (event(date(2026, 10, 1), MONDAY),), "announced"),
        (read(FRIDAY), QUIET, (event(date(2026, 10, 1), TUESDAY),), None),
        (read(FRIDAY), QUIET, (event(date(2026, 10, 1), None),), None),
    ],
)
def test_between_turns_only_signs_ask(last: EventReading, signs: EventSigns, known: Any, word: str | None) -> None:
    reason = reason_to_read(last, signs, known, MONDAY, NEVER)
    assert reason is None if word is None else reason is not None and word in reason


@pytest.mark.parametrize("turns", [1, 5, 7])
def test_no_reading_gets_older_than_the_turns_and_each_day_has_its_part(turns: int) -> None:
    """Sixty days of daily runs, weekdays that are no session included, over two papers of each of 300 companies."""
    tickers = [f"{a}{b}{c}X{n}" for a in "ABCDEFGHIJ" for b in "KLMNOP" for c in "QRSTU" for n in (3, 4)]
    last: Mapping[str, EventReading] = {ticker: read(FRIDAY, ticker=ticker) for ticker in tickers}
    asked: Counter[date] = Counter()
    for day in (FRIDAY + timedelta(days=n) for n in range(1, 61)):
        due = {t: read(day, ticker=t) for t in tickers if reason_to_read(last[t], QUIET, (), day, turns)}
        assert all(f"{ticker[:4]}3" in due and f"{ticker[:4]}4" in due for ticker in due)
        asked[day] = len(due)
        last = {**last, **due}
        assert max(count_sessions(reading.read_on, day) for reading in last.values()) < turns
    sessions = [asked[day] for day in asked if is_session(day)]
    assert max(sessions) <= 1.5 * len(tickers) / turns
    assert sum(asked.values()) <= 1.05 * len(tickers) * len(sessions) / turns + len(tickers)


def test_signs_add_up() -> None:
    signs = EventSigns(mark="ED") + EventSigns(noticed_on=FRIDAY) + EventSigns(noticed_on=MONDAY, unread=("cvm",))
    assert signs == EventSigns("ED", MONDAY, ("cvm",))
    assert EventSigns() + EventSigns(mark="") == EventSigns(mark="")
