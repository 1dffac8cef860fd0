"""The Model Context Protocol, tried with its official client: over HTTP with a key, and over stdio."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from prometheus_client import generate_latest

from invest.api.http import meters
from invest.api.routes import mcp as routes
from invest.domain.market import Asset, AssetKind
from invest.mcp import asgi, server_over
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import Door, open_door, working
from tests.integration.api.test_process import environment

pytest_plugins = ["tests.integration.api.api_fixtures"]


async def stocked(platform: Settings, scope: str) -> str:
    """An asset and a portfolio on record; a key of the scope, whose portfolio it is not."""
    async with Store.open(platform) as store:
        await store.assets.upsert(Asset(ticker="PETR4", kind=AssetKind.STOCK, name="Petrobras"))
        await store.portfolios.create("of another", [], owner="somebody")
        key, _ = await store.keys.create("assistant", [scope])
    return key


async def call(client: Any, tool: str, **arguments: Any) -> Any:
    """What a tool answers, as JSON where it is."""
    result = await client.call_tool(tool, arguments)
    text = "".join(part.text for part in result.content)
    try:
        return json.loads(text)
    except ValueError:
        return text


def locked(platform: Settings) -> Settings:
    """The same platform with keys."""
    return platform.model_copy(update={"web": platform.web.model_copy(update={"auth": "on"})})


async def names(client: Any) -> set[str]:
    """The tools on offer."""
    return {tool.name for tool in (await client.list_tools()).tools}


async def test_what_takes_long_to_make_is_made_in_a_thread(platform: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    where: dict[str, threading.Thread] = {}

    def watched(name: str, make: Any) -> Any:
        def run(*args: Any, **options: Any) -> Any:
            where[name] = threading.current_thread()
            return make(*args, **options)

        return run

    monkeypatch.setattr(routes, "server_over", watched("tools", server_over))
    monkeypatch.setattr(asgi, "_application", watched("application", asgi._application))
    monkeypatch.setattr(meters, "generate_latest", watched("metrics", generate_latest))
    async with open_door(platform) as door:
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        answer = await door.ask("POST", "/mcp", json=asked, status=200)
        assert "read_asset" in answer.body.decode()
        texts = await asyncio.gather(*(door.ask("GET", "/metrics", status=200) for _ in range(3)))
        assert all(b"invest_http_request_seconds" in text.body for text in texts)
    assert set(where) == {"tools", "application", "metrics"}
    assert threading.main_thread() not in where.values()


@pytest.mark.parametrize("scope", ["read", "write"])
async def test_the_official_client_reads_over_http_and_queues_only_with_a_key_that_may(
    platform: Settings, scope: str
) -> None:
    key = await stocked(platform, scope)
    async with (
        open_door(locked(platform)) as door,
        httpx2.AsyncClient(headers={"X-Api-Key": key}) as http,
        McpClient(streamable_http_client(f"{door.url}/mcp", http_client=http)) as client,
    ):
        offered = await names(client)
        assert {"search_assets", "read_figures", "read_ranking", "list_portfolios", "read_report"} <= offered
        assert ("queue_job" in offered) is (scope == "write")
        assert (await call(client, "search_assets", text="petro"))["items"][0]["ticker"] == "PETR4"
        assert (await call(client, "read_asset", ticker="petr4"))["asset"]["name"] == "Petrobras"
        assert "not known yet" in (await call(client, "read_figures", ticker="ABCD3"))["error"]
        assert "of another" not in str(await call(client, "list_portfolios")), "another key's"
        for path in ("../portfolios", "PETR4/../../keys/me/quotas", "PETR4?x=1#"):
            assert "error" in str(await call(client, "read_figures", ticker=path)), path
        if scope == "write":
            for path in ("../portfolios", "..%2Fportfolios", "door_double/../../portfolios", ".."):
                smuggled = await call(client, "queue_job", name=path, arguments={"name": "smuggled"})
                assert "error" in smuggled, smuggled
            assert "smuggled" not in str(await call(client, "list_portfolios"))
            async with working(platform):
                queued = await call(client, "queue_job", name="door_double", arguments={"number": 21})
                done = await call(client, "read_task", task_id=queued["task_id"], wait=20)
            assert (done["state"], done["result"]) == ("SUCCESS", 42)


async def test_without_a_key_nothing_is_told(platform: Settings) -> None:
    async with open_door(locked(platform)) as door:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        await door.ask("POST", "/mcp", json=message, status=401)
        await door.ask("POST", "/mcp", data=b"{", headers={"Content-Type": "application/json"}, status=401)


async def test_what_is_no_message_is_a_problem(web_door: Door) -> None:
    await web_door.ask("POST", "/mcp", json={"jsonrpc": "1.0"}, status=422)
    await web_door.ask("GET", "/mcp", status=405)


async def test_the_official_client_reads_over_stdio(platform: Settings, tmp_path: Path) -> None:
    await stocked(platform, "read")
    told = {**environment(platform, 0), "INVEST_DATA_DIR": str(tmp_path / "data")}
    started = StdioServerParameters(command=sys.executable, args=["-m", "invest", "mcp"], env=told, cwd=tmp_path)
    async with McpClient(stdio_client(started)) as client:
        assert "queue_job" not in await names(client)
        assert (await call(client, "search_assets", text="PETR"))["items"][0]["ticker"] == "PETR4"
