"""What a company earned and owed, year by year and quarter by quarter, as its filings were known at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from invest.domain.filings.filing import QUARTER_ENDS, Chart
from invest.domain.filings.fundamentals import Fundamentals, Period, pooled_flows, quarter_to, ratios

YEARS = 6
QUARTERS = 8


@dataclass(frozen=True, slots=True)
class Result:
    """Flows of one year or quarter and the net debt at its end, BRL; margins are fractions, None what was not filed.

    `revenue` of a bank is its income from financial intermediation, of an insurer its operating income; neither has
    EBITDA or net debt.
    """

    end: date
    revenue: float | None
    ebitda: float | None
    net_income: float | None
    net_debt: float | None
    equity: float | None

    @property
    def net_margin(self) -> float | None:
        """Net income by revenue; None without a positive revenue."""
        if self.revenue is None or self.revenue <= 0 or self.net_income is None:
            return None
        return self.net_income / self.revenue

    @property
    def known(self) -> bool:
        """Whether it says anything about what was earned."""
        return self.revenue is not None or self.net_income is not None


def results_by_year(company: Fundamentals, most: int = YEARS) -> tuple[Result, ...]:
    """The newest fiscal years with a filed result, oldest first."""
    found = tuple(_result(period) for period in company.years)
    return tuple(r for r in found if r.known)[-most:]


def results_by_quarter(company: Fundamentals, most: int = QUARTERS) -> tuple[Result, ...]:
    """The newest quarters whose flows are known, oldest first. A fourth quarter is its year less nine months."""
    flows = pooled_flows(company.filings)
    balances = {f.reference_date: f.balance for f in company.filings if f.balance}
    found = []
    for end in sorted({span[1] for span in flows}, reverse=True):
        if (quarter := quarter_to(flows, end)) is not None:
            found.append(_result(Period(end, quarter[1], balances.get(end, {}), company.chart)))
        if len(found) == most:
            break
    return tuple(r for r in reversed(found) if r.known)


def _result(period: Period) -> Result:
    figures = ratios(period)
    industry = period.chart is Chart.INDUSTRY
    return Result(
        end=period.end,
        revenue=figures.get("revenue"),
        ebitda=figures.get("ebitda") if industry else None,
        net_income=figures.get("net_income"),
        net_debt=figures.get("net_debt") if industry else None,
        equity=figures.get("equity"),
    )


def next_quarter_end(day: date) -> date:
    """The end of the first calendar quarter that ends after `day`."""
    ends = (date(year, month, last) for year in (day.year, day.year + 1) for month, last in QUARTER_ENDS)
    return min(end for end in ends if end > day)
