"""Numbers of JSON answers are taken by their shortest text, however they are read."""

from __future__ import annotations

import math
import random
import struct
import time
from datetime import date
from decimal import Decimal

import pytest

from invest.sources.numerals import day, number, rounded


def floats() -> list[float]:
    random.seed(5)
    bits = [struct.unpack("d", struct.pack("Q", random.getrandbits(64)))[0] for _ in range(5_000)]
    return [*bits, *(round(random.uniform(-1e4, 1e4), 2) for _ in range(2_000)), 0.0, -0.0, 1e29, 1e30, 1e-29, 1e-30]


def test_a_text_without_an_end_is_no_number_at_once() -> None:
    begun = time.process_time()
    assert number("9" * 200_000 + "x") is number("9" * 200_000) is number("1." * 100_000) is None
    assert time.process_time() - begun < 1


def test_what_has_more_digits_than_any_figure_is_not_rounded() -> None:
    assert rounded(Decimal("1.005"), Decimal("0.01")) == Decimal("1.00")
    assert rounded(Decimal("1e29"), Decimal("0.01")) is None


def test_a_float_is_the_decimal_that_its_text_says_within_thirty_digits() -> None:
    for value in floats():
        text = Decimal(repr(value)) if math.isfinite(value) else None
        wanted = text if text is not None and abs(text.adjusted()) < 30 else None
        assert str(number(value)) == str(wanted), value


@pytest.mark.parametrize("value", [0, 1, -7, 10**18, 10**29, -(10**29)])
def test_an_integer_is_exact(value: int) -> None:
    assert number(value) == value


@pytest.mark.parametrize("value", [True, False, None, [], {}, 10**30, float("nan"), float("inf"), "n/a"])
def test_what_is_no_number_is_none(value: object) -> None:
    assert number(value) is None


def test_epoch_seconds_are_a_day_in_sao_paulo() -> None:
    assert day(1774926000) == date(2026, 3, 31)
    assert day(1774925999) == date(2026, 3, 30)
    assert [day(v) for v in (True, None, float("nan"), 10**20)] == [None] * 4
