"""What an owner books beside what was booked of the same day: of another kind it stays, of the same it is replaced."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from invest.domain.market import ActionKind, CorporateAction
from invest.store.market.booked import _beside

DAY = date(2026, 3, 10)


def booked(kind: ActionKind, **terms: Decimal) -> CorporateAction:
    return CorporateAction.model_validate(
        {"ticker": "ABCD3", "kind": kind, "last_date_with": DAY, "source": "owner", "payload": "owner", **terms}
    )


@pytest.mark.parametrize(
    ("before", "now", "stays"),
    [
        (booked(ActionKind.DIVIDEND, amount=Decimal("0.5")), booked(ActionKind.JCP, amount=Decimal("0.3")), True),
        (booked(ActionKind.SPLIT, factor=Decimal(2)), booked(ActionKind.BONUS, factor=Decimal("1.1")), True),
        (booked(ActionKind.JCP, amount=Decimal("0.4")), booked(ActionKind.JCP, amount=Decimal("0.3")), False),
        (booked(ActionKind.SPIN_OFF), booked(ActionKind.DIVIDEND, amount=Decimal(1)), False),  # of its own, untouched
    ],
)
def test_only_the_same_kind_of_a_day_is_replaced(before: CorporateAction, now: CorporateAction, stays: bool) -> None:
    assert _beside([before], [now]) == ([before] if stays else [])
