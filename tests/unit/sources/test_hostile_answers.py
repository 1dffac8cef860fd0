"""JSON and pages as no upstream should send them: sources end in values that can be stored, or in their own error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from invest.domain.market.assets import Asset
from invest.domain.market.tickers import AssetKind
from invest.sources.b3.source import B3Source
from invest.sources.bcb.olinda import OlindaSource
from invest.sources.bcb.sgs import BcbSource
from invest.sources.brapi.source import BrapiSource
from invest.sources.errors import SourceError
from invest.sources.feeds.gdelt import GdeltSource
from invest.sources.feeds.google_news import GoogleNewsSource
from invest.sources.feeds.rss import RssSource
from invest.sources.model import Answer, AssetSource, MacroSource, Want
from invest.sources.others.binance import BinanceSource
from invest.sources.others.fundamentus import FundamentusSource
from invest.sources.others.yahoo import YahooSource
from tests.builders.hostile import NOW, FakeClient, assert_storable, spoilt

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STOCK = Want(
    "PETR4", NOW, Asset(ticker="PETR4", kind=AssetKind.STOCK, name="Petrobras", isin="BRPETRACNPR6"),
    last_close=Decimal("36.10"), last_day=date(2026, 3, 27),
)  # fmt: skip
COIN = Want("BTC-BRL", NOW, Asset(ticker="BTC-BRL", kind=AssetKind.CRYPTO))

QUOTE = {
    "results": [
        {
            "symbol": "PETR4", "longName": "Petrobras", "currency": "BRL", "regularMarketPrice": 36.5,
            "regularMarketTime": "2026-03-31T20:07:00.000Z", "regularMarketVolume": 31000000, "marketCap": 4.8e11,
            "priceEarnings": 5.1, "earningsPerShare": 7.1,
            "historicalDataPrice": [
                {"date": 1774875600, "open": 36, "high": 37, "low": 35.5, "close": 36.4, "volume": 100},
                {"date": "2026-03-31", "open": 36.4, "high": 37, "low": 36, "close": 36.5, "volume": 100},
            ],
            "dividendsData": {
                "cashDividends": [{"label": "DIVIDENDO", "rate": 0.5, "lastDatePrior": "2026-03-02T00:00:00.000Z",
                                   "paymentDate": "31/12/9999", "isinCode": "BRPETRACNPR6"}],
                "stockDividends": [{"label": "DESDOBRAMENTO", "factor": 2, "completeFactor": "2 para 1",
                                    "lastDatePrior": "2008-04-25"}],
            },
            "summaryProfile": {"sector": "Energia", "industry": "Petróleo", "cnpj": "33.000.167/0001-01"},
            "defaultKeyStatistics": {"priceToBook": 1.1, "sharesOutstanding": 13044496000, "dividendYield": 0.07,
                                     "mostRecentQuarter": "2025-12-31"},
            "financialData": {"totalCash": 5e10, "returnOnEquity": 0.2, "profitMargins": 0.1},
        }
    ],
    "took": "0ms",
}  # fmt: skip
COINS = {
    "coins": [
        {
            "coin": "BTC", "coinName": "Bitcoin", "regularMarketPrice": 350000.5, "regularMarketVolume": 1e9,
            "regularMarketTime": "2026-03-31T22:00:00.000Z", "marketCap": 7e12,
            "historicalDataPrice": [{"date": 1774828800, "open": 1, "high": 2, "low": 1, "close": 350000}],
        }
    ]
}  # fmt: skip
CHART = {
    "chart": {
        "result": [
            {
                "meta": {"currency": "BRL", "regularMarketPrice": 36.5, "regularMarketTime": 1774987200,
                         "exchangeTimezoneName": "America/Sao_Paulo", "longName": "Petrobras"},
                "timestamp": [1774875600, 1774962000],
                "indicators": {"quote": [{"open": [36, None], "high": [37, 37], "low": [35.5, 36],
                                          "close": [36.400001525878906, 36.5], "volume": [100, 0]}]},
                "events": {"dividends": {"1": {"amount": 0.5, "date": 1772456400}},
                           "splits": {"2": {"numerator": 2, "denominator": 1, "date": 1209387600}}},
            }
        ],
        "error": None,
    }
}  # fmt: skip
KLINES = [
    [1774828800000, "350000.1", "351000", "349000", "350500", "10", 1774915199999, "3500000", 42, "1", "2", "0"]
] * 2
SGS = [{"data": "30/03/2026", "valor": "0.054266"}, {"data": "31/03/2026", "valor": ""}]
FOCUS = {
    "value": [
        {"Indicador": "IPCA", "Data": "2026-03-27", "DataReferencia": "2026", "Mediana": 4.5, "numeroRespondentes": 120,
         "baseCalculo": 0}
    ]
}  # fmt: skip
SUPPLEMENT = [
    {
        "codeCVM": "9512", "tradingName": "PETROBRAS   ", "totalNumberShares": "13.044.496.930", "segment": "N2",
        "cashDividends": [{"assetIssued": "BRPETRACNPR6", "paymentDate": "20/05/2026", "rate": "0,50000000000",
                           "label": "DIVIDENDO", "lastDatePrior": "02/03/2026", "quotedPerShares": "1"}],
        "stockDividends": [{"assetIssued": "BRPETRACNPR6", "factor": "100,00000000000", "label": "DESDOBRAMENTO",
                            "lastDatePrior": "25/04/2008"}],
    }
]  # fmt: skip
DETAIL = {
    "issuingCompany": "PETR", "companyName": "PETROLEO BRASILEIRO S.A.", "cnpj": "33000167000101", "codeCVM": "9512",
    "industryClassification": "Petróleo. Gás e Biocombustíveis / Exploração", "status": "A",
    "otherCodes": [{"code": "PETR4", "isin": "BRPETRACNPR6"}],
}  # fmt: skip
HISTORY = {
    "page": {"pageNumber": 1, "pageSize": 120, "totalRecords": 1, "totalPages": 1},
    "results": [{"typeStock": "PN", "lastDatePriorEx": "02/03/2026", "valueCash": "0,5", "corporateAction": "DIVIDENDO",
                 "quotedPerShares": "1", "ratio": "1"}],
}  # fmt: skip
ARTICLES = {
    "articles": [
        {"title": "Petrobras sobe", "url": "https://a.example/1", "seendate": "20260330T120000Z", "domain": "a"}
    ]
}
SCREEN = (
    "<html><body><table><tr><th>Papel</th><th>Cotação</th><th>P/L</th><th>P/VP</th><th>Div.Yield</th><th>ROE</th></tr>"
    "<tr><td>PETR4</td><td>{0}</td><td>{1}</td><td>1,10</td><td>7,00%</td><td>20,00%</td></tr></table></body></html>"
)
FEED = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title>x</title><item><title>Petrobras {0}</title>'
    "<link>{1}</link><pubDate>{2}</pubDate><description>{3}</description></item></channel></rss>"
)

SEARCH = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title>x</title><item><title>PETR4 {0} - {1}</title>'
    '<link>{2}</link><pubDate>{3}</pubDate><source url="{4}">{5}</source></item></channel></rss>'
)

Asked = AssetSource | MacroSource


def ask(source: Asked, want: Want, answers: dict[str, bytes]) -> Answer | SourceError:
    """What a source makes of these answers: a result, or its own kind of error. Anything else is a fault of ours."""
    return asyncio.run(reading(source, want, answers))


async def reading(source: Asked, want: Want, answers: dict[str, bytes]) -> Answer | SourceError:
    """The same, of a loop that runs."""
    client = cast(Any, FakeClient(Path("unused"), answers))
    try:
        if isinstance(source, BcbSource | OlindaSource):
            return await source.macro(client, want, {})
        return await cast(AssetSource, source).collect(client, want)
    except SourceError as error:
        return error


def survives(make: Callable[[], Asked], want: Want, answers: dict[str, bytes]) -> None:
    """The property: values that can be stored, or an error with a reason."""
    found = ask(make(), want, answers)
    if isinstance(found, SourceError):
        assert found.reason
        return
    assert_storable(found)
    if not found.usable:
        assert found.outcome.reason


def test_the_good_answers_are_read() -> None:
    quote = ask(BrapiSource(), STOCK, {"/quote/": orjson.dumps(QUOTE)})
    assert isinstance(quote, Answer)
    assert (len(quote.harvest.bars), len(quote.harvest.actions), quote.outcome.status) == (2, 2, "ok")
    chart = ask(YahooSource(), STOCK, {"/chart/": orjson.dumps(CHART)})
    assert isinstance(chart, Answer)
    assert (len(chart.harvest.bars), len(chart.harvest.actions)) == (2, 2)
    listed = ask(B3Source(), STOCK, b3(SUPPLEMENT, DETAIL, HISTORY))
    assert isinstance(listed, Answer)
    assert (len(listed.harvest.actions), listed.identity and listed.identity.cvm_code) == (2, 9512)
    assert isinstance(ask(BinanceSource(), COIN, {"klines": orjson.dumps(KLINES)}), Answer)


def b3(supplement: Any, detail: Any, history: Any) -> dict[str, bytes]:
    """Answers of B3's three calls."""
    calls = {"GetListedSupplementCompany": supplement, "GetDetail": detail, "GetListedCashDividends": history}
    return {name: data if isinstance(data, bytes) else orjson.dumps(data) for name, data in calls.items()}


