"""Portfolios: transactions to positions, performance, allocation, income."""

from __future__ import annotations

from invest.domain.portfolios.metrics import PortfolioInput, PortfolioMetrics, PositionMetrics, measure
from invest.domain.portfolios.portfolio import Operation, Portfolio, Transaction
from invest.domain.portfolios.positions import ORDER, SHARE, Book, derive, in_order, natural_key, row_hashes

__all__ = [
    "ORDER",
    "SHARE",
    "Book",
    "Operation",
    "Portfolio",
    "PortfolioInput",
    "PortfolioMetrics",
    "PositionMetrics",
    "Transaction",
    "derive",
    "in_order",
    "measure",
    "natural_key",
    "row_hashes",
]
