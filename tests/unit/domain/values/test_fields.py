"""Which figures belong to which kind of asset."""

from __future__ import annotations

import pytest

from invest.domain.market import AssetKind
from invest.domain.values import INDUSTRY_ONLY, UNITS, belongs, fields_of


def test_a_bank_has_no_figures_of_an_industry() -> None:
    assert not belongs("enterprise_value", AssetKind.STOCK, financial=True)
    assert belongs("enterprise_value", AssetKind.STOCK)
    assert not INDUSTRY_ONLY & set(fields_of(AssetKind.STOCK, financial=True))
    assert "roe" in fields_of(AssetKind.STOCK, financial=True)


@pytest.mark.parametrize(
    ("kind", "own", "foreign"),
    [
        (AssetKind.FII, "vacancy", "ebitda"),
        (AssetKind.ETF, "nav_return_1y", "vacancy"),
        (AssetKind.BDR, "parity", "holders"),
        (AssetKind.CRYPTO, "close", "p_l"),
        (AssetKind.UNIT, "bvps", "delinquency"),
    ],
)
def test_a_figure_of_another_kind_does_not_belong(kind: AssetKind, own: str, foreign: str) -> None:
    assert belongs(own, kind)
    assert not belongs(foreign, kind)
    assert belongs("a_figure_of_a_users_own_source", kind)


def test_every_figure_has_one_unit() -> None:
    units = [field for fields in UNITS.values() for field in fields.split()]
    assert len(units) == len(set(units))
    assert {field for kind in AssetKind for field in fields_of(kind)} == set(units)