def dumped(data: Any) -> bytes:
    """JSON, numbers beyond 64 bits included, as an upstream could send them."""
    return json.dumps(data).encode()


@given(data=spoilt(QUOTE))
@QUICK
def test_a_spoilt_quote(data: Any) -> None:
    survives(BrapiSource, STOCK, {"/quote/": dumped(data)})


@given(data=spoilt(COINS))
@QUICK
def test_a_spoilt_coin(data: Any) -> None:
    survives(BrapiSource, COIN, {"/v2/crypto": dumped(data)})


@given(data=spoilt(CHART))
@QUICK
def test_a_spoilt_chart(data: Any) -> None:
    survives(YahooSource, STOCK, {"/chart/": dumped(data)})


@given(data=spoilt(KLINES))
@QUICK
def test_spoilt_klines(data: Any) -> None:
    survives(BinanceSource, COIN, {"klines": dumped(data)})


@given(data=spoilt(SUPPLEMENT), detail=spoilt(DETAIL), history=spoilt(HISTORY))
@QUICK
def test_spoilt_answers_of_b3(data: Any, detail: Any, history: Any) -> None:
    survives(B3Source, STOCK, b3(dumped(data), dumped(detail), dumped(history)))


@given(data=spoilt(SGS))
@QUICK
def test_a_spoilt_series(data: Any) -> None:
    survives(BcbSource, STOCK, {"bcdata.sgs": dumped(data)})


