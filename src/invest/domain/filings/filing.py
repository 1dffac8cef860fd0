"""Named amounts from the lines of a filing: one `Filing` per form, date, basis and version.

Industrial companies are read by CVM's fixed accounts; banks and insurers by the words of their own charts. A statement
whose every amount is zero was left blank by the filer and counts as not filed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from invest.domain.market import StatementLine, market_day

Amounts = Mapping[str, float]
Span = tuple[date, date]

LEGAL_DELAY = {"DFP": timedelta(days=90), "ITR": timedelta(days=45)}
QUARTER_ENDS = ((3, 31), (6, 30), (9, 30), (12, 31))


def newest_due(today: date) -> date:
    """The end of the newest quarter whose statements were due by `today`, by `LEGAL_DELAY`."""
    ends = [date(year, month, last) for year in (today.year - 1, today.year) for month, last in QUARTER_ENDS]
    return max(end for end in ends if end + LEGAL_DELAY["DFP" if end.month == 12 else "ITR"] <= today)


class Chart(StrEnum):
    """Chart of accounts a company reports in."""

    INDUSTRY = "industry"
    BANK = "bank"
    INSURER = "insurer"


@dataclass(frozen=True, slots=True)
class Filing:
    """Named amounts of one filing in BRL; `received_on` is the legal deadline where the filer's date is unknown."""

    form: str
    reference_date: date
    received_on: date
    version: int
    consolidated: bool
    chart: Chart
    balance: Amounts
    flows: Mapping[Span, Amounts] = field(default_factory=dict)
    payload: str = ""


BALANCE_ACCOUNTS = {
    "1": "total_assets",
    "1.01": "current_assets",
    "1.01.01": "cash",
    "1.01.02": "financial_investments",
    "1.01.03": "receivables",
    "1.01.04": "inventories",
    "1.02.03": "fixed_assets",
    "1.02.04": "intangibles",
    "2.01": "current_liabilities",
    "2.01.02": "suppliers",
    "2.01.04": "short_debt",
    "2.02": "long_liabilities",
    "2.02.01": "long_debt",
    "2.03": "equity",
    "2.03.04": "profit_reserves",
    "2.03.05": "retained_earnings",
    "2.03.09": "minority",
}
INCOME_ACCOUNTS = {
    "3.01": "revenue",
    "3.02": "cost",
    "3.03": "gross_profit",
    "3.05": "ebit",
    "3.06": "financial_result",
    "3.06.02": "financial_expense",
    "3.07": "pretax",
    "3.08": "tax",
    "3.11": "net_income_total",
    "3.11.01": "net_income_parent",
    "3.11.02": "net_income_minority",
}
_NET_INCOME = re.compile(r"^(lucro|prejuizo|resultado liquido)\b.*\b(periodo|exercicio)$")
_PRETAX = re.compile(r"^resultado antes d\w+ (tribut|impost)")  # "da tributação sobre o lucro" until 2019
_RESULT = re.compile(r"^(lucro|prejuizo|resultado)\b")
_PARENT = re.compile(r"^atribui\w+ .*controladora$")
_MINORITY = re.compile(r"nao controlador|minoritari")
_DEPRECIATION = re.compile(r"deprecia|exaust|amortiza")
_NOT_DEPRECIATION = re.compile(
    r"emprest|financiament|debentur|divida|mutuo|principal|juros|captac|transacao|agio|valia|premio|credito|"
    r"comiss|desagio|impairment|recuperab|passivo"
)
_CAPEX = re.compile(
    r"imobilizad|tangive|intangi|capex|ativos? contratua|ativos? d[ae] (concessao|contrato)|infraestrutura|"
    r"ativos? biologic|propriedades? para investimento|direitos? de exploracao"
)
_NOT_CAPEX = re.compile(r"venda|alienac|recebi|baixa|resgate|adiantamento recebido")
_ISSUE = re.compile(
    r"(aument|integraliz|intregaliz|aport|subscri)\w* .*capital|aumento de capital|"
    r"emissao de (novas )?(acoes|quotas|cotas)"
)
_BANK = re.compile(r"intermediacao financeira")
_INSURER = re.compile(r"receitas? (das|de) operac|premios|sinistro|seguro")


@lru_cache(maxsize=16384)
def plain(text: str) -> str:
    """`text` in lower case without accents, doubled spaces and outer spaces; UTF-8 read as latin-1 is repaired."""
    if "Ã" in text:
        with suppress(UnicodeError):
            text = text.encode("latin-1").decode("utf-8")
    stripped = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(stripped.lower().split())


def days_in(span: Span) -> int:
    """Its days, both ends among them."""
    return (span[1] - span[0]).days + 1


def is_year(span: Span) -> bool:
    """Whether it is of about twelve months."""
    return 350 <= days_in(span) <= 380


