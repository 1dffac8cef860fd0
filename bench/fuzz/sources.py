"""Readers of upstreams' JSON, pages and feeds that `bench.fuzz` attacks; CVM's archives are in `files`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import orjson
from tests.builders.hostile import NOW, FakeClient, assert_storable
from tests.unit.sources.test_hostile_answers import (
    CHART,
    COIN,
    DETAIL,
    EVERY,
    HISTORY,
    STOCK,
    SUPPLEMENT,
    b3,
    reading,
)
from tests.unit.sources.test_hostile_files import quote, session
from tests.unit.sources.test_mercado_bitcoin import CANDLES, TICKERS

from bench.fuzz import files
from bench.fuzz.target import Read, Target, run
from invest.domain.market import Asset, AssetKind
from invest.sources.b3.cotahist_format import parse_cotahist
from invest.sources.b3.indices import B3IndicesSource
from invest.sources.b3.listed_funds import fund_details
from invest.sources.b3.programmes_format import documents_in, terms_of
from invest.sources.b3.source import B3Source
from invest.sources.cvm.format import table
from invest.sources.errors import SourceError
from invest.sources.model import Answer, Want
from invest.sources.others.mercado_bitcoin import MercadoBitcoinSource
from invest.sources.others.yahoo import YahooSource

FILED = (
    "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;CD_CVM;GRUPO_DFP;MOEDA;ESCALA_MOEDA;"
    "ORDEM_EXERC;CD_CONTA;DS_CONTA;VL_CONTA;ST_CONTA_FIXA\n"
    "33.000.167/0001-01;2025-12-31;1;PETROBRAS;009512;DF;REAL;MIL;ÚLTIMO;1;Ativo Total;1000.5;S\n"
).encode("latin-1")
GRID = {
    "min": None, "max": None,
    "results": [{"day": day, **{f"rateValue{month}": "3.100,25" for month in range(1, 13)}} for day in (2, 3, 30)],
}  # fmt: skip
FUND = {
    "detailFund": {
        "acronym": "HGLG", "tradingName": "FII CSHG LOG", "cnpj": "11728688000147", "quotaCount": "33.787.575",
        "segment": "Logística", "companyName": "CSHG LOGISTICA FUNDO DE INVESTIMENTO IMOBILIARIO",
    }
}  # fmt: skip
INDEX = Want(
    "^BVSP",
    NOW,
    Asset(ticker="^BVSP", kind=AssetKind.INDEX),
    bars_until=date(2026, 3, 1),
    official_until=date(2026, 3, 1),
)
RECEIPT = Want(
    "AAPL34", NOW, Asset(ticker="AAPL34", kind=AssetKind.BDR), last_close=Decimal(60), last_day=date(2026, 3, 27)
)
COMPANY = b3(SUPPLEMENT, DETAIL, HISTORY)
PROGRAMMES_PAGE = "https://finservices.b3.com.br/bdr-nao-patrocinado/programas?delta=1000"
PROGRAMMES = (
    b"<table><tr><td>Abbott</td><td>ABTT34*</td><td><a href='https://abbott.example'>Site</a>"
    b"<a href='/documents/1/Programa.pdf/9?version=1.0'>Arquivo</a></td></tr></table>"
    b"<p>Exibindo 1 - 1 de 1 resultados.</p>"
)
PROGRAMME = (
    "Código de Negociação: A1AP34\nAmbiente de Negociação: B3\nCódigo da Ação Representada: AAP\n"
    "ISIN da Ação Representada: US00751Y1064\nBolsa de Valores da Ação Representada: NYSE\n"
    "Relação BDR x Ação Lastro: 16:1\n"
).encode()
CRYPTO = {"/api/v4/candles": orjson.dumps(CANDLES), "/api/v4/tickers": orjson.dumps(TICKERS)}


def _answers(make: Callable[[], Any], want: Want, path: str) -> Read:
    return lambda data: _storable(run(reading(make(), want, {path: data})))


def _storable(found: Answer | SourceError) -> Answer | SourceError:
    """What was read, after a look whether the tables can hold it."""
    if isinstance(found, Answer):
        assert_storable(found)
    return found


def _company(part: str) -> Read:
    """B3's three answers about a company, one of them spoilt."""
    return lambda data: _storable(run(reading(B3Source(), STOCK, COMPANY | {part: data})))


def _coins(part: str) -> Read:
    """Mercado Bitcoin's two answers, one of them spoilt."""
    return lambda data: _storable(run(reading(MercadoBitcoinSource(), COIN, CRYPTO | {part: data})))


def _fund(data: bytes) -> object:
    """B3's details of a listed fund."""
    client = cast(Any, FakeClient(Path("unused"), {"GetDetailFundSIG": data}))
    return run(fund_details(client, "HGLG11", AssetKind.FII))


def targets() -> Iterator[Target]:
    """Every reader of an upstream."""
    yield Target("cotahist", parse_cotahist, (session(quote(), quote(code="VALE3")),), (SourceError, ValueError))
    yield Target("cvm_table", lambda data: list(table(data.splitlines(keepends=True))), (FILED,), (SourceError,))
    for make, want, path, good in EVERY:
        name = f"{make.__name__.removesuffix('Source').lower()}_{want.ticker}"
        yield Target(name, _answers(make, want, path), (good,))
    grid, chart = orjson.dumps(GRID), orjson.dumps(CHART)
    yield Target("b3_indices", _answers(B3IndicesSource, INDEX, "GetPortfolioDay"), (grid,))
    yield Target("b3_fund", _fund, (orjson.dumps(FUND),), (SourceError,))
    yield Target("b3_programmes", lambda data: documents_in(data, PROGRAMMES_PAGE), (PROGRAMMES,))
    yield Target("b3_programme", lambda data: terms_of(data.decode("utf-8", "replace"), "A1AP34"), (PROGRAMME,))
    yield Target("yahoo_AAPL34", _answers(YahooSource, RECEIPT, "/chart/"), (chart,))
    for name, read, good in files.readers():
        yield Target(name, read, (good,), (SourceError,))
    for part in COMPANY:
        yield Target(f"b3_{part}", _company(part), (COMPANY[part],))
    for part, good in CRYPTO.items():
        yield Target(f"mercado_bitcoin_{part[8:]}", _coins(part), (good,), (SourceError,))
