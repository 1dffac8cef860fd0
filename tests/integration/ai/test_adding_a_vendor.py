"""docs/ai-vendors.md followed as written, in front of the sandbox: its table, its rows, its look, its question."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from invest.ai import Analysts, ask_vendors
from invest.ai.providers import wire_of
from invest.domain.opinions import OpinionStatus, Snapshot
from invest.settings import ProviderSettings, Settings
from invest_sandbox.server import Sandbox

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "ai-vendors.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


async def test_the_table_of_the_page_is_read_looked_at_and_asked(
    settings: Callable[..., Settings], snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = next(text for language, text in BLOCKS if language == "toml")
    added = tomllib.loads(table)["ai"]["providers"]
    (name,) = added
    (variable,) = re.findall(rf"`(INVEST_AI__PROVIDERS__{name.upper()}__API_KEY)`", PAGE)
    (command,) = re.findall(r"invest enqueue (generate_multi_ai_analysis .*) --wait", PAGE)
    asked = json.loads(re.findall(r"providers='(.*)'", command)[0])
    async with Sandbox.start(20) as sandbox:
        chosen = settings(sandbox_url=sandbox.url, ai={"providers": added})
        monkeypatch.setenv(variable, "a-key-from-the-environment")
        looked = {state.name: state for state in await ask_vendors(chosen, spend=True)}
        async with Analysts.open(chosen) as analysts:
            opinions = await analysts.ask(snapshot, asked)
    assert looked[name].state == "ok", looked[name]
    assert "answered" in looked[name].found
    assert [(o.provider, o.status) for o in opinions] == [(one, OpinionStatus.OK) for one in asked]
    assert opinions[0].vendor == "anthropic"  # its maker, as the page says, not the host


def test_each_setting_of_the_page_is_one() -> None:
    rows = re.findall(r"^\| .* \| (.*) \|$", PAGE, re.MULTILINE)[1:]
    given = [
        snippet for row in rows for snippet in re.findall(r"`((?:base_url|headers|extra_body|vendor) = [^`]*)`", row)
    ]
    assert len(given) >= 5
    for snippet in given:
        fields = {"enabled": True, "kind": "openai_compatible", "base_url": "http://h/v1"} | tomllib.loads(snippet)
        assert ProviderSettings.model_validate(fields)
    for setting in re.findall(r"`(price_in|price_out|vendor|model|headers|extra_body)`", PAGE):
        assert setting in ProviderSettings.model_fields


def test_a_vendor_without_a_list_of_its_own_needs_a_model() -> None:
    with pytest.raises(ValueError, match="give the vendor's id"):
        ProviderSettings.model_validate({"kind": "anthropic"})


def test_each_kind_of_the_page_has_a_wire_and_each_command_is_one() -> None:
    (kinds,) = re.findall(r"kind = .*# (.*)", PAGE)
    for kind in kinds.split(", "):
        assert wire_of(kind, "http://h/v1")
    commands = {line.split()[1] for _, text in BLOCKS for line in text.splitlines() if line.startswith("invest ")}
    assert commands == {"doctor", "sandbox", "enqueue", "ai"}
    shown = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert all(f"invest {command}" in shown for command in commands)
    for path in re.findall(r"`((?:src|tests)/[\w/.]+)`", PAGE):
        assert (ROOT / path).exists(), path
