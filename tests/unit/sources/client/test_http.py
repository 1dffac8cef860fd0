"""The one client: what it retries, what it refuses, what it remembers. Upstreams are tiny servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from aiohttp import web

from invest.settings import HttpSettings, Settings, SourceSettings
from invest.sources.client.http import SourceClient
from invest.sources.errors import (
    BreakerOpen,
    BudgetSpent,
    Forbidden,
    Malformed,
    NotAvailable,
    SourceDown,
    SourceRefused,
    TooLarge,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FAST = HttpSettings(backoff=0.001, read_timeout=2, connect_timeout=1, breaker_failures=100, max_json_bytes=10_000)


@asynccontextmanager
async def upstream(
    handler: Handler, folder: Path, http: HttpSettings = FAST
) -> AsyncIterator[tuple[SourceClient, list[web.Request]]]:
    """A server that answers every GET with `handler`, and a client whose sandbox it is."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return await handler(request)

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = Settings(sandbox_url=url, data_dir=folder, http=http, sources={"brapi": SourceSettings(enabled=True)})
    try:
        async with SourceClient.open(settings) as client:
            yield client, seen
    finally:
        await runner.cleanup()


def always(status: int, body: bytes = b"{}", **headers: str) -> Handler:
    """A handler of one answer."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return handler


def in_turn(*answers: tuple[int, dict[str, str]]) -> Handler:
    """A handler of these answers one after the other, the last one for ever."""
    left = list(answers)

    async def handler(_: web.Request) -> web.Response:
        status, headers = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=status, body=b'{"n": 1}', headers=headers)

    return handler


def zipped(**entries: bytes) -> bytes:
    """A zip of these entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return out.getvalue()


async def test_an_answer_keeps_its_bytes_and_where_they_came_from(tmp_path: Path) -> None:
    async with upstream(always(200, b'{"a": 1}', ETag='"x"'), tmp_path) as (client, _):
        answer = await client.get("brapi", "/quote/PETR4", params={"range": "5d"})
    payload = answer.payload
    assert answer.json() == {"a": 1}
    assert (payload.source, payload.status, payload.size, payload.etag) == ("brapi", 200, 8, '"x"')
    assert payload.url.endswith("/brapi/quote/PETR4?range=5d")
    assert payload.sandbox
    assert payload.sha256 == __import__("hashlib").sha256(b'{"a": 1}').hexdigest()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_passing_troubles_are_tried_again(tmp_path: Path, status: int) -> None:
    async with upstream(in_turn((status, {}), (status, {}), (200, {})), tmp_path) as (client, seen):
        assert (await client.get("brapi", "/x")).json() == {"n": 1}
    assert len(seen) == 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 406, 417])
async def test_a_refusal_is_final_and_carries_what_was_said(tmp_path: Path, status: int) -> None:
    async with upstream(always(status, b'{"message": "no"}'), tmp_path) as (client, seen):
        with pytest.raises(SourceRefused, match=str(status)) as caught:
            await client.get("brapi", "/x")
    assert len(seen) == 1
    assert caught.value.status == status
    assert "no" in caught.value.body


async def test_404_is_final(tmp_path: Path) -> None:
    async with upstream(always(404), tmp_path) as (client, seen):
        with pytest.raises(NotAvailable):
            await client.get("brapi", "/x")
    assert len(seen) == 1


async def test_an_upstream_that_stays_down_is_given_up_after_the_retries(tmp_path: Path) -> None:
    async with upstream(always(503), tmp_path) as (client, seen):
        with pytest.raises(SourceDown, match="HTTP 503, 4 times"):
            await client.get("brapi", "/x")
    assert len(seen) == 4


async def test_a_short_retry_after_is_waited_for(tmp_path: Path) -> None:
    async with upstream(in_turn((429, {"Retry-After": "1"}), (200, {})), tmp_path) as (client, seen):
        started = asyncio.get_running_loop().time()
        await client.get("brapi", "/x")
        assert asyncio.get_running_loop().time() - started >= 1
    assert len(seen) == 2


