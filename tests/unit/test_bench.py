"""The run of all benchmarks: figures keep their times, and the page says what failed, is old or missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from bench import outputs, results
from bench.run import PARTS, Part, run

NOW = datetime(2026, 11, 30, 3, tzinfo=UTC)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of results of this test alone."""
    monkeypatch.setattr(outputs, "OUT", tmp_path)
    return tmp_path


def test_a_run_of_a_part_keeps_the_other_figures_and_their_times(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "now", lambda: "2026-11-29T01:00+00:00")
    outputs.write("queue", {"drain_per_s": {"invest": 1.0}, "rounds": 5})
    monkeypatch.setattr(outputs, "now", lambda: "2026-11-30T02:00+00:00")
    outputs.write("queue", {"rounds": 1, "cost_growth_1e6_over_1e3": 1.0}, part=True)
    kept = outputs.read("queue")
    assert kept["drain_per_s"] == {"invest": 1.0}
    assert kept["rounds"] == 1
    assert outputs.taken_of(kept, "drain_per_s") == "2026-11-29T01:00+00:00"
    assert outputs.taken_of(kept, "cost_growth_1e6_over_1e3") == "2026-11-30T02:00+00:00"
    outputs.write("queue", {"script_ms_max": 7.0}, part=True)
    assert outputs.taken_of(outputs.read("queue"), "drain_per_s") == "2026-11-29T01:00+00:00"


def test_a_file_without_a_time_has_that_of_its_writing(out: Path) -> None:
    (out / "soak.json").write_bytes(orjson.dumps({"lost": 0}))
    written = datetime.fromisoformat(outputs.taken_of(outputs.read("soak"), "lost"))
    assert abs(datetime.now(UTC) - written) < timedelta(minutes=2)


def test_the_page_names_parts_that_failed_and_what_is_old_or_missing(out: Path) -> None:
    old = (NOW - timedelta(days=3)).isoformat(timespec="minutes")
    (out / "soak.json").write_bytes(orjson.dumps({"lost": 0, "accepted": 9, "minutes": 60, "taken": old}))
    failed = {"seconds": 4.0, "load_before": 0.1, "error": "exit 1: no server", "ended": NOW.isoformat()}
    (out / "run.json").write_bytes(orjson.dumps({"parts": {"api": failed}, "taken": NOW.isoformat()}))
    text = "\n".join(results.remarks(results.read(), NOW))
    assert "Older than a day: Lost over the soak, Jobs accepted during the soak." in text
    assert "**api failed** at 2026-11-30 03:00 (exit 1: no server)" in text
    assert "POSTs that enqueue" in text.partition("Older")[0]
    assert f"soak {results.shown_time(old)}" in text


def test_a_peer_that_did_not_rerun_is_shown_as_such(out: Path) -> None:
    found = {"rerun_s": {"invest": 9.5, "saq": 15.4, "arq": None}, "lease_s": 10.0, "patience_s": 60.0}
    found |= {"failed": {"rq": "exit 1"}}
    outputs.write("recovery", found)
    measure = next(m for m in results.MEASURES if m.file == "recovery")
    line = results.row(measure, results.read())
    assert line is not None
    assert "saq 15.4" in line
    assert "arq not within 60" in line
    assert "rq failed" in line
    assert "celery" not in line  # it was not asked
    assert "| 1.62 |" in line


def test_a_part_that_fails_or_writes_nothing_says_why(tmp_path: Path) -> None:
    assert (error := run(Part("no_such_part", 1, ()), tmp_path, small=True)) is not None
    assert "exit 1" in error
    assert "no_such_part" in error
    assert run(Part("outputs", 1, ()), tmp_path, small=True) == "wrote no figures"


def test_every_part_is_a_module_and_has_a_row_on_the_page() -> None:
    files = {measure.file for measure in results.MEASURES}
    for part in PARTS:
        assert (Path(results.__file__).parent / f"{part.module}.py").exists()
        assert part.module in files
