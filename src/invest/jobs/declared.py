"""The modules that declare jobs, ours and those of other packages; importing them fills the registry."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from invest.engine import Queue
from invest.errors import ConfigError
from invest.plugins import Plugin, apps, flat, installed

MODULES = ("data_collection", "analysis", "reports")


def declare_all() -> None:
    """Import every module that declares jobs, and the conditions their cron lines name.

    Raises `ConfigError` for an ``--app`` or an installed package that cannot be loaded or gives no queues.
    """
    from invest.domain.market import session_open
    from invest.engine import registry

    for module in MODULES:
        import_module(f"invest.jobs.{module}")
    registry.add_condition("b3_session", session_open)
    added_queues()


def added_queues() -> list[Queue]:
    """The queues of ``--app`` and of installed packages; their jobs are declared by importing them."""
    return [queue for plugin in (*apps(), *installed("invest.jobs")) for queue in _queues(plugin)]


def _queues(plugin: Plugin) -> list[Queue]:
    if isinstance(plugin.value, ModuleType):
        return [value for value in vars(plugin.value).values() if isinstance(value, Queue)]
    queues = list(flat(plugin.value))
    for queue in queues:
        if not isinstance(queue, Queue):
            raise ConfigError(f"{plugin.name}: expected invest.engine.Queue, or a list of them, not {queue!r}")
    return queues
