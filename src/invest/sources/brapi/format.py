"""brapi's JSON, read by rule: three date styles, numbers or null, good and failed symbols side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from invest.domain.market import SHARE_KINDS, ActionKind, AssetKind, Bar, CorporateAction, kind_from_suffix
from invest.domain.values import Basis, RawPayload
from invest.sources.b3 import cash_kind, event_kind, other_class, same_paper
from invest.sources.errors import Malformed
from invest.sources.model import Identity, Reading
from invest.sources.numerals import cnpj_of, day, instant, number, numbers, positive

# (module, or None for the quote itself; key; our field; unit; basis)
FIGURES: tuple[tuple[str | None, str, str, str, Basis], ...] = (
    (None, "marketCap", "market_cap", "BRL", Basis.SPOT),
    (None, "priceEarnings", "p_l", "x", Basis.TTM),
    (None, "earningsPerShare", "eps", "BRL", Basis.TTM),
    ("defaultKeyStatistics", "priceToBook", "p_vp", "x", Basis.SPOT),
    ("defaultKeyStatistics", "bookValue", "bvps", "BRL", Basis.SPOT),
    ("defaultKeyStatistics", "sharesOutstanding", "shares_outstanding", "count", Basis.SPOT),
    ("defaultKeyStatistics", "enterpriseValue", "enterprise_value", "BRL", Basis.SPOT),
    ("defaultKeyStatistics", "dividendYield", "dividend_yield", "fraction", Basis.TTM),
    ("defaultKeyStatistics", "netIncomeToCommon", "net_income", "BRL", Basis.TTM),
    ("financialData", "totalCash", "cash", "BRL", Basis.SPOT),
    ("financialData", "totalDebt", "gross_debt", "BRL", Basis.SPOT),
    ("financialData", "ebitda", "ebitda", "BRL", Basis.TTM),
    ("financialData", "totalRevenue", "revenue", "BRL", Basis.TTM),
    ("financialData", "grossProfits", "gross_profit", "BRL", Basis.TTM),
    ("financialData", "operatingCashflow", "operating_cash_flow", "BRL", Basis.TTM),
    ("financialData", "freeCashflow", "free_cash_flow", "BRL", Basis.TTM),
    ("financialData", "currentRatio", "current_ratio", "x", Basis.SPOT),
    ("financialData", "returnOnEquity", "roe", "fraction", Basis.TTM),
    ("financialData", "returnOnAssets", "roa", "fraction", Basis.TTM),
    ("financialData", "grossMargins", "gross_margin", "fraction", Basis.TTM),
    ("financialData", "ebitdaMargins", "ebitda_margin", "fraction", Basis.TTM),
    ("financialData", "operatingMargins", "ebit_margin", "fraction", Basis.TTM),
    ("financialData", "profitMargins", "net_margin", "fraction", Basis.TTM),
)
# Of modules, yet as old as the price in them: the quarter they name is that of the other half of the fraction.
PRICED = frozenset({"p_vp", "enterprise_value", "dividend_yield"})
BY_MODULE = {
    module: [(key, name, unit, basis) for at, key, name, unit, basis in FIGURES if at == module]
    for module in dict.fromkeys(at for at, *_ in FIGURES)
}
SAME_SIZE = Decimal("1.01")  # how far words and number of one event may differ
# Beyond these a figure says more about the source than about the company (a BDR's P/L of 7,781 has been seen).
BOUNDS: Mapping[str, Decimal] = {
    "p_l": Decimal(1000),
    "p_vp": Decimal(500),
    "dividend_yield": Decimal(1),
    "roe": Decimal(20),
    "roa": Decimal(5),
    "gross_margin": Decimal(1),
    "net_margin": Decimal(50),
    "ebitda_margin": Decimal(50),
    "ebit_margin": Decimal(50),
    "current_ratio": Decimal(1000),
}


def results_of(source: str, data: Any) -> list[Mapping[str, Any]]:
    """The ``results`` of an answer. Raises `Malformed` where it has another shape."""
    if not isinstance(data, Mapping):
        raise Malformed(source, "the answer is no object")
    found = data.get("results")
    if not isinstance(found, list):
        raise Malformed(source, f"no results: {str(data.get('message') or data.get('error') or '')[:120]!r}")
    return [entry for entry in found if isinstance(entry, Mapping)]


def failed(entry: Mapping[str, Any]) -> str | None:
    """brapi's answer for a symbol without data; `error` is true or a text."""
    error = entry.get("error")
    return str(entry.get("message") or error)[:200] if error else None


def observe_quote(reading: Reading, entry: Mapping[str, Any], payload: RawPayload) -> datetime | None:
    """The price, its volume and the figures of the quote; the moment they are of."""
    moment = instant(entry.get("regularMarketTime"))
    price = number(entry.get("regularMarketPrice"))
    if moment is None or price is None or price <= 0:
        return None
    reading.observe("close", price, moment, payload, basis=Basis.RAW)
    volume = number(entry.get("regularMarketVolume"))
    if volume:  # 0 out of hours is no volume
        reading.observe("volume", volume, moment, payload, unit="count", basis=Basis.RAW)
    return moment


