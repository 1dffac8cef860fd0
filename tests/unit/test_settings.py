"""Where settings come from, which wins, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from invest.cli.verbs.config import commented
from invest.errors import ConfigError
from invest.settings import Settings, defaults_file, masked, setting_paths, settings_file


@pytest.fixture
def dotenv(tmp_path: Path, settings: Callable[..., Settings]) -> Callable[[str], Settings]:
    """Settings with the given text as .env."""

    def read(text: str, **overrides: Any) -> Settings:
        path = tmp_path / ".env"
        path.write_text(text, encoding="utf-8")
        return settings(_env_file=path, **overrides)

    return read


def test_platform_names_are_read_from_dotenv(dotenv: Callable[..., Settings]) -> None:
    got = dotenv("REDIS_URL=redis://a:1/0\nPORT=9000\nOPENAI_API_KEY=sk-x\nGOOGLE_API_KEY=g\nBRAPI_TOKEN=b\n")
    assert got.redis.url and got.redis.url.get_secret_value() == "redis://a:1/0"
    assert got.web.port == 9000
    key, other = got.ai.providers["openai"].api_key, got.ai.providers["gemini"].api_key
    assert key and key.get_secret_value() == "sk-x" and other and other.get_secret_value() == "g"
    assert got.ai.providers["openai"].model, "settings.toml still supplies the rest of the section"
    token = got.sources["brapi"].token
    assert token and token.get_secret_value() == "b"


def test_the_environment_wins_over_dotenv_and_invest_names_over_platform_names(
    dotenv: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "9001")
    assert dotenv("PORT=9000\nINVEST_WEB__PORT=9002\n").web.port == 9001
    monkeypatch.setenv("INVEST_WEB__PORT", "9003")
    assert dotenv("PORT=9000\n").web.port == 9003
    assert dotenv("", web={"port": 1}).web.port == 1


def test_empty_values_count_as_unset(dotenv: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("INVEST_WEB__PORT", "")
    got = dotenv("DATABASE_URL=\n")
    assert got.redis.url is None and got.database.url is None and got.web.port == 8000


def test_names_of_other_programs_in_dotenv_are_left_alone(dotenv: Callable[..., Settings]) -> None:
    assert dotenv("SENTRY_DSN=x\nDEBUG=1\ndata_dir=elsewhere\nREDIS=1\n").redis.url is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("INVEST_REDIS_URL", "INVEST_REDIS__URL"),
        ("INVEST_AI__QUORUMM", "INVEST_AI__QUORUM"),
        ("INVEST_WEB__PROT", "INVEST_WEB__PORT"),
        ("invest_datadir", "INVEST_DATA_DIR"),
    ],
)
def test_an_unknown_invest_name_is_refused_with_the_likely_one(
    settings: Callable[..., Settings],
    dotenv: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    hint: str,
) -> None:
    with pytest.raises(ConfigError, match=f"{name.upper()} sets nothing .did you mean {hint}"):
        dotenv(f"{name}=1\n")
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigError, match=name.upper()):
        settings()


def test_names_chosen_by_the_user_inside_a_section_are_settings(
    settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVEST_QUEUES__REPORTS__CONCURRENCY", "3")
    monkeypatch.setenv("INVEST_SOURCES__RSS__FEEDS__MINE", "https://example.org/feed")
    monkeypatch.setenv("INVEST_AI__PROVIDERS__COMPATIBLE__API_KEY", "k")
    monkeypatch.setenv("INVEST_LOGGING", '{"level": "DEBUG"}')
    got = settings()
    assert got.queues["reports"].concurrency == 3
    assert got.sources["rss"].feeds["mine"] == "https://example.org/feed"
    assert got.logging.level == "DEBUG"


def test_a_wrong_value_is_named_and_a_secret_is_not_shown(
    settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "many")
    with pytest.raises(ConfigError, match=r"web\.port: Input should be a valid integer") as caught:
        settings()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"[redis\n", b"\xff\xfe"])
def test_a_broken_settings_file_is_one_clear_line(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_bytes(content)
    monkeypatch.setenv("INVEST_SETTINGS", str(broken))
    with pytest.raises(ConfigError, match="settings: ") as caught:
        settings()
    assert "\n" not in str(caught.value)


def test_every_setting_has_a_path_and_secrets_are_masked(settings: Callable[..., Settings]) -> None:
    paths = set(setting_paths(Settings))
    assert {("redis", "url"), ("ai", "providers", "*", "model"), ("sources", "*", "feeds", "*")} <= paths
    shown = masked(settings(redis={"url": "redis://:pw@h/0"}).model_dump())
    assert "pw" not in str(shown) and shown["redis"]["url"].startswith("***")


def test_a_users_file_is_merged_over_the_defaults(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settings()
    mine = tmp_path / "mine.toml"
    mine.write_text(
        '[ai]\nquorum = 3\n[sources.brapi]\nrate = 7.5\n[sources.rss.feeds]\nvalor = ""\nown = "https://o"\n'
    )
    monkeypatch.setenv("INVEST_SETTINGS", str(mine))
    got = settings()
    assert (got.ai.quorum, got.sources["brapi"].rate) == (3, 7.5)
    assert got.sources["brapi"].monthly_budget == before.sources["brapi"].monthly_budget, "the rest keeps its default"
    assert got.ai.providers == before.ai.providers and got.queues == before.queues
    kept = {**before.sources["rss"].feeds, "own": "https://o"}
    del kept["valor"]
    assert got.sources["rss"].feeds == kept, "an empty address turns a feed off"


def test_the_working_directory_needs_no_settings(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settings()
    monkeypatch.delenv("INVEST_SETTINGS")
    monkeypatch.chdir(tmp_path)
    assert settings_file() is None and settings() == before
    (tmp_path / "settings.toml").write_text("[web]\nport = 9123\n")
    assert settings_file() == tmp_path / "settings.toml" and settings().web.port == 9123


def test_a_named_file_that_is_not_there_is_refused(
    settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVEST_SETTINGS", "/nowhere/settings.toml")
    with pytest.raises(ConfigError, match=r"INVEST_SETTINGS names /nowhere/settings\.toml"):
        settings()


def test_a_file_to_begin_with_changes_nothing_and_takes_every_line(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = defaults_file().read_text("utf-8")
    text = commented(defaults)
    before = settings()
    mine = tmp_path / "mine.toml"
    monkeypatch.setenv("INVEST_SETTINGS", str(mine))
    mine.write_text(text)
    assert settings() == before
    assert re.sub(r"(?m)^# (?=[a-z_]+ *=)", "", text).replace("as_of = ", "# as_of = ", 1) == defaults
    mine.write_text(text.replace("# quorum = 2", "quorum = 4"))
    assert settings().ai.quorum == 4


def test_the_sandbox_lifts_limits_but_of_what_points_into_it_already(settings: Callable[..., Settings]) -> None:
    sandbox = "http://127.0.0.1:9"
    lifted = settings(sandbox_url=sandbox).source("brapi")
    assert (lifted.base_url, lifted.history_range) == (f"{sandbox}/brapi", "10y")
    pointed = {"brapi": {"base_url": f"{sandbox}/brapi", "rate": 3.0, "history_range": "3mo"}}
    kept = settings(sandbox_url=sandbox, sources=pointed).source("brapi")
    assert (kept.rate, kept.history_range) == (3.0, "3mo")
    elsewhere = settings(sandbox_url=sandbox, sources={"brapi": {"base_url": "http://127.0.0.1:99/brapi"}}).source(
        "brapi"
    )
    assert elsewhere.base_url == f"{sandbox}/brapi"
