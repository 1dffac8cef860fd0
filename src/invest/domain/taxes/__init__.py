"""Income tax of a resident individual on listed investments: monthly assessment, DARF, annual return."""

from __future__ import annotations

from invest.domain.taxes.annual import written_cnpj
from invest.domain.taxes.export import tax_csv
from invest.domain.taxes.lines import TaxInput
from invest.domain.taxes.models import (
    DarfPaid,
    Flag,
    Good,
    MonthTax,
    PayerIncome,
    State,
    TaxLine,
    TaxOpen,
    TaxOpening,
    TaxYear,
)
from invest.domain.taxes.months import due_day
from invest.domain.taxes.rules import DISCLAIMER, NOT_COVERED, RULES, Bucket
from invest.domain.taxes.year import tax_open, tax_year

__all__ = [
    "DISCLAIMER",
    "NOT_COVERED",
    "RULES",
    "Bucket",
    "DarfPaid",
    "Flag",
    "Good",
    "MonthTax",
    "PayerIncome",
    "State",
    "TaxInput",
    "TaxLine",
    "TaxOpen",
    "TaxOpening",
    "TaxYear",
    "due_day",
    "tax_csv",
    "tax_open",
    "tax_year",
    "written_cnpj",
]
