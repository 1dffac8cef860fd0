"""The modules that declare jobs; importing them fills the registry."""

from __future__ import annotations

from importlib import import_module

MODULES = ("data_collection", "analysis", "reports")


def declare_all() -> None:
    """Import every module that declares jobs, and the conditions their cron lines name."""
    from invest.domain.market import session_open
    from invest.engine import registry

    for module in MODULES:
        import_module(f"invest.jobs.{module}")
    registry.add_condition("b3_session", session_open)
