"""Where each setting's value comes from: the environment, .env, the user's settings.toml or the default."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dotenv import dotenv_values

from invest.settings import PREFIX, WELL_KNOWN, Settings, masked, settings_file

KeyPath = tuple[str, ...]


class Setting(NamedTuple):
    """One setting as it stands; a secret's value is stars."""

    path: str
    value: Any
    origin: str


def explain(settings: Settings) -> list[Setting]:
    """Every setting in force, secrets masked, each with its origin."""
    environment = {k.upper(): v for k, v in os.environ.items()}
    in_file = {k.upper(): v or "" for k, v in dotenv_values(".env").items()} if Path(".env").is_file() else {}
    file = settings_file()
    with_toml = tomllib.loads(file.read_text(encoding="utf-8")) if file else {}
    found = []
    for path, value in leaves(masked(settings.model_dump())):
        if name := _setter(environment, path):
            origin = name
        elif name := _setter(in_file, path):
            origin = f".env ({name})"
        else:
            origin = file.name if file and _holds(with_toml, path) else "default"
        found.append(Setting(".".join(path), value, origin))
    return found


def leaves(tree: Mapping[str, Any], above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """The path and value of everything in `tree` that is no section."""
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, str(name)))
        else:
            yield (*above, str(name)), value


def _setter(names: Mapping[str, str], path: KeyPath) -> str | None:
    """The name among `names` that sets `path`: its own, a whole section as JSON, or a platform's."""
    for length in range(len(path), 0, -1):
        name = PREFIX + "__".join(path[:length]).upper()
        if (text := names.get(name)) and (length == len(path) or _in_json(text, path[length:])):
            return name
    return next((name for name, known in WELL_KNOWN if known == path and names.get(name)), None)


def _in_json(text: str, path: KeyPath) -> bool:
    try:
        return _holds(json.loads(text), path)
    except ValueError:
        return False


def _holds(tree: Any, path: KeyPath) -> bool:
    for part in path:
        if not isinstance(tree, Mapping) or part not in tree:
            return False
        tree = tree[part]
    return True
