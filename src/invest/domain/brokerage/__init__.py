"""Brokerage statements: B3's files and brokers' notes read into a plan of transactions."""

from __future__ import annotations

from invest.domain.brokerage.layouts import MEANINGS
from invest.domain.brokerage.pieces import joined, read_in_pieces
from invest.domain.brokerage.plan import Accept, ImportedRow, ImportPlan, plan_booking, plan_import, with_origin
from invest.domain.brokerage.reading import StatementRefused
from invest.domain.brokerage.statement import Statement, read_statement

__all__ = [
    "MEANINGS",
    "Accept",
    "ImportPlan",
    "ImportedRow",
    "Statement",
    "StatementRefused",
    "joined",
    "plan_booking",
    "plan_import",
    "read_in_pieces",
    "read_statement",
    "with_origin",
]
