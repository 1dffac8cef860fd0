"""The accounts of one company: whole thousands of BRL, tied to its market value so that multiples come out plausible.

Every total is a sum of items, so what CVM's forms print adds up: assets equal liabilities and equity, the cash flow
explains the change of cash, four quarters make the year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from invest_sandbox.seeds import stream, unit
from invest_sandbox.world.listings import Company
from invest_sandbox.world.profile import Profile
from invest_sandbox.world.roster import FIRST_CODE

TAX = 0.28
MINORITY = 0.03
ASSETS = ("cash", "placements", "receivables", "inventory", "other_current", "long_term", "holdings", "plant", "intangible")  # fmt: skip  # noqa: E501 - one list
LIABILITIES = ("suppliers", "debt_short", "taxes", "other_short", "debt_long", "provisions", "other_long")
INCOME = ("revenue", "cost", "selling", "admin", "other", "associates", "fin_income", "fin_expense", "tax", "minority")
Items = dict[str, int]


@dataclass(frozen=True, slots=True)
class Period:
    """One stretch of income and the balance at its end; `flows` is the cash-flow statement of the stretch."""

    start: date
    end: date
    income: Items
    balance: Items
    flows: Items

    @property
    def net(self) -> int:
        """Consolidated result: the sum of all income items but the minority's share of it."""
        return sum(v for k, v in self.income.items() if k != "minority")

    @property
    def net_parent(self) -> int:
        """Result of the parent's shareholders."""
        return self.net - self.income["minority"]

    @property
    def equity_parent(self) -> int:
        """Equity of the parent's shareholders."""
        return self.assets - self.liabilities - self.balance["minority"]

    @property
    def assets(self) -> int:
        """Total assets."""
        return sum(self.balance[k] for k in ASSETS)

    @property
    def liabilities(self) -> int:
        """All that is owed to others."""
        return sum(self.balance[k] for k in LIABILITIES)

    @property
    def ebit(self) -> int:
        """Result before financial items and taxes."""
        return sum(self.income[k] for k in ("revenue", "cost", "selling", "admin", "other", "associates"))

    @property
    def gross(self) -> int:
        """Revenue less cost."""
        return self.income["revenue"] + self.income["cost"]

    @property
    def debt(self) -> int:
        """Loans, short and long."""
        return self.balance["debt_short"] + self.balance["debt_long"]


