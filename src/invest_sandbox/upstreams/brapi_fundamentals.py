"""brapi's fundamentals: the ratios of ``fundamental=true`` and the modules, from the same books CVM's files print."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from invest_sandbox.upstreams.cvm_funds import worth_of
from invest_sandbox.world import Books, Listing, Period, Series, World

Table = dict[str, Any]


def _trailing(world: World, listing: Listing, today: date) -> Period | None:
    books = world.books(listing.issuer) if listing.company else None
    found = books.trailing(today) if books else None
    return found[0] if found else None


def _paid(s: Series, today: date) -> float:
    """Cash per share over the last 365 days, by ex-date."""
    return sum(a.amount for a in s.actions if a.in_cash and 0 < (today - a.last_with).days <= 365)


def ratios(world: World, ticker: str, today: date) -> Table:
    """P/L and earnings per share; BDRs get the nonsense brapi is known for now and then."""
    listing = world.by_ticker.get(ticker)
    if not listing:
        return {}
    if listing.kind == "bdr":
        close = float(world.series(ticker).close[-1])
        return {
            "priceEarnings": 7781.0 if listing.shares % 7 == 0 else 24.6,
            "earningsPerShare": round(close / 24.6, 7),
        }
    period = _trailing(world, listing, today)
    if not period:
        return {"priceEarnings": None, "earningsPerShare": None}
    s = world.series(ticker)
    per_share = period.net_parent * 1000 / listing.shares
    close = float(s.close[s.upto(today) - 1])
    return {"priceEarnings": close / per_share if per_share > 0 else None, "earningsPerShare": round(per_share, 7)}


def _statistics(world: World, listing: Listing, today: date) -> Table:
    s = world.series(listing.ticker)
    close = float(s.close[s.upto(today) - 1])
    out: Table = {
        "symbol": listing.ticker,
        "sharesOutstanding": listing.shares,
        "marketCap": round(close * listing.shares),
        "yield": round(_paid(s, today) / close, 6),
        "dividendYield": round(_paid(s, today) / close, 6),
    }
    if listing.kind == "fii":
        book = worth_of(world, listing, s.upto(today) - 1)
        return out | {"bookValue": round(book, 6), "priceToBook": round(close / book, 7)}
    period = _trailing(world, listing, today)
    if not period:
        return out | {"priceToBook": None, "bookValue": None, "trailingEps": None, "profitMargins": None}
    value = close * listing.shares
    book = period.equity_parent * 1000 / listing.shares
    net_debt = (period.debt - period.balance["cash"] - period.balance["placements"]) * 1000
    ebitda = (period.ebit + period.flows["depreciation"]) * 1000
    return out | {
        "enterpriseValue": round(value + net_debt),
        "profitMargins": round(period.net / period.income["revenue"], 7),
        "bookValue": round(book, 6),
        "priceToBook": round(close / book, 7),
        "mostRecentQuarter": str(period.end),
        "netIncomeToCommon": period.net_parent * 1000,
        "trailingEps": round(period.net_parent * 1000 / listing.shares, 6),
        "earningsPerShare": round(period.net_parent * 1000 / listing.shares, 6),
        "enterpriseToRevenue": round((value + net_debt) / (period.income["revenue"] * 1000), 7),
        "enterpriseToEbitda": round((value + net_debt) / ebitda, 7) if ebitda > 0 else None,
        "forwardPE": None,
        "lastSplitFactor": None,
    }


def _financial(world: World, listing: Listing, today: date) -> Table:
    period = _trailing(world, listing, today)
    s = world.series(listing.ticker)
    price = float(s.close[s.upto(today) - 1])
    if not period:
        return {"symbol": listing.ticker, "currentPrice": price, "financialCurrency": "BRL", "type": "ttm"}
    revenue, ebitda = period.income["revenue"], period.ebit + period.flows["depreciation"]
    operating = period.flows["net"] + period.flows["depreciation"] + period.flows["working"]
    cash = period.balance["cash"] + period.balance["placements"]
    short = sum(period.balance[k] for k in ("suppliers", "debt_short", "taxes", "other_short"))
    current = sum(period.balance[k] for k in ("cash", "placements", "receivables", "inventory", "other_current"))
    return {
        "symbol": listing.ticker,
        "currentPrice": price,
        "ebitda": ebitda * 1000,
        "quickRatio": round((current - period.balance["inventory"]) / short, 7) if short else None,
        "currentRatio": round(current / short, 7) if short else None,
        "debtToEquity": round(period.debt / period.equity_parent, 7),
        "returnOnAssets": round(period.net / period.assets, 8),
        "returnOnEquity": round(period.net_parent / period.equity_parent, 8),
        "grossMargins": round(period.gross / revenue, 7),
        "ebitdaMargins": round(ebitda / revenue, 7),
        "operatingMargins": round(period.ebit / revenue, 7),
        "profitMargins": round(period.net / revenue, 7),
        "totalCash": cash * 1000,
        "totalCashPerShare": round(cash * 1000 / listing.shares, 7),
        "totalDebt": period.debt * 1000,
        "totalRevenue": revenue * 1000,
        "grossProfits": period.gross * 1000,
        "operatingCashflow": operating * 1000,
        "freeCashflow": (operating + period.flows["capex"]) * 1000,
        "revenueGrowth": round(world.profile(listing.issuer).growth, 6),
        "financialCurrency": "BRL",
        "updatedAt": str(period.end),
        "type": "ttm",
    }


def _profile(world: World, listing: Listing, today: date) -> Table:
    c = listing.company
    parts = c.classification.split(" / ") if c else [None, None]
    return {
        "symbol": listing.ticker,
        "address1": None,
        "country": "Brazil",
        "website": f"https://ri.{listing.issuer.lower()}.example",
        "industry": parts[-1],
        "sector": parts[0],
        "longBusinessSummary": None,
        "cnpj": listing.cnpj or None,
        "logoUrl": f"https://icons.brapi.dev/icons/{listing.ticker}.svg",
    }


def _sheet(period: Period, ticker: str, kind: str) -> Table:
    b = {k: v * 1000 for k, v in period.balance.items()}
    short = sum(b[k] for k in ("suppliers", "debt_short", "taxes", "other_short"))
    return {
        "symbol": ticker,
        "type": kind,
        "endDate": str(period.end),
        "cash": b["cash"],
        "shortTermInvestments": b["placements"],
        "netReceivables": b["receivables"],
        "inventory": b["inventory"],
        "otherCurrentAssets": b["other_current"],
        "totalCurrentAssets": sum(b[k] for k in ("cash", "placements", "receivables", "inventory", "other_current")),
        "longTermInvestments": b["holdings"],
        "propertyPlantEquipment": b["plant"],
        "intangibleAssets": b["intangible"],
        "totalAssets": period.assets * 1000,
        "accountsPayable": b["suppliers"],
        "shortLongTermDebt": b["debt_short"],
        "longTermDebt": b["debt_long"],
        "totalCurrentLiabilities": short,
        "totalLiab": period.assets * 1000,  # brapi prints CVM's "Passivo Total", equity included
        "commonStock": b["capital"],
        "minorityInterest": b["minority"],
        "totalStockholderEquity": (period.equity_parent) * 1000,
        "shareholdersEquity": (period.equity_parent + period.balance["minority"]) * 1000,
    }


def _result(period: Period, ticker: str, kind: str) -> Table:
    i = {k: v * 1000 for k, v in period.income.items()}
    return {
        "symbol": ticker,
        "type": kind,
        "endDate": str(period.end),
        "totalRevenue": i["revenue"],
        "costOfRevenue": i["cost"],
        "grossProfit": period.gross * 1000,
        "sellingGeneralAdministrative": i["selling"] + i["admin"],
        "ebit": period.ebit * 1000,
        "financialResult": i["fin_income"] + i["fin_expense"],
        "incomeBeforeTax": (period.net - period.income["tax"]) * 1000,
        "incomeTaxExpense": i["tax"],
        "netIncome": period.net * 1000,
        "netIncomeApplicableToCommonShares": period.net_parent * 1000,
    }


def _cash(period: Period, ticker: str, kind: str) -> Table:
    f = {k: v * 1000 for k, v in period.flows.items()}
    return {
        "symbol": ticker,
        "type": kind,
        "endDate": str(period.end),
        "operatingCashFlow": f["net"] + f["depreciation"] + f["working"],
        "investmentCashFlow": f["capex"] + f["investing"],
        "financingCashFlow": f["borrowed"] + f["paid"],
        "increaseOrDecreaseInCash": f["closing"] - f["opening"],
        "initialCashBalance": f["opening"],
        "finalCashBalance": f["closing"],
    }


Maker = Callable[[Period, str, str], Table]


def _years(maker: Maker) -> Callable[[Books, str, date], list[Table]]:
    def rows(books: Books, ticker: str, today: date) -> list[Table]:
        due = [y for y, q in books.filed(today) if q == 4]
        return [maker(books.year(y), ticker, "yearly") for y in reversed(due)]

    return rows


def _quarters(maker: Maker) -> Callable[[Books, str, date], list[Table]]:
    def rows(books: Books, ticker: str, today: date) -> list[Table]:
        return [maker(books.span(y, q, q), ticker, "quarterly") for y, q in reversed(books.filed(today)[-12:])]

    return rows


TABLES = {"defaultKeyStatistics": _statistics, "financialData": _financial, "summaryProfile": _profile}
HISTORIES = {
    "balanceSheetHistory": _years(_sheet),
    "balanceSheetHistoryQuarterly": _quarters(_sheet),
    "incomeStatementHistory": _years(_result),
    "incomeStatementHistoryQuarterly": _quarters(_result),
    "cashflowHistory": _years(_cash),
    "cashflowHistoryQuarterly": _quarters(_cash),
}
MODULES = frozenset({*TABLES, *HISTORIES})


def modules(world: World, ticker: str, today: date, names: tuple[str, ...]) -> Table:
    """The modules asked for; tables of what has no statements are present with nulls, histories are empty."""
    listing = world.by_ticker.get(ticker)
    if not listing:
        return {}
    out: Table = {}
    for name in names:
        if name in TABLES:
            out[name] = TABLES[name](world, listing, today)
        else:
            books = world.books(listing.issuer) if listing.company else None
            out[name] = HISTORIES[name](books, ticker, today) if books else []
    return out
