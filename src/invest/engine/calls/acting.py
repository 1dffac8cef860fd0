"""On whose behalf the running job was asked for: what it starts runs on the same one's behalf."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

acting_for: Final[ContextVar[str | None]] = ContextVar("acting_for", default=None)
