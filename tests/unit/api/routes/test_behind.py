"""What is said of a receipt whose parity is not known: why, and which source would give it."""

from __future__ import annotations

import pytest

from invest.api.routes.behind import why_no_parity
from invest.domain.market import home_paper


@pytest.mark.parametrize(
    ("ticker", "programmes", "yahoo", "words"),
    [
        ("AAPL34", False, False, "set sources.b3_programmes.enabled = true, then collect AAPL34"),
        ("AAPL34", True, False, "AAPL come from the source yahoo alone, which is switched off"),
        ("AAPL34", True, True, "no parity was observed yet: collect AAPL34"),
        ("ZZZZ34", True, False, "the paper behind it is not known here: collect ZZZZ34"),
    ],
)
def test_a_parity_that_lacks_has_a_reason(ticker: str, programmes: bool, yahoo: bool, words: str) -> None:
    assert words in why_no_parity(ticker, home_paper(ticker), programmes=programmes, yahoo=yahoo)
