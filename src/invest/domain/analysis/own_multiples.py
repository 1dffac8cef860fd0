"""An asset's own past multiples: what the market paid when each yearly report came out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median

from invest.domain.analysis.valuation import dividends_per_share, split_factor, value_figures
from invest.domain.filings import Figures, Fundamentals, Period, ratios
from invest.domain.market import CorporateAction, Prices

YEARS = 5
MIN_YEARS = 3
KEYS = ("p_l", "p_vp", "p_sr", "p_ebit", "ev_ebit", "ev_ebitda", "earnings_yield", "fcf_yield", "greenblatt_yield")


def papers_then(period: Period, papers_now: float, grown: float, shares_in_one: float = 1.0) -> float | None:
    """Traded papers behind a past report: net income over the earnings per share it states, by `shares_in_one` paper.

    `grown` is today's papers for one of then, by splits and bonuses alone. The stated figure is checked against that: a
    number in thousands is scaled, one that is off by more than three times is not used.
    """
    income, stated = period.get("net_income"), period.get("eps_filed")
    if not income or not stated:
        return None
    expected, implied = papers_now / grown, income / stated / shares_in_one
    for scale in (1.0, 1e3, 1e-3):
        if 1 / 3 <= implied * scale / expected <= 3:
            return implied * scale
    return None


def multiple_medians(
    company: Fundamentals,
    prices: Prices,
    actions: Sequence[CorporateAction],
    papers: float | None,
    counted_on: date,
    *,
    shares_in_one: float = 1.0,
) -> Figures:
    """Median of each multiple over the last five yearly reports, from at least three.

    Price: the unadjusted close of the day the report was received. `papers` is the number of papers on `counted_on`,
    `shares_in_one` how many shares one of them is (a unit: several).
    """
    if papers is None or not len(prices):
        return {}
    rows: list[Figures] = []
    reports = {filing.reference_date: filing.received_on for filing in company.filings if filing.form == "DFP"}
    for year in company.years[-YEARS:]:
        day = reports[year.end]
        price = prices.raw_close_on(day)
        then = (
            papers_then(year, papers, split_factor(actions, day, counted_on), shares_in_one)
            if price is not None
            else None
        )
        if price is None or then is None:
            continue
        row = value_figures(year, ratios(year), price, then, None)
        paid = dividends_per_share(actions, day - timedelta(days=365), day)
        row["dividend_yield"] = paid / price if actions else None
        rows.append(row)
    medians: Figures = {}
    for key in (*KEYS, "dividend_yield"):
        values = [value for row in rows if (value := row.get(key)) is not None]
        medians[key] = median(values) if len(values) >= MIN_YEARS else None
    return medians
