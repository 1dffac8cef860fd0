"""The folder of fetched files is pruned by age and size, and nothing that is needed goes."""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from invest.sources.client.cache import DAY, prune, touch

NOW = 1_800_000_000.0
OLD, NEWER, USED = "a" * 64, "b" * 64, "c" * 64


def lay(folder: Path, name: str, size: int, idle_days: float) -> Path:
    """A file last used so many days ago."""
    path = folder / name
    path.write_bytes(b"x" * size)
    os.utime(path, (NOW - idle_days * DAY, NOW - idle_days * DAY))
    return path


def names(folder: Path) -> set[str]:
    """What is there."""
    return {path.name for path in folder.iterdir()}


def test_a_file_goes_with_its_shelves_and_its_note_once_it_lay_idle_for_long(tmp_path: Path) -> None:
    lay(tmp_path, f"{OLD}.zip", 1000, 40)
    lay(tmp_path, f"{OLD}.cvm.shelf", 500, 40)
    (tmp_path / "note.json").write_bytes(orjson.dumps({"sha256": OLD}))
    lay(tmp_path, f"{NEWER}.zip", 10, 2)
    (tmp_path / "other.json").write_bytes(orjson.dumps({"sha256": NEWER}))
    done = prune(tmp_path, days=30, max_bytes=10**9, now=NOW)
    assert names(tmp_path) == {f"{NEWER}.zip", "other.json"}
    assert (done.files, done.bytes, done.left, done.spared) == (2, 1500, 10, 0)


def test_a_shelf_in_use_keeps_its_file(tmp_path: Path) -> None:
    lay(tmp_path, f"{OLD}.zip", 1000, 40)
    lay(tmp_path, f"{OLD}.cvm.shelf", 500, 0.1)
    assert prune(tmp_path, days=30, max_bytes=0, now=NOW).files == 0
    assert len(names(tmp_path)) == 2


def test_beyond_the_size_the_longest_idle_go_and_never_one_in_use(tmp_path: Path) -> None:
    lay(tmp_path, f"{OLD}.zip", 600, 9)
    lay(tmp_path, f"{NEWER}.zip", 600, 5)
    lay(tmp_path, f"{USED}.zip", 600, 0.5)
    done = prune(tmp_path, days=30, max_bytes=1200, now=NOW)
    assert names(tmp_path) == {f"{NEWER}.zip", f"{USED}.zip"}
    assert done.left == 1200
    prune(tmp_path, days=30, max_bytes=0, now=NOW)
    assert names(tmp_path) == {f"{USED}.zip"}


def test_the_only_bytes_behind_stored_values_stay_and_are_counted(tmp_path: Path) -> None:
    lay(tmp_path, f"{OLD}.zip", 1000, 400)
    done = prune(tmp_path, days=30, max_bytes=0, spare={OLD}, now=NOW)
    assert (done.files, done.spared) == (0, 1000)
    assert names(tmp_path) == {f"{OLD}.zip"}


def test_what_is_left_of_an_old_download_goes_with_its_note(tmp_path: Path) -> None:
    lay(tmp_path, "0123.77.part", 100, 31)
    lay(tmp_path, "0123.77.part.json", 30, 31)
    assert prune(tmp_path, days=30, max_bytes=10**9, now=NOW).files == 2
    assert names(tmp_path) == set()


def test_use_is_noted_at_most_once_an_hour(tmp_path: Path) -> None:
    path = lay(tmp_path, "x.zip", 1, 400)
    touch(path)
    first = path.stat().st_mtime
    assert first > NOW - 400 * DAY
    touch(path)
    assert path.stat().st_mtime == first
    touch(tmp_path / "gone.zip")
