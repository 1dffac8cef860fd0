"""Who may do what: keys, scopes, rate limits, ownership, the audit log."""

from __future__ import annotations

from invest.api.access.admission import KEPT_KEY, Admission, Kept, Ticket, idempotency_of, is_key
from invest.api.access.auditing import Auditor
from invest.api.access.keyring import Keyring, require_scope
from invest.api.access.openid import CALLBACK, OpenId, SignInRefused
from invest.api.access.quotas import Quotas
from invest.api.access.recent import RecentWriters
from invest.api.access.sessions import Sessions, is_session
from invest.api.access.usage import QuotaUse, use_by, use_of

__all__ = [
    "CALLBACK",
    "KEPT_KEY",
    "Admission",
    "Auditor",
    "Kept",
    "Keyring",
    "OpenId",
    "QuotaUse",
    "Quotas",
    "RecentWriters",
    "Sessions",
    "SignInRefused",
    "Ticket",
    "idempotency_of",
    "is_key",
    "is_session",
    "require_scope",
    "use_by",
    "use_of",
]
