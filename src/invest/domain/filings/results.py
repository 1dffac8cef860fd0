"""What a company earned and owed, year by year and quarter by quarter, as its filings were known at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from invest.domain.filings.filing import LEGAL_DELAY, QUARTER_ENDS, Amounts, Chart, Span
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
            amounts = _since_last(flows, end) | dict(quarter[1])
            found.append(_result(Period(end, amounts, balances.get(end, {}), company.chart)))
        if len(found) == most:
            break
    return tuple(r for r in reversed(found) if r.known)


def _since_last(flows: Mapping[Span, Amounts], end: date) -> dict[str, float]:
    """The year to `end` less the year to the quarter before: cash flows are filed for the year so far alone."""
    spans = {s[0]: s for s in flows if s[1] == end and (s[1] - s[0]).days > 95}
    for start, span in spans.items():
        before = next((s for s in flows if s[0] == start and 85 <= (end - s[1]).days <= 95), None)
        if before is not None:
            whole, part = flows[span], flows[before]
            return {name: whole[name] - part[name] for name in whole.keys() & part.keys()}
    return {}


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


def next_results(company: Fundamentals, today: date) -> date | None:
    """By when the next statements are due by law; None where that day has passed without them."""
    end = next_quarter_end(company.as_of)
    due = end + LEGAL_DELAY["DFP" if end.month == 12 else "ITR"]
    return due if due >= today else None