@given(data=spoilt(FOCUS))
@QUICK
def test_spoilt_expectations(data: Any) -> None:
    survives(OlindaSource, STOCK, {"ExpectativasMercadoAnuais": dumped(data)})


@given(data=spoilt(ARTICLES))
@QUICK
def test_spoilt_articles(data: Any) -> None:
    survives(GdeltSource, STOCK, {"/api/v2/doc": dumped(data)})


ODD_TEXT = st.sampled_from(
    ["36,50", "-", "", "0,00", "1e29", "9" * 50, "NaN", "<b>", "&#0;", "]]>", "36.50", "\x0b", "\ufeff", "x" * 3000]
)


@given(price=ODD_TEXT, ratio=ODD_TEXT)
@QUICK
def test_a_spoilt_table(price: str, ratio: str) -> None:
    survives(FundamentusSource, STOCK, {"resultado.php": SCREEN.format(price, ratio).encode("latin-1", "replace")})


@given(title=ODD_TEXT, link=ODD_TEXT, when=ODD_TEXT | st.just("Tue, 31 Mar 2026 99:99:99 GMT"), summary=ODD_TEXT)
@QUICK
def test_a_spoilt_feed(title: str, link: str, when: str, summary: str) -> None:
    survives(RssSource, STOCK, {"g1.example": FEED.format(title, link, when, summary).encode()})


@given(title=ODD_TEXT, outlet=ODD_TEXT, link=ODD_TEXT, when=ODD_TEXT, url=ODD_TEXT, source=ODD_TEXT)
@QUICK
def test_a_spoilt_search(title: str, outlet: str, link: str, when: str, url: str, source: str) -> None:
    feed = SEARCH.format(title, outlet, link, when, url.replace("<", "&lt;"), source).encode()
    survives(GoogleNewsSource, STOCK, {"/rss/search": feed})


