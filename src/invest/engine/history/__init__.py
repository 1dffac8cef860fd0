"""History in PostgreSQL: the projector of events, the repair of gaps, and the restore after Redis was lost."""

from __future__ import annotations

from invest.engine.history.gaps import GROUP
from invest.engine.history.projector import Projector
from invest.engine.history.restoring import restore
from invest.engine.history.rows import JobRun, Ledger

__all__ = ["GROUP", "JobRun", "Ledger", "Projector", "restore"]
