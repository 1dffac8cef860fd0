"""What one machine fetched is there for all: in a folder they share, and in S3 (moto's server on loopback)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from invest.domain.values import RawPayload
from invest.engine import Context, Invest, Queue, Resources, Worker, registry
from invest.errors import ConfigError, ServerAway
from invest.jobs.data_collection.provenance import bytes_of
from invest.jobs.exported_files import YOUNG, prune_shared_exports
from invest.objects import EXPORTS, NOTES, PAYLOADS, Objects, open_objects
from invest.settings import Settings
from invest.sources.client.http import SourceClient
from invest.store import Store
from tests.unit.sources.client.test_download import FileServer, served, zip_of

Make = Callable[..., Settings]
AT = datetime(2026, 3, 31, 21, tzinfo=UTC)


class S3:
    """moto's S3 server, which can be away for a while."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        self._server.stop()

    @property
    def options(self) -> dict[str, str]:
        return {
            "aws_endpoint": f"http://127.0.0.1:{self.port}",
            "aws_region": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    pytest.importorskip("moto.server", reason="moto is not installed")
    import urllib.request

    server = S3()
    asked = urllib.request.Request(f"http://127.0.0.1:{server.port}/boxes", method="PUT")
    urllib.request.urlopen(asked, timeout=10).close()
    yield server
    server.stop()


@pytest.fixture(params=["file", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Settings of an object store."""
    if request.param == "file":
        return {"url": f"file://{tmp_path / 'shared'}"}
    server: S3 = request.getfixturevalue("s3")
    return {"url": f"s3://boxes/{tmp_path.name}", "options": server.options, "timeout": 5}


@asynccontextmanager
async def box(server: FileServer, folder: Path, kept: dict[str, Any], settings: Make) -> Any:
    """A machine with a disk of its own, whose upstream is `server`."""
    async with served(server, folder) as client:
        own = settings(**{**client.settings.model_dump(), "objects": kept, "data_dir": folder})
        async with SourceClient.open(own) as sharing:
            yield sharing


def objects_of(kept: dict[str, Any], settings: Make) -> Objects:
    found = open_objects(settings(objects=kept, sandbox_url="http://127.0.0.1:1"))
    assert found is not None
    return found


async def test_a_file_that_one_box_fetched_is_read_by_the_others(
    tmp_path: Path, kept: dict[str, Any], settings: Make
) -> None:
    body = zip_of(1)
    server = FileServer([body], cuts=0)
    async with box(server, tmp_path / "a", kept, settings) as one:
        first = await one.get("cvm", "/f.zip", kind="zip", fresh_for=60)
        url = first.payload.url
        async with SourceClient.open(one.settings.model_copy(update={"data_dir": tmp_path / "b"})) as other:
            second = await other.get("cvm", "/f.zip", kind="zip", fresh_for=60)
            assert second.path is not None and second.path.is_relative_to(tmp_path / "b")
            assert second.path.read_bytes() == body
            assert second.payload == first.payload
    assert len(server.asked) == 1, url


@pytest.mark.parametrize("trouble", ["missing", "cut", "changed", "note"])
async def test_what_the_store_lost_or_spoilt_is_fetched_again_and_kept_right(
    tmp_path: Path, kept: dict[str, Any], settings: Make, trouble: str
) -> None:
    body = zip_of(2)
    sha256 = hashlib.sha256(body).hexdigest()
    server = FileServer([body], cuts=0)
    objects = objects_of(kept, settings)
    async with box(server, tmp_path / "a", kept, settings) as one:
        await one.get("cvm", "/f.zip", kind="zip", fresh_for=60)
        note = next(iter(await objects.names(NOTES)))
        if trouble == "missing":
            await objects.delete(PAYLOADS + sha256)
        elif trouble == "note":
            await objects.put(NOTES + note, b'{"payload": {}, "confirmed": "soon"}')
        else:
            await objects.put(PAYLOADS + sha256, body[:-100] if trouble == "cut" else b"x" * len(body))
        async with SourceClient.open(one.settings.model_copy(update={"data_dir": tmp_path / "b"})) as other:
            again = await other.get("cvm", "/f.zip", kind="zip", fresh_for=60)
            assert again.path is not None and again.path.read_bytes() == body
    assert len(server.asked) == 2
    assert await objects.get(PAYLOADS + sha256, sha256) == body
    assert sorted(p.suffix for p in (tmp_path / "b" / "cache" / "files").iterdir()) == [".json", ".zip"]


async def test_the_bytes_behind_a_value_come_from_the_store(
    tmp_path: Path, kept: dict[str, Any], settings: Make, database_url: str
) -> None:
    body = zip_of(3)
    sha256 = hashlib.sha256(body).hexdigest()
    payload = RawPayload(
        sha256=sha256, source="cvm", url="https://dados.cvm.gov.br/f.zip", fetched_at=AT, status=200,
        content_type="application/zip", size=len(body), body=None,
    )  # fmt: skip
    known = settings(objects=kept, database={"url": database_url}, sandbox_url="http://127.0.0.1:1")
    objects = objects_of(kept, settings)
    async with Store.open(known) as store:
        await store.payloads.put(payload)
        assert (await bytes_of(store, known, sha256)).where == "nowhere"
        await objects.put(PAYLOADS + sha256, body)
        found = await bytes_of(store, known, sha256)
        assert (found.where, found.body) == ("objects", body)
        await objects.put(PAYLOADS + sha256, body[:-1])
        lost = await bytes_of(store, known, sha256)
        assert (lost.where, lost.body) == ("nowhere", None)
        assert "fetch it again" in lost.lost


async def test_files_of_before_are_brought_to_the_store(tmp_path: Path, kept: dict[str, Any], settings: Make) -> None:
    body = zip_of(4)
    sha256 = hashlib.sha256(body).hexdigest()
    objects = objects_of(kept, settings)
    async with box(FileServer([body]), tmp_path, kept, settings) as one:
        path = one.memory.file_of(sha256)
        path.write_bytes(body)
        spoilt = one.memory.file_of("0" * 64)
        spoilt.write_bytes(body)
        assert await one.common.share({sha256, "0" * 64, "1" * 64}) == {sha256}
    assert await objects.get(PAYLOADS + sha256, sha256) == body


async def test_exports_of_no_report_go(kept: dict[str, Any], settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = objects_of(kept, settings)
    for name in ("known.pdf", "old.pdf"):
        await objects.put(EXPORTS + name, b"%PDF")
    assert await prune_shared_exports(objects, frozenset({"known.pdf"})) == (0, 0)  # young: its report may follow
    monkeypatch.setattr("invest.jobs.exported_files.YOUNG", YOUNG - 2 * YOUNG)
    assert await prune_shared_exports(objects, frozenset({"known.pdf"})) == (1, 4)
    assert set(await objects.names(EXPORTS)) == {"known.pdf"}


async def test_while_the_store_is_away_jobs_are_handed_back_uncharged(s3: S3, settings: Make, redis_url: str) -> None:
    known = settings(objects={"url": "s3://boxes/away", "options": s3.options, "timeout": 1}, redis={"url": redis_url})
    objects = open_objects(known)
    assert objects is not None
    queue = Queue("objectkit", concurrency=1, timeout=30, soft_timeout=None)

    async def keep_object(ctx: Context) -> list[int]:
        try:
            await objects.put("payloads/a", b"a")
        except ServerAway:
            back.set()
            raise
        return [ctx.attempt, ctx.delivery]

    @asynccontextmanager
    async def resources(settings: Settings) -> Any:
        held = Resources()
        held.add_check(objects.ready)
        yield held

    back = asyncio.Event()
    job = queue.job()(keep_object)
    s3.stop()
    try:
        async with Invest.connect(known) as invest:
            put = await invest.enqueue(job())
            worker = Worker([queue], settings=known, resources=resources, handle_signals=False)
            working = asyncio.create_task(worker.main())
            await asyncio.wait_for(back.wait(), 30)
            with pytest.raises(ServerAway, match="the object store s3://boxes/away does not answer"):
                await objects.get("payloads/a")
            s3.start()
            attempt, delivery = await put.result(30)
            assert attempt == 1 and delivery >= 2
            worker.stop()
            await working
    finally:
        registry.remove(job)
    assert await objects.get("payloads/a") == b"a"


def test_an_address_that_is_none_is_refused_in_one_line(settings: Make) -> None:
    for url in ("ftp://host/x", "boxes", "s3://"):
        with pytest.raises(ConfigError) as refused:
            open_objects(settings(objects={"url": url}))
        assert url in str(refused.value)
        assert "\n" not in str(refused.value)
    assert open_objects(settings()) is None
