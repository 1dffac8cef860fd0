"""`make security` finds what nobody gave a reason for, and nothing that has one."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import security

PLANTED = """
import random
import sqlite3

TABLE = "t"


def read(base: sqlite3.Connection, name: str) -> None:
    base.execute(f"SELECT a FROM {TABLE} WHERE a = ?", (name,))
    base.execute(f"SELECT a FROM t WHERE a = '{name}'")
    random.random()
    random.random()  # noqa: S311 - jitter, no secret
    random.random()  # noqa: S311
    # nosec B608 - the caller's own
    base.execute(f"SELECT a FROM {name}")
"""


def test_a_planted_fault_without_a_reason_is_found_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "planted.py"
    file.write_text(PLANTED)
    found, looked_at = security.bandit([str(file)])
    assert [(finding["test_id"], finding["line_number"]) for finding in found] == [
        ("B608", 10),
        ("B311", 11),
        ("B311", 13),
    ]
    assert looked_at > len(found)


@pytest.mark.parametrize(
    ("statement", "constant"),
    [
        ('f"SELECT {COLUMNS} FROM a"', True),
        ("f\"SELECT {', '.join(f'${i}' for i in range(1, len(COLUMNS) + 1))} FROM a\"", True),
        ("f\"SELECT {KNOWN.format('f')} FROM a\"", True),
        ('f"SELECT {columns} FROM a"', False),
        ('f"SELECT {COLUMNS} FROM {table}"', False),
        ("f\"SELECT {', '.join(f'{i} {word}' for i in COLUMNS)} FROM a\"", False),
        ('"SELECT " + columns', False),
    ],
)
def test_only_names_of_constants_make_a_statement_constant(statement: str, constant: bool) -> None:
    assert security.constants_only(f"x = {statement}", [1]) is constant


def test_no_source_of_advisories_is_said_and_passed_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = {"dependencies": [{"name": "aiohttp", "skip_reason": "not found"}]}
    answers: tuple[dict[str, list[dict[str, str]]] | None, ...] = (None, unknown, {"dependencies": []})
    for told in answers:
        asked: list[object] = []
        monkeypatch.setattr(
            security, "_audited", lambda pins, seconds, told=told, asked=asked: asked.append(pins) or told
        )
        assert security.audit() == ""
        assert len(asked) == 1 and "passed over" in capsys.readouterr().out


def test_a_known_fault_of_a_dependency_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"dependencies": [{"name": "aiohttp", "version": "1", "vulns": [{"id": "CVE-1"}]}]}
    monkeypatch.setattr(security, "_audited", lambda pins, seconds: told)
    assert security.audit() == "aiohttp 1: CVE-1"
