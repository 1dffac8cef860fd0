"""Twelve-month figures, ratios, growth and own history of a company, from its filings as known at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from statistics import median

from invest.domain.filings.filing import Amounts, Chart, Filing, Span, days_in, is_year, known_filings
from invest.domain.filings.remarks import changes_of_basis, reclassified

A_YEAR_AGO = timedelta(days=380)
TAX_RATE = 0.34  # IRPJ 25 % + CSLL 9 %, for the after-tax EBIT of ROIC
Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Period:
    """Flows over twelve months and the balance at their end (BRL)."""

    end: date
    flows: Amounts
    balance: Amounts
    chart: Chart

    def get(self, name: str) -> float | None:
        """The amount called `name`, from either statement; None where it was not filed."""
        return self.flows[name] if name in self.flows else self.balance.get(name)


@dataclass(frozen=True, slots=True)
class Fundamentals:
    """What the filings say of a company at one moment."""

    chart: Chart
    current: Period
    previous: Period | None  # twelve months before `current`
    years: tuple[Period, ...]  # fiscal years, oldest first
    ratios: Figures
    medians: Figures
    as_of: date
    received_on: date
    payload: str
    consolidated: bool
    filings: tuple[Filing, ...] = field(repr=False)
    remarks: tuple[str, ...] = ()  # what makes figures across periods compare badly


def fundamentals_of(filings: Sequence[Filing], now: datetime) -> Fundamentals | None:
    """The company as its filings show it at `now`; None where nothing usable had been received.

    Where the newest statements are individual alone and give no twelve months (a consolidated form left blank once),
    the consolidated ones before them, while they are about a year old at most.
    """
    found = _fundamentals(filings, known_filings(filings, now), now)
    if found is None or found.consolidated or found.current.flows:
        return found
    before = _fundamentals(filings, known_filings(filings, now, consolidated=True), now)
    if before is None or not before.current.flows or found.as_of - before.as_of > A_YEAR_AGO:
        return found
    words = f"statements of {found.as_of} are individual alone and give no twelve months: those before them are shown"
    return replace(before, remarks=(words, *before.remarks))


def _fundamentals(filings: Sequence[Filing], known: Sequence[Filing], now: datetime) -> Fundamentals | None:
    if not known:
        return None
    flows = pooled_flows(known)
    balances = {f.reference_date: f.balance for f in known if f.balance}
    chart = known[-1].chart
    current = _newest(known, flows, balances, chart)
    if current is None:
        return None
    years = tuple(
        Period(f.reference_date, _annual(flows, f.reference_date) or {}, f.balance, chart)
        for f in known
        if f.form == "DFP" and _is_fiscal_year(f)
    )
    previous = twelve_months(flows, balances, _year_before(current.end), chart)
    newest = max((f for f in known if f.reference_date <= current.end), key=lambda f: f.reference_date)
    return Fundamentals(
        chart=chart,
        current=current,
        previous=previous,
        years=years,
        ratios=ratios(current) | growth(current, previous, years),
        medians=own_medians(years),
        as_of=current.end,
        received_on=newest.received_on,
        payload=newest.payload,
        consolidated=newest.consolidated,
        filings=tuple(known),
        remarks=(*changes_of_basis(filings, known, now), *reclassified(flows, known[-1].reference_date)),
    )


def pooled_flows(known: Sequence[Filing]) -> dict[Span, dict[str, float]]:
    """Flows by their span over all filings; a later filing of the same span wins."""
    pooled: dict[Span, dict[str, float]] = {}
    for filing in known:
        for span, amounts in filing.flows.items():
            pooled.setdefault(span, {}).update(amounts)
    return pooled


def _newest(
    known: Sequence[Filing], flows: Mapping[Span, Amounts], balances: Mapping[date, Amounts], chart: Chart
) -> Period | None:
    """Twelve months up to the newest filing that gives them; else the newest balance alone."""
    dates = sorted({f.reference_date for f in known}, reverse=True)
    for end in dates[:4]:
        period = twelve_months(flows, balances, end, chart)
        if period is not None and period.flows:
            return period
    return next((Period(end, {}, balances[end], chart) for end in dates if end in balances), None)


def _is_fiscal_year(filing: Filing) -> bool:
    """Whether a yearly report is of about twelve months: a changed fiscal year begins with a shorter or longer one.

    One without any flow, a balance alone, says nothing against itself.
    """
    ends = [span for span in filing.flows if span[1] == filing.reference_date]
    return any(is_year(span) for span in ends) if ends else bool(filing.balance)


def _year_before(day: date) -> date:
    """The same day a year earlier, month ends staying month ends."""
    following = day + timedelta(days=1)
    try:
        return following.replace(year=following.year - 1) - timedelta(days=1)
    except ValueError:
        return day - timedelta(days=365)


def _annual(flows: Mapping[Span, Amounts], end: date) -> Amounts | None:
    return next((amounts for span, amounts in flows.items() if span[1] == end and is_year(span)), None)


def _near(flows: Mapping[Span, Amounts], start: date, end: date) -> Amounts | None:
    """The amounts of the span whose ends lie within three days of `start` and `end`."""
    for span, amounts in flows.items():
        if abs((span[0] - start).days) <= 3 and abs((span[1] - end).days) <= 3:
            return amounts
    return None


def twelve_months(
    flows: Mapping[Span, Amounts], balances: Mapping[date, Amounts], end: date, chart: Chart
) -> Period | None:
    """Flows of the twelve months to `end`, amount by amount, with the balance of that day.

    A fiscal year as filed; else the last fiscal year plus the year to date minus the year to date a year earlier; else
    four consecutive quarters. None where nothing ends at `end`.
    """
    spans = [span for span in flows if span[1] == end]
    if not spans and end not in balances:
        return None
    year = _annual(flows, end)
    amounts = year if year is not None else _rolled(flows, end) or _summed(flows, end)
    return Period(end, amounts or {}, balances.get(end, {}), chart)


def _rolled(flows: Mapping[Span, Amounts], end: date) -> Amounts | None:
    """Last fiscal year + year to date - year to date a year earlier, over the amounts that all three give."""
    for span in sorted((s for s in flows if s[1] == end), key=days_in, reverse=True):
        year_end = span[0] - timedelta(days=1)
        year = _annual(flows, year_end)
        before = _near(flows, _year_before(span[0]), _year_before(end))
        if year is None or before is None:
            continue
        done = flows[span]
        return {name: year[name] + done[name] - before[name] for name in year.keys() & done.keys() & before.keys()}
    return None


def _summed(flows: Mapping[Span, Amounts], end: date) -> Amounts | None:
    """The sum of four consecutive quarters ending at `end`."""
    quarters: list[Amounts] = []
    for _ in range(4):
        quarter = quarter_to(flows, end)
        if quarter is None:
            return None
        start, amounts = quarter
        quarters.append(amounts)
        end = start - timedelta(days=1)
    shared = set.intersection(*(set(q) for q in quarters))
    return {name: sum(q[name] for q in quarters) for name in shared}


def quarter_to(flows: Mapping[Span, Amounts], end: date) -> tuple[date, Amounts] | None:
    """First day and amounts of the quarter ending at `end`: as filed, or the year (to date) less its earlier months."""
    for span, amounts in flows.items():
        if span[1] == end and 85 <= days_in(span) <= 95:
            return span[0], amounts
    for span in (s for s in flows if s[1] == end and days_in(s) > 95):
        for earlier in (s for s in flows if s[0] == span[0] and 85 <= days_in(span) - days_in(s) <= 95):
            whole, part = flows[span], flows[earlier]
            rest = {name: whole[name] - part[name] for name in whole.keys() & part.keys()}
            return earlier[1] + timedelta(days=1), rest
    return None


def quotient(part: float | None, whole: float | None) -> float | None:
    """part / whole where both are known and the whole is above zero."""
    return part / whole if part is not None and whole is not None and whole > 0 else None


def total(*parts: float | None) -> float | None:
    """The sum, or None where any part is unknown."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def own_equity(period: Period) -> float | None:
    """Equity of the parent's shareholders, BRL: without minority interests. Both ROE and P/VP are measured on it."""
    equity = period.get("equity")
    return equity - (period.get("minority") or 0) if equity is not None else None


