"""The sandbox's answers have the shape of recorded ones: the same columns, the same keys, the same nesting."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from invest_sandbox import Sandbox

SILENT = dict.fromkeys(("openai", "anthropic", "gemini", "compatible"), 0.0)
# Keys that a recording has only because of what that account, region or moment was.
LOCAL = {"inference_geo", "billing", "citations", "logprobs", "avgLogprobs", "createTime", "generate_summary"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox.start(assets=60, as_of=date(2026, 3, 31), ai_latency=SILENT) as running:
        yield running


async def fetch(sandbox: Sandbox, path: str, body: Any = None, **headers: str) -> bytes:
    method = "GET" if body is None else "POST"
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer k", **headers}) as session,
        session.request(method, sandbox.url + path, json=body) as response,
    ):
        assert response.status == 200, await response.text()
        return await response.read()


def missing(recorded: Any, served: Any, path: str = "") -> list[str]:
    """Keys of the recording that the answer lacks; lists are compared by their first items."""
    if isinstance(recorded, dict):
        if not isinstance(served, dict):
            return [path] if recorded else []
        lost = [f"{path}.{k}" for k in recorded if k not in served and k not in LOCAL]
        return lost + [m for k in recorded if k in served for m in missing(recorded[k], served[k], f"{path}.{k}")]
    if isinstance(recorded, list) and recorded and isinstance(served, list) and served:
        return missing(recorded[0], served[0], f"{path}[]")
    return []


def body_of(samples: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    wire = json.loads((samples / "ai" / f"{name}.json").read_text(encoding="utf-8"))
    return wire["request"]["body"], wire["response"]["body"]


async def test_a_quote_has_every_key_of_a_recorded_one(sandbox: Sandbox, samples: Path) -> None:
    for code in ("PETR4", "AAPL34"):
        recorded = json.loads((samples / f"brapi/quote_{code}_2025-07-21_range1mo.json").read_text(encoding="utf-8"))
        served = json.loads(await fetch(sandbox, f"/brapi/quote/{code}?range=1mo&interval=1d&fundamental=true"))
        assert missing(recorded, served) == []


async def test_documented_quotes_and_dividends_have_their_keys(sandbox: Sandbox, samples: Path) -> None:
    text = (samples / "brapi/official_openapi_response_examples.json").read_text(encoding="utf-8")
    documented = json.loads(text)["/api/quote/{tickers}"]["get 200 application/json"]["examples"][0]
    result = documented["results"][0]
    served = json.loads(await fetch(sandbox, "/brapi/quote/PETR4?range=5d&fundamental=true&dividends=true"))
    assert missing(result["dividendsData"], served["results"][0]["dividendsData"]) == []
    assert missing({k: v for k, v in documented.items() if k != "results"}, served) == []


async def test_cvm_and_register_have_the_recorded_columns(sandbox: Sandbox, samples: Path) -> None:
    body = await fetch(sandbox, "/cvm/dados/CIA_ABERTA/DOC/DFP/DADOS/dfp_cia_aberta_2025.zip")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for statement in ("BPA", "BPP", "DRE"):
            recorded = (samples / f"cvm/dfp_cia_aberta_{statement}_con_2023.csv").read_bytes().splitlines()
            served = archive.read(f"dfp_cia_aberta_{statement}_con_2025.csv").splitlines()
            assert served[0] == recorded[0].strip()
            codes = {line.split(b";")[-4] for line in recorded[1:] if len(line.split(b";")[-4]) <= 4}
            ours = {line.split(b";")[-4] for line in served[1:]}
            assert codes <= ours
    register = gzip.decompress((samples / "cvm/cad_cia_aberta_2023-10.csv.gz").read_bytes()).splitlines()
    served_register = await fetch(sandbox, "/cvm/dados/CIA_ABERTA/CAD/DADOS/cad_cia_aberta.csv")
    assert served_register.splitlines()[0] == register[0].strip()


async def test_quotes_lie_in_the_recorded_columns(sandbox: Sandbox, samples: Path) -> None:
    recorded = gzip.decompress((samples / "b3/cotahist/COTAHIST_D08112024.TXT.gz").read_bytes()).split(b"\n")
    body = await fetch(sandbox, "/cotahist/InstDados/SerHist/COTAHIST_D31032026.ZIP")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        served = archive.read("COTAHIST_D31032026.TXT").split(b"\r\n")

    def find(lines: list[bytes], code: bytes) -> bytes:
        return next(x for x in lines if x[12:24].strip() == code and x[:2] == b"01")

    for code in (b"PETR4", b"HGLG11", b"IVVB11", b"AAPL34", b"KLBN11", b"PETR4F"):
        real, ours = find(recorded, code), find(served, code)
        assert real[10:12] == ours[10:12], code  # CODBDI
        assert real[24:39] == ours[24:39] or code in (b"HGLG11", b"IVVB11", b"AAPL34"), code  # TPMERC, NOMRES
        assert real[230:242] == ours[230:242], code  # CODISI
        for cut in (slice(56, 245),):
            digits = [c for c in zip(real[cut], ours[cut], strict=True) if chr(c[0]).isdigit() != chr(c[1]).isdigit()]
            assert digits == [], code
    assert len(served[0]) == len(recorded[0].rstrip(b"\r"))


async def test_b3s_calls_have_the_recorded_keys(sandbox: Sandbox, samples: Path) -> None:
    def path(call: str, **arguments: Any) -> str:
        return (
            f"/b3/listedCompaniesProxy/CompanyCall/{call}/" + base64.b64encode(json.dumps(arguments).encode()).decode()
        )

    def recorded(name: str) -> Any:
        return json.loads((samples / "b3" / name).read_text(encoding="utf-8"))

    served = json.loads(await fetch(sandbox, path("GetDetail", codeCVM="23264", language="pt-br")))
    assert missing(recorded("GetDetailsCompany.json"), served) == []
    served = json.loads(await fetch(sandbox, path("GetListedCashDividends", tradingName="AMBEV S/A")))
    assert missing(recorded("corporate_actions/GetListedCashDividends_rb3.json"), served) == []
    served = json.loads(await fetch(sandbox, path("GetListedSupplementCompany", issuingCompany="PETR")))
    lost = missing(recorded("corporate_actions/GetListedSupplementCompany_PETR_envelope.json"), served)
    assert lost == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("openai_chat/tool_calls_1", "/ai/openai/v1/chat/completions"),
        ("openai_responses/function_call_1", "/ai/openai/v1/responses"),
        ("anthropic/tool_use_1", "/ai/anthropic/v1/messages"),
        ("gemini/functionCall_1", "/ai/gemini/v1beta/models/gemini-2.5-pro:generateContent"),
        ("gemini/responseSchema_1", "/ai/gemini/v1beta/models/gemini-2.5-pro:generateContent"),
    ],
)
async def test_a_recorded_request_gets_an_answer_of_the_recorded_shape(
    sandbox: Sandbox, samples: Path, name: str, path: str
) -> None:
    request, recorded = body_of(samples, name)
    keys = {"x-api-key": "k", "anthropic-version": "2023-06-01", "x-goog-api-key": "k"}
    served = json.loads(await fetch(sandbox, path, request, **keys))
    arguments = ("input", "args", "serviceTier", "candidatesTokensDetails")
    assert [m for m in missing(recorded, served) if not any(f".{a}" in m for a in arguments)] == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("openai_chat/plain_stream_1", "/ai/openai/v1/chat/completions"),
        ("openai_responses/plain_stream_1", "/ai/openai/v1/responses"),
        ("anthropic/plain_stream_1", "/ai/anthropic/v1/messages"),
    ],
)
async def test_a_recorded_stream_has_the_same_kinds_of_events(
    sandbox: Sandbox, samples: Path, name: str, path: str
) -> None:
    request, recorded = body_of(samples, name)
    keys = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    served = (await fetch(sandbox, path, request, **keys)).decode()

    def kinds(text: Any) -> set[str]:
        lines = [x[5:].strip() for x in str(text).splitlines() if x.startswith("data:")]
        events = [json.loads(x) for x in lines if x.startswith("{")]
        return {e.get("type") or e["object"] for e in events}

    assert kinds(recorded) - {"ping"} <= kinds(served)
