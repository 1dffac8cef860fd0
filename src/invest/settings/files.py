"""Where the defaults and the user's settings.toml are."""

from __future__ import annotations

import os
from pathlib import Path

from invest.errors import ConfigError

PACKAGE = Path(__file__).parents[1]


def settings_file() -> Path | None:
    """The user's settings.toml, merged over the defaults: ``INVEST_SETTINGS``, else the working directory's, if any.

    Raises `ConfigError` where ``INVEST_SETTINGS`` names no file.
    """
    if named := os.environ.get("INVEST_SETTINGS"):
        file = Path(named)
        if not file.is_file():
            raise ConfigError(f"settings: INVEST_SETTINGS names {named}, which is no file")
        return file.resolve()
    here = Path("settings.toml")
    return here.resolve() if here.is_file() else None


def defaults_file() -> Path:
    """settings.toml with every default: the copy in an installed package, or a checkout's own beside ``src``."""
    inside, checkout = PACKAGE / "settings.toml", PACKAGE.parents[1] / "settings.toml"
    if file := next((f for f in (inside, checkout) if f.is_file()), None):
        return file.resolve()
    raise ConfigError(f"settings: the defaults are missing ({inside}): install invest again")