def equity_of_income(period: Period) -> float | None:
    """Equity of those whose the net income is, BRL: all shareholders' where the parent's part of it was not filed."""
    parted = period.get("net_income_parent") or period.get("net_income_minority")
    whole = period.get("net_income_total") is not None and not parted
    return period.get("equity") if whole else own_equity(period)


def roe(net_income: float | None, equity: float | None) -> float | None:
    """Net income over the equity of those whose it is, a fraction; None with equity at or below zero."""
    return quotient(net_income, equity)


def roa(net_income: float | None, assets: float | None) -> float | None:
    """Net income of the parent over total assets, a fraction."""
    return quotient(net_income, assets)


def roic(ebit: float | None, equity: float | None, net_debt: float | None, tax: float = TAX_RATE) -> float | None:
    """EBIT (1 - t) over equity plus net debt, a fraction."""
    return quotient(None if ebit is None else ebit * (1 - tax), total(equity, net_debt))


def cagr(first: float | None, last: float | None, years: float = 5) -> float | None:
    """(last / first) ** (1 / years) - 1; None unless both are above zero."""
    if first is None or last is None or first <= 0 or last <= 0:
        return None
    return float((last / first) ** (1 / years) - 1)


def ratios(period: Period) -> Figures:
    """Amounts and ratios of one period that need no price; None where an amount lacks or the ratio has no sense."""
    get = period.get
    income, equity, assets, revenue = get("net_income"), get("equity"), get("total_assets"), get("revenue")
    figures: Figures = {
        "revenue": revenue,
        "net_income": income,
        "total_assets": assets,
        "equity": equity,
        "cash": get("cash"),
        "roe": roe(income, equity_of_income(period)),
        "roa": roa(income, assets),
        "net_margin": quotient(income, revenue),
        "equity_assets": quotient(equity, assets),
    }
    if assets is not None and equity is not None and assets > 0:
        figures["liabilities_assets"] = (assets - equity) / assets
    return figures | _industry(period) if period.chart is Chart.INDUSTRY else figures


