"""What an extra brings: a missing library is one line with the command that installs it."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from invest.errors import ConfigError


def require(extra: str, module: str, purpose: str) -> ModuleType:
    """The module, imported. Raises `ConfigError` with the command where the extra was not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module.partition(".")[0]:
            raise  # installed, and broken in itself
        raise ConfigError(lacking(extra, purpose)) from None


def package_folder(extra: str, package: str, purpose: str) -> Path:
    """The folder of an installed package, which is not imported. Raises `ConfigError` as `require` does."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ConfigError(lacking(extra, purpose))
    return Path(found.origin).parent


def lacking(extra: str, purpose: str) -> str:
    """The one line: what for, and the command."""
    return f"{purpose} needs the extra {extra!r}: pip install 'invest[{extra}]'"
