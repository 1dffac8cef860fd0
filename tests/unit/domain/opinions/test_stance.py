"""What a text recommends, and whether it speaks against its own probability."""

from __future__ import annotations

import pytest

from invest.domain.opinions.stance import speaks_against


@pytest.mark.parametrize(
    ("text", "p", "against"),
    [
        ("Venda: a ação deve ficar muito abaixo do índice, e recomendo venda.", 0.9, True),
        ("Venda: a ação deve ficar muito abaixo do índice, e recomendo venda.", 0.2, False),
        ("Não recomendo a compra neste preço.", 0.8, True),
        ("Não recomendo a venda.", 0.8, False),
        ("Recomenda-se a compra do ativo.", 0.3, True),
        ("We recommend selling the shares.", 0.7, True),
        ("The stock should underperform the index.", 0.7, True),
        ("The asset is likely to beat the index.", 0.3, True),
        ("O ativo tende a ficar atrás do índice.", 0.7, True),
        ("Evitar: dívida alta demais para o lucro.", 0.7, True),
        ("Recomendo manter a posição.", 0.9, True),
        ("Recomendo manter a posição.", 0.55, False),
        ("O preço parece baixo para o lucro, mas o risco é alto.", 0.1, False),
        ("Vendas fracas no trimestre, mas o lucro cresceu.", 0.7, False),
        ("A compra da concorrente deve elevar a dívida.", 0.3, False),
        ("A empresa deve vender mais no próximo ano.", 0.8, False),
        ("A ação tem potencial de alta acima do Ibovespa.", 0.35, True),
        ("A ação tem potencial de alta acima do Ibovespa.", 0.6, False),
        ("Esperamos retorno superior ao índice.", 0.4, True),
        ("We see the shares beating the index.", 0.3, True),
        ("Não vemos potencial de alta acima do Ibovespa.", 0.7, True),
        ("Pouco potencial de superar o índice.", 0.4, False),
        ("Potencial de queda maior que a do mercado.", 0.6, True),
        ("O retorno do ano ficou acima do Ibovespa.", 0.3, False),
    ],
)
def test_a_text_against_its_probability_is_noticed(text: str, p: float, against: bool) -> None:
    assert speaks_against(text, p) is against
