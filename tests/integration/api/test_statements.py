"""A file is read in a process of its own: whatever it holds, the server answers, hears signals and keeps its memory."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from invest.isolated import Isolated, TooCostly
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]
MODULE = """
import os, re, signal

def count(number, fail=None):
    for one in range(number):
        yield one
    if fail:
        raise ValueError(fail)

def regex():
    yield "begun"
    yield re.fullmatch("(a*)*b", "a" * 60)

def memory():
    yield "begun"
    yield len(bytearray(900_000_000))

def crash():
    yield "begun"
    os.kill(os.getpid(), signal.SIGSEGV)

def secrets():
    yield {name: value for name, value in os.environ.items()}

def write(path):
    yield "begun"
    with open(path, "w") as file:
        file.write("x")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of functions that a child can import."""
    (tmp_path / "hostile_functions.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return tmp_path


@asynccontextmanager
async def isolated(name: str, **limits: float) -> AsyncIterator[Isolated]:
    reader = Isolated(f"hostile_functions:{name}", **limits)  # type: ignore[arg-type] # figures
    try:
        yield reader
    finally:
        await reader.close()


async def test_pieces_come_in_order_and_an_error_is_the_functions_own(module: Path) -> None:
    async with isolated("count") as reader:
        assert await reader.call(3) == [0, 1, 2]
        assert list(await asyncio.gather(reader.call(1), reader.call(2))) == [[0], [0, 1]]
        with pytest.raises(ValueError, match="broken"):
            await reader.call(2, fail="broken")


async def test_a_pattern_that_never_ends_is_ended_while_others_are_served(module: Path) -> None:
    async with isolated("regex", cpu_seconds=0.5) as reader:
        begun, longest, last = time.monotonic(), 0.0, time.monotonic()
        asked = asyncio.create_task(reader.call())
        while not asked.done():
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        with pytest.raises(TooCostly, match="more time"):
            await asked
        assert longest < 0.3 and time.monotonic() - begun < 20


async def test_memory_beyond_the_limit_a_crash_and_a_long_wait_are_told(module: Path) -> None:
    async with isolated("memory") as reader:
        with pytest.raises(TooCostly, match="more memory"):
            await reader.call()
    async with isolated("crash") as reader:
        with pytest.raises(TooCostly, match="crashed"):
            await reader.call()
    async with isolated("regex", cpu_seconds=30, wall_seconds=1) as reader:
        with pytest.raises(TooCostly, match="longer than 1 s"):
            await reader.call()


async def test_the_child_knows_no_secret_and_writes_no_file(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:sesame@h/d")
    async with isolated("secrets") as reader:
        [seen] = await reader.call()
        assert "DATABASE_URL" not in seen and "sesame" not in str(seen)
    async with isolated("write") as reader:
        with pytest.raises((TooCostly, OSError)):
            await reader.call(str(module / "made"))


async def test_a_large_statement_is_booked_while_the_server_answers_others(web_door: Door) -> None:
    made = (await web_door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)).json()["id"]
    rows = (
        f"{1 + n % 28:02}/{1 + n % 12:02}/{2010 + n % 10};PETR4;compra;{1 + n % 90};10,{n % 100:02}"
        for n in range(20_000)
    )
    data = ("data;ativo;operacao;quantidade;preco\n" + "\n".join(rows)).encode()
    silent: list[float] = []

    async def probe() -> None:
        while True:
            begun = time.monotonic()
            await web_door.ask("GET", "/healthz", status=200)
            silent.append(time.monotonic() - begun)
            await asyncio.sleep(0.005)

    probing = asyncio.create_task(probe())
    answer = await web_door.ask("POST", f"{API}/portfolios/{made}/import", data=data, status=200)
    again = await web_door.ask("POST", f"{API}/portfolios/{made}/import", data=data, status=200)
    await web_door.ask("GET", f"{API}/portfolios/{made}", status=200)
    probing.cancel()
    assert sum(answer.json()["counts"].values()) == 20_000 and again.json()["counts"]["booked"] == 0
    assert max(silent) < 3.0, sorted(silent)[-5:]  # the client shares this loop; make siege looks from outside


async def test_statements_that_cannot_be_read_are_told_why(web_door: Door) -> None:
    made = (await web_door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)).json()["id"]
    for data, said in ((b"%PDF-1.7", "PDF"), (b"nothing known", "no known layout")):
        answer = await web_door.ask("POST", f"{API}/portfolios/{made}/import", data=data, status=422)
        assert said in answer.json()["detail"] and answer.json()["type"] == "urn:invest:unknown-statement"
