"""Words of direction: true sentences of forms that are easily read as something else stay, false ones go."""

from __future__ import annotations

import pytest

from invest.domain.opinions import check_figures
from tests.unit.domain.opinions.test_sentences_by_hand import facts

FACTS = facts({
    "close": (24.5,), "week52_low": (18.0,), "week52_high": (30.0,), "p_l": (8.2, 10.4, 7.1), "p_vp": (1.2, 1.5, 1.0),
    "ev_ebitda": (5.1, 6.0, 4.8), "roe": (0.152, 0.12, 0.14), "net_margin": (0.08, 0.09, 0.12),
    "revenue_growth_1y": (-0.02,), "net_income_growth_1y": (0.06,), "net_income_cagr_5y": (0.09,),
    "dividend_yield": (0.061, 0.042, 0.039), "net_debt_ebitda": (1.9, 1.4, 2.3), "rsi_14": (58.0,), "sma_50": (22.1,),
    "sma_200": (23.0,), "return_1y": (0.12,), "excess_ibov_1y": (-0.03,), "drawdown": (-0.18, -0.15),
    "volatility_1y": (0.31, 0.34, 0.29), "interest_coverage": (3.1, 2.5, 3.5), "inventory_days": (62.0,),
    "receivable_days": (48.0,), "dividend_years_5y": (4.0,), "net_income": (2.0e9,), "revenue": (20e9,),
    "equity": (16e9,), "bollinger_upper": (27.0,), "cdi_annual": (0.149,), "bvps": (20.4,),
})  # fmt: skip

TRUE = """
dividend_yield|O yield de 6,1% está acima da própria mediana de 3,9% e acima da do setor, de 4,2%.
dividend_yield|The dividend yield is above its own median of 3.9% and above the sector's 4.2%.
return_1y drawdown sma_200 close|Com retorno de 12%, o papel está 18% abaixo do topo e acima da média de 200 dias.
net_income revenue|O lucro ficou acima do esperado e a receita também.
net_income revenue|Profit came in above plan and revenue held up.
rsi_14|Com RSI de 58, há espaço antes de entrar em sobrecompra.
rsi_14|RSI of 58: some room before it is overbought.
rsi_14|RSI de 58, sem risco de entrar em sobrecompra.
rsi_14 close sma_50 sma_200|Com RSI acima de 50, o preço está acima da média de 200 dias.
inventory_days receivable_days|Estoques de 62 dias somados a 48 dias de recebíveis prendem caixa.
inventory_days sma_200 close|Com estoques de 62 dias, o papel segue acima da média de 200 dias.
inventory_days|Estoques de 62 dias podem exigir provisões nos próximos 90 dias.
dividend_years_5y|Pagou dividendos em quase todos os últimos cinco anos.
dividend_years_5y|It paid dividends in nearly all of the last five years.
net_debt_ebitda|A alavancagem melhorou de 2,3x para 1,9x.
net_debt_ebitda|Leverage improved from its usual 2.3x to 1.9x.
net_debt_ebitda|A alavancagem piorou de 1,4x do setor para 1,9x.
net_income_growth_1y|O lucro recuperou fôlego.
net_income_growth_1y|Earnings fell short of the consensus.
net_income_growth_1y|O lucro cai se o minério cair.
net_income_growth_1y|O lucro cai quando o real se valoriza.
net_income_growth_1y|O lucro caiu em 2021, na pandemia.
net_income_growth_1y|A margem de lucro caiu.
net_income_growth_1y|The profit contracts with the state are long.
net_income_growth_1y net_income_cagr_5y|O crescimento do lucro caiu.
revenue_growth_1y|O custo das vendas aumentou.
revenue_growth_1y|The cost of sales rose.
p_l|O P/L de 8,2x está abaixo da mediana do setor, mas acima da própria mediana.
p_l|The P/E of 8.2x is at a clear discount to the sector.
p_l|Crédito mais caro para o setor pressiona um P/L de 8,2x.
p_l|O prêmio de risco do setor elétrico subiu.
p_l|O papel está entre os mais baratos do setor.
roe|O ROE está próximo do topo do setor.
net_margin|Custos acima dos do setor comprimem a margem.
net_margin|A margem já esteve acima da do setor.
net_margin|A margem deixou de ficar acima da do setor.
net_margin|The margin is no longer above the sector's median.
roe net_margin|O ROE de 15,2%, apesar da margem líquida de 8%, está acima da mediana do setor.
roe net_margin|O ROE (com margem líquida de 8%) supera o do setor.
drawdown|A queda de 18% desde o topo é maior que a do setor.
close bollinger_upper|O preço está abaixo da banda superior de Bollinger.
p_vp equity close|O P/VP de 1,2x diz que o papel negocia acima do patrimônio.
excess_ibov_1y|The stock trails the Ibovespa by 3%.
excess_ibov_1y|The stock lags the Ibovespa by more than 2%.
interest_coverage|Com juros acima da média histórica, a dívida pesa.
volatility_1y|Volatility of 31% a year exceeds its own median but not the sector's.
return_1y cdi_annual|O retorno de 12% em um ano fica abaixo do CDI de 14,9%.
""".strip().splitlines()

