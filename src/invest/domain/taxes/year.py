"""The tax of one person and year, put together."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from invest.domain.taxes.annual import goods, income
from invest.domain.taxes.lines import TaxInput, facts_until, taxed_lines
from invest.domain.taxes.models import State, TaxYear
from invest.domain.taxes.months import assess

DECEMBER = 12


def tax_year(given: TaxInput, year: int) -> TaxYear:
    """Months, DARFs, what to declare and what is open, of `year`; of the running one up to today."""
    last = DECEMBER if year < given.today.year else given.today.month
    end = date(year, 12, 31) if year < given.today.year else max(given.today, date(year, 1, 1))
    facts = facts_until(given, end)
    lines, flags = taxed_lines(facts)
    every = [*facts.flags, *flags]
    months, carried = assess(facts, lines, every, (year, last))
    mine = [month for month in months if month.month.startswith(f"{year}-")]
    sure = (month.exempt_gain for month in mine if month.state is not State.INCOMPLETE)
    exempt = sum(sure, Decimal(0))  # what is open in a month may still make its gain a taxed one
    paid, more = income(given, facts, year, exempt)
    return TaxYear(
        year=year,
        months=mine,
        goods=goods(given, year),
        income=paid,
        losses=dict(carried.losses),
        credits_lost=dict(carried.credits),
        darf_carried=carried.below,
        flags=[*(f for f in every if f.day is None or f.day.year == year), *more],
    )
