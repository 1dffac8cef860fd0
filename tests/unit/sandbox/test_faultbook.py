"""Faults strike whom they should, as often as they should."""

from __future__ import annotations

import io
import zipfile

import orjson
import pytest
from pydantic import ValidationError

from invest_sandbox.faults import Fault, FaultBook, parse_fault
from invest_sandbox.rescale import garble, rescale


def test_a_rate_is_kept_and_runs_repeat() -> None:
    def hits() -> list[int]:
        book = FaultBook(7, [Fault(upstream="brapi", kind="error", rate=0.3)])
        return [n for n in range(1000) if book.strike("brapi")]

    assert 240 < len(hits()) < 360
    assert hits() == hits()


def test_only_the_first_so_many_are_hit_and_only_of_that_upstream() -> None:
    book = FaultBook(7, [Fault(upstream="ai", kind="refusal", first=2), Fault(upstream="*", kind="latency")])
    assert [f.kind for f in book.strike("cvm")] == ["latency"]
    struck = [any(f.kind == "refusal" for f in book.strike("ai/openai")) for _ in range(4)]
    assert struck == [True, True, False, False]
    assert book.clear("ai") == 1
    assert book.clear() == 1
    assert book.strike("ai/openai") == []


def test_a_fault_is_read_from_the_command_line() -> None:
    fault = parse_fault("brapi:rate_limit:rate=0.5,retry_after=3,first=10")
    assert fault == Fault(upstream="brapi", kind="rate_limit", rate=0.5, retry_after=3, first=10)
    assert parse_fault("ai/gemini:safety").upstream == "ai/gemini"
    with pytest.raises(ValueError, match="no upstream 'brappi'"):
        parse_fault("brappi:error")
    with pytest.raises(ValidationError, match="kind"):
        parse_fault("brapi:explode")
    with pytest.raises(ValidationError, match="rate"):
        parse_fault("brapi:error:rate=2")


def test_a_wrong_unit_multiplies_money_and_nothing_else() -> None:
    body = b'{"symbol":"PETR4","regularMarketPrice":31.5,"regularMarketVolume":100,"date":1756126800,"close":10}'
    wrong = orjson.loads(rescale(body, 100))
    assert wrong == {
        "symbol": "PETR4",
        "regularMarketPrice": 3150,
        "regularMarketVolume": 100,
        "date": 1756126800,
        "close": 1000,
    }
    assert rescale(b'{"rate":"0,35000000"}', 100) == b'{"rate":"35"}'
    assert rescale(b'[{"data":"01/01/2026","valor":"0.05"}]', 100) == b'[{"data":"01/01/2026","valor":"5"}]'


def test_a_wrong_unit_reaches_into_zips() -> None:
    line = b"01" + b" " * 54 + b"%013d" % 1234 * 1 + b"%013d" % 1300 + b"0" * 39 + b" " * 124
    account = b"x;3.01;Receita;5.0000000000;S"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("COTAHIST.TXT", line[:245] + b"\r\n")
        archive.writestr("dre.csv", account + b"\r\n")
    with zipfile.ZipFile(io.BytesIO(rescale(out.getvalue(), 1000))) as archive:
        assert archive.read("COTAHIST.TXT")[56:82] == b"%013d%013d" % (1234000, 1300000)
        assert archive.read("dre.csv") == b"x;3.01;Receita;5000.0000000000;S\r\n"


def test_garbled_bytes_are_neither_json_nor_zip() -> None:
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(garble(b'{"a": [1, 2, 3], "b": "text"}'))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"b" * 100)
    with pytest.raises((zipfile.BadZipFile, ValueError)):
        zipfile.ZipFile(io.BytesIO(garble(out.getvalue()))).read("a")