def observe_figures(reading: Reading, entry: Mapping[str, Any], moment: datetime, payload: RawPayload) -> None:
    """Every figure of quote and modules that is there and believable."""
    for module, figures in BY_MODULE.items():
        part = entry if module is None else entry.get(module)
        if not isinstance(part, Mapping):
            continue
        stamp = moment if module is None else _module_moment(entry, module, moment)
        for key, name, unit, basis in figures:
            value = number(part.get(key))
            if value is None or (not value and unit != "fraction") or (value < 0 and unit == "count"):
                continue
            bound = BOUNDS.get(name)
            if bound is not None and abs(value) > bound:
                reading.reject(f"{name} of {value:f} is beyond belief")
                continue
            at = moment if name in PRICED else stamp
            reading.observe(name, value, at, payload, unit=unit, basis=basis)


def _module_moment(entry: Mapping[str, Any], name: str, moment: datetime) -> datetime:
    """When a module's figures are of: the newest quarter it names, at most the quote's moment."""
    for part in (entry.get(name), entry.get("defaultKeyStatistics")):
        if isinstance(part, Mapping):
            found = day(part.get("mostRecentQuarter")) or day(part.get("updatedAt"))
            if found and found <= moment.date():
                return datetime(found.year, found.month, found.day, 12, tzinfo=moment.tzinfo)
    return moment


def bars(entry: Mapping[str, Any], ticker: str, kind: AssetKind | None, payload: str, source: str) -> list[Bar]:
    """Daily bars of ``historicalDataPrice``, days ascending, one per day."""
    history = entry.get("historicalDataPrice")
    rows = [row for row in history if isinstance(row, dict)] if isinstance(history, list) else []
    is_coin = kind is AssetKind.CRYPTO
    days = map(_day_of_coin if is_coin else day, (row.get("date") for row in rows))
    opened, high, low, close, volume = (
        numbers([row.get(name) for row in rows]) for name in ("open", "high", "low", "close", "volume")
    )
    found: dict[date, Bar] = {}
    # Of a coin brapi gives money, not coins; an index has no shares.
    has_shares = kind not in (AssetKind.CRYPTO, AssetKind.INDEX)
    for when, o, h, lo, c, v in zip(days, opened, high, low, close, volume, strict=True):
        if when is None or c is None:
            continue
        shares = int(v) if has_shares and v is not None else None
        turnover = v if is_coin else None
        found[when] = Bar(ticker, when, o or None, h or None, lo or None, c, shares, turnover, None, source, payload)
    return [found[key] for key in sorted(found)]


def _day_of_coin(value: Any) -> date | None:
    moment = instant(value)
    return moment.date() if moment else day(value)


def actions(
    entry: Mapping[str, Any],
    ticker: str,
    isin: str | None,
    payload: str,
    source: str,
    *,
    remark: Callable[[str], None] | None = None,
) -> list[CorporateAction]:
    """Dividends, changes of the share count and other events of ``dividendsData``.

    Another paper's (by ISIN) are left out. So is an event whose label, words and number contradict each other, or one
    without a day or a size; `remark` is called with it.
    """
    data = entry.get("dividendsData")
    if not isinstance(data, Mapping):
        return []
    found = []
    for key, row in _rows(data, "cashDividends", "stockDividends", "subscriptions"):
        theirs = str(row.get("isinCode") or row.get("assetIssued") or "").strip().upper()
        if theirs and not same_paper(theirs, ticker, isin) and _is_share(theirs, ticker, isin):
            continue
        try:
            action = _action(row, cash=key == "cashDividends", ticker=ticker, payload=payload, source=source)
        except ValueError as error:
            if remark is not None:
                remark(str(error))
        else:
            found.append(action)
    return found


