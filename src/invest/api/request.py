"""What a handler is given besides its validated parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from invest.api.access import Ticket
from invest.api.http import Incoming
from invest.api.services import Services


@dataclass(slots=True, kw_only=True)
class Request(Incoming):
    """A request with the services of its process."""

    services: Services
    ticket: Ticket | None = None  # of admission; None until the request is counted

    def audit(self, action: str, subject: str, detail: dict[str, Any] | None = None) -> None:
        """Leave a line about a change, in the log and in the database."""
        self.services.auditor.line(self.caller.id, action, subject, detail or {}, request_id=self.request_id)
