"""Tax withheld from sales (IRRF): as the notes tell it, else as the law computes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from invest.domain.portfolios import CENT, REDEEMED, ZERO, Operation, Transaction, broker_key
from invest.domain.taxes.lines import Facts, is_redemption
from invest.domain.taxes.models import TaxLine
from invest.domain.taxes.rules import Bucket, rule


@dataclass(slots=True)
class Withheld:
    """IRRF of one month by bucket; `estimated` where no broker's note states it."""

    amounts: dict[Bucket, Decimal] = field(default_factory=lambda: dict.fromkeys(Bucket, ZERO))
    estimated: set[Bucket] = field(default_factory=set)


def withheld_by_month(facts: Facts, lines: Sequence[TaxLine]) -> dict[str, Withheld]:
    """IRRF of every month, per broker: as its notes state it, else by the rates."""
    noted: dict[tuple[str, str, bool], Decimal] = defaultdict(Decimal)
    found: dict[str, Withheld] = defaultdict(Withheld)
    for t in facts.transactions:
        if t.operation is Operation.TAX and t.ticker is not None and t.note.startswith(REDEEMED):
            regime = facts.regime(t.ticker)  # what the company withheld is no part of what the broker did
            bucket = regime.bucket if regime is not None else None
            found[f"{t.date:%Y-%m}"].amounts[bucket or Bucket.COMMON] += t.amount
        elif t.operation is Operation.TAX:
            noted[f"{t.date:%Y-%m}", broker_key(t.broker), "day trade" in t.note.lower()] += t.amount
    sold = _sold(facts, lines)
    for (month, broker), by_bucket in sold.common.items():
        value = sum(by_bucket.values(), ZERO)
        own = noted.pop((month, broker, False), None)
        tax = own if own is not None else _common(value, date.fromisoformat(f"{month}-01"))
        _spread(found[month], by_bucket, tax, estimated=own is None)
    for (month, broker), results in sold.day.items():
        own = noted.pop((month, broker, True), None)
        for bucket, days in results.items():
            rate = rule("withheld.day_trade", date.fromisoformat(f"{month}-01")).value
            computed = sum((_cents(r * rate) for r in days.values() if r > 0), ZERO)
            if own is None and computed:
                found[month].estimated.add(bucket)
            found[month].amounts[bucket] += own if own is not None else computed
            own = ZERO if own is not None else None
    for (month, _, day_trade), amount in noted.items():  # withheld of what is not among these sales
        found[month].amounts[Bucket.DAY_TRADE if day_trade else Bucket.COMMON] += amount
    return found


@dataclass(slots=True)
class _Sold:
    """Values sold by (month, broker) and bucket, and day-trade results by (month, broker), bucket and day."""

    common: dict[tuple[str, str], dict[Bucket, Decimal]]
    day: dict[tuple[str, str], dict[Bucket, dict[date, Decimal]]]


def _sold(facts: Facts, lines: Sequence[TaxLine]) -> _Sold:
    sellers = _sellers(facts)
    common: dict[tuple[str, str], dict[Bucket, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    day: dict[tuple[str, str], dict[Bucket, dict[date, Decimal]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Decimal))
    )
    for at, line in enumerate(lines):
        month, broker = f"{line.day:%Y-%m}", broker_key(sellers[at].broker)
        if line.kind == "sell" and not is_redemption(sellers[at]):  # of what the company pays no broker withholds
            common[month, broker][line.bucket] += line.gross
        elif line.kind == "day_trade":
            day[month, broker][line.bucket][line.day] += line.result
    return _Sold(common, day)


def _sellers(facts: Facts) -> list[Transaction]:
    """The sale behind each taxed line, in their order."""
    found = []
    for entry in facts.book.journal:
        above = entry.kind == "amortisation" and entry.result > 0
        if entry.kind in ("sell", "day_trade") or above:
            regime = facts.regime(entry.ticker)
            if regime is not None and regime.bucket is not None:
                found.append(_seller(entry.facts))
    return found


def _seller(sales: Sequence[Transaction]) -> Transaction:
    return sales[-1]


def _common(value: Decimal, day: date) -> Decimal:
    tax = _cents(value * rule("withheld.common", day).value)
    return tax if tax > rule("withheld.free", day).value else ZERO


def _spread(month: Withheld, by_bucket: dict[Bucket, Decimal], tax: Decimal, *, estimated: bool) -> None:
    """Split one broker's IRRF by the values sold in each bucket; what rounding leaves goes to the largest."""
    whole = sum(by_bucket.values(), ZERO)
    if not whole or not tax:
        return
    parts = {bucket: _cents(tax * value / whole) for bucket, value in by_bucket.items()}
    largest = max(parts, key=lambda b: by_bucket[b])
    parts[largest] += tax - sum(parts.values(), ZERO)
    for bucket, part in parts.items():
        month.amounts[bucket] += part
        if estimated and part:
            month.estimated.add(bucket)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
