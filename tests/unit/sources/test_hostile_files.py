"""Zips and tables as no upstream should send them: every one is cut into values that can be stored, or refused."""

from __future__ import annotations

import asyncio
import io
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from invest.domain.market.assets import Asset
from invest.domain.market.tickers import AssetKind
from invest.sources.b3.cotahist import CotahistSource
from invest.sources.b3.cotahist_format import parse_cotahist
from invest.sources.cvm.format import table
from invest.sources.cvm.register import read_cad
from invest.sources.cvm.source import CvmSource
from invest.sources.errors import SourceError
from invest.sources.model import Answer, AssetSource, Want
from tests.builders.domain import bars_in
from tests.builders.hostile import NOW, FakeClient, assert_storable

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
DAILY = Want("PETR4", NOW, Asset(ticker="PETR4", kind=AssetKind.STOCK), official_until=date(2026, 3, 30))
FILED = Want("PETR4", NOW, Asset(ticker="PETR4", kind=AssetKind.STOCK), statements_until=date(2025, 1, 1))


def quote(**fields: str) -> str:
    """One record 01 of 245 characters."""
    f = {"day": "20260331", "bdi": "02", "code": "PETR4", "market": "010", "price": "3650", "trades": "100",
         "volume": "1000",
         "turnover": "3650000", "factor": "1"} | fields  # fmt: skip
    price = f["price"].zfill(13)
    return (
        f"01{f['day']}{f['bdi']}{f['code']:<12}{f['market']}{'PETROBRAS':<12}{'PN      N2':<10}{'':3}R$  " + price * 7
        + f["trades"].zfill(5) + f["volume"].zfill(18) + f["turnover"].zfill(18) + "0" * 13 + "0" + "99991231"
        + f["factor"].zfill(7) + "0" * 13 + f"{'BRPETRACNPR6':<12}" + "101"
    )  # fmt: skip


def session(*lines: str, trailer: int | None = None, end: str = "\r\n") -> bytes:
    """A day's file."""
    count = len(lines) + 2 if trailer is None else trailer
    head, tail = "00COTAHIST.2026BOVESPA 20260331", f"99COTAHIST.2026BOVESPA 20260331{count:011d}"
    return (end.join([head.ljust(245), *lines, tail.ljust(245)]) + end).encode("latin-1")


