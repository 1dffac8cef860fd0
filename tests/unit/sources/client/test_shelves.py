"""Zips of the same files are cut once, however often an upstream packs them anew."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest

from invest.sources.client.cache import DAY, prune
from invest.sources.client.shelf import Shelf
from invest.sources.client.shelves import Shelves
from invest.sources.client.zips import contents_mark
from invest.sources.errors import Malformed

LATER = (2026, 3, 31, 12, 0, 0)


def packed(path: Path, text: bytes = b"A;1\nB;2\n" * 50, when: tuple[int, int, int, int, int, int] = LATER) -> Path:
    """A zip of one file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("rows.csv", when), text, zipfile.ZIP_DEFLATED)
    return path


class Cutter:
    """Counts the zips that it cuts."""

    def __init__(self) -> None:
        self.cut: list[str] = []

    def __call__(self, zipped: Path, shelf: Path) -> None:
        self.cut.append(zipped.name)
        with zipfile.ZipFile(zipped) as archive:
            Shelf.write(shelf, [("all", archive.read("rows.csv"))])


def opened(shelves: Shelves, zipped: Path) -> bytes:
    """What the shelf of a zip holds."""
    return shelves._open_or_cut("cvm", zipped, zipped.with_name(f"{zipped.stem}.rows.shelf")).get("all")


def test_a_zip_packed_anew_shares_the_shelf_of_the_one_before(tmp_path: Path) -> None:
    one, two = packed(tmp_path / "one.zip"), packed(tmp_path / "two.zip", when=(2026, 4, 1, 12, 0, 0))
    assert one.read_bytes() != two.read_bytes() and contents_mark(one) == contents_mark(two)
    cutter = Cutter()
    first = opened(Shelves("rows", cutter), one)
    assert opened(Shelves("rows", cutter), two) == first == b"A;1\nB;2\n" * 50
    assert cutter.cut == ["one.zip"]
    changed = packed(tmp_path / "three.zip", b"A;1\nB;3\n" * 50)
    assert opened(Shelves("rows", cutter), changed) == b"A;1\nB;3\n" * 50
    assert cutter.cut == ["one.zip", "three.zip"]


def test_a_zip_whose_contents_are_not_what_it_says_is_refused(tmp_path: Path) -> None:
    cutter = Cutter()
    opened(Shelves("rows", cutter), packed(tmp_path / "one.zip"))
    spoilt = packed(tmp_path / "two.zip", when=(2026, 4, 1, 12, 0, 0))
    data = bytearray(spoilt.read_bytes())
    data[45] ^= 0xFF  # within what is packed
    spoilt.write_bytes(data)
    with pytest.raises(Malformed):
        opened(Shelves("rows", cutter), spoilt)


def test_a_shelf_of_another_release_is_made_anew(tmp_path: Path) -> None:
    cutter = Cutter()
    one, two = packed(tmp_path / "one.zip"), packed(tmp_path / "two.zip", when=(2026, 4, 1, 12, 0, 0))
    opened(Shelves("rows", cutter), one)
    (tmp_path / "one.rows.shelf").write_bytes(b"of another release")  # both names lead to it
    assert opened(Shelves("rows", cutter), two) == opened(Shelves("rows", cutter), one) == b"A;1\nB;2\n" * 50
    assert cutter.cut == ["one.zip", "two.zip"]


def test_what_is_no_zip_has_no_mark(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"<html>")
    assert contents_mark(tmp_path / "x.zip") is None


def test_a_shelf_of_two_names_counts_once(tmp_path: Path) -> None:
    one = packed(tmp_path / "one.zip", os.urandom(50_000))
    opened(Shelves("rows", Cutter()), one)
    size = one.stat().st_size + (tmp_path / "one.rows.shelf").stat().st_size
    assert abs(prune(tmp_path, days=1, max_bytes=10**9).left - size) <= 1


def test_an_old_zip_goes_though_it_shares_its_shelf_with_one_in_use(tmp_path: Path) -> None:
    cutter, now = Cutter(), time.time()
    old, new = packed(tmp_path / "old.zip"), packed(tmp_path / "new.zip", when=(2026, 4, 1, 12, 0, 0))
    opened(Shelves("rows", cutter), old)
    os.utime(old, (now - 40 * DAY, now - 40 * DAY))
    opened(Shelves("rows", cutter), new)
    assert prune(tmp_path, days=30, max_bytes=10**9, now=now).files == 2
    assert {path.name for path in tmp_path.glob("o*")} == set() and new.exists()
    assert opened(Shelves("rows", cutter), new) == b"A;1\nB;2\n" * 50 and cutter.cut == ["old.zip"]
