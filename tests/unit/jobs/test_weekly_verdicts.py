"""Verdicts of a week: what counts as changed where one was cut from a score of two decimals."""

from __future__ import annotations

import pytest

from invest.jobs.reports.portfolio_reports import verdict_changed

Verdict = tuple[float | None, str]


@pytest.mark.parametrize(
    ("before", "now", "differ"),
    [
        ((7.97, "buy"), (8.0, "strong_buy"), False),  # the rule changed, the score did not
        ((7.97, "buy"), (8.4, "strong_buy"), False),
        ((7.4, "buy"), (8.0, "strong_buy"), True),
        ((7.97, "buy"), (7.9, "buy"), False),
        ((6.47, "hold"), (6.5, "buy"), False),
        ((6.47, "hold"), (7.2, "buy"), False),
        ((6.1, "hold"), (6.5, "buy"), True),
        ((7.2, "insufficient_data"), (7.2, "buy"), True),
        ((None, "insufficient_data"), (None, "insufficient_data"), False),
    ],
)
def test_a_verdict_that_only_the_rounding_of_scores_changed_is_no_change(
    before: Verdict, now: Verdict, *, differ: bool
) -> None:
    assert verdict_changed(before, now) is differ
