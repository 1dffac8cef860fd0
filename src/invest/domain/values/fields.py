"""Which observed figures belong to which kind of asset, and in which unit each is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from invest.domain.market import AssetKind

# Ratios of an industry's accounts: a source that prints one for a bank or an insurer has divided what says nothing.
INDUSTRY_ONLY: Final = frozenset({
    "gross_margin", "ebit_margin", "ebitda_margin", "ebit", "ebitda", "ev_ebit", "ev_ebitda", "p_ebit", "roic",
    "current_ratio", "net_debt", "gross_debt", "net_debt_ebitda", "net_debt_equity", "gross_debt_equity",
    "interest_coverage", "short_term_debt_share", "free_cash_flow", "fcf_yield", "gross_profit", "enterprise_value",
})  # fmt: skip
_TRADED: Final = ("close", "volume")
_COMPANY: Final = (
    "market_cap", "enterprise_value", "shares_outstanding", "p_l", "p_vp", "dividend_yield", "eps", "bvps", "revenue",
    "gross_profit", "ebitda", "net_income", "gross_margin", "ebit_margin", "ebitda_margin", "net_margin", "roe", "roa",
    "current_ratio", "cash", "gross_debt", "operating_cash_flow", "free_cash_flow",
)  # fmt: skip
_FUND: Final = (
    "market_cap", "shares_outstanding", "equity", "bvps", "p_vp", "holders", "admin_fee", "dividend_yield",
)  # fmt: skip
_BY_KIND: Final[Mapping[AssetKind, tuple[str, ...]]] = {
    AssetKind.STOCK: (*_TRADED, *_COMPANY),
    AssetKind.UNIT: (*_TRADED, *_COMPANY),
    AssetKind.FII: (*_TRADED, *_FUND, "total_assets", "dividends_12m", "vacancy", "delinquency"),
    AssetKind.ETF: (*_TRADED, *_FUND, "nav_return_1y"),
    AssetKind.BDR: (*_TRADED, "market_cap", "shares_outstanding", "dividend_yield", "eps", "p_l", "p_vp", "parity"),
    AssetKind.CRYPTO: ("close", "turnover", "market_cap"),
    AssetKind.INDEX: ("close",),
    AssetKind.RIGHT: _TRADED,
}
_EVERY: Final = frozenset(field for fields in _BY_KIND.values() for field in fields)
UNITS: Final[Mapping[str, str]] = {
    "BRL": "close turnover bvps eps dividends_12m equity total_assets market_cap enterprise_value revenue gross_profit "
    "ebitda net_income cash gross_debt operating_cash_flow free_cash_flow",
    "count": "volume shares_outstanding holders",
    "fraction": "dividend_yield gross_margin ebit_margin ebitda_margin net_margin roe roa admin_fee vacancy "
    "delinquency nav_return_1y",
    "x": "p_l p_vp current_ratio parity",
}


def fields_of(kind: AssetKind, *, financial: bool = False) -> tuple[str, ...]:
    """The figures that an asset of this kind can have. `financial`: a bank or an insurer, by its chart of accounts."""
    fields = _BY_KIND.get(kind, ())
    return tuple(field for field in fields if field not in INDUSTRY_ONLY) if financial else fields


def belongs(field: str, kind: AssetKind, *, financial: bool = False) -> bool:
    """Whether an observed figure is one of its kind of asset; what no kind is known to have belongs to any."""
    if kind is AssetKind.OTHER:
        return True
    if financial and field in INDUSTRY_ONLY:
        return False
    return field in fields_of(kind, financial=financial) or field not in _EVERY
