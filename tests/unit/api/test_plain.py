"""An answer that is written at once is the one that aiohttp would have written step by step."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from invest.api.http import ORIGINS, Plain, headers, on_prepare

Kind = Callable[..., web.Response]
CASES: dict[str, dict[str, Any]] = {
    "json": {"body": b'{"a":1}', "status": 202, "content_type": "application/json"},
    "empty": {"body": b"", "status": 200, "content_type": "application/json"},
    "own caching": {"body": b"x", "headers": {"Cache-Control": "no-cache", "ETag": '"1"', "X-Frame-Options": "ALLOW"}},
    "own headers": {
        "body": b"x",
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-cache", "X-Frame-Options": "ALLOW"},
    },
    "no type": {"body": b"x", "headers": {"Location": "/a/ä"}},
    "no content": {"status": 204, "headers": {"ETag": '"1"'}},
    "not modified": {"status": 304, "headers": {"ETag": '"1"'}},
    "closing": {"status": 413, "body": b"x", "headers": {"Connection": "close"}, "content_type": "text/plain"},
    "long": {"body": b"x" * 200_000, "content_type": "application/octet-stream"},
    "page": {"body": b"<p>", "content_type": "text/html"},
}


@contextlib.asynccontextmanager
async def serving(kind: Kind) -> AsyncIterator[int]:
    """A server that answers each case, as `kind`."""
    app = web.Application()
    app[ORIGINS] = ("https://mine.example",)
    app.on_response_prepare.append(on_prepare)

    async def answer(request: web.Request) -> web.Response:
        response = kind(**CASES[request.match_info["case"]])
        if "gzip" in request.query and response.body:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    app.router.add_route("*", "/{case}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def asked(port: int, target: str, *, method: str, version: str, extra: str) -> tuple[Any, ...]:
    """Status line, headers and body as they came over the wire; whether the connection goes on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{method} {target} HTTP/{version}\r\nHost: x\r\n{extra}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = sorted(line for line in head[1:] if not line.startswith("Date: "))
        dated = any(line.startswith("Date: ") for line in head)
        length = [int(line.partition(": ")[2]) for line in headers if line.startswith("Content-Length")]
        body = await reader.readexactly(length[0]) if length and method != "HEAD" else b""
        chunked = any("chunked" in line for line in headers)
        writer.write(b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n")
        after = b"" if chunked else await reader.read(12)
        return head[0], headers, dated, body, after
    finally:
        writer.close()


@pytest.mark.parametrize("case", CASES)
async def test_it_is_written_as_any_other_answer(case: str) -> None:
    target = "/" + case.replace(" ", "%20")
    async with serving(web.Response) as usual, serving(Plain) as plain:
        for method, version, extra, query in (
            ("GET", "1.1", "", ""),
            ("HEAD", "1.1", "", ""),
            ("POST", "1.1", "Content-Length: 0\r\n", ""),
            ("GET", "1.0", "", ""),
            ("GET", "1.1", "Connection: close\r\n", ""),
            ("GET", "1.1", "Origin: https://mine.example\r\n", ""),
            ("GET", "1.1", "Accept-Encoding: gzip\r\n", "?gzip"),
        ):
            found = [
                await asked(port, target + query, method=method, version=version, extra=extra)
                for port in (usual, plain)
            ]
            assert found[0] == found[1], (method, version, extra, query)


async def test_a_value_with_a_line_break_is_not_sent() -> None:
    CASES["broken"] = {"body": b"x", "headers": {"Location": "/a\r\nSet-Cookie: b=1"}}
    try:
        async with serving(Plain) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"Set-Cookie" not in await reader.read(1000)
            writer.close()
    finally:
        del CASES["broken"]


async def test_an_error_after_a_stream_has_begun_ends_the_connection_without_a_second_head() -> None:
    app = web.Application()
    app[ORIGINS] = ()
    app.on_response_prepare.append(on_prepare)

    async def stream(request: web.Request) -> web.StreamResponse:
        begun = web.StreamResponse()
        await begun.prepare(request)
        await begun.write(b"first")
        return Plain(body=b"{}", status=500, content_type="application/json")  # what `outermost` makes of an error

    app.router.add_get("/", stream)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(5):
            whole = await reader.read()
        assert whole.count(b"HTTP/1.1") == 1
        assert whole.endswith(b"5\r\nfirst\r\n")
        writer.close()
    finally:
        await runner.cleanup()


def test_what_an_answer_varies_by_is_added_to_what_it_said_itself() -> None:
    app = web.Application()
    app[ORIGINS] = ("https://mine.example",)
    given = {"Accept-Encoding": "gzip", "Origin": "https://mine.example"}
    request = make_mocked_request("GET", "/", headers=given, app=app)
    answer = Plain(body=b"x" * 2000, content_type="application/json", headers={"Vary": "Accept"})
    headers.compress(request, answer)
    headers.harden(request, answer)
    headers.harden(request, answer)
    assert answer.headers["Vary"] == "Accept, Accept-Encoding, Origin"


async def test_another_release_of_aiohttp_writes_its_answers_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "KNOWN_AIOHTTP", False)
    async with serving(web.Response) as usual, serving(Plain) as plain:
        given = {"method": "GET", "version": "1.1", "extra": ""}
        assert await asked(plain, "/json", **given) == await asked(usual, "/json", **given)
