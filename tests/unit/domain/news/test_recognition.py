"""Which assets a headline speaks of."""

from __future__ import annotations

import pytest

from invest.domain.market.assets import Asset
from invest.domain.market.tickers import AssetKind
from invest.domain.news.recognition import Recogniser

ASSETS = (
    ("PETR3", "Petróleo Brasileiro S.A. - Petrobras", AssetKind.STOCK),
    ("PETR4", "Petróleo Brasileiro S.A. - Petrobras", AssetKind.STOCK),
    ("VALE3", "Vale S.A.", AssetKind.STOCK),
    ("ITUB4", "Itaú Unibanco Holding S.A.", AssetKind.STOCK),
    ("GOLL4", "Gol Linhas Aéreas Inteligentes S.A.", AssetKind.STOCK),
    ("AZUL4", "Azul S.A.", AssetKind.STOCK),
    ("OIBR3", "Oi S.A. - em recuperação judicial", AssetKind.STOCK),
    ("MGLU3", "Magazine Luiza S.A.", AssetKind.STOCK),
    ("BBAS3", "Banco do Brasil S.A.", AssetKind.STOCK),
    ("RDOR3", "Rede D'Or São Luiz S.A.", AssetKind.STOCK),
    ("CEAB3", "C&A Modas S.A.", AssetKind.STOCK),
    ("SLCE3", "SLC Agrícola S.A.", AssetKind.STOCK),
    ("TAEE11", "Transmissora Aliança de Energia Elétrica S.A.", AssetKind.UNIT),
    ("HGLG11", "Pátria Log FII", AssetKind.FII),
    ("AAPL34", "Apple Inc.", AssetKind.BDR),
    ("BTC-BRL", "Bitcoin", AssetKind.CRYPTO),
)
KNOWN = Recogniser.of(Asset(ticker=t, name=n, kind=k) for t, n, k in ASSETS)


@pytest.mark.parametrize(
    ("title", "tickers"),
    [
        ("Petrobras anuncia dividendos", ("PETR3", "PETR4")),
        ("Bolsa oscila, com alta de 3% de PETR4", ("PETR4",)),
        ("Fracionário: PETR4F bate recorde", ("PETR4",)),
        ("PETROBRÁS SOBE", ("PETR3", "PETR4")),
        ("Vale sobe com alta do minério de ferro", ("VALE3",)),
        ("Vale a pena investir em renda fixa?", ()),
        ("Vale lembrar que o prazo termina amanhã", ()),
        ("Quanto vale a sua carteira", ()),
        ("Tecnologia do Vale do Silício", ()),
        ("Mineração: Vale e Petrobras puxam o índice", ("PETR3", "PETR4", "VALE3")),
        ("Gol de placa na final", ()),
        ("Gol reduz prejuízo no trimestre", ("GOLL4",)),
        ("Céu azul em São Paulo", ()),
        ("Azul negocia com credores", ("AZUL4",)),
        ("Oi vende ativos", ("OIBR3",)),
        ("Magalu e Itaú fecham acordo", ("ITUB4", "MGLU3")),
        ("Banco do Brasil eleva projeções", ("BBAS3",)),
        ("Rede D’Or compra hospital", ("RDOR3",)),
        ("C&A amplia margens", ("CEAB3",)),
        ("SLC Agrícola compra terras", ("SLCE3",)),
        ("Taesa vence leilão", ("TAEE11",)),
        ("HGLG11 conclui emissão", ("HGLG11",)),
        ("BTC passa de US$ 100 mil", ("BTC-BRL",)),
        ("XPTO4 e ABCD3 não existem", ()),
        ("petr4 em minúsculas não é um código", ()),
        ("", ()),
    ],
)
def test_names_and_codes(title: str, tickers: tuple[str, ...]) -> None:
    assert KNOWN.tickers_in(title) == tickers


def test_an_unknown_code_is_not_invented() -> None:
    assert Recogniser().tickers_in("PETR4 e Vale sobem") == ()


def test_a_long_hostile_title_is_read_in_time() -> None:
    assert KNOWN.tickers_in("Vale " * 20_000 + "PETR4") == ("PETR4", "VALE3")