async def test_a_long_retry_after_surfaces_and_stops_everyone(tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(seconds=600)
    stamp = later.strftime("%a, %d %b %Y %H:%M:%S GMT")
    async with upstream(in_turn((429, {"Retry-After": stamp})), tmp_path) as (client, seen):
        with pytest.raises(SourceDown) as caught:
            await client.get("brapi", "/x")
        assert 590 < (caught.value.retry_after or 0) <= 600
        with pytest.raises(BreakerOpen) as refused:
            await client.get("brapi", "/y")
        assert 580 < (refused.value.retry_after or 0) <= 600
    assert len(seen) == 1


async def test_a_hanging_upstream_ends_in_its_timeout(tmp_path: Path) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    short = FAST.model_copy(update={"read_timeout": 0.1, "retries": 1})
    async with upstream(hang, tmp_path, short) as (client, seen):
        with pytest.raises(SourceDown, match="no answer within"):
            await client.get("brapi", "/x")
        assert len(seen) == 2


async def test_five_failures_open_the_breaker_for_everyone(tmp_path: Path) -> None:
    http = FAST.model_copy(update={"breaker_failures": 5})
    async with upstream(always(500), tmp_path, http) as (client, seen):
        with pytest.raises(SourceDown):
            await client.get("brapi", "/a")
        with pytest.raises(SourceDown, match="then not asked"):
            await client.get("brapi", "/b")
        with pytest.raises(BreakerOpen):
            await client.get("brapi", "/c")
    assert len(seen) == 5


async def test_a_body_above_the_cap_is_not_read(tmp_path: Path) -> None:
    async with upstream(always(200, b"x" * 20_000), tmp_path) as (client, _):
        with pytest.raises(TooLarge, match="announced"):
            await client.get("brapi", "/x")


async def test_a_small_body_that_unpacks_to_much_is_cut_off(tmp_path: Path) -> None:
    packed = gzip.compress(b"0" * 5_000_000)
    assert len(packed) < 10_000
    async with upstream(always(200, packed, Content_Encoding="gzip"), tmp_path) as (client, _):
        with pytest.raises(TooLarge):
            await client.get("brapi", "/x")


async def test_a_cut_body_is_tried_again(tmp_path: Path) -> None:
    tries = []

    async def cut_once(request: web.Request) -> web.StreamResponse:
        tries.append(1)
        if len(tries) > 1:
            return web.Response(body=b'{"n": 2}')
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"n":')
        assert request.transport is not None
        request.transport.abort()
        return response

    async with upstream(cut_once, tmp_path) as (client, _):
        assert (await client.get("brapi", "/x")).json() == {"n": 2}


async def test_an_error_page_with_status_200_is_malformed(tmp_path: Path) -> None:
    async with upstream(always(200, b"<html>sorry</html>"), tmp_path) as (client, _):
        answer = await client.get("brapi", "/x")
        with pytest.raises(Malformed, match="no JSON but '<html>sorry</html>'"):
            answer.json()


async def test_a_redirect_to_another_host_is_refused(tmp_path: Path) -> None:
    async with upstream(always(302, Location="https://example.com/x"), tmp_path) as (client, seen):
        with pytest.raises(SourceRefused, match="another host"):
            await client.get("brapi", "/x")
    assert len(seen) == 1


async def test_a_redirect_within_the_host_is_followed_but_not_for_ever(tmp_path: Path) -> None:
    async def onwards(request: web.Request) -> web.Response:
        if request.path.endswith("/end"):
            return web.json_response({"ok": True})
        raise web.HTTPFound("/brapi/end" if request.path.endswith("/start") else request.path)

    async with upstream(onwards, tmp_path) as (client, _):
        assert (await client.get("brapi", "/start")).json() == {"ok": True}
        with pytest.raises(SourceRefused, match="circles"):
            await client.get("brapi", "/round")


async def test_the_token_goes_into_a_header_and_nowhere_else(tmp_path: Path) -> None:
    async with upstream(always(200), tmp_path) as (client, seen):
        answer = await client.get("brapi", "/x")
    assert seen[0].headers["Authorization"] == "Bearer sandbox"
    assert "sandbox" not in answer.payload.url.split("/", 3)[3]
    assert "token" not in str(seen[0].url)


async def test_what_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    async def tagged(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304)
        return web.Response(body=b"<rss/>", headers={"ETag": '"v1"'})

    async with upstream(tagged, tmp_path) as (client, seen):
        first = await client.get("brapi", "/feed", kind="rss")
        second = await client.get("brapi", "/feed", kind="rss")
    assert not first.not_modified
    assert second.not_modified
    assert second.body == b"<rss/>"
    assert second.payload.sha256 == first.payload.sha256
    assert len(seen) == 2


async def test_a_zip_is_kept_on_disk_and_asked_conditionally_by_the_next_process(tmp_path: Path) -> None:
    body = zipped(a=b"hello")

    async def tagged(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"z"':
            return web.Response(status=304)
        return web.Response(body=body, headers={"ETag": '"z"'})

    async with upstream(tagged, tmp_path) as (client, seen):
        first = await client.get("brapi", "/f.zip", kind="zip")
        assert first.path is not None
        assert first.path.read_bytes() == body
        async with SourceClient.open(client.settings) as another:
            second = await another.get("brapi", "/f.zip", kind="zip")
    assert second.not_modified
    assert second.path == first.path
    assert [request.headers.get("If-None-Match") for request in seen] == [None, '"z"']


async def test_the_same_file_wanted_by_many_is_fetched_once(tmp_path: Path) -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response(body=zipped(a=b"x"))

    async with upstream(slow, tmp_path) as (client, seen):
        answers = await asyncio.gather(*(client.get("brapi", "/f.zip", kind="zip", fresh_for=60) for _ in range(20)))
    assert len(seen) == 1
    assert len({answer.payload.sha256 for answer in answers}) == 1


async def test_a_cut_zip_leaves_nothing_behind(tmp_path: Path) -> None:
    async with upstream(always(200, zipped(a=b"x" * 5000)[:-30]), tmp_path) as (client, _):
        with pytest.raises(Malformed, match="zip"):
            await client.get("brapi", "/f.zip", kind="zip")
    assert [path.name for path in (tmp_path / "cache" / "files").iterdir()] == []


async def test_a_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    async with upstream(always(200, zipped(a=b"0" * 30_000_000)), tmp_path) as (client, _):
        with pytest.raises(TooLarge, match="bomb"):
            await client.get("brapi", "/f.zip", kind="zip")


async def test_a_zip_of_a_thousand_entries_is_refused(tmp_path: Path) -> None:
    many = zipped(**{f"f{i}": b"x" for i in range(1000)})
    async with upstream(always(200, many), tmp_path) as (client, _):
        with pytest.raises(TooLarge):
            await client.get("brapi", "/f.zip", kind="zip")


async def test_only_the_source_s_own_hosts_are_asked(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, sources={"rss": SourceSettings(feeds={"a": "https://news.example/feed"})})
    async with SourceClient.open(settings) as client:
        for url in ("https://other.example/feed", "http://news.example/feed", "https://user@news.example/feed"):
            with pytest.raises(Forbidden):
                await client.get("rss", url, kind="rss")


@pytest.mark.parametrize(
    "base",
    [
        "https://127.0.0.1",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://[64:ff9b::7f00:1]",
        "https://[2002:7f00:1::]",
        "https://192.0.0.192",
        "https://169.254.169.254",
        "https://10.0.0.1",
        "https://100.64.0.1",
        "https://0.0.0.0",
        "https://localhost",
    ],
)
async def test_a_private_address_is_not_connected_to(tmp_path: Path, base: str) -> None:
    settings = Settings(data_dir=tmp_path, sources={"brapi": SourceSettings(base_url=base)}, http=FAST)
    async with SourceClient.open(settings) as client:
        with pytest.raises(Forbidden):
            await client.get("brapi", "/x")


async def test_the_month_s_budget_is_not_overdrawn(tmp_path: Path) -> None:
    async with upstream(always(200), tmp_path) as (client, seen):
        conf = client.settings.source("brapi").model_copy(update={"monthly_budget": 2, "rate": 10.0, "burst": 10})
        client._confs["brapi"] = conf
        await client.get("brapi", "/1")
        await client.get("brapi", "/2")
        with pytest.raises(BudgetSpent):
            await client.get("brapi", "/3")
    assert len(seen) == 2


async def test_a_secret_in_the_settings_never_reaches_a_log_line_or_an_error(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as lines:
        async with upstream(always(500), tmp_path) as (client, _):
            conf = client.settings.source("brapi")
            client._confs["brapi"] = SourceSettings(
                **{**conf.model_dump(), "token": "s3cr3t-t0ken"},
            )
            with pytest.raises(SourceDown) as caught:
                await client.get("brapi", "/x")
    assert "s3cr3t" not in repr(lines) + str(caught.value) + repr(caught.value.__cause__)
