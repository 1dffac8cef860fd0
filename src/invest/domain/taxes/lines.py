"""From a portfolio's journal to taxed lines: which bucket a sale belongs to, and what stays open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from invest.domain.market import Asset, AssetKind, kind_from_suffix
from invest.domain.portfolios import (
    AUCTION,
    PUBLISHED,
    REDEEMED,
    Book,
    Entry,
    Known,
    Operation,
    Transaction,
    derive,
    fills_of,
    order_matters,
    settled,
)
from invest.domain.taxes.flags import flag
from invest.domain.taxes.models import Flag, TaxLine, TaxOpening
from invest.domain.taxes.rules import REGIMES, Bucket, Regime

TAXED = frozenset({"sell", "day_trade"})
CUSTODY = "custod"


@dataclass(frozen=True, slots=True)
class TaxInput:
    """What a year's tax follows from: all facts of one person, over all portfolios and brokers."""

    transactions: Sequence[Transaction]
    today: date
    known: Known = field(default_factory=Known)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    opening: TaxOpening = field(default_factory=TaxOpening)


@dataclass(slots=True)
class Facts:
    """The facts up to a day as the tax sees them."""

    given: TaxInput
    transactions: Sequence[Transaction]
    book: Book
    flags: list[Flag] = field(default_factory=list)

    def kind(self, ticker: str) -> AssetKind | None:
        """An asset's kind, by the user's own entry, by what is known, and by its code; None where none of them says."""
        kind_given = self.given.opening.kinds.get(ticker)
        asset = self.given.assets.get(ticker)
        known = asset.kind if asset is not None and asset.kind is not AssetKind.OTHER else None
        return kind_given or known or kind_from_suffix(ticker)

    def regime(self, ticker: str) -> Regime | None:
        """How an asset is taxed; None for one whose kind is not known."""
        kind = self.kind(ticker)
        return REGIMES.get(kind) if kind is not None else None


def facts_until(given: TaxInput, day: date) -> Facts:
    """Everything up to `day`: known events and changes of code included, what cannot be booked flagged."""
    done = settled(given.transactions, given.known, day)
    facts = Facts(given, done.transactions, derive(done.transactions))
    for refusal in facts.book.refused:
        t = done.transactions[refusal.index]
        facts.flags.append(flag("uncovered_sale", ticker=t.ticker, day=t.date, reason=refusal.reason))
    for t in done.transactions:
        facts.flags += _of_fact(t)
    facts.flags += _spun_off(done.transactions)
    facts.flags += _unordered(done.transactions)
    return facts


def _of_fact(t: Transaction) -> Iterable[Flag]:
    if t.operation is Operation.OPENING and "cost is not told" in t.note:
        yield flag("unknown_cost", ticker=t.ticker, day=t.date)
    elif t.operation is Operation.BONUS and not t.price and "direito" not in t.note.lower():
        yield flag("bonus_without_cost", ticker=t.ticker, day=t.date, blocks=False)
    elif t.note.startswith("exercise of"):
        yield flag("option_exercised", ticker=t.ticker, day=t.date)
    elif t.operation is Operation.SELL and t.note.startswith(AUCTION):
        yield flag("fraction", ticker=t.ticker, day=t.date, blocks=False)
    elif is_redemption(t):
        yield flag("redeemed", ticker=t.ticker, day=t.date, blocks=False)


def _spun_off(transactions: Iterable[Transaction]) -> Iterable[Flag]:
    """Each spin-off once, with its part of the cost before the first one of its day, whatever rows tell it."""
    left: dict[tuple[date, str | None], Decimal] = {}
    parts: dict[tuple[date, str | None, str | None], Decimal] = {}
    notes: dict[tuple[date, str | None, str | None], str] = {}
    spun = (t for t in transactions if t.operation is Operation.SPIN_OFF and not t.of_borrowed)
    for t in sorted(spun, key=lambda t: (t.date, t.place, t.price, t.quantity)):
        source, one = (t.date, t.ticker), (t.date, t.ticker, t.other)
        before = left.get(source, Decimal(1))
        parts[one] = parts.get(one, Decimal(0)) + before * t.price
        left[source] = before * (1 - t.price)
        notes.setdefault(one, t.note)
    for (day, ticker, other), part in parts.items():
        _, published, where = notes[day, ticker, other].partition(PUBLISHED)
        code = "spin_off_published" if published else "spin_off"
        document, share = where.strip(), f"{part:.2%}"
        yield flag(code, ticker=other, day=day, blocks=False, part=share, source=ticker, where=document)


def is_redemption(t: Transaction) -> bool:
    """Whether the company itself bought the shares back: no sale at the exchange."""
    return t.operation is Operation.SELL and t.note.lower().startswith((REDEEMED, "resgate"))


def _unordered(transactions: Sequence[Transaction]) -> Iterable[Flag]:
    """Day trades whose result depends on an order of fills that no source gives."""
    by_day: dict[tuple[date, str], list[Transaction]] = defaultdict(list)
    for t in transactions:
        if t.operation in (Operation.BUY, Operation.SELL) and t.ticker and t.price:
            by_day[t.date, t.ticker].append(t)
    for (day, ticker), trades in sorted(by_day.items()):
        if len(trades) > 2 and order_matters(fills_of(trades, ())[0]):
            yield flag("order_unknown", ticker=ticker, day=day, blocks=False)


def taxed_lines(facts: Facts) -> tuple[list[TaxLine], list[Flag]]:
    """Every sale, day trade and amortisation above the cost, by its bucket; those of unknown kind are flagged."""
    lines: list[TaxLine] = []
    flags: list[Flag] = []
    for entry in facts.book.journal:
        above = entry.kind == "amortisation" and entry.result > 0
        if entry.kind == "short":
            flags.append(flag("short_sale", ticker=entry.ticker, day=entry.day, result=entry.result))
        if entry.kind not in TAXED and not above:
            continue
        regime = facts.regime(entry.ticker)
        if regime is None:
            flags.append(flag("unknown_kind", ticker=entry.ticker, day=entry.day))
        elif regime.bucket is None:
            flags.append(flag("crypto", ticker=entry.ticker, day=entry.day, blocks=False))
        else:
            lines.append(_line(entry, regime, regime.bucket))
            if above:
                flags.append(flag("amortised", ticker=entry.ticker, day=entry.day, blocks=False))
    return lines, flags


def _line(entry: Entry, regime: Regime, bucket: Bucket) -> TaxLine:
    day_trade = entry.kind == "day_trade" and bucket is Bucket.COMMON
    off_exchange = any(t.note.startswith("exercise of") or is_redemption(t) for t in entry.facts)
    return TaxLine(
        day=entry.day,
        ticker=entry.ticker,
        kind=entry.kind,
        bucket=Bucket.DAY_TRADE if day_trade else bucket,
        exempt_asset=regime.exempt and entry.kind == "sell" and not off_exchange,
        quantity=entry.quantity,
        gross=entry.gross,
        costs=entry.costs,
        cost=entry.cost,
        result=entry.result,
        average_before=(entry.held_cost / entry.held).quantize(Decimal("1e-6")) if entry.held else None,
        held_before=entry.held,
        transactions=tuple(dict.fromkeys(t.id for t in entry.facts if t.id is not None)),
        mark=regime.mark,
        source=regime.source,
    )


def custody_fees(facts: Facts) -> dict[str, Decimal]:
    """Custody fees by month, which lower the common result (ReVar manual)."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for t in facts.transactions:
        if t.operation is Operation.FEE and t.ticker is None and CUSTODY in t.note.lower():
            found[f"{t.date:%Y-%m}"] += t.amount
    return found
