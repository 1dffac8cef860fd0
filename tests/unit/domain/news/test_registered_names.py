"""Names that are taken out of registered ones, and everyday names beside others, as headlines write them."""

from __future__ import annotations

import pytest

from invest.domain.market import Asset, AssetKind
from invest.domain.news import Recogniser

REGISTERED = {
    "BDLL4": "BARDELLA S.A. INDUSTRIAS MECANICAS",
    "FESA4": "CIA FERRO LIGAS DA BAHIA - FERBASA",
    "CGAS5": "CIA GAS DE SAO PAULO - COMGAS",
    "BEES3": "BANESTES S.A. - BCO EST ESPIRITO SANTO",
    "EMAE4": "EMAE - EMPRESA METROP.AGUAS ENERGIA S.A.",
    "CAML3": "CAMIL ALIMENTOS S.A.",
    "ABCB4": "BCO ABC BRASIL S.A.",
    "STBP3": "SANTOS BRASIL PARTICIPACOES S.A.",
    "PETR4": "PETROLEO BRASILEIRO S.A. - PETROBRAS",
    "BAZA3": "BCO AMAZONIA S.A.",
    "MNDL3": "MUNDIAL S.A. - PRODUTOS DE CONSUMO",
    "VALE3": "VALE S.A.",
    "SUZB3": "SUZANO S.A.",
    "TIMS3": "TIM S.A.",
    "GOLL54": "GOL LINHAS AEREAS INTELIGENTES S.A.",
    "B3SA3": "B3 S.A. - BRASIL. BOLSA. BALCAO",
    "JOPA3": "JOSAPAR-JOAQUIM OLIVEIRA S.A. - PARTICIP",
}


@pytest.fixture(scope="module")
def known() -> Recogniser:
    return Recogniser.of(Asset(ticker=t, name=name, kind=AssetKind.STOCK) for t, name in REGISTERED.items())


@pytest.mark.parametrize(
    ("title", "tickers"),
    [
        ("Bardella pede recuperação judicial", "BDLL4"),
        ("Lucro da Ferbasa recua com câmbio", "FESA4"),
        ("Reajuste da Comgás começa em dezembro", "CGAS5"),
        ("Banestes distribui JCP", "BEES3"),
        ("Sabesp faz oferta pela Emae e minoritários reclamam", "EMAE4"),
        ("Camil compra marca de café; Três Corações reage", "CAML3"),
        ("XP prefere Banco ABC a pares", "ABCB4"),
        ("Porto de Santos bate recorde de movimentação", ""),
        ("Santos Brasil deixa a Bolsa após OPA", "STBP3"),
        ("Petróleo cai 2% em Londres", ""),
        ("Petrobras corta investimento", "PETR4"),
        ("COP30 na Amazônia: o que foi decidido", ""),
        ("Mundial de Clubes rende bilhões à Fifa", ""),
        ("TIM e Claro disputam clientes de fibra", "TIMS3"),
        ("Suzano e Kimberly-Clark fecham joint venture", "SUZB3"),
        ("Brumadinho: Vale e Samarco ampliam acordo", "VALE3"),
        ("Vale e muito aprender a investir cedo", ""),
        ("Gol deixa a Bolsa: OPA tem adesão de 75%", "GOLL54"),
        ("Na B3, fundos imobiliários batem recorde", ""),
        ("Ações listadas na B3 somam R$ 5 tri", ""),
        ("Lucro da B3 sobe 8%", "B3SA3"),
        ("Particip é o nome do aplicativo", ""),
    ],
)
def test_headlines_name_companies_as_people_do(known: Recogniser, title: str, tickers: str) -> None:
    assert " ".join(known.tickers_in(title)) == tickers
