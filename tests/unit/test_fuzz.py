"""`make fuzz`: its samples are good, its figures add up over runs, and every parser stands a few spoilt inputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from bench.fuzz.__main__ import Found, attack, main
from bench.fuzz.target import Target
from bench.fuzz.targets import targets

EVERY = list(targets())
FEW = 12


class Refused(Exception):
    """What the parsers of this test declare."""


def reader(data: bytes) -> object:
    """Refuses what holds a line break, breaks on a semicolon."""
    if b"\n" in data:
        raise Refused
    known: dict[bytes, bytes] = {}
    return known[data] if b";" in data else data


@pytest.mark.parametrize("target", EVERY, ids=[target.name for target in EVERY])
def test_a_parser_reads_its_samples_and_stands_spoilt_ones(target: Target) -> None:
    for sample in target.samples:
        target.read(sample)
    found = attack(target, FEW, seed=2026)
    assert (found.inputs, found.crashes, found.first_crash) == (FEW, 0, "")


def run(out: Path, *argv: str) -> tuple[list[str], int]:
    """Which parsers a run read, and its exit code."""
    read: list[str] = []

    def counted(target: Target, inputs: int, seed: int) -> Found:
        read.append(target.name)
        return Found(inputs, seed, crashes=int(target.name == "weak"), first_crash="x" * (target.name == "weak"))

    def two() -> Sequence[Target]:
        return [Target("sound", bytes, (b"a",)), Target("weak", bytes, (b"a",))]

    with pytest.raises(SystemExit) as ended:
        main(counted, two, out, argv)
    assert isinstance(ended.value.code, int)
    return read, ended.value.code


def test_results_of_runs_add_up_and_what_stood_is_not_read_again(tmp_path: Path) -> None:
    out = tmp_path / "fuzz.json"
    assert run(out, "--only", "sound", "--inputs", "50") == (["sound"], 0)
    assert run(out, "--resume", "--inputs", "50") == (["weak"], 1)
    result = json.loads(out.read_text())
    assert (result["inputs_each"], result["crashes"], sorted(result["parsers"])) == (50, 1, ["sound", "weak"])
    assert run(out, "--resume", "--inputs", "50")[0] == ["weak"]  # a parser that crashed is read again
    assert run(out, "--resume", "--inputs", "60")[0] == ["sound", "weak"]
    assert run(out, "--resume", "--inputs", "60", "--seed", "2")[0] == ["sound", "weak"]
    assert run(out, "--inputs", "10")[0] == ["sound", "weak"]
    assert json.loads(out.read_text())["inputs_each"] == 10


def test_a_name_that_is_no_parser_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "fuzz.json", "--only", "sond") == ([], 2)
    assert "sond" in capsys.readouterr().err


def test_what_a_parser_does_not_declare_is_a_crash_with_its_input() -> None:
    found = attack(Target("t", reader, (b"a;b\nc;d",), (Refused,)), 300, 1)
    assert found.refused > 0 and found.crashes > 0
    assert found.refused + found.crashes <= 300
    assert found.first_crash.startswith("KeyError")
