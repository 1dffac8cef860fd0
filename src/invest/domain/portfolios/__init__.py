"""Portfolios: transactions to positions, performance, allocation, income."""

from __future__ import annotations

from invest.domain.portfolios.allocation import Trade
from invest.domain.portfolios.events import settled
from invest.domain.portfolios.exchanges import ESTIMATED, PUBLISHED, known_spin_off, shares_of_cost, spun_off
from invest.domain.portfolios.figures import PortfolioMetrics, PositionMetrics, UnbookedIncome
from invest.domain.portfolios.fills import fills_of, order_matters, prorated
from invest.domain.portfolios.identity import broker_key, natural_key, row_hashes, same_broker
from invest.domain.portfolios.income import PROPOSED, Announced, Proposal
from invest.domain.portfolios.known import Known
from invest.domain.portfolios.ledger import SHARE, Entry
from invest.domain.portfolios.metrics import PortfolioInput, measure, positions_of
from invest.domain.portfolios.portfolio import (
    CENT,
    REDEEMED,
    SHORT,
    ZERO,
    Operation,
    Plain,
    Portfolio,
    Transaction,
    tidy,
)
from invest.domain.portfolios.positions import AUCTION, ORDER, Book, derive, in_order
from invest.domain.portfolios.receipts import Receipt, receipts_of
from invest.domain.portfolios.returns import PeriodReturn
from invest.domain.portfolios.settlement import is_settlement, trade_day

__all__ = [
    "AUCTION",
    "CENT",
    "ESTIMATED",
    "ORDER",
    "PROPOSED",
    "PUBLISHED",
    "REDEEMED",
    "SHARE",
    "SHORT",
    "ZERO",
    "Announced",
    "Book",
    "Entry",
    "Known",
    "Operation",
    "PeriodReturn",
    "Plain",
    "Portfolio",
    "PortfolioInput",
    "PortfolioMetrics",
    "PositionMetrics",
    "Proposal",
    "Receipt",
    "Trade",
    "Transaction",
    "UnbookedIncome",
    "broker_key",
    "derive",
    "fills_of",
    "in_order",
    "is_settlement",
    "known_spin_off",
    "measure",
    "natural_key",
    "order_matters",
    "positions_of",
    "prorated",
    "receipts_of",
    "row_hashes",
    "same_broker",
    "settled",
    "shares_of_cost",
    "spun_off",
    "tidy",
    "trade_day",
]
