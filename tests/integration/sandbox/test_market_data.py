"""Every upstream over HTTP, its format read by code of the test's own, and all of them in agreement."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import aiohttp
import feedparser
import pytest

from invest_sandbox import Sandbox, World

TODAY = date(2026, 3, 31)


@dataclass(frozen=True)
class Client:
    """A session and the sandbox it talks to."""

    session: aiohttp.ClientSession
    url: str
    world: World

    async def get(self, path: str, status: int = 200, **headers: str) -> tuple[bytes, aiohttp.ClientResponse]:
        async with self.session.get(self.url + path, headers=headers) as response:
            body = await response.read()
            assert response.status == status, body[:300]
            assert response.headers["X-Sandbox"] == "1"
            return body, response

    async def json(self, path: str, status: int = 200) -> Any:
        body, _ = await self.get(path, status, Authorization="Bearer sandbox")
        return json.loads(body)

    async def rows(self, path: str, member: str) -> list[dict[str, str]]:
        body, _ = await self.get(path)
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            text = archive.read(member).decode("latin-1")
        assert text.endswith("\r\n")
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))

    async def b3(self, call: str, **arguments: Any) -> tuple[bytes, aiohttp.ClientResponse]:
        packed = base64.b64encode(json.dumps(arguments, separators=(",", ":")).encode()).decode()
        return await self.get(f"/b3/listedCompaniesProxy/CompanyCall/{call}/{packed}")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Sandbox.start(assets=90, as_of=TODAY) as sandbox, aiohttp.ClientSession() as session:
        yield Client(session, sandbox.url, sandbox.world)


async def quotes(client: Client, name: str) -> list[str]:
    body, response = await client.get(f"/cotahist/InstDados/SerHist/{name}.ZIP")
    assert response.content_type == "application/x-zip-compressed"
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.namelist() == [f"{name}.TXT"]
        lines = archive.read(f"{name}.TXT").split(b"\r\n")
    assert lines[-1] == b""
    assert {len(line) for line in lines[:-1]} == {245}
    return [line.decode("latin-1") for line in lines[:-1]]


async def test_a_days_quotes_follow_b3s_layout(client: Client) -> None:
    lines = await quotes(client, "COTAHIST_D31032026")
    assert lines[0].startswith("00COTAHIST.2026BOVESPA 20260331")
    assert lines[-1].startswith("99COTAHIST.2026BOVESPA 20260331")
    assert int(lines[-1][31:42]) == len(lines)
    petr = next(x for x in lines if x[12:24].strip() == "PETR4" and x[24:27] == "010")
    s = client.world.series("PETR4")
    assert petr[2:12] == "2026033102"
    assert petr[27:39] == "PETROBRAS   "
    assert petr[39:49] == "PN      N2"
    assert int(petr[108:121]) / 100 == s.close[-1]
    assert int(petr[82:95]) <= int(petr[95:108]) <= int(petr[69:82])
    assert int(petr[152:170]) == s.volume[-1]
    assert int(petr[170:188]) == s.volume[-1] * int(petr[95:108])
    assert petr[210:217] == "0000001"
    assert petr[230:242] == "BRPETRACNPR6"
    assert {x[24:27] for x in lines[1:-1]} == {"010", "020", "030", "070", "080"}
    assert {x[10:12] for x in lines[1:-1]} == {"02", "12", "14", "34", "62", "78", "82", "96"}


async def test_a_month_is_the_sum_of_its_days_and_a_year_holds_the_month(client: Client) -> None:
    month = {x[:24]: x for x in await quotes(client, "COTAHIST_M022026") if x.startswith("01")}
    day = [x for x in await quotes(client, "COTAHIST_D10022026") if x.startswith("01") and x[24:27] == "010"]
    year = {x[:24]: x for x in await quotes(client, "COTAHIST_A2026") if x.startswith("01")}
    assert all(month[x[:24]] == x for x in day)
    cash = {k: v for k, v in month.items() if v[24:27] == "010"}
    assert all(year[k] == v for k, v in cash.items())
    assert list(month) == sorted(month)


@pytest.mark.parametrize("name", ["D29032026", "D01042026", "A2009", "A2027", "D99999999", "X2026", "M132025"])
async def test_a_file_b3_does_not_have_is_a_404_page(client: Client, name: str) -> None:
    _, response = await client.get(f"/cotahist/InstDados/SerHist/COTAHIST_{name}.ZIP", 404)
    assert response.content_type == "text/html"


async def test_files_are_served_with_etags_and_ranges(client: Client) -> None:
    path = "/cvm/dados/CIA_ABERTA/CAD/DADOS/cad_cia_aberta.csv"
    body, first = await client.get(path)
    tag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    empty, _ = await client.get(path, 304, **{"If-None-Match": tag})
    assert empty == b""
    await client.get(path, 304, **{"If-Modified-Since": modified})
    await client.get(path, 200, **{"If-None-Match": '"other"', "If-Modified-Since": modified})
    await client.get(path, 200, **{"If-Modified-Since": "not a date"})
    part, response = await client.get(path, 206, Range="bytes=10-29")
    assert part == body[10:30]
    assert response.headers["Content-Range"] == f"bytes 10-29/{len(body)}"
    assert (await client.get(path, 206, Range="bytes=-5"))[0] == body[-5:]
    assert (await client.get(path, 200, Range="bytes=10-29", **{"If-Range": '"other"'}))[0] == body
    await client.get(path, 416, Range=f"bytes={len(body) + 1}-")


async def test_brapi_and_cotahist_give_the_same_closes(client: Client) -> None:
    lines = [x for x in await quotes(client, "COTAHIST_A2026") if x[24:27] == "010"]
    closes: dict[str, dict[str, int]] = {}
    for line in lines:
        closes.setdefault(line[12:24].strip(), {})[line[2:10]] = int(line[108:121])
    for ticker in ("PETR4", "HGLG11", "AAPL34", "IVVB11", "TAEE11"):
        found = await client.json(f"/brapi/quote/{ticker}?range=ytd&interval=1d")
        result = found["results"][0]
        last = client.world.series(ticker)
        assert round(result["regularMarketPrice"] * 100) == closes[ticker]["20260331"]
        if last.split[-60:].min() == last.split[-60:].max():
            shown = {bar["date"]: round(bar["close"] * 100) for bar in result["historicalDataPrice"]}
            assert sorted(shown.values()) == sorted(closes[ticker].values())


async def test_brapi_mixes_good_and_failed_symbols_and_refuses_in_its_words(client: Client) -> None:
    found = await client.json("/brapi/quote/PETR4,XXXX3?range=5d&interval=1d&fundamental=true&dividends=true")
    good, bad = found["results"]
    assert bad == {"symbol": "XXXX3", "error": True, "message": "Não encontramos a ação XXXX3"}
    assert len(good["historicalDataPrice"]) == 5
    assert good["usedRange"] == "5d"
    assert good["dividendsData"]["cashDividends"][0]["lastDatePrior"].endswith("T00:00:00.000Z")
    assert good["priceEarnings"] == pytest.approx(good["regularMarketPrice"] / good["earningsPerShare"], rel=1e-4)
    assert (await client.json("/brapi/quote/XXXX3", 404))["message"] == "Não encontramos a ação XXXX3"
    assert "Ranges válidos" in (await client.json("/brapi/quote/PETR4?range=3w", 400))["message"]
    assert (await client.json("/brapi/quote/PETR4?modules=nonsense", 400))["error"] is True
    assert "no máximo" in (await client.json("/brapi/quote/" + ",".join(["PETR4"] * 21), 400))["message"]
    body, _ = await client.get("/brapi/quote/WEGE3", 401)
    assert b"token" in body
    await client.get("/brapi/quote/PETR4")  # one of the four that need none
    assert (await client.json("/brapi/quote/list?sortBy=nothing", 417))["error"] is True
    assert (await client.json("/brapi/v2/crypto", 417))["message"] == "Missing required parameter: `coin`"


async def test_brapi_serves_modules_cryptos_index_and_rates(client: Client) -> None:
    names = "defaultKeyStatistics,financialData,summaryProfile,incomeStatementHistory,balanceSheetHistoryQuarterly"
    found = (await client.json(f"/brapi/quote/VALE3?modules={names}"))["results"][0]
    period, _ = client.world.books("VALE").trailing(TODAY) or pytest.fail("VALE files nothing")  # type: ignore[union-attr]  # a company
    assert found["defaultKeyStatistics"]["netIncomeToCommon"] == period.net_parent * 1000
    assert found["summaryProfile"]["cnpj"] == "33592510000154"
    assert len(found["incomeStatementHistory"]) >= 6
    index = (await client.json("/brapi/quote/%5EBVSP?range=1mo"))["results"][0]
    assert index["regularMarketPrice"] > 10_000
    bitcoin = client.world.series("BTC-BRL").close[-1]
    coin = (await client.json("/brapi/v2/crypto?coin=BTC&currency=USD&range=5d"))["coins"][0]
    assert coin["regularMarketPrice"] == pytest.approx(bitcoin / coin["currencyRateFromUSD"])
    assert (await client.json("/brapi/v2/prime-rate?country=brazil"))["prime-rate"][0]["value"] == "14.75"
    assert (await client.json("/brapi/v2/currency?currency=USD-BRL"))["currency"][0]["bidPrice"]
    listed = await client.json("/brapi/quote/list?type=fund&limit=3&page=2&sortBy=volume&sortOrder=desc")
    assert listed["currentPage"] == 2
    assert [x["type"] for x in listed["stocks"]] == ["fund"] * 3


async def test_cvms_statements_are_in_the_real_layout_and_balance(client: Client) -> None:
    path = "/cvm/dados/CIA_ABERTA/DOC/DFP/DADOS/dfp_cia_aberta_2025.zip"
    index = await client.rows(path, "dfp_cia_aberta_2025.csv")
    assert list(index[0])[-2:] == ["DT_RECEB", "LINK_DOC"]
    assert all("2026-01-31" < r["DT_RECEB"] <= "2026-03-31" for r in index)
    active = await client.rows(path, "dfp_cia_aberta_BPA_con_2025.csv")
    passive = await client.rows(path, "dfp_cia_aberta_BPP_con_2025.csv")
    assert ";".join(active[0]) == (
        "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;CD_CVM;GRUPO_DFP;MOEDA;ESCALA_MOEDA;ORDEM_EXERC;DT_FIM_EXERC;CD_CONTA;"
        "DS_CONTA;VL_CONTA;ST_CONTA_FIXA"
    )

    def totals(rows: list[dict[str, str]], code: str) -> dict[tuple[str, ...], str]:
        keys = ("CNPJ_CIA", "VERSAO", "ORDEM_EXERC")
        return {tuple(r[k] for k in keys): r["VL_CONTA"] for r in rows if r["CD_CONTA"] == code}

    assert totals(active, "1") == totals(passive, "2")
    assert {r["ORDEM_EXERC"] for r in active} == {"ÚLTIMO", "PENÚLTIMO"}
    assert {r["CD_CVM"] for r in active} >= {"009512", "001023"}
    assert all(r["VL_CONTA"].split(".")[1] == "0" * 10 for r in active)
    assert {r["ESCALA_MOEDA"] for r in active} == {"MIL", "UNIDADE"}


async def test_an_itr_holds_the_quarter_and_the_year_to_date(client: Client) -> None:
    path = "/cvm/dados/CIA_ABERTA/DOC/ITR/DADOS/itr_cia_aberta_2025.zip"
    rows = await client.rows(path, "itr_cia_aberta_DRE_con_2025.csv")
    third = [
        (r["DT_INI_EXERC"], float(r["VL_CONTA"]))
        for r in rows
        if r["CD_CVM"] == "009512"
        and r["DT_REFER"] == "2025-09-30"
        and r["ORDEM_EXERC"] == "ÚLTIMO"
        and r["CD_CONTA"] == "3.01"
        and r["VERSAO"] == "1"
    ]
    assert [start for start, _ in third] == ["2025-07-01", "2025-01-01"]
    assert third[1][1] > 2.5 * third[0][1]


async def test_fca_and_register_lead_from_ticker_to_company(client: Client) -> None:
    path = "/cvm/dados/CIA_ABERTA/DOC/FCA/DADOS/fca_cia_aberta_2026.zip"
    papers = await client.rows(path, "fca_cia_aberta_valor_mobiliario_2026.csv")
    petr = next(r for r in papers if r["Codigo_Negociacao"] == "PETR4")
    assert (petr["CNPJ_Companhia"], petr["Valor_Mobiliario"]) == ("33.000.167/0001-01", "Ações Preferenciais")
    unit = next(r for r in papers if r["Codigo_Negociacao"] == "KLBN11")
    assert unit["Composicao_BDR_Unit"] == "1 KLBN3 e 4 KLBN4"
    body, _ = await client.get("/cvm/dados/CIA_ABERTA/CAD/DADOS/cad_cia_aberta.csv")
    register = list(csv.DictReader(io.StringIO(body.decode("latin-1"), newline=""), delimiter=";"))
    assert len(register[0]) == 47
    assert next(r for r in register if r["CD_CVM"] == "9512")["SETOR_ATIV"] == "Petróleo e Gás"
    assert all(None not in r and None not in r.values() for r in register)
    notices = await client.rows(
        "/cvm/dados/CIA_ABERTA/DOC/IPE/DADOS/ipe_cia_aberta_2026.zip", "ipe_cia_aberta_2026.csv"
    )
    assert max(r["Data_Entrega"] for r in notices) <= "2026-03-29"
    await client.get("/cvm/dados/CIA_ABERTA/DOC/DFP/DADOS/dfp_cia_aberta_1999.zip", 404)
    await client.get("/cvm/dados/CIA_ABERTA/DOC/ITR/DADOS/dfp_cia_aberta_2025.zip", 404)


async def test_b3s_calls_speak_portuguese_numbers_in_plain_text(client: Client) -> None:
    body, response = await client.b3("GetInitialCompanies", language="pt-br", pageNumber=1, pageSize=20, company="PETR")
    assert response.content_type == "text/plain"
    assert json.loads(body)["results"][0]["codeCVM"] == "9512"
    body, _ = await client.b3("GetDetail", codeCVM="9512", language="pt-br")
    assert {"code": "PETR4", "isin": "BRPETRACNPR6"} in json.loads(body)["otherCodes"]
    body, _ = await client.b3("GetListedSupplementCompany", issuingCompany="PETR", language="pt-br")
    sheet = json.loads(body)[0]
    assert sheet["totalNumberShares"] == "12.888.732.761"
    body, _ = await client.b3("GetListedCashDividends", tradingName="PETROBRAS", pageNumber=1, pageSize=5)
    listed = json.loads(body)
    assert len(listed["results"]) == 5
    assert listed["page"]["totalRecords"] > 5
    paid = [a for a in client.world.series("PETR4").actions if a.in_cash and a.approved <= TODAY][-1]
    rate = next(d for d in sheet["cashDividends"] if d["isinCode"] == "BRPETRACNPR6")["rate"]
    assert float(rate.replace(".", "").replace(",", ".")) == pytest.approx(paid.amount)
    assert (await client.b3("GetListedSupplementCompany", issuingCompany="WWWW"))[0] == b""
    empty, _ = await client.b3("GetListedCashDividends", tradingName="NOBODY")
    assert json.loads(empty)["page"]["totalRecords"] == 0


async def test_the_central_bank_has_its_habits(client: Client) -> None:
    sgs = "/bcb/dados/serie/bcdata.sgs"
    week = await client.json(f"{sgs}.12/dados?formato=json&dataInicial=23/03/2026&dataFinal=27/03/2026")
    assert [r["data"] for r in week] == [f"{d}/03/2026" for d in (23, 24, 25, 26, 27)]
    assert week[0]["valor"] == "0.054266"
    assert await client.json(f"{sgs}.433/dados?dataInicial=02/01/2026&dataFinal=03/01/2026", 404) == {
        "error": "Value(s) not found"
    }
    page, response = await client.get(f"{sgs}.999999/dados")
    assert response.content_type == "text/html"
    assert b'encoding="pt-br"' in page
    assert "10 anos" in (await client.json(f"{sgs}.12/dados?dataInicial=01/01/2014&dataFinal=31/03/2026", 406))["error"]
    assert "erro" in await client.json(f"{sgs}.12/dados?dataInicial=2026-01-01", 400)
    ahead = await client.json(f"{sgs}.432/dados/ultimos/1")
    assert ahead[0]["data"].endswith("05/2026")
    text, _ = await client.get(f"{sgs}.1/dados?formato=csv&dataInicial=30/03/2026")
    assert text.startswith(b'"data";"valor"\r\n"30/03/2026";"')
    focus = "/olinda/olinda/servico/Expectativas/versao/v1/odata/ExpectativasMercadoAnuais"
    rows = await client.json(
        f"{focus}?$filter=Indicador%20eq%20'IPCA'%20and%20baseCalculo%20eq%200&$top=3&$format=json"
    )
    assert len(rows["value"]) == 3
    assert {r["Indicador"] for r in rows["value"]} == {"IPCA"}
    assert "codigo" in await client.json(f"{focus}?$filter=Nonsense%20eq%201")


async def test_news_feeds_are_rss_with_oddities(client: Client) -> None:
    body, response = await client.get("/rss/infomoney")
    feed = feedparser.parse(body)
    assert feed.feed.title == "InfoMoney (sandbox)"
    assert len(feed.entries) == 40
    assert any("link" not in e for e in feed.entries)
    assert any("published" not in e for e in feed.entries)
    assert any("<b>" in e.title for e in feed.entries)
    await client.get("/rss/infomoney", 304, **{"If-None-Match": response.headers["ETag"]})
    other, _ = await client.get("/rss/valor")
    assert other != body


async def test_the_sources_that_are_off_answer_too(client: Client) -> None:
    chart = await client.json("/yahoo/v8/finance/chart/PETR4.SA?range=1y&interval=1d&events=div%7Csplit")
    result = chart["chart"]["result"][0]
    quote = result["indicators"]["quote"][0]
    assert len(result["timestamp"]) == len(quote["close"]) == len(quote["volume"])
    assert quote["close"][-1] == pytest.approx(client.world.series("PETR4").close[-1], rel=1e-6)
    assert result["events"]["dividends"]
    assert "delisted" in (await client.json("/yahoo/v8/finance/chart/XXXX3.SA", 404))["chart"]["error"]["description"]
    table, response = await client.get("/fundamentus/resultado.php")
    assert response.charset == "iso-8859-1"
    assert ">Div.Yield<" in table.decode("latin-1")
    page, _ = await client.get("/fundamentus/detalhes.php?papel=NADA3")
    assert b"Nenhum papel encontrado" in page
    news = feedparser.parse((await client.get("/google_news/rss/search?q=PETR4"))[0])
    assert news.entries[0].title.endswith(
        (" - InfoMoney", " - Valor Econômico", " - Money Times", "Brasil", "Economia")
    )
    assert (await client.json("/gdelt/api/v2/doc/doc?query=petrobras&mode=artlist&format=json"))["articles"]
    notice, _ = await client.get("/gdelt/api/v2/doc/doc?query=petrobras", 429)
    assert b"one every 5 seconds" in notice
    bars = await client.json("/binance/api/v3/klines?symbol=BTCBRL&interval=1d&limit=3")
    assert float(bars[-1][4]) == client.world.series("BTC-BRL").close[-1]
    assert (await client.json("/binance/api/v3/klines?symbol=NOBRL&interval=1d", 400))["code"] == -1121


async def test_info_says_what_is_served_and_when_now_is(client: Client) -> None:
    info = await client.json("/sandbox/info")
    assert info["as_of"] == "2026-03-31T21:00:00-03:00"
    assert len(info["assets"]) == 90
    assert info["assets"][0] == {
        "ticker": "PETR4",
        "kind": "stock",
        "name": "PETRÓLEO BRASILEIRO S.A. - PETROBRAS",
        "real": False,
        "until": "2026-03-31",
    }
    _, response = await client.get("/nothing/here", 404)
    await client.get("/binance/api/v3/klines?symbol=BTCBRL&interval=1d&limit=many", 400)
    assert response.headers["X-Sandbox"] == "1"
