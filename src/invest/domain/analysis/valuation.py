"""Multiples and fair-value models. Prices and amounts in BRL, rates as fractions; None where a model does not apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from invest.domain.filings import Figures, Period, own_equity, quotient, total
from invest.domain.market import ActionKind, Asset, AssetKind, CorporateAction

BAZIN_YIELD = 0.06
GORDON_PREMIUM = 0.06  # required return over CDI
GORDON_GROWTH_CAP = 0.05
YEARS = 5
MONTHS = 12
EARNED = (ActionKind.DIVIDEND, ActionKind.JCP, ActionKind.INCOME)  # amortisation gives capital back
SHARES_OF_UNIT: Mapping[str, int] = {
    # B3, composition of units: how many shares one unit stands for.
    "ALUP11": 3,
    "BPAC11": 3,
    "ENGI11": 5,
    "IGTI11": 3,
    "KLBN11": 5,
    "RNEW11": 3,
    "SANB11": 2,
    "SAPR11": 5,
    "TAEE11": 3,
}


def graham(eps: float | None, bvps: float | None) -> float | None:
    """Graham's number, the square root of 22.5 x earnings x book value per share; None if either is not positive."""
    if eps is None or bvps is None or eps <= 0 or bvps <= 0:
        return None
    return float((22.5 * eps * bvps) ** 0.5)


def bazin(dividends_12m: float | None, required: float = BAZIN_YIELD) -> float | None:
    """Bazin's ceiling: dividends of twelve months over 6 %; None without dividends."""
    return dividends_12m / required if dividends_12m is not None and dividends_12m > 0 else None


def gordon(next_dividend: float | None, required: float | None, growth: float | None) -> float | None:
    """Gordon's constant growth: D1 / (k - g); None unless k > g and D1 > 0."""
    if next_dividend is None or required is None or growth is None or next_dividend <= 0 or required <= growth:
        return None
    return next_dividend / (required - growth)


def margin(fair: float | None, price: float | None) -> float | None:
    """How far the fair value lies above the price, a fraction of the price."""
    return fair / price - 1 if fair is not None and price is not None and price > 0 else None


def split_factor(actions: Iterable[CorporateAction], after: date, until: date) -> float:
    """Shares today for one share held at `after`, by splits, reverse splits and bonuses up to `until`."""
    factor = 1.0
    for action in actions:
        changes = not action.kind.in_cash and action.kind is not ActionKind.SUBSCRIPTION
        if changes and action.factor and after <= action.last_date_with < until:
            factor *= float(action.factor)
    return factor


def dividends_per_share(actions: Sequence[CorporateAction], start: date, end: date) -> float:
    """Gross cash per share with rights after `start` and up to `end`, in today's shares (amortisation left out)."""
    paid = 0.0
    for action in actions:
        if action.kind in EARNED and action.amount and start < action.last_date_with <= end:
            paid += float(action.amount) / split_factor(actions, action.last_date_with, end + timedelta(days=1))
    return paid


def newest_month_of_income(actions: Iterable[CorporateAction], day: date) -> int:
    """The newest month (counted from year 0) whose income is known by `day`: the running one once it has paid.

    A payer of every month has eleven, twelve or thirteen payments in 365 days, by the weekday on which a month ends.
    """
    running = _month(day)
    paid = any(a.kind in EARNED and a.amount and a.last_date_with <= day and _month(a.last_date_with) == running
               for a in actions)  # fmt: skip
    return running if paid else running - 1


