"""Large files over connections that are cut: what came is kept, the rest alone is asked for, and nothing is mixed."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import io
import random
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from invest.settings import HttpSettings, Settings, SourceSettings
from invest.sources.client.download import Part, Validators
from invest.sources.client.http import SourceClient
from invest.sources.client.memory import Memory
from invest.sources.client.shelf import Shelf
from invest.sources.client.shelves import Shelves
from invest.sources.errors import BreakerOpen, Malformed, SourceDown

FAST = HttpSettings(backoff=0.001, read_timeout=2, connect_timeout=1, breaker_failures=100, retries=3)


def zip_of(seed: int, size: int = 600_000) -> bytes:
    """A zip that hardly shrinks."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.bin", random.Random(seed).randbytes(size))
    return out.getvalue()


@dataclass
class FileServer:
    """A server of one file: the first `cuts` answers are cut in the middle; `versions` follow each other."""

    versions: list[bytes]
    cuts: int = 1
    ranges: bool = True
    heeds_if_range: bool = True
    etag: bool = True
    weak: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)

    def tag(self, body: bytes) -> str:
        """An entity tag of the bytes."""
        return ("W/" if self.weak else "") + f'"{hashlib.sha256(body).hexdigest()[:12]}"'

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One answer: whole, a range, or cut."""
        self.asked.append(dict(request.headers))
        body = self.versions[min(len(self.asked), len(self.versions)) - 1]
        headers = {"ETag": self.tag(body)} if self.etag else {}
        start, status = 0, 200
        wanted = request.headers.get("Range")
        same = not self.heeds_if_range or request.headers.get("If-Range") == headers.get("ETag")
        if wanted and self.ranges and same:
            start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
            if start >= len(body):
                return web.Response(status=416)
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        out = web.StreamResponse(status=status, headers=headers)
        rest = body[start:]
        out.content_length = len(rest)
        await out.prepare(request)
        if len(self.asked) <= self.cuts:
            await out.write(rest[: len(rest) // 2])
            assert request.transport is not None
            request.transport.close()
            return out
        await out.write(rest)
        return out


@asynccontextmanager
async def served(server: FileServer, folder: Path, http: HttpSettings = FAST) -> AsyncIterator[SourceClient]:
    """The server, and a client whose sandbox it is."""
    app = web.Application()
    app.router.add_get("/{tail:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = Settings(sandbox_url=url, data_dir=folder, http=http, sources={"cvm": SourceSettings(enabled=True)})
    try:
        async with SourceClient.open(settings) as client:
            yield client
    finally:
        await runner.cleanup()


def left_in(folder: Path) -> list[str]:
    """Kinds of files in the cache."""
    return sorted(path.suffix for path in (folder / "cache" / "files").iterdir())


async def test_the_rest_of_a_cut_file_alone_is_asked_for(tmp_path: Path) -> None:
    body = zip_of(1)
    server = FileServer([body], cuts=2)
    async with served(server, tmp_path) as client:
        answer = await client.get("cvm", "/f.zip", kind="zip")
    assert answer.path is not None
    assert answer.path.read_bytes() == body
    assert answer.payload.sha256 == hashlib.sha256(body).hexdigest()
    assert (answer.payload.status, answer.payload.size) == (200, len(body))
    starts = [int(h["Range"].removeprefix("bytes=").rstrip("-")) for h in server.asked[1:]]
    assert 0 < starts[0] <= starts[1] < len(body)  # the second time the connection may go before a byte is read
    assert {h["If-Range"] for h in server.asked[1:]} == {server.tag(body)}
    assert left_in(tmp_path) == [".json", ".zip"]


async def test_a_server_that_ignores_ranges_sends_the_whole_file_again(tmp_path: Path) -> None:
    body = zip_of(2)
    server = FileServer([body], ranges=False)
    async with served(server, tmp_path) as client:
        answer = await client.get("cvm", "/f.zip", kind="zip")
    assert answer.path is not None
    assert answer.path.read_bytes() == body
    assert "Range" in server.asked[1]


async def test_a_file_that_changed_in_between_is_fetched_whole(tmp_path: Path) -> None:
    old, new = zip_of(3), zip_of(4)
    server = FileServer([old, new])
    async with served(server, tmp_path) as client:
        answer = await client.get("cvm", "/f.zip", kind="zip")
    assert answer.path is not None
    assert answer.path.read_bytes() == new


async def test_a_server_that_does_not_heed_if_range_makes_no_mixture(tmp_path: Path) -> None:
    old, new = zip_of(5), zip_of(6)
    server = FileServer([old, new], heeds_if_range=False)
    async with served(server, tmp_path) as client:
        with pytest.raises(Malformed, match="does not go on"):
            await client.get("cvm", "/f.zip", kind="zip")
        async with SourceClient.open(client.settings) as another:  # it does not know of the refusal
            again = await another.get("cvm", "/f.zip", kind="zip")
    assert again.path is not None
    assert again.path.read_bytes() == new
    assert "Range" not in server.asked[2]


async def test_a_range_beyond_the_end_begins_anew(tmp_path: Path) -> None:
    old, new = zip_of(7, 900_000), zip_of(8, 1_000)
    server = FileServer([old, new], heeds_if_range=False)
    async with served(server, tmp_path) as client:
        answer = await client.get("cvm", "/f.zip", kind="zip")
    assert answer.path is not None
    assert answer.path.read_bytes() == new


@pytest.mark.parametrize(("etag", "weak"), [(False, False), (True, True)], ids=["no validator", "a weak one"])
async def test_without_a_strong_validator_nothing_is_joined(tmp_path: Path, etag: bool, weak: bool) -> None:
    body = zip_of(9)
    server = FileServer([body], etag=etag, weak=weak)
    async with served(server, tmp_path) as client:
        answer = await client.get("cvm", "/f.zip", kind="zip")
    assert answer.path is not None
    assert answer.path.read_bytes() == body
    assert "Range" not in server.asked[1]


async def test_a_joined_file_with_a_wrong_checksum_is_not_believed(tmp_path: Path) -> None:
    body = zip_of(10)
    spoilt = body[:200_000] + bytes(1000) + body[201_000:]
    server = FileServer([body, body])
    async with served(server, tmp_path) as client:
        part = client.memory.part_of(f"{client.settings.sandbox_url}/cvm/f.zip")
        part.path.write_bytes(spoilt[:300_000])
        part.note(Validators(server.tag(body), None))
        server.cuts = 0
        with pytest.raises(Malformed, match=r"checksum|broken"):
            await client.get("cvm", "/f.zip", kind="zip")
    assert left_in(tmp_path) == []


async def test_what_one_call_got_helps_the_next(tmp_path: Path) -> None:
    body = zip_of(11)
    server = FileServer([body], cuts=1)
    once = FAST.model_copy(update={"retries": 0})
    async with served(server, tmp_path, once) as client:
        with pytest.raises(SourceDown):
            await client.get("cvm", "/f.zip", kind="zip")
        answer = await client.get("cvm", "/f.zip", kind="zip")
    assert answer.payload.sha256 == hashlib.sha256(body).hexdigest()
    assert "Range" in server.asked[1]


async def test_what_a_process_left_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    body = zip_of(12)
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    server = FileServer([body], cuts=0)
    async with served(server, tmp_path) as client:
        mine = client.memory.part_of(f"{client.settings.sandbox_url}/cvm/f.zip").path
        theirs = Part(mine.with_name(mine.name.split(".")[0] + f".{gone.pid}.part"))
        theirs.path.write_bytes(body[:100_000])
        theirs.note(Validators(server.tag(body), None))
        answer = await client.get("cvm", "/f.zip", kind="zip")
    assert server.asked[0]["Range"] == "bytes=100000-"
    assert answer.payload.sha256 == hashlib.sha256(body).hexdigest()


async def test_a_file_that_comes_slowly_is_waited_for_and_a_silent_server_is_not(tmp_path: Path) -> None:
    body = zip_of(13, 50_000)
    asked = 0

    async def slowly(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        out = web.StreamResponse(headers={"ETag": '"s"'})
        out.content_length = len(body)
        await out.prepare(request)
        for at in range(0, len(body), 10_000):
            await asyncio.sleep(0.15)
            await out.write(body[at : at + 10_000])
        return out

    class Slow(FileServer):
        async def answer(self, request: web.Request) -> web.StreamResponse:
            return await slowly(request)

    impatient = FAST.model_copy(update={"read_timeout": 0.4, "retries": 0})
    async with served(Slow([body]), tmp_path, impatient) as client:
        answer = await client.get("cvm", "/f.zip", kind="zip")
    assert answer.payload.size == len(body)
    assert asked == 1


async def test_what_was_not_believed_is_not_fetched_for_every_asset(tmp_path: Path) -> None:
    server = FileServer([b"<html>busy</html>"], cuts=0)
    async with served(server, tmp_path) as client:
        for _ in range(5):
            with pytest.raises(Malformed):
                await client.get("cvm", "/f.zip", kind="zip", fresh_for=60)
    assert len(server.asked) == 1


async def test_a_file_that_cannot_be_cut_up_is_forgotten(tmp_path: Path) -> None:
    def cut(source: Path, _: Path) -> None:
        raise Malformed("cvm", f"nothing of {source.suffix} is readable")

    server = FileServer([zip_of(14)], cuts=0)
    async with served(server, tmp_path) as client:
        with pytest.raises(Malformed):
            await Shelves("x", cut).fetch(client, "cvm", "/f.zip", fresh_for=60)
        assert left_in(tmp_path) == []
        with pytest.raises(Malformed):
            await Shelves("x", cut).fetch(client, "cvm", "/f.zip", fresh_for=60)
    assert "If-None-Match" not in server.asked[0]
    assert len(server.asked) == 1


@pytest.mark.parametrize("at", ["part_note", "finished_file", "note", "shelf"])
async def test_a_full_disk_is_named_and_is_no_fault_of_the_upstream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    places = {"part_note": (Part, "note"), "finished_file": (Part, "finish"), "note": (Memory, "_note")}
    if at in places:
        monkeypatch.setattr(*places[at], full)
    server = FileServer([zip_of(15)], cuts=0)
    async with served(server, tmp_path) as client:
        with pytest.raises(SourceDown, match=r"cannot be kept on disk \(No space left on device\)"):
            await Shelves("x", full if at == "shelf" else Shelf.write).fetch(client, "cvm", "/f.zip", fresh_for=60)  # type: ignore[arg-type]
    assert len(server.asked) == 1  # it is not asked again for what the disk cannot hold


async def test_calls_that_wait_for_a_slot_do_not_go_to_a_host_found_down_meanwhile(tmp_path: Path) -> None:
    release = asyncio.Event()

    class Dying(FileServer):
        async def answer(self, request: web.Request) -> web.StreamResponse:
            self.asked.append(dict(request.headers))
            await release.wait()
            return web.Response(status=500)

    server = Dying([b""])
    http = FAST.model_copy(update={"breaker_failures": 2, "retries": 0, "read_timeout": 5})
    async with served(server, tmp_path, http) as client:
        client._confs["cvm"] = client.settings.source("cvm").model_copy(update={"concurrency": 2})
        calls = [asyncio.ensure_future(client.get("cvm", f"/{n}")) for n in range(20)]
        while len(server.asked) < 2:  # noqa: ASYNC110 - the server counts
            await asyncio.sleep(0.01)
        release.set()
        ended = await asyncio.gather(*calls, return_exceptions=True)
    kinds = [type(error) for error in ended]
    assert kinds.count(SourceDown) == len(server.asked) <= 3
    assert kinds.count(BreakerOpen) == 20 - len(server.asked)
