"""The live trial, tried on the sandbox: every upstream has a question, and each trouble a remedy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from invest.domain.values import RawPayload
from invest.sources.client.call import Response
from invest.sources.live import QUESTIONS, Trial, shape_of, try_live
from invest.sources.recording import anonymous, as_bytes, recording_of
from invest_sandbox.faults import Fault
from invest_sandbox.world import World
from tests.integration.sources.test_gathering import MakeSettings, platform

NAMES = (*QUESTIONS, "rss")
PAYLOAD = RawPayload(
    sha256="0" * 64, source="cvm", url="u", fetched_at=datetime(2026, 3, 31, tzinfo=UTC), status=200, size=0
)


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
        ("error", {"status": 403}, "failed", "set the token of [sources.brapi]"),
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


@pytest.mark.parametrize("name", ["b3", "cvm", "bcb", "mercado_bitcoin", "yahoo"])
async def test_an_upstream_without_a_key_that_refuses_is_no_matter_of_a_key(
    world: World, settings: MakeSettings, name: str
) -> None:
    fault = Fault.model_validate({"upstream": name, "kind": "error", "status": 403})
    async with platform(world, settings, fault) as (sources, _):
        trial = (await try_live(sources.client, name))[0]
    assert trial.state == "failed"
    assert "no key is at fault" in trial.remedy
    assert "token" not in trial.remedy


@pytest.mark.parametrize(("kind", "more"), [("malformed", {}), ("error", {"status": 403})])
async def test_the_recording_of_a_failure_holds_what_came(
    world: World, settings: MakeSettings, kind: str, more: dict[str, int]
) -> None:
    fault = Fault.model_validate({"upstream": "brapi", "kind": kind, **more})
    async with platform(world, settings, fault) as (sources, _):
        (trial,) = await try_live(sources.client, "brapi")
    assert trial.state == "failed"
    assert recording_of(trial)["body"]


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


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            'ana.silva@mail.com.br 123.456.789-09 "token": "abcdef123456" 33.000.167/0001-01',
            'x@example.com 000.000.000-00 "token": "…" 33.000.167/0001-01',
        ),
        ("https://feed.example/rss?access_token=abc123def&x=1", "https://feed.example/rss?access_token=…&x=1"),
        ("https://ana:segredo1@feed.example/rss", "https://feed.example/rss"),
        ("Authorization: Bearer abcdef-123456", "Authorization: Bearer …"),
        ('{"client_secret":"s3cr3t-value"}', '{"client_secret":"…"}'),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig_1", "…"),
        ("Your IP: 189.40.73.12", "Your IP: …"),
        ("Your IP: 2804:14c:65a1:4f00:1c2d::7", "Your IP: …"),
        ("CPF: 12345678909", "CPF: 00000000000"),
        ("(11) 91234-5678", "(00) 0000-0000"),
        ("10:30:15 PETR4 1.234.567,89", "10:30:15 PETR4 1.234.567,89"),
    ],
)
def test_what_is_personal_is_taken_out(text: str, kept: str) -> None:
    assert anonymous(text) == kept


def test_a_key_of_the_settings_is_taken_out_wherever_it_stands() -> None:
    trial = Trial("brapi", "/quote/PETR4", "failed", 0.1, "HTTP 403", refusal="no plan for kQ9zz81 of yours")
    assert "kQ9zz81" not in str(recording_of(trial, ["kQ9zz81"]))


def test_people_in_a_table_are_taken_out() -> None:
    body = b"CNPJ_CIA;DENOM_SOCIAL;RESP;DDD_RESP;EMAIL\n33.000.167/0001-01;PETROBRAS;ANA SILVA;21;ri@x.com.br"
    payload = PAYLOAD.model_copy(update={"body": body, "size": len(body)})
    trial = Trial("cvm", "u", "ok", 0.1, "", answer=Response(payload, False))
    assert recording_of(trial)["body"].split("\n") == [
        "CNPJ_CIA;DENOM_SOCIAL;RESP;DDD_RESP;EMAIL",
        "33.000.167/0001-01;PETROBRAS;…;…;…",
    ]


def test_the_shape_of_json_is_its_names() -> None:
    data = {"results": [{"symbol": "PETR4", "x": {"y": 1}}, {"z": []}], "took": 3}
    inner = {f"results[].{name}" for name in ("symbol", "x", "x.y", "z", "z[]")}
    assert set(shape_of(data)) == {"results", "results[]", "took"} | inner
