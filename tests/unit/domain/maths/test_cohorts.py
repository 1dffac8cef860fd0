"""Intervals over cohorts: published numbers, an oracle for Student's t, and what overlap must not do."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from invest.domain.maths.cohorts import apart, cohort_interval
from invest.domain.maths.significance import holm, student_cdf, student_quantile


def test_the_published_cohorts() -> None:
    interval = cohort_interval([0.012, -0.004, 0.020, 0.008])
    assert interval.mean == pytest.approx(0.0090)
    assert (interval.low, interval.high) == pytest.approx((-0.0069, 0.0249), abs=5e-5)
    assert interval.t == pytest.approx(1.80, abs=0.005)
    assert interval.standing == "chance"
    assert not interval.ranked


@pytest.mark.parametrize("k", [0, 1, 2])
def test_fewer_than_three_cohorts_are_still_collecting(k: int) -> None:
    assert cohort_interval([0.1, 0.11][:k]).standing == "collecting"


def test_eight_cohorts_are_ranked() -> None:
    values = [0.01, 0.02, 0.015, 0.01, 0.02, 0.015, 0.01, 0.02]
    assert cohort_interval(values).ranked
    assert cohort_interval(values).standing == "above"
    assert cohort_interval([-v for v in values]).standing == "below"


def test_cohorts_all_alike_have_no_width() -> None:
    interval = cohort_interval([0.5, 0.5, 0.5])
    assert (interval.low, interval.high, interval.t) == (0.5, 0.5, None)


def test_students_t_agrees_with_an_independent_library() -> None:
    stats = pytest.importorskip("scipy.stats")
    for degrees in (1, 2, 3, 7, 30, 500):
        for p in (0.025, 0.3, 0.6, 0.9, 0.975, 0.999):
            assert student_quantile(p, degrees) == pytest.approx(stats.t.ppf(p, degrees), rel=1e-9)
        for t in (-4.0, -0.3, 0.0, 1.0, 2.5):
            assert student_cdf(t, degrees) == pytest.approx(stats.t.cdf(t, degrees), rel=1e-9)


def test_a_ninety_five_percent_interval_covers_ninety_five_percent() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        interval = cohort_interval(random.normal(0.01, 0.05, 6).tolist())
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= 0.01 <= interval.high
    assert 0.93 <= covered / 2000 <= 0.97


def test_overlapping_copies_do_not_make_more_cohorts() -> None:
    start = date(2025, 1, 6)
    weekly = [start + timedelta(weeks=n) for n in range(26)]
    assert len(apart(weekly, 180)) == 1
    assert apart([*weekly, *weekly], 91) == [start, start + timedelta(weeks=13)]


def test_holm_keeps_what_survives_many_tests() -> None:
    assert holm([0.001, 0.04, 0.03]) == [True, False, False]
    assert holm([0.01, 0.02, 0.04]) == [True, True, True]
    assert holm([]) == []
