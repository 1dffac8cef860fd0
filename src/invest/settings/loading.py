"""Load the settings of this process, and show them without their secrets."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from invest.errors import ConfigError
from invest.settings.files import defaults_file, settings_file
from invest.settings.tree import Settings


def load(**overrides: Any) -> Settings:
    """The settings of this process. Raises `ConfigError` naming each wrong setting, its value hidden if secret."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors(include_url=False)]
        raise ConfigError("settings: " + "; ".join(lines)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"settings: {settings_file() or defaults_file()} is not valid TOML: {error}") from None
    except (SettingsError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"settings: {error}") from None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """`load()`, once per process."""
    return load()


def masked(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A dumped tree with every secret replaced by stars, for showing."""
    hide = "********"
    return {
        k: hide if isinstance(v, SecretStr) else masked(v) if isinstance(v, Mapping) else v for k, v in tree.items()
    }