def before_twelve_months(actions: Iterable[CorporateAction], day: date) -> date:
    """The last day before the twelve months of income up to `day`."""
    first = newest_month_of_income(actions, day) - (MONTHS - 1)
    return date(first // MONTHS, first % MONTHS + 1, 1) - timedelta(days=1)


def _month(day: date) -> int:
    return day.year * MONTHS + day.month - 1


def dividend_figures(
    actions: Sequence[CorporateAction], price: float | None, today: date, *, monthly: bool = False
) -> Figures:
    """Cash paid per share over twelve months and five years. No action known at all is None, not zero.

    `monthly`: of who pays every month, whole months count (`newest_month_of_income`), not days.
    """
    happened = [a for a in actions if a.last_date_with <= today]
    if not happened:
        return {}
    changes = [a for a in happened if not a.kind.in_cash]
    years, months = [0.0] * YEARS, set()
    newest = newest_month_of_income(happened, today) if monthly else 0
    for action in happened:
        back = (
            (newest - _month(action.last_date_with)) // MONTHS
            if monthly
            else (today - action.last_date_with).days // 365
        )
        if back < YEARS and action.kind in EARNED and action.amount:
            factor = split_factor(changes, action.last_date_with, today + timedelta(days=1)) if changes else 1.0
            years[back] += float(action.amount) / factor
            if back == 0:
                months.add((action.last_date_with.year, action.last_date_with.month))
    oldest = min(a.last_date_with for a in happened)
    whole = (today - oldest).days >= YEARS * 365 - 120
    return {
        "dividends_12m": years[0],
        "dividend_yield": quotient(years[0], price),
        "dividend_yield_5y": quotient(sum(years) / YEARS, price) if whole else None,
        "dividend_years_5y": float(sum(year > 0 for year in years)) if whole else None,
        "dividend_months_12m": float(len(months)),
    }


def shares_behind(asset: Asset) -> float | None:
    """Number of traded papers the company's shares make up: shares, or shares / shares per unit for units."""
    if asset.shares_outstanding is None or asset.shares_outstanding <= 0:
        return None
    if asset.kind is not AssetKind.UNIT:
        return float(asset.shares_outstanding)
    per_unit = SHARES_OF_UNIT.get(asset.ticker)
    return float(asset.shares_outstanding) / per_unit if per_unit else None


def value_figures(
    period: Period | None,
    ratios: Mapping[str, float | None],
    price: float | None,
    papers: float | None,
    cap: float | None,
) -> Figures:
    """Multiples of one company over the twelve months of `period`, whose `ratios` are known.

    `papers` is the number of traded papers; `cap` a stated market value that goes before price x papers.
    """
    cap = cap if cap is not None else (price * papers if price is not None and papers else None)
    figures: Figures = {"market_cap": cap, "shares_outstanding": papers}
    if period is None:
        return figures
    get = period.get
    papers = papers or quotient(cap, price)
    eps, bvps = quotient(get("net_income"), papers), quotient(own_equity(period), papers)
    figures |= {
        "eps": eps,
        "bvps": bvps,
        "p_l": quotient(price, eps),
        "p_vp": quotient(price, bvps),
        "p_sr": quotient(cap, get("revenue")),
        "earnings_yield": quotient(eps, price),
    }
    net_debt, ebit = ratios.get("net_debt"), ratios.get("ebit")
    value = total(cap, net_debt)
    value = value + (get("minority") or 0) if value is not None else None
    return figures | {
        "enterprise_value": value,
        "p_ebit": quotient(cap, ebit),
        "ev_ebit": _multiple(value, ebit),
        "ev_ebitda": _multiple(value, ratios.get("ebitda")),
        "fcf_yield": quotient(ratios.get("free_cash_flow"), cap),
        "greenblatt_yield": quotient(ebit, value),
    }


def _multiple(value: float | None, earned: float | None) -> float | None:
    return value / earned if value is not None and value > 0 and earned is not None and earned > 0 else None


def model_figures(figures: Mapping[str, float | None], price: float | None) -> Figures:
    """Graham, Bazin and Gordon with their margins over the price.

    Gordon's k is CDI plus 6 points; g is the five-year growth of earnings, held between 0 and 5 %; D1 is the last
    twelve months' dividends grown by g.
    """
    eps, dividends, cdi = figures.get("eps"), figures.get("dividends_12m"), figures.get("cdi_annual")
    pace = figures.get("net_income_cagr_5y")
    growth = None if pace is None else min(max(pace, 0.0), GORDON_GROWTH_CAP)
    expected = dividends * (1 + growth) if dividends is not None and growth is not None else None
    fair = {
        "graham": graham(eps, figures.get("bvps")),
        "bazin": bazin(dividends),
        "gordon": gordon(expected, None if cdi is None else cdi + GORDON_PREMIUM, growth),
    }
    out: Figures = {f"{name}_price": value for name, value in fair.items()}
    return (
        out
        | {f"{name}_margin": margin(value, price) for name, value in fair.items()}
        | {"payout": quotient(dividends, eps)}
    )
