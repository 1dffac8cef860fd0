"""Figures and claims in words against the facts they cite: what holds, what follows from them, what is another's."""

from __future__ import annotations

import pytest
from bench.faithful import measure

from invest.ai.answers.figures import label
from invest.domain.analysis import FACT_KEYS
from invest.domain.opinions.faithfulness import check_figures
from invest.domain.opinions.opinion import SnapshotFact

VALUES: dict[str, tuple[str, float, float | None, float | None]] = {
    "close": ("BRL", 38.0, None, None),
    "p_l": ("x", 4.53, 6.2, 7.0),
    "roe": ("fraction", 0.2423, 0.15, 0.2),
    "net_margin": ("fraction", 0.18, 0.1, 0.15),
    "dividend_yield": ("fraction", 0.112, 0.06, 0.08),
    "market_cap": ("BRL", 4.987e11, None, None),
    "net_debt_ebitda": ("x", 1.4, 2.1, None),
    "revenue": ("BRL", 5.1e11, None, None),
    "net_income": ("BRL", 1.1e11, None, None),
    "revenue_growth_1y": ("fraction", 1.04, None, None),
    "net_income_growth_1y": ("fraction", -0.12, None, None),
    "volatility_1y": ("fraction", 0.31, None, None),
    "return_1y": ("fraction", 0.18, None, None),
    "excess_ibov_1y": ("fraction", -0.04, None, None),
    "payout": ("fraction", 0.52, None, None),
    "max_drawdown_1y": ("fraction", -0.22, None, None),
    "distance_sma_200": ("fraction", 0.0857, None, None),
    "rsi_14": ("index", 63.2, None, None),
    "ev_ebitda": ("x", 3.0, 5.1, None),
}
FACTS = tuple(
    SnapshotFact(id=f"f{i}", key=key, value=value, unit=unit, sector_median=sector, own_median=own)
    for i, (key, (unit, value, sector, own)) in enumerate(VALUES.items(), 1)
)
IDS = {fact.key: fact.id for fact in FACTS}

HOLDS = """
p_l | O P/L de 4,5x está abaixo da mediana do setor (6,2x) e da própria (7,0x).
p_l | Negocia a 4,5 vezes o lucro, um desconto de 27% em relação ao setor.
p_l | A ação está 27% mais barata que o setor pelo P/L.
p_l | At 4.5x earnings the stock trades 27% below its sector's median.
roe | O ROE de 24,2% supera em 9,2 p.p. a mediana do setor.
roe | A rentabilidade (ROE) é 1,6 vez a do setor.
roe | ROE of 24.2% is 9.2 percentage points above the sector median of 15.0%.
market_cap | Valor de mercado de quase R$ 500 bilhões.
market_cap | O valor de mercado é inferior a R$ 500 bilhões.
market_cap | Vale mais de R$ 490 bilhões.
net_income_growth_1y revenue_growth_1y | O lucro caiu 12% em doze meses, embora a receita tenha dobrado.
net_debt_ebitda | Dívida líquida de 1,4x o EBITDA, contra 2,1x no setor.
dividend_yield | O dividend yield de 11,2% é quase o dobro da mediana do setor (6,0%).
payout | Paga cerca de metade do lucro em proventos.
return_1y excess_ibov_1y | A ação rendeu 18% em 12 meses, 4 pontos percentuais a menos que o IBOV.
distance_sma_200 | O preço está 8,6% acima da média de 200 dias.
volatility_1y max_drawdown_1y | Com volatilidade anual de 31%, quedas de 22% já ocorreram no último ano.
revenue net_income | Revenue of R$ 510 billion and net income of R$ 110 billion.
rsi_14 | O IFR (14) de 63,2 não indica sobrecompra.
ev_ebitda | O EV/EBITDA de 3,0x fica 41% abaixo do setor.
"""
FAILS = """
net_margin roe | A margem líquida de 24,2% é alta. | 24,2%
roe | O ROE de 18% é alto. | 18%
roe | A margem líquida de 18% sustenta o ROE. | 18%
roe | ROE de 15%. | 15%
p_l | P/L 50% abaixo do setor. | 50%
p_l | P/L 27% acima do setor. | 27%
p_l | P/S 40% below the sector's median. | 40%
p_l | Vale a metade do setor pelo P/L. | a metade do
net_income_growth_1y | O lucro triplicou. | triplicou
net_income_growth_1y | Earnings doubled over the year. | doubled
net_income_growth_1y | O lucro cresceu 12%. | 12%
market_cap | Valor de mercado acima de R$ 600 bilhões. | R$ 600 bilhões
market_cap | Valor de mercado de cerca de R$ 400 bilhões. | R$ 400 bilhões
net_debt_ebitda | A dívida líquida é de 2,4x o EBITDA. | 2,4x
"""


def rows(block: str) -> list[list[str]]:
    return [[part.strip() for part in line.split(" | ")] for line in block.strip().splitlines()]


@pytest.mark.parametrize(("keys", "text"), rows(HOLDS))
def test_what_cited_facts_say_or_imply_stands(keys: str, text: str) -> None:
    check = check_figures(text, FACTS, cited=[IDS[key] for key in keys.split()])
    assert [figure.text for figure in check.unmatched] == []
    assert check.count > 0
    assert check.visible == text


@pytest.mark.parametrize(("keys", "text", "wrong"), rows(FAILS))
def test_another_facts_number_an_invented_one_and_a_wrong_word_are_marked(keys: str, text: str, wrong: str) -> None:
    check = check_figures(text, FACTS, cited=[IDS[key] for key in keys.split()])
    assert [figure.text.removeprefix("o ").strip() for figure in check.unmatched] == [wrong]
    assert check.visible == ""


@pytest.mark.parametrize(
    "text",
    ["Segunda metade do ano.", "O lucro pode dobrar.", "Crescimento de double-digit.", "Metade do caminho foi andada."],
)
def test_words_that_claim_nothing_are_no_claims(text: str) -> None:
    assert check_figures(text, FACTS, cited=[]).count == 0


def test_a_text_without_citations_is_held_against_the_facts_it_names() -> None:
    text = "Margem líquida de 18% e ROE de 24%. O desconto de 27% no P/L compensa a queda de 12% do lucro."
    assert not check_figures(text, FACTS).unmatched
    wrong = check_figures("Margem líquida de 24% e ROE de 18%.", FACTS)
    assert [figure.text for figure in wrong.unmatched] == ["24%", "18%"]


def test_among_many_facts_an_unnamed_whole_percentage_proves_nothing() -> None:
    percents = [key for key, fact in FACT_KEYS.items() if fact.unit == "fraction"]
    many = tuple(
        SnapshotFact(id=f"f{i}", key=key, value=0.01 + i * 0.013, unit="fraction") for i, key in enumerate(percents, 1)
    )
    shown = sum(not check_figures(f"O indicador chegou a {n}%.", many).unmatched for n in range(1, 100))
    assert shown == 0
    named = [f"{label(fact, 'pt-BR')}: {fact.value * 100:.1f}%.".replace(".", ",", 1) for fact in many]
    assert (
        sum(bool(check_figures(text, many, cited=[fact.id]).unmatched) for text, fact in zip(named, many, strict=True))
        <= 1
    )


def test_generated_sentences_of_known_truth_are_told_apart() -> None:
    result = measure(600, seed=3)
    assert result["sentences"] == 600
    assert result["false_shown"] < 0.03
    assert result["true_hidden"] < 0.02
