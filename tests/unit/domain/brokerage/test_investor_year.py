"""A year whose truth is known, imported from B3's two statements and twelve notes, in any order and in any pieces."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invest.domain.brokerage import plan_import, read_statement
from invest.domain.market import Asset, AssetKind
from invest.domain.portfolios import Book, Known, Transaction, positions_of
from invest.domain.taxes import TaxInput, tax_year
from tests.builders.investor import Investor, live, month_taxes, movimentacao_file, negociacao_file

D = Decimal
TODAY = date(2026, 12, 31)
CENT = D("0.01")


@pytest.fixture(scope="module")
def year() -> Investor:
    return live()


def imported(files: list[bytes], assets: list[Asset], *, again: bool = False) -> list[Transaction]:
    """What is booked after these files; with `again` those with refused rows are sent once more at the end."""
    booked: list[Transaction] = []
    waiting: list[bytes] = []
    for turn in (files, waiting):
        for data in list(turn):
            plan = plan_import(booked, read_statement(data, today=TODAY, assets=assets))
            booked += plan.transactions
            if again and turn is files and plan.counts["refused"]:
                waiting.append(data)
    return booked


def files_of(me: Investor) -> list[bytes]:
    return [negociacao_file(me), movimentacao_file(me), *(note.encode() for note in me.notes)]


def holdings(book: Book) -> dict[str, tuple[Decimal, Decimal]]:
    return {t: (p.quantity, p.cost.quantize(CENT)) for t, p in book.held.items()}


def test_it_is_a_year_worth_the_name(year: Investor) -> None:
    rows = len(year.negociacao) + len(year.movimentacao) + sum(note.count("BOVESPA") for note in year.notes)
    assert rows >= 600
    assert len(year.held) >= 40
    assert len(year.notes) == 12


def test_positions_income_and_gains_equal_the_truth_to_the_cent(year: Investor) -> None:
    book = positions_of(imported(files_of(year), year.assets), Known(), TODAY)
    truth = {t: (h.quantity, h.cost.quantize(CENT)) for t, h in year.held.items() if h.quantity}
    assert holdings(book) == truth
    for ticker, held in year.held.items():
        position = book.positions[ticker]
        assert position.income.quantize(CENT) == held.income, ticker
        assert position.realized_gain.quantize(CENT) == held.realised.quantize(CENT), ticker


def test_the_tax_equals_the_truth_to_the_cent(year: Investor) -> None:
    facts = imported(files_of(year), year.assets)
    assets = {a.ticker: a for a in [*year.assets, Asset(ticker="MERG3", kind=AssetKind.STOCK)]}
    told = tax_year(TaxInput(facts, TODAY, assets=assets), 2026)
    assert {m.month: (m.exempt_gain, m.tax) for m in told.months} == month_taxes(year)
    held = {g.ticker: g.now for g in told.goods if g.now}
    assert held == {t: h.cost.quantize(CENT) for t, h in year.held.items() if h.quantity}


@pytest.mark.parametrize("order", ["movimentacao first", "notes first", "backwards"])
def test_the_order_of_files_changes_nothing(year: Investor, order: str) -> None:
    files = files_of(year)
    whole = positions_of(imported(files, year.assets), Known(), TODAY)
    turned = {
        "movimentacao first": [files[1], files[0], *files[2:]],
        "notes first": [*files[2:], files[0], files[1]],
        "backwards": files[::-1],
    }[order]
    other = positions_of(imported(turned, year.assets, again=True), Known(), TODAY)
    assert holdings(other) == holdings(whole)
    for ticker, position in whole.positions.items():
        if ticker in other.positions:
            assert other.positions[ticker].realized_gain.quantize(CENT) == position.realized_gain.quantize(CENT), ticker


@pytest.mark.slow
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_pieces_and_shuffled_rows_change_nothing(year: Investor, seed: int, pieces: int) -> None:
    dice = random.Random(seed)
    whole = positions_of(imported(files_of(year), year.assets), Known(), TODAY)
    rows = list(year.negociacao)
    dice.shuffle(rows)
    by_month: dict[str, list[str]] = {}
    for row in rows:  # a day is told in one file, days are spread over the files in any way
        by_month.setdefault(row[:10], []).append(row)
    parts: list[list[str]] = [[] for _ in range(pieces)]
    for day_rows in by_month.values():
        dice.choice(parts).extend(day_rows)
    files = [negociacao_file(year, part) for part in parts if part]
    files += [movimentacao_file(year), *(note.encode() for note in year.notes)]
    dice.shuffle(files)
    booked: list[Transaction] = []
    statements = [read_statement(data, today=TODAY, assets=year.assets) for data in files]
    before = -1
    while before != len(booked):  # what was refused for want of older statements is sent again
        before = len(booked)
        for statement in statements:
            booked += plan_import(booked, statement).transactions
    assert holdings(positions_of(booked, Known(), TODAY)) == holdings(whole)


def test_the_same_files_again_book_nothing(year: Investor) -> None:
    booked = imported(files_of(year), year.assets)
    for data in files_of(year):
        plan = plan_import(booked, read_statement(data, today=TODAY, assets=year.assets))
        assert plan.counts["booked"] == 0
        assert plan.counts.get("question", 0) == 0
