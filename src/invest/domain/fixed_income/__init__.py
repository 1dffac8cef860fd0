"""Fixed income: Tesouro Direto, CDB, LCI, LCA and funds, valued by index and rate or by a price typed in."""

from __future__ import annotations

from invest.domain.fixed_income.bond import Bond, BondKind, Index, Priced, Redeemed
from invest.domain.fixed_income.papers import (
    Moved,
    PaperFact,
    Terms,
    bonds_of,
    by_bond,
    oversold,
    paper_of,
    units_by_day,
)
from invest.domain.fixed_income.unit_values import FIXED_INCOME, Curves, as_assets, value_of

__all__ = [
    "FIXED_INCOME",
    "Bond",
    "BondKind",
    "Curves",
    "Index",
    "Moved",
    "PaperFact",
    "Priced",
    "Redeemed",
    "Terms",
    "as_assets",
    "bonds_of",
    "by_bond",
    "oversold",
    "paper_of",
    "units_by_day",
    "value_of",
]
