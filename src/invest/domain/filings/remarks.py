"""What makes figures across a company's periods compare badly: changes of basis, and restated months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from invest.domain.filings.filing import Amounts, Filing, Span, days_in, is_year
from invest.domain.market import market_day

RECLASSIFIED = ("revenue", "gross_profit", "ebit", "net_income")
RESTATED = 0.02  # of the largest amount: beyond it a sum of periods is no rounding
TWO_YEARS = timedelta(days=731)


def changes_of_basis(filings: Sequence[Filing], known: Sequence[Filing], now: datetime) -> list[str]:
    """What changed between the filings that are read: consolidation, chart of accounts."""
    found = []
    today, newest, dates = market_day(now), known[-1], {filing.reference_date for filing in known}
    other = [
        filing.reference_date
        for filing in filings
        if filing.received_on <= today
        and filing.consolidated is not newest.consolidated
        and filing.reference_date not in dates
        and filing.reference_date < newest.reference_date
    ]
    if other:
        words = ("individual", "consolidated") if newest.consolidated else ("consolidated", "individual")
        following = min((day for day in dates if day > max(other)), default=newest.reference_date)
        found.append(
            f"statements up to {max(other)} are {words[0]}, from {following} on {words[1]}: "
            "figures across that change are left out"
        )
    for before, after in pairwise(known):
        if before.chart is not after.chart:
            found.append(
                f"the chart of accounts changed from {before.chart.value} to {after.chart.value} "
                f"with the statements of {after.reference_date}: figures across it compare unlike accounts"
            )
    return found


def reclassified(flows: Mapping[Span, Amounts], end: date) -> list[str]:
    """Amounts of two years up to `end` whose year to date, less its earlier months, is not the quarter as filed.

    The earlier months were reclassified or restated since: sums over them mix two presentations.
    """
    found = []
    quarters = {span for span in flows if 85 <= days_in(span) <= 95 and timedelta() <= end - span[1] <= TWO_YEARS}
    for span in sorted(quarters):
        whole = next((s for s in flows if s[1] == span[1] and s[0] < span[0] and not is_year(s)), None)
        part = next((s for s in flows if whole and s[0] == whole[0] and abs((span[0] - s[1]).days) <= 3), None)
        if whole is None or part is None:
            continue
        for name in RECLASSIFIED:
            filed, to_date, earlier = flows[span].get(name), flows[whole].get(name), flows[part].get(name)
            if filed is None or to_date is None or earlier is None:
                continue
            if abs(to_date - earlier - filed) > RESTATED * max(abs(filed), abs(to_date), abs(earlier)):
                found.append(
                    f"{name} before {span[0]} was restated: the quarter to {span[1]} was filed as {filed:.6g}, the "
                    f"year to date less the earlier months gives {to_date - earlier:.6g}: twelve months mix both"
                )
    return found
