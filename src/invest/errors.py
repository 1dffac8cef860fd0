"""The few errors a caller may want to catch; each message says what was wrong, where, and what to do."""

from __future__ import annotations


class InvestError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(InvestError):
    """A setting is missing or wrong; the message names it."""


class Unreachable(InvestError):
    """Redis, PostgreSQL or an upstream does not answer."""


class ServerAway(Unreachable):
    """The platform's own Redis or PostgreSQL does not answer: no fault of the work that met it.

    `server` names it without its address, for those outside; the message is for logs.
    """

    def __init__(self, message: str, *, server: str = "a server of the platform") -> None:
        super().__init__(message)
        self.server = server

    def copy(self) -> ServerAway:
        """Another one with the same words: an exception raised in several tasks mixes their tracebacks."""
        return ServerAway(str(self), server=self.server)


class NotFound(InvestError):
    """Something asked for by its id does not exist."""