def _rows(data: Mapping[str, Any], *keys: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key in keys:
        rows = data.get(key)
        yield from ((key, row) for row in rows if isinstance(row, Mapping)) if isinstance(rows, list) else ()


def _is_share(theirs: str, ticker: str, isin: str | None) -> bool:
    """Whether an ISIN can speak against a paper: its own is known, or both name a class of share."""
    return isin is not None or (theirs[6:9] in ("ACN", "CDA", "UNT") and kind_from_suffix(ticker) is AssetKind.STOCK)


def _action(row: Mapping[str, Any], *, cash: bool, ticker: str, payload: str, source: str) -> CorporateAction:
    """One event. Raises `ValueError` where it lacks a day or a size, or contradicts itself."""
    label, last = str(row.get("label") or ""), day(row.get("lastDatePrior"))
    kind = (cash_kind(label) if cash else None) or event_kind(label)
    amount = number(row.get("rate")) if cash else None
    size = _factor(row, kind) if kind in SHARE_KINDS else None
    if last is None:
        raise ValueError(f"{label or kind.value} without a last day with rights")
    if cash and not amount:
        raise ValueError(f"{label or kind.value} without an amount ({last})")
    percent = positive(row.get("percentage")) if kind is ActionKind.SUBSCRIPTION else None
    issued, ratio, factor = str(row.get("assetIssued") or "").strip().upper(), percent / 100 if percent else None, size
    if kind is ActionKind.BONUS and size is not None and other_class(issued, ticker):
        kind, factor, ratio = ActionKind.SPIN_OFF, None, size - 1  # shares of another class: none of this one
    return CorporateAction(
        ticker=ticker,
        kind=kind,
        last_date_with=last,
        payment_date=day(row.get("paymentDate") or row.get("subscriptionDate")),
        amount=amount,
        factor=factor,
        source=source,
        payload=payload,
        label=label[:120] or None,
        approved_on=day(row.get("approvedOn")),
        other=issued[:20] or None if kind is ActionKind.SPIN_OFF else None,
        ratio=ratio,
        price=positive(row.get("priceUnit")) if kind is ActionKind.SUBSCRIPTION else None,
    )


def _factor(row: Mapping[str, Any], kind: ActionKind) -> Decimal:
    """New shares per old one, by label, words ("2 para 1", either way round) and number together.

    The label gives the direction: a GRUPAMENTO "10 para 1", "1 para 10", of 10 or of 0.1 is 0.1. A bonus is a percent
    above 2, a part below 1. Raises `ValueError` where words and number are of different sizes or there is no change, or
    a split's number is below one without words that say how it is meant.
    """
    match = re.fullmatch(r"\s*([\d.,]+)\s+para\s+([\d.,]+)\s*", str(row.get("completeFactor") or ""))
    new, old = (number(match[1], pt=True), number(match[2], pt=True)) if match else (None, None)
    words = new / old if new and old else None
    factor = number(row.get("factor"))
    if kind is ActionKind.BONUS:
        return _bonus(words, factor)
    given = [size for size in (words, factor) if size is not None and size > 0]
    sizes = [max(size, 1 / size) for size in given]
    if not sizes or max(sizes) == 1:
        raise ValueError(f"{kind.value}: {row.get('completeFactor')!r} and {row.get('factor')!r} change nothing")
    if max(sizes) > min(sizes) * SAME_SIZE:
        raise ValueError(f"{kind.value}: {row.get('completeFactor')!r} and {row.get('factor')!r} contradict each other")
    if kind is ActionKind.SPLIT and words is None and given[0] < 1:
        raise ValueError(f"{kind.value}: {row.get('factor')!r} would leave fewer shares")
    return 1 / sizes[0] if kind is ActionKind.REVERSE_SPLIT else sizes[0]


def _bonus(words: Decimal | None, factor: Decimal | None) -> Decimal:
    """Shares after a bonus per share before it. Raises `ValueError` where there is none, or words and number differ."""
    factor = factor if factor is not None and factor > 0 else None
    if words is not None and words > 0:
        ratio = words if words > 1 else 1 + words
        meant = [1 + factor / 100, 1 + factor, factor] if factor is not None else [ratio]
        if not any(ratio / SAME_SIZE <= size <= ratio * SAME_SIZE for size in meant):
            raise ValueError(
                f"bonus: {words:f} shares per share in words and a factor of {factor} contradict each other"
            )
        return ratio
    if factor is None or factor == 1:
        raise ValueError(f"bonus: a factor of {factor} gives no size")
    return 1 + factor / 100 if factor > 2 else 1 + factor if factor < 1 else factor


def identity(entry: Mapping[str, Any]) -> Identity:
    """Name, CNPJ, sector and shares as far as brapi knows them."""
    profile = entry.get("summaryProfile")
    profile = profile if isinstance(profile, Mapping) else {}
    statistics = entry.get("defaultKeyStatistics")
    shares = positive(statistics.get("sharesOutstanding")) if isinstance(statistics, Mapping) else None
    name = entry.get("longName") or entry.get("shortName")
    return Identity(
        name=str(name).strip()[:200] if name else None,
        cnpj=cnpj_of(profile.get("cnpj")),
        sector=_text(profile.get("sector")),
        segment=_text(profile.get("industry")),
        shares_outstanding=shares,
    )


def _text(value: object) -> str | None:
    return str(value).strip()[:120] or None if value else None


def by_symbol(entries: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Entries by their symbol in upper case."""
    return {str(entry.get("symbol") or "").upper(): entry for entry in entries}


def batches(items: Sequence[str], size: int) -> list[Sequence[str]]:
    """`items` in runs of at most `size`."""
    return [items[i : i + size] for i in range(0, len(items), size)]
