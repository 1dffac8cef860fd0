"""The tax of one person and year, put together."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from invest.domain.taxes.annual import goods, income
from invest.domain.taxes.lines import TaxInput, facts_until, taxed_lines
from invest.domain.taxes.models import MonthTax, State, TaxOpen, TaxYear
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


def tax_open(given: TaxInput) -> TaxOpen:
    """What is to be paid as of today, of whichever year: a DARF of December is due in January."""
    facts = facts_until(given, given.today)
    lines, flags = taxed_lines(facts)
    today = given.today
    months, carried = assess(facts, lines, [*facts.flags, *flags], (today.year, today.month))
    running = f"{today:%Y-%m}"
    over = [month for month in months if month.month < running]
    return TaxOpen(
        unpaid=[month for month in reversed(over) if _is_owed(month)],
        running=months[-1] if months and months[-1].month == running else None,
        carried=over[-1].carried if over else carried.below,
        incomplete=[m.month for m in reversed(over) if m.state is State.INCOMPLETE and m.darf is None],
    )


def _is_owed(month: MonthTax) -> bool:
    """Whether a month has a DARF of which something was not paid."""
    if month.darf is None:
        return False
    return month.paid is None or (month.difference is not None and month.difference > 0)
