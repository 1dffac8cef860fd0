"""Where the embedded servers keep their files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from invest.errors import ConfigError
from invest.local.places import SOCKET_LIMIT, Account, key_of, passable_copy, private_folder, reachable, socket_folder


def test_socket_paths_stay_short_however_long_the_data_folder_or_tmpdir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    found = private_folder(socket_folder(tmp_path / "data", "pg"))
    try:
        assert len(os.fsencode(found / ".s.PGSQL.5432.lock")) <= SOCKET_LIMIT
        assert found.stat().st_mode & 0o777 == 0o700
    finally:
        found.rmdir()


def test_one_folder_has_one_key_however_it_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert key_of(tmp_path / "link") == key_of(tmp_path / "real" / ".." / "real")
    assert key_of(tmp_path / "real") != key_of(tmp_path)


def test_a_folder_behind_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").symlink_to(tmp_path / "theirs")
    with pytest.raises(ConfigError, match="belongs to somebody else"):
        private_folder(tmp_path / "ours")


def test_reachable_asks_every_folder_on_the_way(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a").chmod(0o700)
    assert reachable(inner, Account())
    assert not reachable(inner, Account(uid=65534, gid=65534))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands binaries to another account")
def test_binaries_the_account_cannot_reach_are_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "package"
    package.mkdir(parents=True)
    (package / "tool").write_text("tool")
    (tmp_path / "site").chmod(0o700)
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr("invest.local.places.shared_folder", lambda _name: shared)
    nobody = Account(uid=65534, gid=65534)
    first = passable_copy(package, nobody, ("package",))
    assert (first / "tool").read_text() == "tool" and first != package
    assert passable_copy(package, nobody, ("package",)) == first
    assert len(list(shared.iterdir())) == 1
