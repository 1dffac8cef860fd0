"""Codes across their changes: followed to their end, stitched from their beginning, reused without a mixture."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from invest.domain.market.assets import TickerChange
from invest.domain.market.bars import Bar, Bars
from invest.domain.market.lineage import Lineages, Span, joined, known_changes


def change(old: str, new: str, day: str, ratio: str = "1") -> TickerChange:
    """A change of a code."""
    return TickerChange(old=old, new=new, changed_on=date.fromisoformat(day), ratio=Decimal(ratio), source="cvm")


ELET = change("ELET3", "AXIA3", "2025-11-10")
NATURA = (change("NATU3", "NTCO3", "2019-12-18"), change("NTCO3", "NATU3", "2025-07-02"))


def bars(ticker: str, *days: str) -> Bars:
    """Flat bars of these days."""
    rows = [Bar(ticker, date.fromisoformat(d), None, None, None, Decimal(i + 1), 1, None, None, "x", "p")
            for i, d in enumerate(days)]  # fmt: skip
    return Bars.from_rows(ticker, rows)


def test_old_and_new_code_have_one_history() -> None:
    lineages = Lineages((ELET,), frozenset({"ELET3"}))
    expected = [Span("ELET3", None, date(2025, 11, 9)), Span("AXIA3", date(2025, 11, 10), None)]
    assert lineages.spans("AXIA3") == lineages.spans("ELET3") == expected
    assert lineages.current("ELET3") == "AXIA3"
    found = {"ELET3": bars("ELET3", "2025-11-06", "2025-11-07"), "AXIA3": bars("AXIA3", "2025-11-10")}
    history = joined("AXIA3", expected, found)
    assert history is not None
    assert history.days.astype(str).tolist() == ["2025-11-06", "2025-11-07", "2025-11-10"]
    assert history.ticker == "AXIA3"


def test_a_code_that_came_back_is_followed_through_the_one_in_between() -> None:
    lineages = Lineages(NATURA, frozenset({"NTCO3"}))
    assert lineages.current("NATU3") == lineages.current("NTCO3") == "NATU3"
    assert [(s.ticker, s.first, s.last) for s in lineages.spans("NATU3")] == [
        ("NATU3", None, date(2019, 12, 17)),
        ("NTCO3", date(2019, 12, 18), date(2025, 7, 1)),
        ("NATU3", date(2025, 7, 2), None),
    ]


def test_a_code_another_company_had_before_begins_with_its_present_bearer() -> None:
    taken = Lineages((change("ABCD3", "EFGH3", "2015-06-01"),), frozenset())
    assert taken.current("ABCD3") == "ABCD3"
    assert taken.spans("ABCD3") == [Span("ABCD3", date(2015, 6, 1), None)]
    assert taken.spans("EFGH3") == [Span("ABCD3", None, date(2015, 5, 31)), Span("EFGH3", date(2015, 6, 1), None)]


def test_a_code_that_never_changed_is_itself() -> None:
    lineages = Lineages((ELET,), frozenset({"ELET3"}))
    assert "PETR4" not in lineages
    assert lineages.spans("PETR4") == [Span("PETR4", None, None)]
    assert joined("PETR4", lineages.spans("PETR4"), {}) is None


@pytest.mark.parametrize("ended", [frozenset(), frozenset({"AAAA3", "BBBB3"})])
def test_a_circle_is_left(ended: frozenset[str]) -> None:
    circle = Lineages((change("AAAA3", "BBBB3", "2020-01-02"), change("BBBB3", "AAAA3", "2020-01-02")), ended)
    assert circle.current("AAAA3") in ("AAAA3", "BBBB3")
    assert len(circle.spans("AAAA3")) <= 16


def test_new_shares_per_old_one_count_on_the_last_day_before() -> None:
    merged = change("AAAA3", "BBBB3", "2024-05-02", "0.5")
    lineages = Lineages((merged,), frozenset({"AAAA3"}))
    assert lineages.ratios("BBBB3") == [(date(2024, 5, 1), merged)]
    assert Lineages((ELET,), frozenset({"ELET3"})).ratios("AXIA3") == []


def test_of_what_sources_told_each_change_is_kept_once() -> None:
    later = change("ELET3", "AXIA3", "2025-11-12")
    assert known_changes("AXIA3", [later, ELET, change("XXXX3", "YYYY3", "2020-01-02")]) == [ELET]


def test_prices_of_the_code_before_are_raw() -> None:
    spans = [Span("A", None, date(2024, 1, 3)), Span("B", date(2024, 1, 4), None)]
    history = joined(
        "B", spans, {"A": bars("A", "2024-01-02", "2024-01-05"), "B": bars("B", "2024-01-03", "2024-01-04")}
    )
    assert history is not None
    assert history.days.astype(str).tolist() == ["2024-01-02", "2024-01-04"]
    assert np.all(history.factor == 1)


def test_a_merger_that_the_owner_booked_on_a_friday_goes_before_what_a_source_tells_of_monday() -> None:
    merger = change("BRFS3", "MBRF3", "2025-09-20", "0.8521")
    booked = merger.model_copy(update={"source": "owner", "continues": False})
    reported, later = change("BRFS3", "MBRF3", "2025-09-22"), change("MBRF3", "NEWX3", "2025-09-23")
    lineages = Lineages((booked, reported, later), frozenset({"BRFS3", "MBRF3"}))
    assert list(lineages.changes) == [booked, later]
    assert lineages.spans("BRFS3")[0] == Span("BRFS3", None, date(2025, 9, 19))
    assert lineages.current("BRFS3") == "NEWX3"


def test_a_code_that_changed_twice_has_the_ratio_of_both_changes() -> None:
    changes = (change("AAAA3", "BBBB3", "2020-03-02", "0.5"), change("BBBB3", "CCCC3", "2024-06-03", "3"))
    lineages = Lineages(changes, frozenset({"AAAA3", "BBBB3"}))
    assert [lineages.ratio(code) for code in ("AAAA3", "BBBB3", "CCCC3")] == [Decimal("1.5"), Decimal(3), Decimal(1)]
