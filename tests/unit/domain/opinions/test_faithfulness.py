"""The check of figures in free text: notations, kinds, signs, masks, and what is hidden."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.opinions.faithfulness import check_figures, split_sentences
from invest.domain.opinions.figures_text import figures_in
from invest.domain.opinions.opinion import SnapshotFact

FACTS = tuple(
    SnapshotFact(id=f"f{i:02}", key=key, value=value, unit=unit, sector_median=median)
    for i, (key, value, unit, median) in enumerate(
        (
            ("roe", 0.2423, "fraction", 0.15),
            ("p_l", 4.53, "x", None),
            ("revenue", 1.23e10, "BRL", None),
            ("close", 1234.56, "BRL", None),
            ("return_1m", -0.032, "fraction", None),
            ("spread", 3.5, "pp", None),
            ("net_income", -1.2e9, "BRL", None),
            ("holders", 12345, "count", None),
            ("piotroski", 7, "count", None),
            ("rsi_14", 63.2, "index", None),
            ("shares_outstanding", 13.04e9, "count", None),
        ),
        1,
    )
)
HOLDS = """
ROE de 24,2% | ROE of 24.2% | ROE de 24% | ROE 24,23 % | ROE24,2% | (24,2%) | ROE alto (24,2%) | ROE~24,2%
+24,2% | “24,2%”
24,2 por cento | 24.2 percent | vinte e quatro por cento | twenty-four percent | ２４,２% | 24\u200b,2%
24,2% a.a.
ROE de 24,2% acima da mediana do setor (15,0%) | ROE entre 15% e 24% | de 15 a 24% | 15–24% | 15-24%
P/L de 4,5x | P/L de 4,5 | P/L de 4,53 x | P/L de 4,5 vezes | cinco vezes o lucro | P/E of 4.5×
O P/L caiu para 4,5x | P/L=4,53
R$ 1.234,56 | R$ 1,234.56 | R$1234.56 | 1.234,56 reais | R$ 1.234,56/ação
lucro caiu de R$ 12,3 bi para R$ 1.234,56
R$ 12,3 bi | R$ 12,3 bilhões | R$ 12.300 milhões | R$ 12.300.000.000 | R$ 12,3 mil milhões | R$ 12 bilhões
R$\u00a012,3\u00a0bi
receita de 12,3 bilhões de reais | BRL 12.3 billion | BRL12.3bn | R$12.3B | doze bilhões de reais
variação de (3,2)% | variação de -3,2% | variação de −3,2% | queda de 3,2% | recuo de 3,2% | caiu 3,2%
fell 3.2% | menos 3,2%
Recuo: 3,2% | prejuízo (R$ 1,2 bi) | Queda: o ROE de 24,2% | 24.2 pct | A queda máxima em 12 meses foi de 3,2%
3,2% de queda | a 3.2% decline
3,2% abaixo | desconto de 3,2% | subiu 24,2% após cair 3,2%
down 3.2% and up 24.2%
prejuízo de R$ 1,2 bi | prejuízo líquido de R$ 1,2 bilhão | net loss of R$ 1.2 billion | R$ (1,2) bi
-R$ 1,2 bi | R$ -1,2 bi
R$ 1,2 bi negativos | ebitda negativo em R$ 1,2 bi | loss of BRL 1.2bn | 1.2 billion reais loss
prejuízo de R$ 1.200 milhões
350 bps | 350 pontos-base | 3,5 pp | 3,5 p.p. | 3,5 pontos percentuais | 3.5 percentage points | alta de 350 bps
12.345 ações | 12,345 shares | 12345 | 13,0 bilhões de ações | Piotroski 7 | Piotroski 7/9 | Piotroski 7 de 9
a score of 7 out of 9
RSI de 63,2 | RSI(14) em 63,2 | IFR de 14 dias em 63,2 | com a queda dos juros, o ROE de 24,2%
o ROE caiu de 24,2% para 15%
em 31 de dezembro de 2025 o ROE era 24,2% | cresceu 24,2% a.a. nos últimos 5 anos
A margem (24,2%) supera a do setor (15,0%).
"""
FAILS = """
ROE de 24,3% | ROE de 24,2 | ROE24,9% | trinta por cento | 4,5% | quatro vezes | ROE entre 15% e 30% | 3,5%
R$ 12,3 milhões | US$ 12,3 bi | R$ 13 bilhões | € 1.234,56 | R$ 2024 | BRL 99.9bn | um bilhão de reais | R$ 24,2
alta de 3,2% | crescimento de 3,2% | queda de 24,2% | lucro de R$ 1,2 bi | -24,2% | (24,2)% | queda de 350 bps
35 bps | recuo de 3,2 pontos percentuais | 24,2 p.p. | 24,2x | prejuízo de R$ 1.200 mil | 12.3 | 12.346 ações
Piotroski 8/9
mais de 20% | base 100 | P/L de 4,5x-5,0x | 0 | level 24.9% | nota 9,9 | R$ 2.025
"""
MASKED = """
2T25 | 1T2025 e 4T24 | Q3 2025 | 3Q25 | Q2'25 | 1H25 | 9M25 | FY2025 | o 1º trimestre | no 4º trimestre de 2025
2º semestre
IFRS 16 | IFRS 9 e 16 | IAS 36 | CPC 06 (R2) | NBC TG 06 | ISO 9001 | Lei 6.404/76 | Lei nº 14.754, de 2023
Resolução CVM 175
Lei Complementar 157/2016 | Medida Provisória 1.171/2023 | artigo 12 | S&P 500 | SMA 20/50/200 | MM50 e MM200
IFR (14)
31/12/2025 | em 30/06/2025 | 30/06 | 2025-12-31 | May 5, 2025 | 5 de maio de 2025 | dez/2025 | mai/25 | 12:30
às 10h30
em 2024 | 2020-2025 | 2024E | até 2030 | 12 meses | 5-year median | 52 semanas | média de 200 dias | 12M | 12m
há 12 anos | six months
PETR4 | HGLG11 e KNRI11 | PETR3/PETR4 | PETR4.SA | ^BVSP | BTC-BRL | B3 | Covid-19 | [f01] | fato f03
p50 e P90 | CO2 | 5G
Novo Mercado nível 2 | momento 12-1 | top 10 | duas empresas | sem número algum
"""


def cases(block: str) -> list[str]:
    return [case.strip() for line in block.strip().splitlines() for case in line.split(" | ")]


@pytest.mark.parametrize("text", cases(HOLDS))
def test_a_figure_that_the_data_holds_is_matched(text: str) -> None:
    check = check_figures(text, FACTS)
    assert check.count > 0
    assert not check.unmatched
    assert check.visible == text


@pytest.mark.parametrize("text", cases(FAILS))
def test_a_figure_that_the_data_does_not_hold_hides_its_sentence(text: str) -> None:
    check = check_figures(text, FACTS)
    assert check.unmatched
    assert check.visible == ""


@pytest.mark.parametrize("text", cases(MASKED))
def test_what_is_no_claim_about_the_data_is_no_figure(text: str) -> None:
    check = check_figures(text, FACTS)
    assert (check.count, check.visible) == (0, text)


def test_only_the_sentence_with_the_wrong_figure_is_hidden() -> None:
    check = check_figures("O ROE de 24,2% é sólido. O P/L é de 9,9x! A S.A. tem 3,5 p.p. a mais. Fim.", FACTS)
    assert [f.text for f in check.unmatched] == ["9,9x"]
    assert check.hidden == ("O P/L é de 9,9x!",)
    assert check.visible == "O ROE de 24,2% é sólido. A S.A. tem 3,5 p.p. a mais. Fim."


def test_points_inside_figures_and_abbreviations_end_no_sentence() -> None:
    assert split_sentences("ROE vs. setor: 24.2% no art. 5. Subiu 3,5 p.p. O resto, R$ 1.234,56, fica.") == [
        "ROE vs. setor: 24.2% no art. 5.",
        "Subiu 3,5 p.p.",
        "O resto, R$ 1.234,56, fica.",
    ]


def test_the_tolerance_is_half_a_unit_of_the_last_digit_written() -> None:
    fact = SnapshotFact(id="f1", key="x", value=0.2450, unit="fraction")
    held = {text: not check_figures(text, (fact,)).unmatched for text in ("24%", "25%", "24,5%", "24,4%", "24,55%")}
    assert held == {"24%": True, "25%": True, "24,5%": True, "24,4%": False, "24,55%": False}


def test_the_medians_shown_beside_a_fact_are_held_too() -> None:
    fact = SnapshotFact(id="f1", key="p_l", value=4.5, unit="x", own_median=6.2, sector_median=7.1)
    assert not check_figures("P/L de 4,5x ante 6,2x e 7,1x.", (fact,)).unmatched


def test_without_facts_every_figure_is_unmatched() -> None:
    assert len(check_figures("ROE de 24,2% e P/L de 4,5x", ()).unmatched) == 2


@pytest.mark.parametrize("unit", ["1 1 ", "1/", "(", "a-", "vinte e ", "Lei 1", "R$1 ", "queda ", "1.", "f1 ", "de 9 "])
def test_hostile_repetition_is_checked_in_linear_like_time(unit: str) -> None:
    started = time.perf_counter()
    check_figures(unit * (1500 // len(unit)), FACTS)
    assert time.perf_counter() - started < 2


def test_one_word_of_fifty_thousand_characters_is_read_at_once() -> None:
    begun = time.process_time()
    assert [figure.text for figure in figures_in("Receita de R$ 3,5 bi, " + "2bn" * 16_000)] == ["R$ 3,5 bi", "2bn"]
    assert time.process_time() - begun < 1


def pt(number: float, decimals: int) -> str:
    return f"{number:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


@given(st.floats(-5, 5, allow_nan=False), st.integers(0, 3), st.booleans())
def test_a_percentage_written_from_the_data_always_holds(value: float, decimals: int, portuguese: bool) -> None:
    written = pt(value * 100, decimals) if portuguese else f"{value * 100:,.{decimals}f}"
    fact = SnapshotFact(id="f1", key="k", value=value, unit="fraction")
    assert not check_figures(f"O valor é {written}%.", (fact,)).unmatched


@given(st.floats(1, 1e13, allow_nan=False), st.sampled_from([(1e3, "mil"), (1e6, "mi"), (1e9, "bi"), (1e12, "tri")]))
def test_money_written_from_the_data_holds_in_every_scale(value: float, scale: tuple[float, str]) -> None:
    fact = SnapshotFact(id="f1", key="k", value=value, unit="BRL")
    assert not check_figures(f"Receita de R$ {pt(value / scale[0], 2)} {scale[1]}.", (fact,)).unmatched


@given(st.text(max_size=300))
def test_any_text_is_survived_and_nothing_is_added_to_it(text: str) -> None:
    check = check_figures(text, FACTS)
    assert check.count >= 0
    assert len(check.hidden) <= len(check.unmatched)