def zipped(name: str, body: bytes) -> bytes:
    """A zip of one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return out.getvalue()


def ask(source: AssetSource, want: Want, folder: Path, answers: dict[str, bytes]) -> Answer | SourceError:
    """What a source makes of these files; anything but a result or its own error is a fault of ours."""
    return asyncio.run(reading(source, want, folder, answers))


async def reading(source: AssetSource, want: Want, folder: Path, answers: dict[str, bytes]) -> Answer | SourceError:
    """The same, of a loop that runs."""
    found: Answer | SourceError
    try:
        found = await source.collect(cast(Any, FakeClient(folder, answers)), want)
    except SourceError as error:
        found = error
    if isinstance(found, Answer):
        assert_storable(found)
    else:
        assert found.reason
    return found


def daily(folder: Path, text: bytes) -> Answer | SourceError:
    """A session's file as the quotes' source reads it."""
    return ask(CotahistSource(), DAILY, folder, {"COTAHIST_D31032026": zipped("COTAHIST.TXT", text)})


def test_a_good_file_is_read(tmp_path: Path) -> None:
    found = daily(tmp_path, session(quote()))
    assert isinstance(found, Answer)
    assert [(b.day, str(b.close), b.volume) for b in bars_in(found.harvest)] == [(date(2026, 3, 31), "36.50", 1000)]


@pytest.mark.parametrize(
    ("line", "close"),
    [
        (quote(factor="1000", price="3650000"), "36.50"),
        (quote(factor="0"), "36.50"),
        (quote(bdi="99"), None),
        (quote(bdi="  "), None),
        (quote(market="070"), None),
        (quote(day="20260399"), None),
        (quote(day="00000000"), None),
        (quote(price="9" * 13), None),
        (quote(price="0"), None),
        (quote(price="-000000003650"), None),
        (quote(volume="9" * 18), None),
        (quote()[:100], None),
        (quote() + "   trailing", "36.50"),
    ],
)
def test_odd_quotes_are_values_or_left_out(tmp_path: Path, line: str, close: str | None) -> None:
    found = daily(tmp_path, session(line))
    assert isinstance(found, Answer)
    assert [str(bar.close) for bar in bars_in(found.harvest)] == ([close] if close else [])
    if close is None:
        assert found.outcome.reason


def test_of_two_quotes_of_a_day_the_round_lot_s_counts_whatever_their_order(tmp_path: Path) -> None:
    for lines in ((quote(bdi="06", price="1"), quote()), (quote(), quote(bdi="06", price="1"))):
        found = daily(tmp_path, session(*lines))
        assert isinstance(found, Answer)
        assert [str(bar.close) for bar in bars_in(found.harvest)] == ["36.50"]


def test_a_trailer_that_disagrees_is_said(tmp_path: Path) -> None:
    found = daily(tmp_path, session(quote(), trailer=999))
    assert isinstance(found, Answer)
    assert "announces 999" in (found.outcome.reason or "")


@given(at=st.integers(0, 244), byte=st.binary(min_size=1, max_size=3))
@QUICK
def test_a_quote_with_wrong_bytes(tmp_path_factory: pytest.TempPathFactory, at: int, byte: bytes) -> None:
    line = bytearray(quote().encode())
    line[at : at + len(byte)] = byte
    daily(tmp_path_factory.mktemp("d"), session(quote(day="20260330"), bytes(line).decode("latin-1")))


@given(data=st.binary(max_size=600), end=st.sampled_from([b"\r\n", b"\n", b"\r", b""]))
@QUICK
def test_bytes_of_any_kind_are_quotes_or_refused(data: bytes, end: bytes) -> None:
    try:
        found = parse_cotahist(b"00COTAHIST".ljust(245) + end + data)
    except ValueError:
        return
    assert found.malformed >= 0
    assert found.remarks or found.lines


STATEMENT = (
    "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;CD_CVM;GRUPO_DFP;MOEDA;ESCALA_MOEDA;ORDEM_EXERC;DT_FIM_EXERC;CD_CONTA;DS_CONTA;"
    "VL_CONTA;ST_CONTA_FIXA"
)
INDEX = "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;CD_CVM;CATEG_DOC;ID_DOC;DT_RECEB;LINK_DOC"
ROW = {
    "CNPJ_CIA": "33.000.167/0001-01", "DT_REFER": "2025-12-31", "VERSAO": "1", "DENOM_CIA": "PETROBRAS",
    "CD_CVM": "009512", "GRUPO_DFP": "x", "MOEDA": "REAL", "ESCALA_MOEDA": "MIL", "ORDEM_EXERC": "ÚLTIMO",
    "DT_FIM_EXERC": "2025-12-31", "CD_CONTA": "1", "DS_CONTA": "Ativo Total", "VL_CONTA": "1000.0000000000",
    "ST_CONTA_FIXA": "S",
}  # fmt: skip
PAPERS = (
    "CNPJ_Companhia;Data_Referencia;Versao;Nome_Empresarial;Codigo_Negociacao;Data_Inicio_Negociacao;"
    "Data_Fim_Negociacao;Segmento"
)
PAPER = "33.000.167/0001-01;2025-01-01;1;PETROBRAS;PETR4;1977-01-01;;N2"
WORDS = st.sampled_from(
    ["", " ", "NaN", "1e400", "-1", "1.000,50", "1,000.50", "9" * 60, "0001-01-01", "31/12/2025", "2025-12-31T00:00",
     "ÚLTIMO", "PENÚLTIMO", '"', '"a;b"', '""', ";;;", "\x00", "\ufeff", "MIL", "BILHAO", "33000167000101", "²"]
)  # fmt: skip


def form_zip(rows: list[str], header: str = STATEMENT, encoding: str = "latin-1", end: str = "\r\n") -> bytes:
    """A DFP zip with one statement and its index."""
    out = io.BytesIO()
    index = "33.000.167/0001-01;2025-12-31;1;PETROBRAS;009512;DFP;1;2026-02-20;x"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        text = end.join([header, *rows]).encode(encoding, "replace")
        archive.writestr("dfp_cia_aberta_BPA_con_2025.csv", text)
        archive.writestr("dfp_cia_aberta_2025.csv", end.join([INDEX, index]).encode(encoding, "replace"))
    return out.getvalue()


def filed(folder: Path, body: bytes, fca: bytes | None = None, want: Want = FILED) -> Answer | SourceError:
    """A DFP as the source of filings reads it."""
    register = zipped("fca_cia_aberta_valor_mobiliario_2026.csv", f"{PAPERS}\r\n{PAPER}".encode("latin-1"))
    return ask(CvmSource(), want, folder, {"fca_cia_aberta_2026": fca or register, "dfp_cia_aberta_2025": body})


def values(found: Answer | SourceError) -> list[str]:
    """The values of the lines read."""
    assert isinstance(found, Answer)
    return [f"{line.value:f}" for line in found.harvest.statements]


@pytest.mark.parametrize(("stored", "read"), [(0, ["1000000"]), (1, []), (2, [])])
def test_a_document_that_is_stored_is_not_read_again(tmp_path: Path, stored: int, read: list[str]) -> None:
    body = form_zip([";".join(ROW.values())])
    since = date(2026, 2, 20)  # it is the newest document on record
    want = replace(FILED, statements_until=since, filed={("DFP", date(2025, 12, 31)): stored})
    assert [value.split(".")[0] for value in values(filed(tmp_path, body, want=want))] == read
    forced = replace(want, force=True)
    assert len(values(filed(tmp_path, body, want=forced))) == 1


def test_columns_in_any_order_more_of_them_and_any_line_end(tmp_path: Path) -> None:
    names = list(ROW)
    for seed in range(6):
        random.Random(seed).shuffle(names)
        more = [*names, "NEW_COLUMN"]
        row = ";".join([*(ROW[name] for name in names), "x"])
        for encoding, end in (("latin-1", "\r\n"), ("utf-8", "\n"), ("utf-8-sig", "\r\n")):
            found = filed(tmp_path, form_zip([row], ";".join(more), encoding, end))
            assert [float(v) for v in values(found)] == [1_000_000], (more, encoding)


@pytest.mark.parametrize("code", ["9512", "009512", " 9512 "])
def test_codes_with_and_without_zeros_are_one(tmp_path: Path, code: str) -> None:
    found = filed(tmp_path, form_zip([";".join((ROW | {"CD_CVM": code}).values())]))
    assert isinstance(found, Answer)
    assert [line.cvm_code for line in found.harvest.statements] == [9512]


@given(changes=st.dictionaries(st.sampled_from(list(ROW)), WORDS, max_size=3), dropped=st.sampled_from([None, *ROW]))
@QUICK
def test_spoilt_rows_and_missing_columns(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, str], dropped: str | None
) -> None:
    kept = [name for name in ROW if name != dropped]
    row = ROW | changes
    filed(tmp_path_factory.mktemp("c"), form_zip([";".join(row[name] for name in kept)], ";".join(kept)))


@given(cells=st.lists(WORDS, min_size=8, max_size=8))
@QUICK
def test_spoilt_papers_of_the_register(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    body = f"{PAPERS}\r\n{';'.join(cells)}\r\n{PAPER}".encode("latin-1", "replace")
    fca = zipped("fca_cia_aberta_valor_mobiliario_2026.csv", body)
    filed(tmp_path_factory.mktemp("f"), form_zip([";".join(ROW.values())]), fca)


@given(body=st.binary(max_size=300))
@example(b'\r"')
@QUICK
def test_a_register_of_any_bytes(body: bytes) -> None:
    assert isinstance(read_cad(b"CNPJ_CIA;CD_CVM;SIT;DENOM_SOCIAL;DT_REG\n" + body, "p"), dict)
    assert isinstance(list(table(body.split(b"\n"))), list)


def damaged(body: bytes, seed: int) -> bytes:
    """A zip with some bytes changed, cut or doubled."""
    rng, spoilt = random.Random(seed), bytearray(body)
    for _ in range(rng.randint(1, 6)):
        spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
    cut = rng.choice([len(spoilt), len(spoilt) - rng.randrange(1, 60), len(spoilt) // 2])
    return bytes(spoilt[:cut]) + (bytes(spoilt[:20]) if rng.random() < 0.2 else b"")


READERS: list[tuple[Callable[[Path, bytes], Answer | SourceError], bytes]] = [
    (
        lambda folder, body: ask(CotahistSource(), DAILY, folder, {"COTAHIST_D": body}),
        zipped("C.TXT", session(quote())),
    ),
    (filed, form_zip([";".join(ROW.values())])),
    (
        lambda folder, body: filed(folder, form_zip([";".join(ROW.values())]), body),
        zipped("fca_valor_mobiliario_.csv", b"x"),
    ),
]


@pytest.mark.parametrize(("reader", "good"), READERS, ids=["quotes", "statements", "register"])
def test_a_damaged_zip(tmp_path: Path, reader: Callable[[Path, bytes], Answer | SourceError], good: bytes) -> None:
    for seed in range(40):
        reader(tmp_path, damaged(good, seed))


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"PK\x05\x06" + b"\0" * 18, b"PK\x03\x04"])
def test_what_is_no_zip_or_an_empty_one(tmp_path: Path, body: bytes) -> None:
    for reader, _ in READERS:
        reader(tmp_path, body)
