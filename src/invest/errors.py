"""The few errors a caller may want to catch; each message says what was wrong, where, and what to do."""

from __future__ import annotations


class InvestError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(InvestError):
    """A setting is missing or wrong; the message names it."""


class Unreachable(InvestError):
    """Redis, PostgreSQL or an upstream does not answer."""


class NotFound(InvestError):
    """Something asked for by its id does not exist."""