def read_filings(lines: Iterable[StatementLine]) -> tuple[Filing, ...]:
    """Every filing in `lines`, oldest first. Lines of another period than the filing's own are left out."""
    groups: dict[tuple[str, date, bool, int], list[StatementLine]] = defaultdict(list)
    for line in lines:
        if line.period_end == line.reference_date:
            groups[line.form, line.reference_date, line.consolidated, line.version].append(line)
    filings = (_filing(key, group) for key, group in sorted(groups.items(), key=lambda item: item[0]))
    return tuple(sorted((f for f in filings if f is not None), key=lambda f: (f.reference_date, f.version)))


def known_filings(filings: Iterable[Filing], now: datetime, *, consolidated: bool | None = None) -> list[Filing]:
    """What could be read at `now`: received by then, the highest version, oldest first.

    Those of one basis, the two are never mixed: of `consolidated`, or unless it is given consolidated statements where
    the newest date has them, else individual ones.
    """
    today = market_day(now)
    readable = [filing for filing in filings if filing.received_on <= today]
    if not readable:
        return []
    newest = max(filing.reference_date for filing in readable)
    if consolidated is None:
        consolidated = any(f.consolidated for f in readable if f.reference_date == newest)
    best: dict[tuple[str, date], Filing] = {}
    for filing in readable:
        if filing.consolidated is not consolidated:
            continue
        held = best.get((filing.form, filing.reference_date))
        if held is None or filing.version > held.version:
            best[filing.form, filing.reference_date] = filing
    return sorted(best.values(), key=lambda f: (f.reference_date, f.form))


def _filing(key: tuple[str, date, bool, int], lines: Sequence[StatementLine]) -> Filing | None:
    form, reference_date, consolidated, version = key
    sheets: dict[str, dict[str, StatementLine]] = defaultdict(dict)
    flows: dict[tuple[str, Span], dict[str, StatementLine]] = defaultdict(dict)
    for line in lines:
        if line.period_start is None:
            sheets[line.statement][line.account] = line
        else:
            flows[line.statement, (line.period_start, line.period_end)][line.account] = line
    assets, liabilities = _filled(sheets.get("BPA", {})), _filled(sheets.get("BPP", {}))
    income = {span: rows for (statement, span), rows in flows.items() if statement == "DRE" and _filled(rows)}
    chart = _chart(income, liabilities)
    amounts: dict[Span, dict[str, float]] = {}
    for span, rows in income.items():
        amounts[span] = _income(rows, chart) | _per_share(rows)
    for (statement, span), rows in flows.items():
        if statement in ("DFC_MI", "DFC_MD", "DVA") and _filled(rows):
            amounts.setdefault(span, {}).update(_added_value(rows) if statement == "DVA" else _cash_flow(rows))
    balance = _balance(assets, liabilities, chart)
    if not balance and not amounts:
        return None
    received = max((line.received_on for line in lines if line.received_on), default=None)
    return Filing(
        form=form,
        reference_date=reference_date,
        received_on=received or reference_date + LEGAL_DELAY.get(form, timedelta(days=90)),
        version=version,
        consolidated=consolidated,
        chart=chart,
        balance=balance,
        flows={span: _finish(values, chart) for span, values in amounts.items()},
        payload=lines[0].payload,
    )


def _filled(rows: Mapping[str, StatementLine]) -> Mapping[str, StatementLine]:
    """The rows, or nothing where every amount is zero (a form left blank)."""
    return rows if any(row.value for row in rows.values()) else {}


def _chart(income: Mapping[Span, Mapping[str, StatementLine]], liabilities: Mapping[str, StatementLine]) -> Chart:
    for rows in income.values():
        first = plain(rows["3.01"].description) if "3.01" in rows else ""
        second = plain(rows["3.02"].description) if "3.02" in rows else ""
        if _BANK.search(first) or _BANK.search(second):
            return Chart.BANK
        if _INSURER.search(first) or _INSURER.search(second):
            return Chart.INSURER
    equity = next((c for c, row in liabilities.items() if _level(c) == 2 and _is_equity(row)), "2.03")
    return Chart.INDUSTRY if equity == "2.03" else Chart.BANK


def _level(account: str) -> int:
    return account.count(".") + 1


def _is_equity(row: StatementLine) -> bool:
    return plain(row.description).startswith("patrimonio liquido")


def _balance(
    assets: Mapping[str, StatementLine], liabilities: Mapping[str, StatementLine], chart: Chart
) -> dict[str, float]:
    rows = {**assets, **liabilities}
    if chart is Chart.INDUSTRY:
        if "2.03" in rows and not _is_equity(rows["2.03"]):
            return {}  # another layout: its codes mean something else
        found = {name: float(rows[account].value) for account, name in BALANCE_ACCOUNTS.items() if account in rows}
        return found | _total(assets, liabilities)
    out = _total(assets, liabilities)
    named = {plain(row.description): row for row in assets.values()}
    cash = next(
        (row for words, row in named.items() if words.startswith("caixa e equiv")), named.get("disponibilidades")
    )
    if cash is not None:
        out["cash"] = float(cash.value)
    for account, row in liabilities.items():
        if _level(account) == 2 and _is_equity(row):
            out["equity"] = float(row.value)
            minority = (
                r for a, r in liabilities.items() if _child(a, account) and _MINORITY.search(plain(r.description))
            )
            out["minority"] = float(next((r.value for r in minority), 0))
    return out