def _industry(period: Period) -> Figures:
    get = period.get
    revenue, ebit, equity = get("revenue"), get("ebit"), get("equity")
    ebitda = total(ebit, get("depreciation"))
    debt = total(get("short_debt"), get("long_debt"))
    net_debt = total(debt, -cash) if (cash := get("cash")) is not None else None
    expense, cost, operating = get("financial_expense"), get("cost"), get("operating_cash")
    free = total(operating, get("capex"))
    return {
        "gross_profit": get("gross_profit"),
        "ebit": ebit,
        "ebitda": ebitda,
        "operating_cash_flow": operating,
        "free_cash_flow": free,
        "gross_debt": debt,
        "net_debt": net_debt,
        "gross_margin": quotient(get("gross_profit"), revenue),
        "ebit_margin": quotient(ebit, revenue),
        "ebitda_margin": quotient(ebitda, revenue),
        "roic": roic(ebit, equity, net_debt),
        "net_debt_ebitda": quotient(net_debt, ebitda),
        "net_debt_equity": quotient(net_debt, equity),
        "gross_debt_equity": quotient(debt, equity),
        "interest_coverage": quotient(ebit, None if expense is None else -expense),
        "current_ratio": quotient(get("current_assets"), get("current_liabilities")),
        "short_term_debt_share": quotient(get("short_debt"), debt),
        "asset_turnover": quotient(revenue, get("total_assets")),
        "cash_conversion": quotient(operating, get("net_income")),
        "capex_revenue": quotient(None if (capex := get("capex")) is None else -capex, revenue),
        "inventory_days": _in_days(get("inventories"), None if cost is None else -cost),
        "receivable_days": _in_days(get("receivables"), revenue),
        "greenblatt_return": quotient(ebit, operating_capital(period)),
    }


def _in_days(stock: float | None, flow: float | None) -> float | None:
    turns = quotient(stock, flow)
    return turns * 365 if turns is not None else None


def operating_capital(period: Period) -> float | None:
    """Greenblatt's capital: net working capital without cash and debt (not below zero) plus fixed assets."""
    get = period.get
    current, cash, fixed = get("current_assets"), get("cash"), get("fixed_assets")
    owed, debt = get("current_liabilities"), get("short_debt")
    if current is None or cash is None or fixed is None or owed is None or debt is None:
        return None
    idle = cash + (get("financial_investments") or 0)
    return max(0.0, (current - idle) - (owed - debt)) + fixed


def growth(current: Period, previous: Period | None, years: Sequence[Period]) -> Figures:
    """Growth over twelve months and compounded over five fiscal years, fractions; None from a base at or below zero."""
    figures: Figures = {}
    for name in ("revenue", "net_income"):
        base = previous.get(name) if previous else None
        ratio = quotient(current.get(name), base)
        figures[f"{name}_growth_1y"] = ratio - 1 if ratio is not None else None
    for name in ("revenue", "net_income", "equity"):
        figures[f"{name}_cagr_5y"] = _five_years(years, name)
    return figures


def _five_years(years: Sequence[Period], name: str) -> float | None:
    if not years:
        return None
    last = years[-1]
    target = last.end - timedelta(days=1826)
    first = next((year for year in years if abs((year.end - target).days) <= 45), None)
    return cagr(first.get(name), last.get(name)) if first is not None else None


def own_medians(years: Sequence[Period]) -> Figures:
    """Median of each ratio over the last five fiscal years, from at least three of them."""
    recent = [ratios(year) for year in years[-5:]]
    medians: Figures = {}
    for key in {key for row in recent for key in row}:
        values = [value for row in recent if (value := row.get(key)) is not None]
        medians[key] = median(values) if len(values) >= 3 else None
    return medians
