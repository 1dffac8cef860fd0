"""Faults set at run time, as a client meets them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from invest_sandbox import Fault, Sandbox

QUOTE = "/brapi/quote/PETR4?range=5d"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox.start(assets=30) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def put(session: aiohttp.ClientSession, sandbox: Sandbox, **fault: object) -> None:
    async with session.post(f"{sandbox.url}/sandbox/faults", json=fault) as response:
        assert response.status == 201, await response.text()


async def test_an_error_rate_strikes_its_share_and_is_counted(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    await put(session, sandbox, upstream="brapi", kind="error", rate=0.4, status=502)
    statuses = []
    for _ in range(60):
        async with session.get(sandbox.url + QUOTE) as response:
            statuses.append(response.status)
    assert set(statuses) == {200, 502}
    async with session.get(f"{sandbox.url}/sandbox/requests") as response:
        counts = (await response.json())["brapi"]
    assert counts["requests"] == 60
    assert counts["502"] == counts["fault:error"] == statuses.count(502)
    async with session.delete(f"{sandbox.url}/sandbox/faults?upstream=brapi") as response:
        assert await response.json() == {"lifted": 1}
    async with session.get(sandbox.url + QUOTE) as response:
        assert response.status == 200


@pytest.mark.parametrize("after", [3, 0.5, "Wed, 01 Apr 2026 00:00:00 GMT"])
async def test_a_429_says_when_to_come_back(
    sandbox: Sandbox, session: aiohttp.ClientSession, after: float | str
) -> None:
    await put(session, sandbox, upstream="bcb", kind="rate_limit", retry_after=after, first=1)
    path = f"{sandbox.url}/bcb/dados/serie/bcdata.sgs.12/dados/ultimos/1"
    async with session.get(path) as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == str(after)
        assert response.headers["X-Sandbox"] == "1"
    async with session.get(path) as response:
        assert response.status == 200


async def test_a_cut_body_ends_before_its_announced_length(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    await put(session, sandbox, upstream="brapi", kind="cut")
    with pytest.raises(aiohttp.ClientPayloadError):
        async with session.get(sandbox.url + QUOTE) as response:
            assert response.status == 200
            await response.read()


async def test_a_malformed_body_is_no_json_and_an_empty_one_is_empty(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    await put(session, sandbox, upstream="brapi", kind="malformed")
    async with session.get(sandbox.url + QUOTE) as response:
        with pytest.raises(json.JSONDecodeError):
            json.loads(await response.text(errors="replace"))
    await put(session, sandbox, upstream="b3", kind="empty")
    async with session.get(f"{sandbox.url}/b3/listedCompaniesProxy/CompanyCall/GetDetail/e30=") as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_a_wrong_unit_and_stale_data_look_right_and_are_not(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    async with session.get(sandbox.url + QUOTE) as response:
        true = (await response.json())["results"][0]
    await put(session, sandbox, upstream="brapi", kind="wrong_unit", factor=100, first=1)
    async with session.get(sandbox.url + QUOTE) as response:
        wrong = (await response.json())["results"][0]
    assert wrong["regularMarketPrice"] == pytest.approx(true["regularMarketPrice"] * 100)
    await put(session, sandbox, upstream="brapi", kind="stale", days=10)
    async with session.get(sandbox.url + QUOTE) as response:
        old = (await response.json())["results"][0]
    assert old["regularMarketTime"] < true["regularMarketTime"]
    assert old["historicalDataPrice"][-1]["date"] < true["historicalDataPrice"][-1]["date"]


async def test_latency_waits_and_a_hang_outlasts_the_client(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    await put(session, sandbox, upstream="rss", kind="latency", seconds=0.2)
    start = time.perf_counter()
    async with session.get(f"{sandbox.url}/rss/valor") as response:
        assert response.status == 200
    assert time.perf_counter() - start >= 0.2
    await put(session, sandbox, upstream="cvm", kind="hang", seconds=600)
    with pytest.raises(TimeoutError):
        async with (
            asyncio.timeout(0.3),
            session.get(f"{sandbox.url}/cvm/dados/CIA_ABERTA/CAD/DADOS/cad_cia_aberta.csv"),
        ):
            pass


async def test_poisoned_feeds_carry_orders_to_the_reader(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    await put(session, sandbox, upstream="rss", kind="injection")
    async with session.get(f"{sandbox.url}/rss/g1") as response:
        text = await response.text()
    assert "NOTA DO COMPLIANCE" in text
    assert "Ig\u200bnore" in text


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"upstream": "brappi", "kind": "error"}, "no 'brappi'"),
        ({"upstream": "brapi", "kind": "explode"}, "kind"),
        ({"upstream": "brapi", "kind": "error", "rate": 7}, "rate"),
        ({"upstream": "brapi", "kind": "error", "colour": "red"}, "colour"),
        ([], "an object"),
    ],
)
async def test_a_wrong_fault_is_refused_in_words(
    sandbox: Sandbox, session: aiohttp.ClientSession, fault: object, word: str
) -> None:
    async with session.post(f"{sandbox.url}/sandbox/faults", json=fault) as response:
        assert response.status == 422
        assert word in await response.text()


async def test_faults_given_at_the_start_are_in_force_and_listed(session: aiohttp.ClientSession) -> None:
    fault = Fault(upstream="*", kind="error", status=503)
    async with Sandbox.start(assets=20, faults=[fault]) as sandbox:
        async with session.get(f"{sandbox.url}/rss/valor") as response:
            assert response.status == 503
        async with session.get(f"{sandbox.url}/sandbox/faults") as response:
            assert (await response.json())[0]["kind"] == "error"
        async with session.get(f"{sandbox.url}/sandbox/info") as response:
            assert response.status == 200


async def test_a_taken_port_is_named(sandbox: Sandbox) -> None:
    from invest.errors import Unreachable

    port = int(sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(Unreachable, match=f"port {port}"):
        async with Sandbox.start(assets=20, port=port):
            pass