def _total(assets: Mapping[str, StatementLine], liabilities: Mapping[str, StatementLine]) -> dict[str, float]:
    """Total assets, by the other side of the balance where the side of the assets is left out or filled with zeros."""
    whole, other = assets.get("1"), liabilities.get("2")
    if (whole is None or not whole.value) and other is not None and other.value:
        whole = other
    return {} if whole is None else {"total_assets": float(whole.value)}


def _child(account: str, parent: str) -> bool:
    return account.startswith(parent + ".") and _level(account) == _level(parent) + 1


def _income(rows: Mapping[str, StatementLine], chart: Chart) -> dict[str, float]:
    if chart is Chart.INDUSTRY:
        if "3.11" in rows and not _RESULT.search(plain(rows["3.11"].description)):
            return {}
        return {name: float(rows[account].value) for account, name in INCOME_ACCOUNTS.items() if account in rows}
    out: dict[str, float] = {}
    for account, name in (("3.01", "revenue"), ("3.03", "gross_profit")):
        if account in rows:
            out[name] = float(rows[account].value)
    for account, row in rows.items():
        words = plain(row.description)
        if _level(account) != 2:
            continue
        if _PRETAX.search(words):
            out["pretax"] = float(row.value)
        elif _NET_INCOME.search(words):
            out["net_income_total"] = float(row.value)
            for child, part in rows.items():
                description = plain(part.description)
                if _child(child, account) and _MINORITY.search(description):
                    out["net_income_minority"] = float(part.value)
                elif _child(child, account) and _PARENT.search(description):
                    out["net_income_parent"] = float(part.value)
    return out


def _per_share(rows: Mapping[str, StatementLine]) -> dict[str, float]:
    """Basic earnings per share as filed, the mean over classes; nothing where the filer left them blank."""
    values = [float(row.value) for account, row in rows.items() if account.startswith("3.99.01.") and row.value]
    return {"eps_filed": sum(values) / len(values)} if values else {}


def _cash_flow(rows: Mapping[str, StatementLine]) -> dict[str, float]:
    out: dict[str, float] = {}
    for account, name in (("6.01", "operating_cash"), ("6.02", "investing_cash"), ("6.03", "financing_cash")):
        if account in rows:
            out[name] = float(rows[account].value)
    descriptions = {account: plain(row.description) for account, row in rows.items()}
    worn = _outermost(
        a
        for a, words in descriptions.items()
        if a.startswith("6.01.") and _DEPRECIATION.search(words) and not _NOT_DEPRECIATION.search(words)
    )
    if worn:
        out["depreciation_cash"] = sum(float(rows[account].value) for account in worn)
    spent = _outermost(
        a
        for a, words in descriptions.items()
        if a.startswith("6.02.") and _CAPEX.search(words) and not _NOT_CAPEX.search(words)
    )
    if spent:
        out["capex"] = sum(min(0.0, float(rows[account].value)) for account in spent)
    if "6.03" in rows:
        raised = _outermost(a for a, w in descriptions.items() if a.startswith("6.03.") and _raises_capital(w))
        out["issued"] = sum(max(0.0, float(rows[account].value)) for account in raised)
    return out


def _raises_capital(words: str) -> bool:
    return bool(_ISSUE.search(words)) and not _MINORITY.search(words)


def _outermost(accounts: Iterable[str]) -> list[str]:
    """Without those whose ancestor is there too: a total and its parts are counted once."""
    kept: list[str] = []
    for account in sorted(accounts, key=_level):
        if not any(account.startswith(held + ".") for held in kept):
            kept.append(account)
    return kept


def _added_value(rows: Mapping[str, StatementLine]) -> dict[str, float]:
    for row in rows.values():
        words = plain(row.description)
        if words.startswith("depreciacao") and row.value:
            return {"depreciation_added": abs(float(row.value))}
    return {}


def _finish(values: dict[str, float], chart: Chart) -> dict[str, float]:
    """Settle what two statements give: net income of the parent, and depreciation (added value before cash flow)."""
    total, parent = values.get("net_income_total"), values.get("net_income_parent")
    if total is not None:
        blank = not parent and not values.get("net_income_minority")
        values["net_income"] = total if parent is None or blank else parent
    worn = values.get("depreciation_added") or values.get("depreciation_cash")
    if chart is Chart.INDUSTRY and worn:
        values["depreciation"] = worn
    return values
