"""What spin-offs ask: the part of the cost by prices, and the command that books the published one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from invest.domain.market import PART, ActionKind, CorporateAction
from invest.domain.values import QuestionKind
from invest.jobs.data_collection.open_questions import _booking, _cost_questions

LAST = date(2026, 3, 10)


def spun(other: str | None, **terms: Any) -> CorporateAction:
    given = {"ticker": "OLDD3", "kind": ActionKind.SPIN_OFF, "last_date_with": LAST, "source": "b3", "payload": "p"}
    return CorporateAction.model_validate({**given, "other": other, **terms})


ONE, TWO = spun("NEWW3", ratio="0.5", price_factor="0.8"), spun("MORE3", ratio="1", price_factor="0.5")


def test_of_several_papers_the_parts_are_of_the_whole_cost() -> None:
    (asked,) = _cost_questions([ONE, TWO])  # a half of what the first one left is two fifths
    assert (asked.kind, asked.day) == (QuestionKind.COST_SHARE, LAST)
    assert asked.text.startswith("60.00% of the cost goes with NEWW3 (20.00%), MORE3 (40.00%), an estimate by prices")
    (left,) = _cost_questions([ONE.model_copy(update={"cost_share": Decimal("0.3")}), TWO])
    assert left.text.startswith("40.00% of the cost goes with MORE3, an estimate by prices")


def test_what_a_merger_gave_beside_and_what_has_no_terms_is_not_asked_about() -> None:
    assert _cost_questions([ONE.model_copy(update={"label": PART}), spun("NEWW3"), spun(None)]) == []


def test_what_to_book_names_papers_and_leaves_open_what_is_not_known() -> None:
    def command(*known: CorporateAction) -> str:
        return _booking("OLDD3", ActionKind.SPIN_OFF, LAST, None, known).partition(str(LAST))[2]

    assert command() == " --other CODE --ratio RATIO --cost-share PART --cost-source DOCUMENT"
    assert command(ONE) == " --other NEWW3 --ratio 0.5 --price-factor 0.8 --cost-share PART --cost-source DOCUMENT"
    isin = spun("BRAXIAACNPA1", ratio="0.1")
    assert command(isin) == " --other CODE --ratio 0.1 --cost-share PART --cost-source DOCUMENT"
    published = ONE.model_copy(update={"cost_share": Decimal("0.3")})
    assert (
        command(published, spun("BRMOREACNOR1"))
        == " --into NEWW3=0.5:0.3 --into CODE=RATIO:PART --cost-source DOCUMENT"
    )
