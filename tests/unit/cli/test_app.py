"""Starting the command line: what it loads, and options that every verb has."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from invest.cli import FLAGS, WITH_VALUE, arranged
from invest.cli.app import app
from invest.cli.output import fitting, wrapped
from invest.cli.platform.local import SANDBOX_FILE, sandbox_named, settings_here
from invest.cli.server import choose_cell, target
from invest.cli.server.target import Target, chosen_cell, chosen_cells
from invest.settings import load

HEAVY = {"aiohttp", "asyncio", "numpy", "pydantic", "pydantic_settings", "redis", "arq", "asyncpg", "structlog"}
SHOW = "import sys, invest.cli as cli, contextlib; sys.argv = ['invest', *sys.argv[1:]]\n" \
    "with contextlib.suppress(SystemExit): cli.main()\nprint('LOADED', *sys.modules)"  # fmt: skip


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(argument: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW, argument], capture_output=True, text=True, check=True, timeout=60
    )
    text, _, loaded = done.stdout.rpartition("LOADED")
    assert "invest" in text
    assert not HEAVY & set(loaded.split())


def test_no_verb_has_an_option_that_is_moved_before_it() -> None:
    moved = {*FLAGS, *WITH_VALUE}

    def options(command: Any, path: str) -> Iterator[tuple[str, str]]:
        for name, below in getattr(command, "commands", {}).items():
            yield from ((f"{path} {name}", text) for param in below.params for text in param.opts)
            yield from options(below, f"{path} {name}")

    assert not [(verb, text) for verb, text in options(typer.main.get_command(app), "invest") if text in moved]


def test_one_cell_may_be_named_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert arranged(["dlq", "ls", "--cell", "north"]) == ["--cell", "north", "dlq", "ls"]
    monkeypatch.setenv("INVEST_REDIS__CELL", "")
    monkeypatch.setenv("INVEST_URL", "")
    try:
        choose_cell("north")
        assert os.environ["INVEST_REDIS__CELL"] == "north" and target() is None
        monkeypatch.setenv("INVEST_URL", "https://invest.example")
        assert target() == Target("https://invest.example") and chosen_cell() == "north", "it goes to the server"
    finally:
        chosen_cells.clear()


def test_a_narrow_terminal_cuts_long_texts_and_nothing_else() -> None:
    columns = ("number", "date", "operation", "ticker", "quantity", "price", "broker", "note")
    widths = (6, 10, 9, 6, 8, 8, 45, 4)
    narrow = fitting(columns, widths, 80)
    assert {columns[i]: w for i, w in narrow.items() if w != widths[i]} == {}, (
        "the broker is left out, all else is whole"
    )
    assert 6 not in narrow and 6 in fitting(columns, widths, 120)
    shared = fitting(("id", "alert", "note"), (32, 24, 60), 80)
    assert shared[0] == 32 and shared[1] == 24 and 12 <= shared[2] < 60
    assert sum(fitting(("id", "whatever"), (32, 90), 80).values()) <= 80


def test_a_table_too_wide_loses_whole_columns_and_never_parts_of_figures() -> None:
    columns = ("asset", "kind", "rights until", "ex", "paid or out", "BRL", "factor", "stage")
    widths = (6, 8, 12, 10, 11, 10, 6, 17)
    filled = (True, True, True, True, True, True, False, True)
    narrow = fitting(columns, widths, 80, filled)
    assert [columns[i] for i in narrow] == ["asset", "kind", "rights until", "paid or out", "BRL", "stage"]
    assert all(width == widths[i] for i, width in narrow.items() if columns[i] != "stage")
    assert list(fitting(("ticker", "open", "close"), (6, 40, 40), 30)) == [0, 1]


class Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_sentences_end_between_words_on_a_terminal_and_stay_whole_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    text = "invest: 2 portfolios are named 'Teste': give the id, one of 50b43bb1c4435738220c6b0f4c01a346"
    lines = wrapped(text, Screen()).splitlines()
    assert max(map(len, lines)) <= 40 and " ".join(line.strip() for line in lines) == text
    assert wrapped(text, io.StringIO()) == text


def test_verbs_beside_a_sandbox_read_it_and_only_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVEST_DATA_DIR", str(tmp_path))
    world = load(sandbox_url="http://127.0.0.1:1", as_of="2026-11-27T21:00:00-03:00")
    with sandbox_named(world):
        assert (settings_here().sandbox_url, settings_here().as_of) == (world.sandbox_url, world.as_of)
        monkeypatch.setenv("INVEST_SANDBOX_URL", "http://127.0.0.1:2")
        assert settings_here().sandbox_url == "http://127.0.0.1:2"
        monkeypatch.delenv("INVEST_SANDBOX_URL")
        file = tmp_path / SANDBOX_FILE
        file.write_text(file.read_text().replace(str(os.getpid()), str(ended_process())))
        assert not settings_here().sandbox
    assert not settings_here().sandbox and not file.exists()


def ended_process() -> int:
    """The number of a process that is gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid
