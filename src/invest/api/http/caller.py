"""Who sent a request."""

from __future__ import annotations

from dataclasses import dataclass

from invest.domain.access import Scope

RANKS: dict[str, int] = {scope: rank for rank, scope in enumerate(Scope)}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    id: str
    name: str
    scope: Scope
    expires_at: float | None = None

    def allows(self, scope: str) -> bool:
        """Whether the caller may do what needs `scope`."""
        return RANKS[self.scope] >= RANKS[scope]


LOCAL = Caller("local", "this machine", Scope.ADMIN)
ANYBODY = Caller("anybody", "without a key", Scope.READ)
