"""What a handler is given besides its validated parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from invest.api.access import Kept, Ticket
from invest.api.http import Incoming
from invest.api.services import Services
from invest.engine import Note


@dataclass(slots=True, kw_only=True)
class Request(Incoming):
    """A request with the services of its process."""

    services: Services
    ticket: Ticket | None = None  # of admission; None until the request is counted
    claimed: tuple[str, str] | None = None  # of an idempotent request: its key and the hash of what it asks
    noted: bool = False  # its answer is kept for its repeats already

    def note(self, status: int, headers: dict[str, str], body: bytes) -> Note | None:
        """The answer to an idempotent request, to be kept in the step that queues its job; None of any other."""
        if self.claimed is None or not self.services.enqueuer.takes_notes:
            return None
        return self.services.admission.note(self.caller.id, *self.claimed, Kept(status, headers, body))

    def audit(self, action: str, subject: str, detail: dict[str, Any] | None = None) -> None:
        """Leave a line about a change, in the log and in the database."""
        self.services.auditor.line(self.caller.id, action, subject, detail or {}, request_id=self.request_id)
