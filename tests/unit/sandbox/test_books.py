"""The invented accounts add up and stand in a plausible relation to the price."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from invest_sandbox.world import charts
from invest_sandbox.world.books import Books
from invest_sandbox.world.listings import Chart
from invest_sandbox.world.world import World

TODAY = date(2026, 3, 31)


@pytest.fixture(scope="module")
def world() -> World:
    return World(300, seed=7, as_of=TODAY)


@pytest.fixture(scope="module")
def books(world: World) -> list[Books]:
    return [b for c in world.companies if (b := world.books(c.issuer))]


def test_assets_equal_liabilities_and_equity_in_every_quarter(books: list[Books]) -> None:
    for b in books[:60]:
        for year in (b.first - 1, b.first, b.last):  # the first forms show the year before theirs too
            for quarter in (1, 2, 3, 4):
                p = b.span(year, 1, quarter)
                own = p.balance["capital"] + p.balance["reserves"]
                assert p.assets == p.liabilities + own + p.balance["minority"]
                assert own == p.equity_parent > 0


def test_four_quarters_make_the_year_and_the_cash_flow_leads_from_balance_to_balance(books: list[Books]) -> None:
    for b in books[:60]:
        year = b.last
        whole = b.year(year)
        parts = [b.span(year, q, q) for q in (1, 2, 3, 4)]
        for key, value in whole.income.items():
            assert value == sum(p.income[key] for p in parts)
        for p in (whole, *parts):
            moved = sum(v for k, v in p.flows.items() if k not in ("opening", "closing"))
            assert p.flows["opening"] + moved == p.flows["closing"] == p.balance["cash"]
            assert p.flows["net"] == p.net


def test_multiples_are_plausible(world: World, books: list[Books]) -> None:
    multiples, to_book, returns = [], [], []
    for b in books:
        found = b.trailing(TODAY)
        if not found or b.profile.losing:
            continue
        p, worth = found[0], b.value / 1000
        multiples.append(worth / p.net_parent)
        to_book.append(worth / p.equity_parent)
        returns.append(p.net_parent / p.equity_parent)
    assert len(multiples) > 80
    assert min(multiples) > 2.5
    assert max(multiples) < 27
    assert min(to_book) > 0.4
    assert max(to_book) < 4.6
    assert min(returns) > 0.03
    assert max(returns) < 0.36


def test_a_few_companies_lose_money_file_nothing_or_have_no_subsidiaries(books: list[Books]) -> None:
    share = len(books)
    assert 0 < sum(b.profile.losing for b in books) < share * 0.2
    assert 0 < sum(b.silent for b in books) < share * 0.1
    assert 0.1 < sum(not b.consolidated for b in books) / share < 0.45


def test_nothing_is_filed_before_its_day(books: list[Books]) -> None:
    b = next(b for b in books if not b.silent)
    filed = b.filed(TODAY)
    assert filed[0] == (b.first, 1)
    assert all(b.filed_on(*f) <= TODAY for f in filed)
    assert len(b.filed(date(2024, 6, 28))) < len(filed)


@pytest.mark.parametrize("chart", ["general", "bank", "insurer"])
def test_each_chart_of_accounts_adds_up(books: list[Books], chart: Chart) -> None:
    b = next(b for b in books if b.company.chart == chart and b.consolidated)
    p = b.year(b.last)
    active = {r.code: r.value for r in charts.assets(p, chart)}
    owed = {r.code: r.value for r in charts.liabilities(p, chart, consolidated=True)}
    assert active["1"] == owed["2"] == p.assets
    assert sum(v for c, v in active.items() if len(c) == 4) == active["1"]
    assert sum(v for c, v in owed.items() if len(c) == 4) == owed["2"]
    rows = charts.income(p, chart, b.company.shares, consolidated=True)
    last = next(r for r in rows if "Consolidado do Período" in r.name)
    parts = [r.value for r in rows if r.code.startswith(last.code + ".")]
    assert last.value == sum(parts) == p.net


def test_the_parents_own_statements_show_the_same_profit_and_equity(books: list[Books]) -> None:
    b = next(b for b in books if b.consolidated and b.company.chart == "general")
    group = b.year(b.last)
    alone = charts.parent_only(group)
    assert alone.net == group.net_parent
    assert alone.equity_parent == group.equity_parent
    assert alone.income["revenue"] < group.income["revenue"]


def test_a_split_changes_the_share_count_back_in_time(world: World) -> None:
    company = next(
        c
        for c in world.companies
        if any(a.factor > 1.5 for a in world.series(world.by_issuer[c.issuer][0].ticker).actions)
    )
    action = next(a for a in world.series(world.by_issuer[company.issuer][0].ticker).actions if a.factor > 1.5)
    before = sum(world.shares_on(company, action.last_with))
    after = sum(world.shares_on(company, TODAY))
    assert after == company.shares
    assert np.isclose(after / before, action.factor, rtol=1e-6)