class Books:
    """All periods of one company. `value` is its market value in BRL on the last day, `last` the last full year."""

    def __init__(self, seed: int, company: Company, profile: Profile, *, value: float, last: int, first: int) -> None:
        self.seed = seed
        self.company = company
        self.profile = profile
        self.value = value
        self.last = last
        self.first = first
        self._balances: dict[int, Items] = {}
        self._incomes: dict[int, Items] = {}

    def rng(self, *what: object) -> np.random.Generator:
        """A stream for one aspect of this company."""
        return stream(self.seed, "books", self.company.issuer, *what)

    @property
    def silent(self) -> bool:
        """Whether it files nothing at all: a few do not."""
        return unit(self.seed, "silent", self.company.issuer) < 0.03 and self.company.cvm_code >= FIRST_CODE

    @property
    def consolidated(self) -> bool:
        """Whether it has subsidiaries; a third files individual statements only."""
        return self.company.cvm_code < FIRST_CODE or unit(self.seed, "subsidiaries", self.company.issuer) > 0.33

    @cached_property
    def earnings(self) -> dict[int, tuple[float, float]]:
        """Revenue and consolidated net result by year, thousands of BRL; the last full year's earnings fit the P/L."""
        p, rng = self.profile, self.rng("earnings")
        worth = self.value / 1000
        parent = -worth / p.earnings_multiple * 0.4 if p.losing else worth / p.earnings_multiple
        share = 1 - MINORITY if self.consolidated else 1.0
        revenue = abs(parent) / share / p.net_margin
        out = {self.last: (revenue, parent / share)}
        ahead = 1 + p.growth + float(rng.normal(0, 0.03))
        out[self.last + 1] = (revenue * ahead, parent / share * ahead)
        for year in range(self.last - 1, self.first - 4, -1):  # the first forms show the year before theirs too
            revenue /= 1 + float(np.clip(p.growth + rng.normal(0, 0.05), -0.15, 0.35))
            margin = p.net_margin * float(np.exp(rng.normal(0, 0.18)))
            out[year] = (revenue, revenue * margin)
        return out

    @cached_property
    def equity(self) -> dict[int, float]:
        """Equity of the parent by year's end: retained earnings explain its way, with a floor after bad stretches."""
        p = self.profile
        worth = self.value / 1000
        current = worth / p.earnings_multiple / p.roe
        out = {self.last: current}
        gained = self.earnings[self.last + 1][1]
        out[self.last + 1] = max(current * 0.8, current + gained * (1 - (0 if gained < 0 else p.payout)))
        for year in range(self.last, self.first - 3, -1):
            net = self.earnings[year][1]
            current = max(current * 0.78, current - net * (1 - (0 if net < 0 else p.payout)))
            out[year - 1] = current
        return out

    def balance(self, year: int) -> Items:
        """The balance at the end of `year`."""
        if year not in self._balances:
            self._balances[year] = self._new_balance(year)
        return self._balances[year]

    def _new_balance(self, year: int) -> Items:
        rng = self.rng("balance", year)
        p, equity = self.profile, self.equity[year]
        revenue, _ = self.earnings[year]
        wobble = rng.uniform(0.85, 1.15, 8)
        debt = p.leverage * equity * wobble[0]
        if self.company.chart == "bank":
            return self._bank_balance(equity, wobble)
        owed = {
            "suppliers": 0.07 * revenue * wobble[1],
            "debt_short": debt * 0.22,
            "taxes": 0.015 * revenue,
            "other_short": 0.06 * equity * wobble[2],
            "debt_long": debt * 0.78,
            "provisions": 0.05 * equity * wobble[3],
            "other_long": 0.06 * equity,
        }
        minority = equity * MINORITY if self.consolidated else 0.0
        total = equity + minority + sum(owed.values())
        current = {
            "cash": 0.14 * debt + 0.03 * revenue * wobble[4],
            "placements": 0.05 * debt * wobble[5],
            "receivables": 0.13 * revenue * wobble[6],
            "inventory": 0.08 * revenue * wobble[7],
            "other_current": 0.02 * revenue,
        }
        squeeze = min(1.0, 0.55 * total / sum(current.values()))
        return _closed({k: v * squeeze for k, v in current.items()}, owed, minority, total, equity)

    def _bank_balance(self, equity: float, wobble: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Items:
        """A bank's: nine tenths of the assets are other people's money."""
        funding = equity * 8.6 * wobble[0]
        owed = {
            "suppliers": 0.0,
            "debt_short": 0.0,
            "taxes": 0.01 * funding,
            "other_short": 0.07 * funding,
            "debt_long": 0.0,
            "provisions": 0.03 * funding,
            "other_long": 0.89 * funding,
        }
        minority = equity * MINORITY if self.consolidated else 0.0
        total = equity + minority + sum(owed.values())
        current = {"cash": 0.05, "placements": 0.3, "receivables": 0.52, "inventory": 0.0, "other_current": 0.05}
        return _closed({k: v * total for k, v in current.items()}, owed, minority, total, equity)

    def income(self, year: int) -> Items:
        """The income of `year`."""
        if year not in self._incomes:
            self._incomes[year] = self._new_income(year)
        return self._incomes[year]

    def _new_income(self, year: int) -> Items:
        revenue, net = self.earnings[year]
        rng = self.rng("income", year)
        before = self.balance(year - 1)
        pretax = net / (1 - TAX) if net > 0 else net / 0.85
        debt = before["debt_short"] + before["debt_long"]
        fin_expense = -debt * float(rng.uniform(0.09, 0.13))
        fin_income = (before["cash"] + before["placements"]) * float(rng.uniform(0.06, 0.1))
        if self.company.chart == "bank":
            revenue, fin_expense, fin_income = abs(net) * float(rng.uniform(4.5, 6)), 0.0, 0.0
        associates = pretax * 0.02
        operating = pretax - fin_expense - fin_income - associates
        selling, admin, other = (-revenue * f for f in (0.06, 0.045, float(rng.uniform(-0.01, 0.02))))
        cost = operating - revenue - selling - admin - other
        if cost > -0.05 * revenue:  # a margin too good to be true: less is spent on selling
            cost = -0.05 * revenue
            selling = operating - revenue - cost - admin - other
        items = {
            "revenue": revenue,
            "cost": cost,
            "selling": selling,
            "admin": admin,
            "other": other,
            "associates": associates,
            "fin_income": fin_income,
            "fin_expense": fin_expense,
        }
        whole = {k: round(v) for k, v in items.items()}
        whole["tax"] = round(net) - sum(whole.values())
        whole["minority"] = round(net * MINORITY) if self.consolidated else 0
        return whole

    def year(self, year: int) -> Period:
        """The full year."""
        return self.span(year, 1, 4)

    def span(self, year: int, first: int, last: int) -> Period:
        """Quarters `first` to `last` of `year`: (2, 2) is the second quarter, (1, 3) nine months."""
        income = self._share(self.income(year), year, first, last)
        balance = self.at(year, last)
        before = self.at(year, first - 1)
        period = Period(_start(year, first), _end(year, last), income, balance, {})
        flows = self._flows(period, before, year, last - first + 1)
        return Period(period.start, period.end, income, balance, flows)

    def _share(self, income: Items, year: int, first: int, last: int) -> Items:
        """The part of a year's income that falls on some of its quarters; the fourth takes what rounding left."""
        weights = self.rng("season", year).dirichlet((60, 62, 64, 66))

        def upto(quarter: int) -> Items:
            if quarter == 4:
                return income
            part = float(weights[:quarter].sum())
            return {k: round(v * part) for k, v in income.items()}

        end, start = upto(last), upto(first - 1)
        return {k: end[k] - start[k] for k in income}

    def at(self, year: int, quarter: int) -> Items:
        """The balance after `quarter` quarters: between the ends of two years, item by item, still balanced."""
        old, new = self.balance(year - 1), self.balance(year)
        part = quarter / 4
        mixed = {k: round(old[k] + (new[k] - old[k]) * part) for k in new}
        return _equalised(mixed)

    def _flows(self, period: Period, before: Items, year: int, quarters: int) -> Items:
        """The cash flow that leads from one balance to the other."""
        after = period.balance
        depreciation = round(0.045 * self.earnings[year][0] * quarters / 4)
        capex = -round(depreciation * float(self.rng("capex", year).uniform(0.9, 1.7)))
        paid = -round(max(0, period.net_parent) * self.profile.payout)
        borrowed = after["debt_short"] + after["debt_long"] - before["debt_short"] - before["debt_long"]
        working = round(-0.04 * self.earnings[year][0] * quarters / 4 * float(self.rng("working", year).uniform(-1, 1)))
        change = after["cash"] - before["cash"]
        other = change - (period.net + depreciation + working + capex + paid + borrowed)
        return {
            "net": period.net,
            "depreciation": depreciation,
            "working": working,
            "capex": capex,
            "investing": other,
            "borrowed": borrowed,
            "paid": paid,
            "opening": before["cash"],
            "closing": after["cash"],
        }

    def filed_on(self, year: int, quarter: int) -> date:
        """When the form came in: quarters 1-3 within 45 days (ITR), the year by the end of March (DFP)."""
        draw = unit(self.seed, "filed", self.company.issuer, year, quarter)
        end = _end(year, quarter)
        return end + timedelta(int(40 + draw * 48) if quarter == 4 else int(24 + draw * 20))

    def filed(self, today: date) -> list[tuple[int, int]]:
        """(year, quarter) of every form that is in by `today`, oldest first; the newest quarter of some is late."""
        if self.silent:
            return []
        late = unit(self.seed, "late", self.company.issuer) < 0.04
        forms = [(y, q) for y in range(self.first, self.last + 2) for q in (1, 2, 3, 4)]
        due = [f for f in forms if self.filed_on(*f) <= today]
        return due[:-1] if late and due and due[-1][1] != 4 else due

    def trailing(self, today: date) -> tuple[Period, Items] | None:
        """The newest filed period's balance with the income and flows of the four quarters up to it."""
        due = self.filed(today)
        if not due:
            return None
        year, quarter = due[-1]
        parts = [self.span(year, 1, quarter)]
        if quarter < 4:
            parts.append(self.span(year - 1, quarter + 1, 4))
        income = {k: sum(p.income[k] for p in parts) for k in INCOME}
        flows = {k: sum(p.flows[k] for p in parts) for k in parts[0].flows}
        newest = parts[0]
        return Period(parts[-1].start, newest.end, income, newest.balance, flows), flows


def _closed(current: dict[str, float], owed: dict[str, float], minority: float, total: float, equity: float) -> Items:
    """Items in whole thousands; what is not current is spread over the long assets, reserves take the rest."""
    rest = total - sum(current.values())
    long = {"long_term": 0.18 * rest, "holdings": 0.1 * rest, "plant": 0.52 * rest, "intangible": 0.2 * rest}
    items = {k: round(v) for k, v in (current | long | owed).items()}
    items["minority"] = round(minority)
    items["capital"] = round(equity * 0.55)
    return _equalised(items)


def _equalised(items: Items) -> Items:
    """`items` with the reserves that make both sides equal."""
    assets = sum(items[k] for k in ASSETS)
    other = sum(items[k] for k in LIABILITIES) + items["minority"] + items["capital"]
    return {**items, "reserves": assets - other}


def _start(year: int, quarter: int) -> date:
    return date(year, quarter * 3 - 2, 1)


def _end(year: int, quarter: int) -> date:
    return date(year, 12, 31) if quarter == 4 else date(year, quarter * 3 + 1, 1) - timedelta(1)
