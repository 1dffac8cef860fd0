"""Names as issuers write them, and the indices that ETFs follow."""

import pytest

from invest.domain.analysis.history import follows_ibov, is_asked
from invest.domain.market.funds import tracked_index
from invest.domain.market.names import display_name
from invest.domain.market.tickers import AssetKind
from tests.builders.analysis import bare


@pytest.mark.parametrize(
    ("ticker", "kind", "given", "name"),
    [
        ("ITUB4", AssetKind.STOCK, "ITAUUNIBANCO", "Itaú Unibanco"),
        ("BBAS3", AssetKind.STOCK, "BRASIL", "Banco do Brasil"),
        ("TAEE11", AssetKind.UNIT, "TAESA", "Taesa"),
        ("HGLG11", AssetKind.FII, "FII PÁTRIA L", "Pátria Log"),
        ("XPTO3", AssetKind.STOCK, "COMPANHIA DE TESTES DO NORTE S.A.", "Companhia de Testes do Norte"),
        ("XPTO3", AssetKind.STOCK, "CIA SANEAMENTO DE TESTE", "Cia. Saneamento de Teste"),
        ("XPTO3", AssetKind.STOCK, "NOME LEGAL LONGO S.A. - NOME CURTO", "Nome Curto"),
        ("XPTO3", AssetKind.STOCK, "REDE D'ÁGUA S/A", "Rede D'Água"),
        ("XPTO34", AssetKind.BDR, "Cisco Systems, Inc.", "Cisco Systems"),
        ("XPTO11", AssetKind.FII, "FII XP TESTE", "XP Teste"),
        ("XPTO11", AssetKind.FII, "TESTE RENDA - FUNDO DE INVESTIMENTO IMOBILIÁRIO", "Teste Renda"),
        ("XPTO11", AssetKind.FII, "JABATA RENDA FII", "Jabata Renda"),
        ("XPTO3", AssetKind.STOCK, "Já Bem Escrita", "Já Bem Escrita"),
        ("XPTO3", AssetKind.STOCK, "", None),
        ("XPTO3", AssetKind.STOCK, None, None),
        ("BTC-BRL", AssetKind.CRYPTO, "Bitcoin", "Bitcoin"),
        # An ETF of the same letters as a company is not that company.
        ("PETR11", AssetKind.ETF, "FUNDO PETR", "Fundo Petr"),
    ],
)
def test_names_are_those_of_the_issuers(ticker: str, kind: AssetKind, given: str | None, name: str | None) -> None:
    assert display_name(ticker, kind, given) == name


@pytest.mark.parametrize(
    ("ticker", "name", "index"),
    [
        ("BOVA11", None, "IBOV"),
        ("IVVB11", None, "S&P 500"),
        ("NOVO11", "XYZ IBOVESPA FUNDO DE ÍNDICE", "IBOV"),
        ("NOVO11", "XYZ SMALL CAPS FUNDO DE ÍNDICE", "SMLL"),
        ("NOVO11", "XYZ IBOVESPA INVERSO", None),
        ("NOVO11", "XYZ RENDA FIXA", None),
        ("NOVO11", None, None),
    ],
)
def test_the_index_of_an_etf_is_known_by_code_or_name(ticker: str, name: str | None, index: str | None) -> None:
    assert tracked_index(ticker, name) == index


@pytest.mark.parametrize(
    ("kind", "ticker", "name", "follows", "ibov", "asked"),
    [
        (AssetKind.ETF, "BOVA11", None, None, True, False),
        (AssetKind.ETF, "NOVO11", "NOVO FUNDO DE ÍNDICE", "IBOV", True, False),
        (AssetKind.ETF, "NOVO11", "NOVO FUNDO DE ÍNDICE", None, False, True),
        (AssetKind.ETF, "IVVB11", None, "S&P 500", False, True),
        (AssetKind.STOCK, "BOVA11", "Ibovespa S.A.", None, False, True),
        (AssetKind.INDEX, "^IFIX", "IFIX", None, False, False),
    ],
)
def test_nobody_is_asked_of_an_index_or_what_follows_the_ibov(
    kind: AssetKind, ticker: str, name: str | None, follows: str | None, ibov: bool, asked: bool
) -> None:
    analysis = bare(ticker, kind=kind, name=name, follows=follows)
    assert (follows_ibov(analysis), is_asked(analysis)) == (ibov, asked)
