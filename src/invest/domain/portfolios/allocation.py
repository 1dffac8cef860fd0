"""How a portfolio is spread: weights, concentration, and the trades that bring it to its targets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Literal

from pydantic import Field

from invest.domain.frozen import Frozen
from invest.domain.market import CRYPTO_PAIR

# Above these a portfolio is told to be concentrated; fractions of its value. HHI .25 is four equal holdings.
ONE_ASSET = 0.20
THREE_ASSETS = 0.60
ONE_SECTOR = 0.40
HIGH_HHI = 0.25
ENOUGH_TO_JUDGE = 2

COIN = Decimal("1e-8")
SHARE = Decimal(1)


class Concentration(Frozen):
    """One warning: what is concentrated, its weight and the limit, both fractions (HHI: the index itself)."""

    kind: Literal["asset", "top_three", "sector", "hhi"]
    name: str
    value: float
    limit: float


class Trade(Frozen):
    """One order of a rebalancing. Quantities in whole shares (coins to eight decimals), amounts in BRL."""

    ticker: str
    side: Literal["buy", "sell"]
    quantity: Decimal
    price: Decimal
    amount: Decimal
    weight: float = Field(description="now")
    target: float


def weights(values: Mapping[str, Decimal]) -> dict[str, float]:
    """Each value as a fraction of their sum; empty where there is nothing."""
    total = sum(values.values(), Decimal(0))
    return {name: float(value / total) for name, value in values.items()} if total > 0 else {}


def hhi(spread: Mapping[str, float]) -> float | None:
    """Herfindahl-Hirschman index, Σ w²: 1 for a single holding, 1/n for n equal ones; None for nothing."""
    return sum(weight**2 for weight in spread.values()) if spread else None


def grouped(values: Mapping[str, Decimal], group_of: Mapping[str, str | None]) -> dict[str, float]:
    """Weights by group, largest first; what has no group is under "unknown"."""
    sums: dict[str, Decimal] = {}
    for name, value in values.items():
        group = group_of.get(name) or "unknown"
        sums[group] = sums.get(group, Decimal(0)) + value
    spread = weights(sums)
    return dict(sorted(spread.items(), key=lambda item: (-item[1], item[0])))


def concentrations(spread: Mapping[str, float], sectors: Mapping[str, float]) -> list[Concentration]:
    """Warnings about a portfolio's weights by asset and by sector; a portfolio of one asset gets just that one."""
    found = [
        Concentration(kind="asset", name=name, value=weight, limit=ONE_ASSET)
        for name, weight in sorted(spread.items(), key=lambda item: -item[1])
        if weight > ONE_ASSET
    ]
    if len(spread) < ENOUGH_TO_JUDGE:
        return found
    largest = sorted(spread.values(), reverse=True)[:3]
    if len(spread) > len(largest) and sum(largest) > THREE_ASSETS:
        found.append(Concentration(kind="top_three", name="top 3", value=sum(largest), limit=THREE_ASSETS))
    found += [
        Concentration(kind="sector", name=name, value=weight, limit=ONE_SECTOR)
        for name, weight in sectors.items()
        if weight > ONE_SECTOR and name != "unknown"
    ]
    index = hhi(spread)
    if index is not None and index > HIGH_HHI:
        found.append(Concentration(kind="hhi", name="HHI", value=index, limit=HIGH_HHI))
    return found


def rebalance(
    values: Mapping[str, Decimal],
    prices: Mapping[str, Decimal],
    targets: Mapping[str, Decimal],
    *,
    cash: Decimal = Decimal(0),
    sell: bool = True,
) -> list[Trade]:
    """Orders that bring `values` (BRL by ticker) towards `targets` (fractions), `cash` added to what is there.

    Quantities are rounded towards doing less, so orders never cost more than they free plus `cash`. Assets without a
    target are left alone and count in the whole; without `sell` only `cash` is spent, in proportion to what lacks.
    An asset without a price gets no order.
    """
    whole = sum(values.values(), Decimal(0))
    total = whole + cash
    if total <= 0:
        return []
    lacks = {t: weight * total - values.get(t, Decimal(0)) for t, weight in targets.items() if prices.get(t, 0) > 0}

    def trade(ticker: str, amount: Decimal) -> Trade | None:
        now = values.get(ticker, Decimal(0)) / whole if whole > 0 else Decimal(0)
        return _trade(ticker, amount, prices[ticker], float(now), float(targets[ticker]))

    sales = [made for t in sorted(lacks) if sell and lacks[t] < 0 and (made := trade(t, lacks[t]))]
    means = cash + sum((s.amount for s in sales), Decimal(0))
    lacking = sum((amount for amount in lacks.values() if amount > 0), Decimal(0))
    scale = min(Decimal(1), means / lacking) if lacking > 0 else Decimal(0)
    purchases = [made for t in sorted(lacks) if lacks[t] > 0 and (made := trade(t, lacks[t] * scale))]
    return sales + purchases


def _trade(ticker: str, amount: Decimal, price: Decimal, weight: float, target: float) -> Trade | None:
    step = COIN if CRYPTO_PAIR.fullmatch(ticker) else SHARE
    quantity = (abs(amount) / price).quantize(step, rounding=ROUND_DOWN)
    if quantity <= 0:
        return None
    return Trade(
        ticker=ticker,
        side="buy" if amount > 0 else "sell",
        quantity=quantity,
        price=price,
        amount=(quantity * price).quantize(Decimal("0.01"), rounding=ROUND_DOWN if amount < 0 else ROUND_UP),
        weight=weight,
        target=target,
    )
