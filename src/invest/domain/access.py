"""Keys of the HTTP API and lines of the audit log."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen


class Scope(StrEnum):
    """What a key may do; each includes the ones before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class ApiKey(Frozen):
    """What is known of a key; the key itself is shown once, at creation, and only its hash is kept."""

    id: str
    name: str = Field(min_length=1, max_length=200)
    scopes: tuple[Scope, ...]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None
    last_used_at: AwareDatetime | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether one of its scopes includes `scope`."""
        order = list(Scope)
        return any(order.index(own) >= order.index(scope) for own in self.scopes)


class AuditLine(Frozen):
    """Who changed what, when."""

    id: int
    at: AwareDatetime
    actor: str
    action: str
    subject: str
    request_id: str | None
    detail: dict[str, Any]
