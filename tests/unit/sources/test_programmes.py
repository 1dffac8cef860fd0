"""Banco B3's programmes of receipts: the list page by page, what a document says, when it is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from invest.domain.market import Asset, AssetKind, currency_of
from invest.domain.values import EventReading
from invest.sources.b3 import B3ProgrammesSource
from invest.sources.b3.programmes_format import documents_in, terms_of
from invest.sources.errors import Malformed
from invest.sources.model import Answer, Want
from invest_sandbox.programmes import pdf_of
from tests.builders.hostile import FakeClient

PAGE = "https://finservices.b3.com.br/bdr-nao-patrocinado/programas?delta=1000"
SHARE = """INFORMAÇÕES SOBRE A AÇÃO REPRESENTADA
Código de Negociação: A1AP34
Código da Ação Representada: AAP US
ISIN da Ação Representada: US00751Y1064
Bolsa de Valores da Ação Representada: NYSE
Relação BDR x Ação Lastro: 16:1
"""
ENGLISH = """Code of the Represented Share: BN
ISIN code of the Represented Share: CA11271J1075
Stock Exchange of the Represented Share: New York Stock Exchange
Parity BDR x Underlying Share: 4 : 1
"""
ADR = """Código de Negociação: BABA34
Ambiente de Negociação: B3
Código da Ação Representada: 9988
ISIN da Ação Representada: KYG017191142
Código de Negociação: BABA
Ambiente de Negociação: NYSE
Relação BDR x ADR: 28:1
"""


def row(code: str, href: str, *, site: str = "https://www.abbott.example") -> str:
    """A programme in the list."""
    links = f'<a href="{site}">Ir para o Site</a> <a href="{href}">Visualizar arquivo</a>'
    return f"<tr><td>Abbott</td><td>{code}</td><td>{links}</td></tr>"


def listed(*rows: str, total: int | None = None) -> bytes:
    """A page of the list."""
    shown = f"Exibindo 1 - {len(rows)} de {total or len(rows)} resultados."
    return f"<table><tr><th>Empresa</th></tr>{''.join(rows)}</table><p>{shown}</p>".encode()


def test_each_programme_leads_to_its_document() -> None:
    page = listed(
        row("ABTT34", "/documents/1/Programa.pdf/9?version=1.0&amp;t=5"),
        row("ZZZZ34*", "https://finservices.b3.com.br/arquivo/z.pdf"),
        row("sem código", "/x.pdf"),
        total=761,
    )
    assert documents_in(page, PAGE) == (
        {
            "ABTT34": "https://finservices.b3.com.br/documents/1/Programa.pdf/9?version=1.0&t=5",
            "ZZZZ34": "https://finservices.b3.com.br/arquivo/z.pdf",
        },
        761,
    )


def test_a_link_to_another_host_is_no_document() -> None:
    assert documents_in(listed(row("ABTT34", "https://elsewhere.example/a.pdf")), PAGE) == ({}, 1)


@pytest.mark.parametrize("href", ["https://[finservices.b3.com.br/a.pdf", "//[::1/a.pdf", "", "mailto:a@b.example"])
def test_a_link_that_is_no_address_is_no_document(href: str) -> None:
    assert documents_in(listed(row("ABTT34", href, site="http://[x")), PAGE) == ({}, 1)


@pytest.mark.parametrize("gap", [" " * 200_000, "\n \n" * 50_000, "Paridade BDR x" * 20_000])
def test_a_document_of_gaps_is_read_in_no_time(gap: str) -> None:
    begun = time.process_time()
    assert terms_of("Paridade BDR" + gap, "A1AP34") is None
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe\x00", b"<tr><td>A</td></tr>"])
def test_a_page_without_programmes_names_none(body: bytes) -> None:
    assert documents_in(body, PAGE)[0] == {}


@pytest.mark.parametrize(
    ("text", "symbol", "exchange", "isin", "backing", "receipts", "papers"),
    [
        (SHARE, "AAP", "NYSE", "US00751Y1064", "share", 16, 1),
        (ENGLISH, "BN", "NEW YORK STOCK EXCHANGE", "CA11271J1075", "share", 4, 1),
        (ADR, "BABA", "NYSE", None, "adr", 28, 1),
        (SHARE.replace("16:1", "1:2"), "AAP", "NYSE", "US00751Y1064", "share", 1, 2),
        (SHARE.replace("16:1", "1.000 : 1"), "AAP", "NYSE", "US00751Y1064", "share", 1000, 1),
        (SHARE.replace("Lastro: 16:1", "Lastro:\n16:1"), "AAP", "NYSE", "US00751Y1064", "share", 16, 1),
        (SHARE.replace("Ação", "Acao").replace("Código", "Codigo").replace("Relação", "Relacao"), "AAP", "NYSE",
         None, "share", 16, 1),
    ],
)  # fmt: skip
def test_a_document_says_what_a_receipt_stands_for(
    text: str, symbol: str, exchange: str, isin: str | None, backing: str, receipts: int, papers: int
) -> None:
    found = terms_of(text, "BABA34" if backing == "adr" else "A1AP34")
    assert found is not None
    if isin is not None:
        assert found.home.isin == isin
    assert (found.home.symbol, found.home.exchange, found.backing) == (symbol, exchange, backing)
    assert (found.receipts, found.papers) == (receipts, papers)


@pytest.mark.parametrize(
    "text",
    [
        "",
        SHARE.replace("16:1", "0:1"),
        SHARE.replace("16:1", "16:0"),
        SHARE.replace("16:1", "1:0.5"),
        SHARE.replace("16:1", "2:1.5"),
        SHARE.replace("16:1", "2:1,5"),
        SHARE.replace("16:1", "2.5:1"),
        SHARE.replace("16:1", "a definir"),
        SHARE.replace("16:1", "999999999:1"),
        SHARE.replace("AAP US", ""),
        SHARE.replace("AAP US", "A1AP34"),
    ],
)
def test_a_document_without_a_parity_or_a_paper_says_nothing(text: str) -> None:
    assert terms_of(text, "A1AP34") is None


@pytest.mark.parametrize(
    ("exchange", "currency"),
    [("NYSE", "USD"), ("NASDAQ GM", "USD"), ("Nasdaq", "USD"), ("Bolsa de Tóquio", None), (None, None)],
)
def test_the_currency_is_known_of_american_exchanges_alone(exchange: str | None, currency: str | None) -> None:
    assert currency_of(exchange) == currency


NOW = datetime(2026, 11, 27, 22, tzinfo=UTC)
DOCUMENT = "/documents/1/Programa_BRA1APBDR001.pdf/9?version=1.0&t=5"


def want(code: str = "A1AP34", **more: Any) -> Want:
    """A receipt to collect."""
    return Want(code, NOW, Asset(ticker=code, kind=AssetKind.BDR), **more)


async def collected(asked: Want, answers: Mapping[str, bytes | Callable[[], bytes]], folder: Path) -> Answer:
    """What the source answers, given these pages and documents."""
    return await B3ProgrammesSource().collect(cast(Any, FakeClient(folder, answers)), asked)


async def test_the_parity_of_a_receipt_comes_with_its_document(tmp_path: Path) -> None:
    answers = {"/bdr-nao": listed(row("A1AP34", DOCUMENT)), "/documents/": pdf_of(SHARE.splitlines())}
    answer = await collected(want(), answers, tmp_path)
    (parity,), (programme,) = answer.harvest.observations, answer.harvest.programmes
    assert (answer.outcome.status, parity.field, parity.value, parity.unit) == ("ok", "parity", Decimal(16), "x")
    assert (programme.home.symbol, programme.as_of) == ("AAP", date(2026, 11, 27))
    assert parity.payload == programme.payload == answer.harvest.payloads[0].sha256
    assert list(answer.harvest.readings) == [EventReading("A1AP34", "b3_programmes", date(2026, 11, 27), DOCUMENT)]


@pytest.mark.parametrize(
    ("mark", "days", "force", "status"),
    [
        (DOCUMENT, 30, False, "not_modified"),
        (DOCUMENT, 121, False, "ok"),  # what it says grows old, though the document is the same
        (DOCUMENT, 30, True, "ok"),
        (DOCUMENT.replace("1.0", "2.0"), 1, False, "ok"),
    ],
)
async def test_a_document_is_read_again_where_it_may_say_something_else(
    tmp_path: Path, mark: str, days: int, force: bool, status: str
) -> None:
    read = EventReading("A1AP34", "b3_programmes", NOW.date() - timedelta(days), mark)
    answers = {"/bdr-nao": listed(row("A1AP34", DOCUMENT)), "/documents/": pdf_of(SHARE.splitlines())}
    answer = await collected(want(events_read={"b3_programmes": read}, force=force), answers, tmp_path)
    assert answer.outcome.status == status


async def test_receipts_of_etfs_stand_in_a_list_of_their_own(tmp_path: Path) -> None:
    answers = {
        "/bdr-nao": listed(row("A1AP34", DOCUMENT)),
        "/bdr-de-etf": listed(row("BIVB39", "/documents/2/e.pdf")),
        "/documents/": pdf_of(SHARE.splitlines()),
    }
    assert (await collected(want("BIVB39"), answers, tmp_path)).outcome.status == "ok"
    other = await collected(want("JBSS32"), answers, tmp_path)
    assert (other.outcome.status, other.outcome.reason) == (
        "empty",
        "Banco B3 is the depositary of no programme of that code",
    )


async def test_a_list_of_several_pages_is_read_to_its_end(tmp_path: Path) -> None:
    pages = iter((listed(row("ABTT34", "/a.pdf"), total=2), listed(row("A1AP34", DOCUMENT), total=2)))
    answers: dict[str, Any] = {"/bdr-nao": lambda: next(pages), "/documents/": pdf_of(SHARE.splitlines())}
    assert (await collected(want(), answers, tmp_path)).outcome.status == "ok"


@pytest.mark.parametrize("document", [b"", b"<html>", b"%PDF-1.4 broken", pdf_of([])])
async def test_a_document_that_cannot_be_read_is_not_believed(tmp_path: Path, document: bytes) -> None:
    answers = {"/bdr-nao": listed(row("A1AP34", DOCUMENT)), "/documents/": document}
    with pytest.raises(Malformed, match="document"):
        await collected(want(), answers, tmp_path)


async def test_a_share_is_no_receipt(tmp_path: Path) -> None:
    asked = Want("PETR4", NOW, Asset(ticker="PETR4", kind=AssetKind.STOCK))
    assert (await collected(asked, {}, tmp_path)).outcome.status == "skipped"


async def test_a_document_in_unknown_words_is_refused_once_and_not_fetched_each_day(tmp_path: Path) -> None:
    answers = {"/bdr-nao": listed(row("A1AP34", DOCUMENT)), "/documents/": pdf_of(["Programa de BDR"])}
    answer = await collected(want(), answers, tmp_path)
    (read,) = answer.harvest.readings
    assert (answer.outcome.status, list(answer.harvest.programmes)) == ("rejected", [])
    assert answer.outcome.reason is not None and "names no parity" in answer.outcome.reason

    def fetched() -> bytes:
        raise AssertionError("it was fetched again")

    again = await collected(want(events_read={"b3_programmes": read}), answers | {"/documents/": fetched}, tmp_path)
    assert (again.outcome.status, again.outcome.reason) == ("empty", answer.outcome.reason)
    new = {"/bdr-nao": listed(row("A1AP34", DOCUMENT.replace("1.0", "2.0"))), "/documents/": pdf_of(SHARE.splitlines())}
    assert (await collected(want(events_read={"b3_programmes": read}), new, tmp_path)).outcome.status == "ok"


@pytest.mark.parametrize("total", [".", "9" * 5000])
def test_a_total_that_is_no_number_is_none(total: str) -> None:
    page = listed(row("A1AP34", DOCUMENT)).replace(b"de 1 resultados", f"de {total} resultados".encode())
    found, listed_there = documents_in(page, "https://finservices.b3.com.br/x")
    assert (list(found), listed_there) == (["A1AP34"], None)
