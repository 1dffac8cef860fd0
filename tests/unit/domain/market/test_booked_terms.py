"""Terms of events booked by hand: a part of the cost goes with a spin-off alone, and its source says something."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from invest.domain.market.events import EventTerms

SPUN = {"kind": "spin_off", "last_date_with": "2025-09-22", "other": "NEWX3", "ratio": "1", "cost_share": "0.5"}


@pytest.mark.parametrize("source", ["", "   ", "\t x "])
def test_a_source_of_blanks_is_none(source: str) -> None:
    with pytest.raises(ValidationError, match="at least 3 characters"):
        EventTerms.model_validate({**SPUN, "cost_source": source})


def test_a_source_is_kept_without_blanks_around_it() -> None:
    assert EventTerms.model_validate({**SPUN, "cost_source": " fact 7 "}).cost_source == "fact 7"


def test_an_event_of_another_kind_takes_no_part_of_a_cost() -> None:
    with pytest.raises(ValidationError, match="cost_share: other takes"):
        EventTerms.model_validate(
            {"kind": "other", "last_date_with": "2025-09-22", "label": "Aviso", "cost_share": "0.5"}
        )
