"""The live trial, tried on the sandbox: every upstream has a question, and each trouble a remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from invest.sources.live import QUESTIONS, anonymous, as_bytes, recording_of, shape_of, try_live
from invest_sandbox.faults import Fault
from invest_sandbox.world import World
from tests.integration.sources.test_gathering import MakeSettings, platform

NAMES = (*QUESTIONS, "rss")


@pytest.fixture(scope="module")
def world() -> World:
    """A small market."""
    return World(20, 7, None, None)


async def test_every_upstream_is_asked_and_answers_as_recorded(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, _):
        assert set(sources.names) == set(NAMES)  # none is without a question
        trials = [trial for name in NAMES for trial in await try_live(sources.client, name)]
    told = {trial.source: (trial.state, trial.found) for trial in trials}
    assert {name: state for name, (state, _) in told.items()} == dict.fromkeys(NAMES, "ok"), told
    assert all(0 < trial.seconds < 60 for trial in trials)


@pytest.mark.parametrize(
    ("kind", "more", "state", "remedy"),
    [
        ("malformed", {}, "failed", "invest data record brapi"),
        ("error", {"status": 503}, "failed", "try again later"),
        ("error", {"status": 401}, "failed", "set the token of [sources.brapi]"),
        ("error", {"status": 404}, "failed", "docs/sources.md"),
        ("empty", {}, "failed", "invest data record brapi"),
    ],
)
async def test_a_trouble_comes_with_its_remedy(
    world: World, settings: MakeSettings, kind: str, more: dict[str, int], state: str, remedy: str
) -> None:
    fault = Fault.model_validate({"upstream": "brapi", "kind": kind, **more})
    async with platform(world, settings, fault) as (sources, _):
        (trial,) = await try_live(sources.client, "brapi")
    assert trial.state == state
    assert remedy in trial.remedy
    assert trial.found


async def test_a_changed_shape_names_what_lacks(
    world: World, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = QUESTIONS["brapi"]
    wanted = known.names | {"results[].neverThere"}
    changed = {**QUESTIONS, "brapi": type(known)(known.path, wanted)}
    monkeypatch.setattr("invest.sources.live.QUESTIONS", changed)
    async with platform(world, settings) as (sources, _):
        (trial,) = await try_live(sources.client, "brapi")
    assert (trial.state, trial.missing) == ("changed", ("results[].neverThere",))
    assert "lacks results[].neverThere" in trial.found


async def test_a_changed_shape_names_what_may_have_replaced_it(
    world: World, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = {name: QUESTIONS[name] for name in ("bcb", "cvm")}
    renamed["bcb"] = replace(renamed["bcb"], names=frozenset({"[].data", "[].valorr"}))
    renamed["cvm"] = replace(renamed["cvm"], names=frozenset({"CD_CVM_CIA", "SIT"}))
    monkeypatch.setattr("invest.sources.live.QUESTIONS", renamed)
    async with platform(world, settings) as (sources, _):
        found = {name: (await try_live(sources.client, name))[0].found for name in renamed}
        feeds = [trial.found.partition(":")[0] for trial in await try_live(sources.client, "rss")]
    assert found["bcb"] == "lacks [].valorr (beside it: valor)"
    assert "CD_CVM" in found["cvm"].partition("beside it:")[2]
    assert feeds == list(sources.client.settings.source("rss").feeds)


async def test_a_recording_holds_what_came_and_no_secret(world: World, settings: MakeSettings, tmp_path: Path) -> None:
    async with platform(world, settings) as (sources, _):
        trials = [*await try_live(sources.client, "brapi"), *await try_live(sources.client, "cotahist")]
        recordings = [recording_of(trial) for trial in trials]
    (tmp_path / "recording.json").write_bytes(as_bytes(recordings))
    quote, session = orjson.loads((tmp_path / "recording.json").read_bytes())
    assert '"symbol":"PETR4"' in quote["body"]
    assert quote["state"] == "ok"
    (lines,) = session["members"].values()
    assert lines[0].startswith("00COTAHIST")
    assert "Authorization" not in str(recordings)


def test_what_is_personal_is_taken_out() -> None:
    said = 'ana.silva@mail.com.br 123.456.789-09 "token": "abcdef123456" 33.000.167/0001-01'
    assert anonymous(said) == 'x@example.com 000.000.000-00 "token": "…" 33.000.167/0001-01'


def test_the_shape_of_json_is_its_names() -> None:
    data = {"results": [{"symbol": "PETR4", "x": {"y": 1}}, {"z": []}], "took": 3}
    inner = {f"results[].{name}" for name in ("symbol", "x", "x.y", "z", "z[]")}
    assert set(shape_of(data)) == {"results", "results[]", "took"} | inner
