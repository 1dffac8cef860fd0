"""Errors of upstreams: a small tree, each error with the wait it implies.

Messages name the source and what happened, never a token and never a query string.
"""

from __future__ import annotations

from invest.errors import InvestError


class SourceError(InvestError):
    """Base of all of them. `retry_after` is in seconds, None where the upstream gave no hint."""

    def __init__(self, source: str, reason: str, retry_after: float | None = None) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason
        self.retry_after = retry_after


class SourceDown(SourceError):
    """No usable answer after the retries: network, timeout, 429 or 5xx. Worth another try later."""


class SourceRefused(SourceError):
    """The upstream says no for good: 400, 401, 402, 403, 406, a redirect to another host."""

    def __init__(self, source: str, reason: str, status: int | None = None, body: str = "") -> None:
        super().__init__(source, reason)
        self.status = status
        self.body = body


class NotAvailable(SourceError):
    """404: the upstream has no such thing. Often a fact (no session that day), not a fault."""


class Malformed(SourceError):
    """The bytes came and are not what they should be: cut, another format, an error page with status 200."""


class Implausible(SourceError):
    """Well-formed and yet not to be believed: wrong unit, future dates, impossible prices."""


class TooLarge(SourceError):
    """Bigger, packed or unpacked, than what is read from this kind of upstream."""


class BreakerOpen(SourceError):
    """The host failed often or asked to wait; nobody asks it before `retry_after`."""


class Busy(SourceError):
    """The host's rate would make this call wait longer than is sensible inside a job."""


class BudgetSpent(SourceError):
    """The plan's requests of this month are used up."""


class Forbidden(SourceError):
    """Our own guard: a host that is not allow-listed, a private address, another scheme."""