def test_a_search_gives_only_items_whose_title_names_the_asset_without_their_outlet() -> None:
    feed = SEARCH.format("sobe - e muito", "Valor", "https://a.example/1", "Tue, 31 Mar 2026 12:00:00 GMT", "", "Valor")
    other = feed.replace("PETR4", "VALE3")
    found = ask(GoogleNewsSource(), STOCK, {"/rss/search": feed.encode()})
    assert isinstance(found, Answer)
    assert [(n.title, n.outlet, n.tickers) for n in found.harvest.news] == [
        ("PETR4 sobe - e muito", "Valor", ("PETR4",))
    ]
    none = ask(GoogleNewsSource(), STOCK, {"/rss/search": other.encode()})
    assert isinstance(none, Answer) and not none.harvest.news


EVERY: list[tuple[Callable[[], Asked], Want, str, bytes]] = [
    (BrapiSource, STOCK, "/quote/", orjson.dumps(QUOTE)),
    (BrapiSource, COIN, "/v2/crypto", orjson.dumps(COINS)),
    (YahooSource, STOCK, "/chart/", orjson.dumps(CHART)),
    (BinanceSource, COIN, "klines", orjson.dumps(KLINES)),
    (B3Source, STOCK, "CompanyCall", orjson.dumps(SUPPLEMENT)),
    (BcbSource, STOCK, "bcdata.sgs", orjson.dumps(SGS)),
    (OlindaSource, STOCK, "ExpectativasMercadoAnuais", orjson.dumps(FOCUS)),
    (GdeltSource, STOCK, "/api/v2/doc", orjson.dumps(ARTICLES)),
    (FundamentusSource, STOCK, "resultado.php", SCREEN.format("36,50", "5,10").encode("latin-1")),
    (
        GoogleNewsSource,
        STOCK,
        "/rss/search",
        SEARCH.format("sobe", "Valor", "https://a.example/1", "", "", "Valor").encode(),
    ),
    (RssSource, STOCK, "g1.example", FEED.format("sobe", "https://a.example/1", "", "").encode()),
]
BODIES = [
    b"", b"null", b"true", b"0", b'""', b"[]", b"{}", b"[[]]", b"\xef\xbb\xbf{}", b"<html><body>busy</body></html>",
    b"\x00" * 100, b"\xff\xfe{}", b'{"error": "x"}', b'{"results": {}}', b'{"value": [1, null, {}]}', b"[" * 5000,
    b'{"a": 1e999}', b'{"a": NaN}', b"upstream connect error or disconnect/reset before headers", b"PK\x03\x04junk",
]  # fmt: skip
NAMES = [f"{make.__name__}-{want.ticker}" for make, want, _, _ in EVERY]


@pytest.mark.parametrize(("make", "want", "path", "good"), EVERY, ids=NAMES)
def test_what_is_no_answer_at_all(make: Callable[[], Asked], want: Want, path: str, good: bytes) -> None:
    for body in BODIES:
        survives(make, want, {path: body})


@pytest.mark.parametrize(("make", "want", "path", "good"), EVERY, ids=NAMES)
def test_an_answer_cut_anywhere(make: Callable[[], Asked], want: Want, path: str, good: bytes) -> None:
    for at in range(0, len(good), max(1, len(good) // 20)):
        survives(make, want, {path: good[:at]})


@example(at=1, byte=0)
@given(at=st.integers(0, 2000), byte=st.integers(0, 255))
@settings(max_examples=30, deadline=None)
def test_an_answer_with_one_wrong_byte(at: int, byte: int) -> None:
    for make, want, path, good in EVERY:
        body = bytearray(good)
        body[at % len(body)] = byte
        survives(make, want, {path: bytes(body)})


def test_pages_that_do_not_move_on_are_not_asked_for_ever() -> None:
    rows = [[1600000000000 + i, "1", "2", "1", "1.5", "10", 0, "5", 1] for i in range(1000)]

    async def work() -> int:
        client = FakeClient(Path("unused"), {"klines": orjson.dumps(rows)})
        with pytest.raises(SourceError, match="other days"):
            await BinanceSource().collect(cast(Any, client), COIN)
        return len(client.asked)

    assert asyncio.run(work()) < 5
