"""The command that a question about data names, whatever its source told of the event."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from invest.domain.market import ActionKind, CorporateAction
from invest.domain.values import Question, QuestionKind
from invest.jobs.data_collection.open_questions import _with_notices

DAY = date(2025, 3, 31)


def spin_off(other: str, ratio: Decimal | None = None) -> CorporateAction:
    """What B3 tells of one: an ISIN, and seldom how many."""
    return CorporateAction(
        ticker="ABCD3", kind=ActionKind.SPIN_OFF, last_date_with=DAY, other=other, ratio=ratio, source="b3", payload="p"
    )


def booking(*events: CorporateAction) -> str | None:
    """What is to be run about a price that fell on the day of these events."""
    asked = Question(ticker="ABCD3", kind=QuestionKind.MOVE, day=DAY, text="fell", event=ActionKind.SPIN_OFF)
    (one,) = _with_notices([asked], [], events)
    return one.book


def test_what_the_source_does_not_tell_is_to_be_filled_in() -> None:
    head = "invest data event ABCD3 --kind spin_off --last-day 2025-03-31"
    assert booking(spin_off("BRNEWAACNOR1")) == (
        f"{head} --other CODE --ratio RATIO --cost-share PART --cost-source DOCUMENT"
    )
    assert booking(spin_off("BRNEWAACNOR1", Decimal("0.5")), spin_off("NEWB3")) == (
        f"{head} --into CODE=0.5:PART --into NEWB3=RATIO:PART --cost-source DOCUMENT"
    )
