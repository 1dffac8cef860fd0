"""``rediss://``: a self-signed chain is refused unless the settings say otherwise; a password is URL-decoded."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import redis
import trustme
from bench.servers import OwnValkey

from invest.engine import Invest
from invest.errors import Unreachable
from invest.settings import Settings
from tests.integration.engine.engine_kit import drained, kit_add

Make = Callable[..., Settings]
PASSWORD = "p@ss/wörd%"


@asynccontextmanager
async def tls_in_front_of(server: OwnValkey) -> AsyncIterator[int]:
    """A TLS listener on a loopback port that passes everything on to the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ssl.SSLError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(str(server.socket))
        with suppress(asyncio.CancelledError):
            await asyncio.gather(pipe(reader, inner_writer), pipe(inner_reader, writer))

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


async def test_a_self_signed_chain_is_taken_only_where_the_settings_say_so(settings: Make) -> None:
    with OwnValkey() as server:
        with redis.Redis(unix_socket_path=str(server.socket)) as client:
            client.config_set("requirepass", PASSWORD)
        async with tls_in_front_of(server) as port:
            url = f"rediss://:p%40ss%2Fw%C3%B6rd%25@localhost:{port}/0"
            with pytest.raises(Unreachable, match="does not answer") as refusal:
                async with Invest.connect(settings(redis={"url": url, "connect_timeout": 2})):
                    raise AssertionError("it connected")
            assert "w%C3" not in str(refusal.value) and "wörd" not in str(refusal.value), "no password in messages"
            known = settings(redis={"url": url, "ssl_cert_reqs": "none"}, engine={"lease": 2})
            async with Invest.connect(known) as invest:
                job = await invest.enqueue(kit_add(1))
                await drained(known)
                assert await job.result(timeout=10) == 2
