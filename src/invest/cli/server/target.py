"""The server that the verbs speak to: ``--url``, INVEST_URL, or the one of `invest login`; none: this machine."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from invest.errors import ConfigError

URL, KEY = "INVEST_URL", "INVEST_KEY"
CELL = "INVEST_REDIS__CELL"
chosen_cells: list[str] = []  # what ``--cell`` named; settings may name one too, which says nothing of a server


def chosen_cell() -> str | None:
    """The cell that ``--cell`` named."""
    return chosen_cells[-1] if chosen_cells else None


class Target(NamedTuple):
    """A server and the key to use with it."""

    url: str
    key: str | None = None


def choose_cell(name: str) -> None:
    """Let this command, and the processes that it starts, be about one cell of the deployment alone."""
    os.environ[CELL] = name
    chosen_cells.append(name)


def target() -> Target | None:
    """The server to ask, None for this machine's own Redis and PostgreSQL. An empty INVEST_URL overrides a login.

    A key of the login is used with its own server alone. Raises `ConfigError` for a file that cannot be read.
    """
    kept = _kept()
    url = os.environ.get(URL)
    if url is None:
        return kept and Target(kept.url, os.environ.get(KEY) or kept.key)
    if not url:
        return None
    url = url.rstrip("/")
    return Target(url, os.environ.get(KEY) or (kept.key if kept and kept.url == url else None))


def login_file() -> Path:
    """Where `invest login` keeps address and key: below XDG_CONFIG_HOME, else ``~/.config``."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "invest" / "login.json"


def remember(chosen: Target) -> Path:
    """Keep address and key in a file that this account alone can read. Raises `ConfigError`."""
    file = login_file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(json.dumps(chosen._asdict()), "utf-8")
        draft.replace(file)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror or error}") from None
    return file


def forget() -> bool:
    """Remove the login; False where there was none. Raises `ConfigError`."""
    try:
        login_file().unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(f"cannot remove {login_file()}: {error.strerror or error}") from None
    return True


def _kept() -> Target | None:
    file = login_file()
    try:
        kept = json.loads(file.read_text("utf-8"))
        return Target(str(kept["url"]), kept["key"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} cannot be read ({error}): run `invest login` again or remove it") from None
