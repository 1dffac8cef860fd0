"""Options of every verb wherever they stand, the login file, rows as CSV."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from invest.cli import arranged
from invest.cli.investing.export import as_csv
from invest.cli.server import Target, forget, remember, target
from invest.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("job ls -q", "-q job ls"),
        ("job ls --no-color --url http://x", "--no-color --url http://x job ls"),
        ("job ls --url=http://x", "--url=http://x job ls"),
        ("job ls --json id,name", "--fields id,name job ls --json"),
        ("job ls --json id", "--fields id job ls --json"),
        ("job ls --json", "job ls --json"),
        ("job show ID --json=state", "--fields state job show ID --json"),
        ("data quality --json PETR4", "data quality --json PETR4"),
        ("enqueue --json collect PETR4", "enqueue --json collect PETR4"),
        ("job run x -- -q", "job run x -- -q"),
        ("price PETR4 --json close,day", "--fields close,day price PETR4 --json"),
        ("", ""),
    ],
)
def test_options_of_every_verb_are_taken_wherever_they_stand(given: str, read: str) -> None:
    assert arranged(given.split()) == read.split()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without a login."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("INVEST_URL", raising=False)
    monkeypatch.delenv("INVEST_KEY", raising=False)
    return tmp_path


def test_a_login_is_kept_where_only_its_owner_reads_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert target() is None and forget() is False
    file = remember(Target("https://invest.example", "inv_a"))
    assert file == home / "invest" / "login.json" and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert target() == ("https://invest.example", "inv_a")
    remember(Target("https://invest.example", "inv_b"))
    assert target() == ("https://invest.example", "inv_b")
    monkeypatch.setenv("INVEST_URL", "https://other.example/")
    assert target() == ("https://other.example", None), "a login's key goes to its own server alone"
    monkeypatch.setenv("INVEST_KEY", "inv_c")
    assert target() == ("https://other.example", "inv_c")
    monkeypatch.setenv("INVEST_URL", "")
    assert target() is None, "an empty INVEST_URL is this machine"
    assert forget() is True and forget() is False


def test_a_login_file_that_is_broken_is_one_clear_line(home: Path) -> None:
    (home / "invest").mkdir()
    (home / "invest" / "login.json").write_text("{")
    with pytest.raises(ConfigError, match="run `invest login` again"):
        target()


def test_rows_are_csv_that_a_spreadsheet_reads_as_data() -> None:
    rows: list[dict[str, Any]] = [
        {"day": "2026-03-31", "close": "-1.5", "note": "=HYPERLINK()"},
        {"day": "2026-04-01", "close": None, "more": ["a", 1], "note": 'he said "x", y'},
        {"day": "2026-04-02", "close": "1E-7", "note": "-1+cmd"},
    ]
    assert as_csv(rows) == (
        "day,close,note,more\r\n"
        "2026-03-31,-1.5,'=HYPERLINK(),\r\n"
        '2026-04-01,,"he said ""x"", y","[""a"", 1]"\r\n'
        "2026-04-02,1E-7,'-1+cmd,\r\n"
    )
    assert as_csv([]) == "\r\n"
    assert (
        as_csv([{"quantity": "33.05000000", "whole": "100.00000000", "money": "12.50"}]).splitlines()[1]
        == "33.05,100,12.50"
    )
