"""What other installed packages add: jobs, queues, upstreams and channels; and the modules that ``--app`` names.

A package declares them as entry points of ``invest.jobs``, ``invest.sources``, ``invest.channels`` (docs/extending.md).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from typing import Any, NamedTuple

from invest.errors import ConfigError

APP = "INVEST_APP"  # module:attribute, several separated by commas; children of this process inherit it


class Plugin(NamedTuple):
    """One thing that was added, and under which name."""

    name: str
    value: Any


@cache
def installed(group: str) -> tuple[Plugin, ...]:
    """What entry points of `group` give, by name. Raises `ConfigError` naming the package whose code fails."""
    found = []
    for point in sorted(entry_points(group=group), key=lambda p: p.name):
        try:
            found.append(Plugin(point.name, point.load()))
        except Exception as error:  # somebody else's module may raise anything
            whose = point.dist.name if point.dist else "an installed package"
            raise ConfigError(f"{group} {point.name!r} of {whose} cannot be loaded: {error}") from error
    return tuple(found)


def apps() -> list[Plugin]:
    """What INVEST_APP names: each a module, or an attribute of it. Raises `ConfigError` naming what is not there."""
    return [_loaded(name) for name in filter(None, (part.strip() for part in os.environ.get(APP, "").split(",")))]


def _loaded(name: str) -> Plugin:
    module, _, attribute = name.partition(":")
    try:
        value: Any = importlib.import_module(module)
    except Exception as error:  # the user's module may raise anything
        raise ConfigError(f"--app {name}: {module} cannot be imported: {error}") from error
    for part in filter(None, attribute.split(".")):
        if not hasattr(value, part):
            raise ConfigError(f"--app {name}: {module} has no {attribute}")
        value = getattr(value, part)
    return Plugin(name, value)


def flat(value: Any) -> Iterable[Any]:
    """A value as several: what a list or tuple holds, what a function returns, else itself."""
    if callable(value) and not isinstance(value, type):
        value = value()
    return value if isinstance(value, list | tuple | set | frozenset) else (value,)
