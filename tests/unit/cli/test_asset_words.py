"""What `invest asset show` says of the paper behind a receipt."""

from __future__ import annotations

from typing import Any

import pytest

from invest.cli.investing.assets import home_text

HOME = {"symbol": "AAPL", "exchange": "NASDAQ", "currency": "USD", "isin": None}


@pytest.mark.parametrize(
    ("home", "parity", "text"),
    [
        (HOME, {"value": "20"}, "AAPL (NASDAQ), 20 BDRs to one"),
        (HOME, {"value": "0.50"}, "AAPL (NASDAQ), 0.5 BDRs to one"),
        (HOME | {"exchange": None}, {"value": None}, "AAPL"),
        (HOME, None, "AAPL (NASDAQ)"),
        (None, {"value": "100"}, "100 BDRs to one"),
        (None, None, None),
    ],
)
def test_the_paper_at_home_and_the_parity_are_named_as_far_as_they_are_known(
    home: dict[str, Any] | None, parity: dict[str, Any] | None, text: str | None
) -> None:
    assert home_text({"home": home, "parity": parity}) == text
