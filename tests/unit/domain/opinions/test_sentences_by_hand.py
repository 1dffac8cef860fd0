"""Sentences about one company as a reader would write them, each with a true and an invented figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from invest.domain.analysis import FACT_KEYS
from invest.domain.opinions import SnapshotFact, check_figures

# Value, median of the sector, own median.
VALUES: dict[str, tuple[float | None, ...]] = {
    "close": (38.0,),
    "market_cap": (512400000000.0,),
    "enterprise_value": (701300000000.0,),
    "p_l": (4.5, 6.2, 7.0),
    "p_vp": (1.1, 1.6, 1.3),
    "ev_ebitda": (3.2, 5.1, 3.9),
    "p_sr": (1.0, 1.4, 1.2),
    "roe": (0.242, 0.15, 0.21),
    "roa": (0.081, 0.05, 0.07),
    "roic": (0.18, 0.11, 0.16),
    "gross_margin": (0.52, 0.38, 0.5),
    "ebitda_margin": (0.434, 0.3, 0.41),
    "net_margin": (0.187, 0.094, 0.17),
    "dividend_yield": (0.112, 0.06, 0.13),
    "dividend_yield_5y": (0.148, 0.055, None),
    "payout": (0.61, 0.45, None),
    "net_debt_ebitda": (1.35, 1.9, 1.1),
    "interest_coverage": (8.2, 4.1, 7.5),
    "current_ratio": (0.92, 1.3, 1.05),
    "revenue": (511900000000.0,),
    "net_income": (124600000000.0,),
    "ebitda": (222100000000.0,),
    "equity": (415200000000.0,),
    "net_debt": (299800000000.0,),
    "cash": (62400000000.0,),
    "free_cash_flow": (98700000000.0,),
    "revenue_growth_1y": (0.073,),
    "net_income_growth_1y": (-0.284,),
    "revenue_cagr_5y": (0.112,),
    "net_income_cagr_5y": (0.187,),
    "return_1y": (0.156,),
    "return_6m": (-0.042,),
    "return_1m": (0.031,),
    "excess_ibov_1y": (-0.058,),
    "volatility_1y": (0.31,),
    "max_drawdown_1y": (-0.229,),
    "max_drawdown_5y": (-0.646,),
    "drawdown": (-0.121,),
    "beta_1y": (1.12,),
    "rsi_14": (63.2,),
    "var_95": (-0.028,),
    "sma_200": (35.4,),
    "sma_50": (37.1,),
    "distance_sma_200": (0.0734,),
    "week52_high": (42.9,),
    "week52_low": (30.1,),
    "piotroski": (7.0,),
    "dividends_12m": (4.26,),
    "eps": (8.44,),
    "bvps": (34.5,),
    "graham_price": (80.9,),
    "bazin_price": (71.0,),
    "graham_margin": (1.129,),
    "cdi_annual": (0.1315,),
    "dividend_years_5y": (5.0,),
    "sharpe_1y": (0.08,),
    "altman_z": (2.4,),
    "news_count_30d": (14.0,),
    "turnover_21d": (1520000000.0,),
}
# Another company's, for `more_sentences.txt`.
OTHER_VALUES: dict[str, tuple[float | None, ...]] = {
    "close": (21.4,), "market_cap": (48.6e9,), "p_l": (9.8, 12.1, 11.0), "p_vp": (1.75, 1.4, 1.9),
    "ev_ebitda": (6.9, 7.4, 7.1), "roe": (0.178, 0.125, 0.19), "roic": (0.121, 0.09, 0.13),
    "gross_margin": (0.341, 0.29, 0.35), "ebitda_margin": (0.279, 0.25, 0.262), "net_margin": (0.142, 0.11, 0.138),
    "dividend_yield": (0.064, 0.051, 0.07), "payout": (0.48, 0.55), "net_debt_ebitda": (2.3, 1.8, 2.0),
    "interest_coverage": (3.4, 4.2, 3.9), "current_ratio": (1.42, 1.2, 1.35), "revenue": (34.9e9,),
    "net_income": (4.96e9,), "ebitda": (9.74e9,), "equity": (27.8e9,), "net_debt": (22.4e9,), "cash": (5.1e9,),
    "gross_debt": (27.5e9,), "free_cash_flow": (2.1e9,), "revenue_growth_1y": (0.134,),
    "net_income_growth_1y": (0.226,), "revenue_cagr_5y": (0.091,), "net_income_cagr_5y": (0.064,),
    "return_1y": (-0.087,), "return_6m": (0.118,), "return_1m": (-0.023,), "excess_ibov_1y": (-0.214,),
    "volatility_1y": (0.27,), "max_drawdown_1y": (-0.312,), "drawdown": (-0.175,), "beta_1y": (0.84,),
    "rsi_14": (38.5,), "sma_200": (22.9,), "sma_50": (20.6,), "distance_sma_200": (-0.0655,), "week52_high": (25.9,),
    "week52_low": (18.3,), "piotroski": (6.0,), "eps": (2.18,), "bvps": (12.2,), "dividends_12m": (1.37,),
    "cdi_annual": (0.149,), "altman_z": (2.9,), "news_count_30d": (22.0,), "turnover_21d": (310e6,),
    "var_95": (-0.031,), "ebit_margin": (0.21,), "short_term_debt_share": (0.22,), "capex_revenue": (0.11,),
}  # fmt: skip
TEXTS = Path(__file__).parents[3] / "builders" / "texts"


def facts(values: Mapping[str, tuple[float | None, ...]]) -> list[SnapshotFact]:
    return [
        SnapshotFact(
            id=f"f{i}", key=key, value=some[0], unit=FACT_KEYS[key].unit,
            sector_median=some[1] if len(some) > 1 else None, own_median=some[2] if len(some) > 2 else None,
        )
        for i, (key, some) in enumerate(values.items(), 1)
    ]  # fmt: skip


def rows(name: str) -> list[list[str]]:
    return [row.split("|") for row in (TEXTS / f"{name}.txt").read_text("utf-8").splitlines()]


FACTS, OTHER_FACTS = facts(VALUES), facts(OTHER_VALUES)
IDS = {fact.key: fact.id for fact in FACTS}
ROWS = rows("figure_sentences")


def hidden(row: list[str], figure: str, cited: list[str] | None, of: list[SnapshotFact] = FACTS) -> bool:
    language, _, form, _, _ = row
    return bool(check_figures(form.format(figure), of, language, cited=cited).hidden)


def citations(row: list[str], of: list[SnapshotFact] = FACTS) -> list[str] | None:
    """The facts that an argument cites; a "~" marks a sentence of a summary, which cites none."""
    keys = row[1].split()
    return None if "~" in keys else [fact.id for fact in of if fact.key in keys]


@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize(("name", "of"), [("figure_sentences", FACTS), ("more_sentences", OTHER_FACTS)])
def test_true_sentences_stay_and_invented_figures_go(language: str, name: str, of: list[SnapshotFact]) -> None:
    mine = [row for row in rows(name) if row[0] == language]
    assert len(mine) > 150
    gone = [row[2] for row in mine if hidden(row, row[3], citations(row, of), of)]
    left = [row[2] for row in mine if not hidden(row, row[4], citations(row, of), of)]
    assert len(gone) <= 0.02 * len(mine), gone
    assert len(left) <= 0.02 * len(mine), left


def test_an_ordinary_sentence_needs_no_citation() -> None:
    rows = [row for row in ROWS[-60:] if "~" not in row[1]]  # as AIs mostly write: each names its fact
    assert len(rows) == 60
    assert not [row[2] for row in rows if hidden(row, row[3], None)]
    assert all(hidden(row, row[4], None) for row in rows)


@pytest.mark.parametrize(
    ("text", "keys", "holds"),
    [
        ("ROE e ROIC de 24,2% e 18%, respectivamente.", ["roe", "roic"], True),
        ("ROE e ROIC de 18% e 24,2%, respectivamente.", ["roe", "roic"], False),
        ("Negocia com ágio de 10% sobre o valor patrimonial.", ["p_vp"], True),
        ("Negocia com desconto de 10% sobre o valor patrimonial.", ["p_vp"], False),
        ("Retém apenas 39% do lucro.", ["payout"], True),
        ("O mercado paga 9 anos de lucro pela companhia.", ["p_l"], False),
        ("EV/EBITDA de 3,9x, desconto de 37% ante o setor.", ["ev_ebitda"], False),
        ("Caixa de R$ 62,4 bi ante dívida líquida de R$ 299,8 bi.", ["cash", "net_debt"], True),
        ("De cada R$ 100 vendidos, sobram R$ 18,70 de lucro.", ["net_margin"], True),
        ("O IFR de 63,2 está perto da zona de sobrecompra (70).", ["rsi_14"], True),
    ],
)
def test_figures_follow_from_cited_facts_as_readers_reckon(text: str, keys: list[str], holds: bool) -> None:
    assert bool(check_figures(text, FACTS, "pt-BR", cited=[IDS[key] for key in keys]).hidden) is not holds
