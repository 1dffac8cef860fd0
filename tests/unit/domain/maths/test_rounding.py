"""Rounding as it is printed: once, half away from zero, on the written decimal."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.analysis import FACT_KEYS
from invest.domain.maths import as_shown, half_up


@pytest.mark.parametrize(
    ("value", "decimals", "printed"),
    [("-57.225", 2, "-57.23"), ("57.225", 2, "57.23"), ("0.125", 2, "0.13"), ("-0.5", 0, "-1"), ("2.5", 0, "3")],
)
def test_a_half_goes_away_from_zero(value: str, decimals: int, printed: str) -> None:
    assert half_up(Decimal(value), decimals) == Decimal(printed)
    assert as_shown(float(value), decimals) == float(printed)


@given(value=st.floats(allow_nan=False, allow_infinity=False), decimals=st.integers(0, 6))
def test_rounding_is_odd_and_repeats_itself(value: float, decimals: int) -> None:
    shown = as_shown(value, decimals)
    assert as_shown(-value, decimals) == -shown
    assert as_shown(shown, decimals) == shown


def test_what_is_no_number_stays_what_it_is() -> None:
    assert math.isnan(as_shown(math.nan, 2))
    assert as_shown(math.inf, 2) == math.inf


@pytest.mark.parametrize(
    ("key", "value", "printed"),
    [
        ("volatility_1y", 0.25049, 0.25),  # 25,0%
        ("net_debt_ebitda", 1.549, 1.5),
        ("turnover_21d", 9_960_000.0, 10_000_000.0),  # R$ 10,0 mi
        ("turnover_21d", 999_970.0, 1_000_000.0),
        ("news_tone_30d", 0.1549, 0.15),
        ("roe", None, None),
    ],
)
def test_a_figure_as_a_reader_sees_it(key: str, value: float | None, printed: float | None) -> None:
    assert FACT_KEYS[key].as_printed(value) == printed
