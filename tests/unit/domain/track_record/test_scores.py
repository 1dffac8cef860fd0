"""Scores and intervals against published vectors and, where there is one, an independent implementation."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from scipy import stats  # type: ignore[import-untyped]  # ships no types

from invest.domain.maths.significance import holm, student_cdf, student_quantile
from invest.domain.track_record.scores import (
    brier,
    cohort_means,
    excess_return,
    hold_band,
    interval_of,
    log_score,
    rank_correlation,
)

DAY = date(2024, 1, 8)


def test_four_cohort_means_give_the_published_interval() -> None:
    spread = interval_of([0.012, -0.004, 0.020, 0.008])
    assert spread is not None
    rounded = (round(spread.mean, 4), round(spread.low, 4), round(spread.high, 4), round(spread.t, 2))
    assert rounded == (0.0090, -0.0069, 0.0249, 1.80)
    assert not spread.distinguishable


def test_one_cohort_has_no_interval_and_identical_ones_are_a_point() -> None:
    assert interval_of([0.1]) is None
    point = interval_of([0.0, 0.0, 0.0])
    assert point is not None
    assert (point.low, point.high, point.p_value) == (0.0, 0.0, 1.0)
    sure = interval_of([0.1, 0.1, 0.1])
    assert sure is not None
    assert sure.p_value == 0.0


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 7, 8, 25, 30, 101])
def test_students_t_agrees_with_scipy(degrees: int) -> None:
    for t in (-3.0, -0.5, 0.0, 0.3, 1.8, 4.5):
        assert student_cdf(t, degrees) == pytest.approx(stats.t.cdf(t, degrees), abs=1e-12)
    for p in (0.5, 0.9, 0.975, 0.9999):
        assert student_quantile(p, degrees) == pytest.approx(stats.t.ppf(p, degrees), abs=1e-7)


def test_ranks_correlate_as_in_scipy_with_ties() -> None:
    draw = random.Random(3)
    x, y = [draw.randint(0, 5) for _ in range(60)], [draw.random() for _ in range(60)]
    assert rank_correlation(x, y) == pytest.approx(stats.spearmanr(x, y)[0])
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None
    assert rank_correlation([1, 2], [1, 2]) is None


@pytest.mark.parametrize(("days", "band"), [(30, 0.0204), (90, 0.0354), (180, 0.05)])
def test_the_band_of_a_hold_grows_with_the_root_of_time(days: int, band: float) -> None:
    assert round(hold_band(days), 4) == band


def test_certainty_costs_a_hundred_to_one_at_most() -> None:
    assert log_score(1.0, False) == pytest.approx(4.60517, abs=1e-5)
    assert brier(1.0, False) == 1


def test_excess_compounds() -> None:
    assert excess_return(0.21, 0.10) == pytest.approx(0.10)


def test_cohorts_take_a_week_and_stand_a_horizon_apart() -> None:
    entries = [(0, 1.0), (6, 3.0), (7, 99.0), (95, 99.0), (96, 5.0), (102, 7.0), (191, 99.0), (192, 9.0)]
    means = cohort_means([(DAY + timedelta(days=d), v) for d, v in entries], 90)
    assert means == [2.0, 6.0, 9.0]


def test_holm_steps_down_and_stops_at_the_first_failure() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == [True, False, False, True]
    assert holm([]) == []
    assert holm([0.05]) == [True]


def test_a_ninety_five_percent_interval_covers_a_true_zero_about_that_often() -> None:
    """Assets share their cohort's shock: taking calls as independent would cover far less."""
    draw = random.Random(11)
    covered = 0
    for _ in range(600):
        items = []
        for k in range(8):
            shock = draw.gauss(0, 1)
            items += [(DAY + timedelta(days=200 * k), shock + draw.gauss(0, 1)) for _ in range(10)]
        spread = interval_of(cohort_means(items, 180))
        assert spread is not None
        covered += spread.low <= 0 <= spread.high
    assert 0.92 <= covered / 600 <= 0.98
