"""The command line from outside: exit codes, one line for an error, and JSON that programs can read."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from invest.cli import exit_code, main, output, reference
from invest.cli.output import percentage, rounded
from invest.cli.platform.demo_table import assets_table, opinions_table
from invest.cli.platform.origins import explain
from invest.cli.verbs.quality import in_short
from invest.cli.verbs.tasks import parse_arguments
from invest.domain.maths import as_shown
from invest.engine import ErrorInfo, JobFailed, ResultTimeout
from invest.errors import ConfigError, NotFound, Unreachable
from invest.reports.locale import locale_of
from invest.settings import load
from tests.command_line import command_line

ROOT = Path(__file__).parents[3]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`invest` in a process of its own, its servers on a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    closed = {"REDIS_URL": f"redis://127.0.0.1:{port}", "DATABASE_URL": f"postgres://u:p@127.0.0.1:{port}/x"}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("INVEST_")}
    told = {**kept, **closed, "INVEST_SETTINGS": str(ROOT / "settings.toml"), **environment}
    return command_line().run(arguments, told, Path.cwd())


def test_values_are_json_where_they_read_as_json_and_text_elsewhere() -> None:
    assert parse_arguments(["PETR4", "[1,2]", "force_update=true"]) == (["PETR4", [1, 2]], {"force_update": True})


def test_a_positional_value_after_a_named_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="positional ones first"):
        parse_arguments(["a=1", "PETR4"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JobFailed(ErrorInfo(type="X", message="y")), 1),
        (ConfigError("x"), 2),
        (NotFound("x"), 2),
        (ValueError("x"), 2),
        (Unreachable("x"), 3),
        (ConnectionRefusedError("x"), 3),
        (ResultTimeout("x"), 124),
    ],
)
def test_each_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def test_an_expected_error_of_tasks_side_by_side_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise ExceptionGroup("tasks", [ExceptionGroup("inner", [ConfigError("run `invest db migrate`")])])

    monkeypatch.setattr("invest.cli.app.app", fail)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.strip() == "invest: run `invest db migrate`"
    monkeypatch.setattr("invest.cli.app.app", lambda **_: (_ for _ in ()).throw(ExceptionGroup("x", [KeyError("y")])))
    with pytest.raises(ExceptionGroup):
        main()


@pytest.mark.slow
def test_every_job_is_described_as_json_with_its_policy() -> None:
    done = run("jobs", "types", "--json")
    described = json.loads(done.stdout)
    keys = {"name", "queue", "retries", "delay", "timeout", "soft_timeout", "cron"}
    assert done.returncode == 0
    assert {"collect_asset_data_async", "generate_multi_ai_analysis"} <= {d["name"] for d in described}
    assert all(keys <= d.keys() for d in described)


@pytest.mark.parametrize(
    "arguments",
    [
        ("worker", "nope"),
        ("jobs", "ls", "--state", "nope"),
        ("analyse", "not a ticker"),
        ("data", "quality", "not a ticker"),
        ("analyse", "PETR4", "--language", "fr"),
        ("sandbox", "--fault", "nope:latency"),
        ("sandbox", "--fault", "brapi:nope"),
        ("keys", "create", " "),
    ],
)
def test_wrong_input_exits_with_2_and_no_traceback(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("invest: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nope",), "no such command 'nope'; see `invest --help`"),
        (("jbos",), "no such command 'jbos' (did you mean 'jobs'?); see `invest --help`"),
        (("keys", "create"), "missing argument 'name'; see `invest keys create --help`"),
        (
            ("keys", "create", "x", "--scope", "all"),
            "invalid value for '--scope': 'all' is not one of 'read', 'write', 'admin'; "
            "see `invest keys create --help`",
        ),
        (("jobs", "ls", "--limit"), "option '--limit' requires an argument; see `invest --help`"),
        (
            ("demo", "--language", "fr"),
            "invalid value for '--language': 'fr' is not one of 'pt-BR', 'en'; see `invest demo --help`",
        ),
    ],
)
def test_a_wrong_command_is_told_what_is_wrong_and_where_its_help_is(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["invest", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    told = capsys.readouterr()
    assert (end.value.code, told.out, told.err) == (2, "", f"invest: {said}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_gives_a_script_for_the_shell(shell: str) -> None:
    done = run(_INVEST_COMPLETE=f"source_{shell}")
    assert done.returncode == 0 and "_INVEST_COMPLETE" in done.stdout and "invest" in done.stdout


def test_completion_knows_the_verbs() -> None:
    done = run(_INVEST_COMPLETE="complete_bash", COMP_WORDS="invest ke", COMP_CWORD="1")
    assert done.stdout.split() == ["key"]


ID = "01a222abbaa6fd781cef14f447dbc25a"


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_keeps_ids_whole_and_fits_its_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    columns = ("state", "id", "job", "arguments", "attempt", "queued")
    row = (output.state("succeeded"), ID, "generate_multi_ai_analysis", "x" * 60, 1, "26 min ago")
    output.table(columns, [row], right=("attempt",), empty="none")
    out = capsys.readouterr().out
    assert ID in out and "26 min ago" in out and "succeeded" in out
    assert max(map(len, out.splitlines())) <= width
    assert ("arguments" in out) is (width == 120)


def test_the_addresses_of_servers_are_told_as_shell_lines_and_missing_ones_named(tmp_path: Path) -> None:
    told = run(
        "config",
        "env",
        REDIS_URL="redis://:a%20b@host/0",
        DATABASE_URL="postgres://u@host/d",
        INVEST_DATA_DIR=str(tmp_path),
    )
    assert told.stdout == "export REDIS_URL=redis://:a%20b@host/0\nexport DATABASE_URL=postgres://u@host/d\n"
    lost = run("config", "env", REDIS_URL="", DATABASE_URL="", INVEST_DATA_DIR=str(tmp_path))
    assert lost.returncode == 3
    assert (
        "DATABASE_URL and REDIS_URL: not set, and no embedded server runs here; start `invest run` first" in lost.stderr
    )


@pytest.mark.parametrize("arguments", [("jobs", "ls"), ("keys", "ls"), ("analyse", "PETR4", "--wait")])
def test_an_unreachable_server_is_one_line_and_exit_3(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    lines = [line for line in done.stderr.splitlines() if line.startswith("invest:")]
    assert done.returncode == 3, done.stderr
    assert len(lines) == 1
    assert "Traceback" not in done.stderr


def test_a_market_that_does_not_exist_is_named_with_those_that_do() -> None:
    done = run("data", "backtest", "bonds")
    assert done.returncode == 2
    assert "no market 'bonds': stocks, fiis, etfs, bdrs, cryptos" in done.stderr


def test_doctor_names_what_is_unreachable_and_exits_with_3(tmp_path: Path) -> None:
    done = run("doctor", "--json", INVEST_DATA_DIR=str(tmp_path))
    states = {c["what"]: c["state"] for c in json.loads(done.stdout)}
    assert done.returncode == 3
    assert states["Redis"] == states["PostgreSQL"] == "unreachable"
    assert states["disk"] == "ok"


def test_config_show_hides_secrets_and_names_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@localhost")
    monkeypatch.setenv("INVEST_AI__QUORUM", "3")
    monkeypatch.setenv("INVEST_WEB", '{"rate_limit": 7}')
    found = {s.path: s for s in explain(load())}
    assert found["redis.url"].origin == "REDIS_URL"
    assert "hunter2" not in str(found)
    assert (found["ai.quorum"].value, found["ai.quorum"].origin) == (3, "INVEST_AI__QUORUM")
    assert (found["web.rate_limit"].value, found["web.rate_limit"].origin) == (7, "INVEST_WEB")
    assert found["web.rate_burst"].origin == "settings.toml"
    assert found["delivery.webhook_secret"].origin == "default"


def test_a_value_of_the_env_file_is_named_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BRAPI_TOKEN", raising=False)
    (tmp_path / ".env").write_text("BRAPI_TOKEN=hunter2\n", encoding="utf-8")
    found = {s.path: s for s in explain(load())}["sources.brapi.token"]
    assert found.origin == ".env (BRAPI_TOKEN)"
    assert found.value == "********"


def test_the_reference_page_is_up_to_date() -> None:
    assert (ROOT / reference.PAGE).read_text(encoding="utf-8") == reference.page()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "BRL", None),
        (Decimal("0.06742"), "fraction", "6.74 %"),
        (Decimal(-50217637000), "BRL", "-50.22 bn BRL"),
        (Decimal("48.67"), "BRL", "48.67 BRL"),
        (Decimal("1048.665"), "BRL", "1,048.67 BRL"),
        (Decimal("0.06745"), "fraction", "6.75 %"),
        (Decimal(12345000000), "BRL", "12.35 bn BRL"),
    ],
)
def test_values_are_shown_short_enough_to_read(value: Decimal | None, unit: str, text: str | None) -> None:
    assert in_short(value, unit) == text


@pytest.mark.parametrize("value", [7.25, 7.35, 0.05, 9.95, 2.5, 0.845, -0.04, 1e-9, 8.0, 1e30])
def test_the_command_line_rounds_as_pages_and_reports_do(value: float) -> None:
    for decimals in (0, 1, 2):
        assert float(rounded(value, decimals)) == as_shown(value, decimals)
        printed = locale_of("en").percent(value, decimals).replace(",", "")
        assert percentage(value, decimals).replace("-", "−") == printed


def test_the_demo_table_shows_a_half_as_the_pages_do() -> None:
    asset: dict[str, Any] = {"ticker": "PETR4", "kind": "stock", "price": 30.0, "sources_count": 3}
    asset |= {"overall_score": 7.25, "recommendation": "buy", "coverage": 0.845}
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(assets_table({"assets": [asset]}))
    printed = console.export_text()
    assert " 7.3 " in printed
    assert " 85 % " in printed


def test_the_demo_tables_fit_80_columns() -> None:
    asset: dict[str, Any] = {"ticker": "BTC-BRL", "kind": "crypto", "price": 1234567.89, "sources_count": 10}
    asset |= {"overall_score": 9.9, "recommendation": "insufficient_data", "coverage": 1.0}
    said = {"provider": "anthropic", "rating": "strong_sell", "confidence": 0.55, "seconds": 12.34, "status": "ok"}
    consensus = {"rating": "strong_sell", "probability": 0.55, "agreement": 0.55, "fragile": False}
    summary = {"assets": [asset], "opinions": [said], "consensus": consensus}
    for table in (assets_table(summary), opinions_table(summary)):
        assert Console(width=200).measure(table).maximum <= 80
