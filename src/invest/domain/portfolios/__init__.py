"""Portfolios: transactions to positions, performance, allocation, income."""

from __future__ import annotations

from invest.domain.portfolios.events import is_settlement, settled, trade_day
from invest.domain.portfolios.figures import PortfolioMetrics, PositionMetrics, UnbookedIncome
from invest.domain.portfolios.fills import order_matters, prorated
from invest.domain.portfolios.identity import broker_key, natural_key, row_hashes, same_broker
from invest.domain.portfolios.income import Announced
from invest.domain.portfolios.known import Known
from invest.domain.portfolios.ledger import Entry
from invest.domain.portfolios.metrics import PortfolioInput, measure, positions_of
from invest.domain.portfolios.portfolio import CENT, ZERO, Operation, Plain, Portfolio, Transaction, tidy
from invest.domain.portfolios.positions import AUCTION, ORDER, SHARE, Book, derive, in_order
from invest.domain.portfolios.receipts import Receipt, receipts
from invest.domain.portfolios.returns import PeriodReturn

__all__ = [
    "AUCTION",
    "CENT",
    "ORDER",
    "SHARE",
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
    "Receipt",
    "Transaction",
    "UnbookedIncome",
    "broker_key",
    "derive",
    "in_order",
    "is_settlement",
    "measure",
    "natural_key",
    "order_matters",
    "positions_of",
    "prorated",
    "receipts",
    "row_hashes",
    "same_broker",
    "settled",
    "tidy",
    "trade_day",
]
