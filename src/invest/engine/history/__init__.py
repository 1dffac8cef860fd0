"""History in PostgreSQL: the projector of events, and the restore after Redis was lost."""

from __future__ import annotations

from invest.engine.history.projector import JobRun, Projector
from invest.engine.history.restoring import restore

__all__ = ["JobRun", "Projector", "restore"]