FALSE = """
p_l|Negocia mais caro que o setor, a 8,2x.
p_l|A P/E of 8.2x, richer than the sector's.
p_l|O P/L está abaixo do setor e abaixo da própria mediana.
net_margin|Está acima da mediana do setor.
roe|O ROE, de 15,2%, fica abaixo da própria mediana, de 14%.
close bvps|O preço está abaixo do valor patrimonial por ação.
excess_ibov_1y|The stock beats the Ibovespa by 3%.
excess_ibov_1y|O papel supera o Ibovespa.
inventory_days|Os estoques giram em 90 dias.
dividend_years_5y|Pagou dividendos em todos os últimos cinco anos.
net_income_growth_1y|O lucro recuou.
net_income_growth_1y|Earnings fell.
revenue_growth_1y|A receita melhorou.
net_debt_ebitda|A alavancagem caiu de 1,4x do setor para 1,9x.
close sma_50 sma_200|A média de 50 dias está acima da de 200 dias.
rsi_14|O RSI está em sobrecompra.
""".strip().splitlines()


def shown(row: str) -> bool:
    """Whether the check lets a sentence stand that cites the facts before the bar."""
    keys, text = row.split("|")
    cited = [fact.id for fact in FACTS if fact.key in keys.split()]
    return not check_figures(text, FACTS, "pt-BR", cited=cited).hidden


@pytest.mark.parametrize("row", TRUE)
def test_a_true_sentence_is_not_taken_for_a_false_claim(row: str) -> None:
    assert shown(row)


@pytest.mark.parametrize("row", FALSE)
def test_a_false_direction_is_hidden(row: str) -> None:
    assert not shown(row)


@pytest.mark.parametrize(
    ("text", "keys", "stands"),
    [
        ("Returns of -3.6%, 14.5% and 37.2% over one, six and twelve months.", "return_1m return_6m return_1y", True),
        ("Retornos de -3,6%, 14,5% e 37,2%.", "return_1m return_6m return_1y", True),
        ("Gone are the 50 million in cash.", "cash", False),  # no average of 50 days
        ("The price is above the 200-day average.", "close sma_200", True),
    ],
)
def test_a_sign_and_a_number_of_days_are_read_as_they_are_meant(text: str, keys: str, *, stands: bool) -> None:
    given = facts({
        "return_1m": (-0.036,), "return_6m": (0.145,), "return_1y": (0.372,), "cash": (3.2e9,), "close": (24.5,),
        "sma_200": (23.0,),
    })  # fmt: skip
    cited = [fact.id for fact in given if fact.key in keys.split()]
    assert bool(check_figures(text, given, "pt-BR", cited=cited).hidden) is not stands
