"""Sentences as AIs argue, in figures and in words, each once true and once false: four companies' facts."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from invest.domain.opinions import check_figures
from tests.unit.domain.opinions.test_sentences_by_hand import facts, rows

# Value, median of the sector, own median.
VALUES: dict[str, Mapping[str, tuple[float | None, ...]]] = {
    "a": {  # a grower at a premium
        "close": (52.3,), "market_cap": (118.4e9,), "enterprise_value": (139.5e9,), "p_l": (14.6, 11.2, 16.8),
        "p_vp": (3.4, 1.9, 3.1), "ev_ebitda": (9.95, 7.4, 10.8), "p_sr": (2.2, 1.1, 2.5),
        "roe": (0.233, 0.141, 0.221), "roa": (0.094, 0.052, 0.09), "roic": (0.187, 0.102, 0.175),
        "gross_margin": (0.467, 0.312, 0.452), "ebitda_margin": (0.261, 0.183, 0.247),
        "net_margin": (0.151, 0.078, 0.139), "ebit_margin": (0.214,), "dividend_yield": (0.031, 0.048, 0.027),
        "payout": (0.45, 0.38), "net_debt_ebitda": (1.5, 2.4, 1.7), "interest_coverage": (6.8, 3.1, 6.1),
        "current_ratio": (1.72, 1.35, 1.66), "revenue": (53.7e9,), "net_income": (8.11e9,), "ebitda": (14.02e9,),
        "equity": (34.8e9,), "net_debt": (21.1e9,), "gross_debt": (30.6e9,), "cash": (9.5e9,),
        "free_cash_flow": (5.4e9,), "revenue_growth_1y": (0.182,), "net_income_growth_1y": (0.247,),
        "revenue_cagr_5y": (0.156,), "net_income_cagr_5y": (0.201,), "return_1y": (0.372,), "return_6m": (0.145,),
        "return_1m": (-0.036,), "excess_ibov_1y": (0.119,), "volatility_1y": (0.24,), "max_drawdown_1y": (-0.147,),
        "max_drawdown_5y": (-0.418,), "drawdown": (-0.052,), "beta_1y": (0.76,), "rsi_14": (57.4,),
        "var_95": (-0.021,), "sma_200": (45.8,), "sma_50": (50.9,), "distance_sma_200": (0.1419,),
        "week52_high": (55.2,), "week52_low": (36.4,), "piotroski": (8.0,), "dividends_12m": (1.62,),
        "eps": (3.58,), "bvps": (15.4,), "graham_price": (35.2,), "bazin_price": (27.0,), "cdi_annual": (0.149,),
        "dividend_years_5y": (5.0,), "sharpe_1y": (0.93,), "altman_z": (4.6,), "news_count_30d": (31.0,),
        "turnover_21d": (640e6,),
    },
    "b": {  # a retailer with a loss
        "close": (8.45,), "market_cap": (6.2e9,), "p_vp": (0.72, 1.1, 0.95), "ev_ebitda": (8.6, 6.4, 7.1),
        "p_sr": (0.31, 0.55, 0.42), "roe": (-0.042, 0.092, 0.061), "roic": (0.068, 0.095, 0.088),
        "gross_margin": (0.287, 0.305, 0.296), "ebitda_margin": (0.064, 0.081, 0.072),
        "net_margin": (-0.018, 0.024, 0.021), "net_debt_ebitda": (3.8, 2.1, 2.9),
        "interest_coverage": (1.2, 2.6, 1.9), "current_ratio": (1.08, 1.31, 1.22), "revenue": (20.1e9,),
        "net_income": (-362e6,), "ebitda": (1.286e9,), "equity": (8.6e9,), "net_debt": (4.89e9,),
        "gross_debt": (7.3e9,), "cash": (2.41e9,), "free_cash_flow": (410e6,), "revenue_growth_1y": (0.028,),
        "revenue_cagr_5y": (0.054,), "return_1y": (-0.462,), "return_6m": (-0.187,), "return_1m": (0.064,),
        "return_5y": (-0.713,), "excess_ibov_1y": (-0.522,), "volatility_1y": (0.58,), "volatility_21d": (0.63,),
        "max_drawdown_1y": (-0.541,), "drawdown": (-0.498,), "beta_1y": (1.64,), "rsi_14": (34.2,),
        "var_95": (-0.054,), "sma_200": (10.9,), "sma_50": (8.9,), "distance_sma_200": (-0.2248,),
        "week52_high": (16.83,), "week52_low": (7.73,), "piotroski": (3.0,), "eps": (-0.49,), "bvps": (11.73,),
        "altman_z": (1.6,), "cdi_annual": (0.149,), "news_count_30d": (47.0,), "turnover_21d": (96e6,),
        "short_term_debt_share": (0.41,), "inventory_days": (78.0,), "dividend_years_5y": (2.0,),
        "capex_revenue": (0.021,), "shares_outstanding": (733e6,),
    },
    "c": {  # a utility
        "close": (41.2,), "market_cap": (31.5e9,), "enterprise_value": (46.7e9,), "p_l": (9.1, 10.8, 8.4),
        "p_vp": (1.45, 1.6, 1.3), "ev_ebitda": (6.3, 6.9, 5.7), "roe": (0.159, 0.148, 0.171),
        "roic": (0.112, 0.101, 0.118), "gross_margin": (0.412, 0.367, 0.405),
        "ebitda_margin": (0.378, 0.341, 0.362), "net_margin": (0.176, 0.142, 0.181),
        "dividend_yield": (0.083, 0.061, 0.072), "payout": (0.75, 0.52), "net_debt_ebitda": (2.05, 2.7, 1.85),
        "interest_coverage": (3.3, 2.9, 3.8), "current_ratio": (1.21, 1.12, 1.3), "revenue": (19.6e9,),
        "net_income": (3.46e9,), "ebitda": (7.41e9,), "equity": (21.7e9,), "net_debt": (15.2e9,),
        "gross_debt": (18.9e9,), "cash": (3.7e9,), "free_cash_flow": (2.6e9,), "revenue_growth_1y": (-0.031,),
        "net_income_growth_1y": (-0.118,), "revenue_cagr_5y": (0.067,), "net_income_cagr_5y": (0.043,),
        "return_1y": (0.214,), "return_6m": (-0.021,), "return_1m": (0.018,), "excess_ibov_1y": (-0.037,),
        "volatility_1y": (0.19,), "max_drawdown_1y": (-0.118,), "drawdown": (-0.034,), "beta_1y": (0.58,),
        "rsi_14": (52.1,), "var_95": (-0.017,), "sma_200": (38.6,), "sma_50": (41.9,),
        "distance_sma_200": (0.0674,), "week52_high": (42.65,), "week52_low": (33.1,), "piotroski": (6.0,),
        "dividends_12m": (3.42,), "eps": (4.53,), "bvps": (28.4,), "graham_price": (53.8,), "bazin_price": (57.0,),
        "cdi_annual": (0.149,), "dividend_years_5y": (5.0,), "altman_z": (2.2,), "news_count_30d": (12.0,),
        "turnover_21d": (185e6,), "short_term_debt_share": (0.17,),
    },
    "d": {  # an oil producer
        "close": (28.6,), "market_cap": (24.3e9,), "p_l": (5.2, 6.9, 6.1), "p_vp": (1.9, 1.3, 1.6),
        "ev_ebitda": (3.1, 4.2, 3.6), "roe": (0.365, 0.188, 0.29), "roic": (0.241, 0.133, 0.205),
        "gross_margin": (0.583, 0.441, 0.55), "ebitda_margin": (0.612, 0.398, 0.587),
        "net_margin": (0.274, 0.151, 0.243), "dividend_yield": (0.124, 0.079, 0.095), "payout": (0.64, 0.47),
        "net_debt_ebitda": (0.6, 1.4, 0.9), "interest_coverage": (11.5, 4.8, 8.9), "current_ratio": (2.1, 1.4, 1.8),
        "revenue": (17.1e9,), "net_income": (4.68e9,), "ebitda": (10.47e9,), "equity": (12.8e9,),
        "net_debt": (6.3e9,), "gross_debt": (9.9e9,), "cash": (3.6e9,), "free_cash_flow": (3.1e9,),
        "revenue_growth_1y": (0.415,), "net_income_growth_1y": (1.12,), "revenue_cagr_5y": (0.262,),
        "net_income_cagr_5y": (0.318,), "return_1y": (0.083,), "return_6m": (0.246,), "return_1m": (-0.071,),
        "excess_ibov_1y": (-0.094,), "volatility_1y": (0.41,), "max_drawdown_1y": (-0.334,), "drawdown": (-0.129,),
        "beta_1y": (1.27,), "rsi_14": (72.6,), "sma_200": (25.1,), "sma_50": (29.4,), "distance_sma_200": (0.1394,),
        "week52_high": (32.85,), "week52_low": (19.4,), "piotroski": (7.0,), "dividends_12m": (3.55,),
        "eps": (5.5,), "bvps": (15.05,), "graham_price": (43.2,), "bazin_price": (59.2,), "cdi_annual": (0.149,),
        "altman_z": (3.4,), "news_count_30d": (58.0,), "turnover_21d": (412e6,), "short_term_debt_share": (0.12,),
        "dividend_years_5y": (4.0,),
    },
}  # fmt: skip
FACTS = {company: facts(values) for company, values in VALUES.items()}
CHOICE = re.compile(r"\{(.*?)~(.*?)\}")
ROWS = rows("argued_sentences")


def shown(row: list[str], *, true: bool) -> bool:
    """Whether the check lets the sentence stand; "~" among its facts marks one of a summary, which cites none."""
    company, language, keys, form = row
    cited = None if "~" in keys else [fact.id for fact in FACTS[company] if fact.key in keys.split()]
    text = CHOICE.sub(lambda match: match[1 if true else 2], form)
    return not check_figures(text, FACTS[company], language, cited=cited).hidden


@pytest.mark.parametrize("company", VALUES)
def test_arguments_are_told_true_from_false(company: str) -> None:
    mine = [row for row in ROWS if row[0] == company]
    assert len(mine) > 70
    gone = [row[3] for row in mine if not shown(row, true=True)]
    left = [row[3] for row in mine if shown(row, true=False)]
    assert len(gone) <= 0.02 * len(mine), gone
    assert len(left) <= 0.02 * len(mine), left


@pytest.mark.parametrize(
    ("text", "keys", "stands"),
    [
        ("O ROE está acima da mediana do setor.", ["roe"], True),
        ("O ROE está abaixo da mediana do setor.", ["roe"], False),
        ("O ROE não está abaixo da mediana do setor.", ["roe"], True),
        ("O ROE pode ficar abaixo da mediana do setor.", ["roe"], True),
        ("O ROE ficou acima do esperado pelo mercado.", ["roe"], True),  # no fact to hold it against
        ("O lucro cresceu.", ["net_income_growth_1y"], True),
        ("O lucro caiu.", ["net_income_growth_1y"], False),
        ("O lucro caiu no trimestre.", ["net_income_growth_1y"], True),  # of a quarter nothing is cited
        ("The stock trades at a premium to its sector.", ["p_l"], True),
        ("The stock trades at a discount to its sector.", ["p_l"], False),
        ("Receita mais que dobrou em cinco anos.", ["revenue_cagr_5y"], True),
        ("Receita triplicou em cinco anos.", ["revenue_cagr_5y"], False),
        ("A volatilidade recente (63%) está abaixo da anual (58%).", ["volatility_1y"], False),
    ],
)
def test_words_of_direction_are_held_against_the_facts(text: str, keys: list[str], *, stands: bool) -> None:
    cited = [fact.id for fact in FACTS["a"] if fact.key in keys]
    assert bool(check_figures(text, FACTS["a"], "pt-BR", cited=cited).hidden) is not stands
