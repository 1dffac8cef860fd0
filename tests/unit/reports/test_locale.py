"""Numbers and dates as people of each language write them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from invest.reports.locale import Locale, locale_of

PT, EN = locale_of("pt-BR"), locale_of("en")


@pytest.mark.parametrize(
    ("value", "portuguese", "english"),
    [
        (Decimal("1234.56"), "R$ 1.234,56", "R$ 1,234.56"),
        (-1234.5, "−R$ 1.234,50", "−R$ 1,234.50"),
        (0, "R$ 0,00", "R$ 0.00"),
        (None, "—", "—"),
        (float("nan"), "—", "—"),
        (float("inf"), "—", "—"),
        (Decimal("Infinity"), "—", "—"),
    ],
)
def test_money_is_written_as_in_each_language(value: float | Decimal | None, portuguese: str, english: str) -> None:
    assert PT.money(value) == portuguese
    assert EN.money(value) == english


def test_a_number_is_rounded_by_its_decimal_value_not_its_binary_one() -> None:
    assert PT.number(2.675, 2) == "2,68"
    assert PT.number(1.005, 2) == "1,01"  # a half goes away from zero, as in the tax
    assert PT.money(Decimal("-57.225")) == "−R$ 57,23"
    assert PT.number(Decimal("57.225"), 2) == "57,23"
    assert PT.number(-0.001, 2) == "0,00"


def test_a_fraction_prints_as_a_percentage_with_its_sign_where_asked() -> None:
    assert PT.percent(0.242) == "24,2%"
    assert EN.percent(-0.0201, 2, signed=True) == "−2.01%"
    assert PT.percent(0.031, signed=True) == "+3,1%"
    assert PT.percent(0.0, signed=True) == "0,0%"


def test_large_amounts_print_by_magnitude() -> None:
    assert PT.short_money(12.3e9) == "R$ 12,3 bi"
    assert PT.short_money(-4.2e6) == "−R$ 4,2 mi"
    assert EN.short_money(1.5e12) == "R$ 1.5 tn"
    assert PT.short(999) == "999"
    assert PT.short(0.5) == "0,50"


def test_prices_under_ten_cents_keep_four_decimals() -> None:
    assert PT.price(0.0123) == "R$ 0,0123"
    assert PT.price(0.5) == "R$ 0,50"


def test_dates_are_written_as_in_each_language_and_year_9999_is_none() -> None:
    assert PT.day(date(2026, 3, 31)) == "31/03/2026"
    assert EN.day(date(2026, 3, 31)) == "31 Mar 2026"
    assert PT.day(date(9999, 12, 31)) == "—"
    assert PT.day(None) == "—"


@pytest.mark.parametrize("locale", [PT, EN])
def test_a_printed_day_is_read_back_and_nothing_else_is(locale: Locale) -> None:
    for month in range(1, 13):
        assert locale.as_day(locale.day(date(2026, month, 9))) == date(2026, month, 9)
    for text in ("31/02/2026", "31 Feb 2026", "9 Foo 2026", "31/03/2026 18:40", "—", "", "2T25", "2026"):
        assert locale.as_day(text) is None


def test_instants_are_shown_on_the_clock_of_sao_paulo() -> None:
    assert PT.instant(datetime(2026, 3, 31, 21, 40, tzinfo=UTC)) == "31/03/2026 18:40"
    assert PT.instant(datetime(2026, 4, 1, 1, 0, tzinfo=UTC)) == "31/03/2026 22:00"


def test_lists_are_joined_with_the_languages_and() -> None:
    assert PT.join(["a", "b", "c"]) == "a, b e c"
    assert EN.join(["a", "b"]) == "a and b"
    assert PT.join([]) == ""


def test_an_unknown_language_is_portuguese_and_variants_of_english_are_english() -> None:
    assert locale_of("xx").language == "pt-BR"
    assert locale_of("en-GB").language == "en"
