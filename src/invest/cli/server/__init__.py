"""Which server the verbs speak to, and how: over HTTP, or in this process where none is named."""

from __future__ import annotations

from invest.cli.server.connect import refuse_remote, remote_or, with_api, with_platform, with_store
from invest.cli.server.remote import RemoteInvest
from invest.cli.server.target import Target, forget, remember, target

__all__ = [
    "RemoteInvest",
    "Target",
    "forget",
    "refuse_remote",
    "remember",
    "remote_or",
    "target",
    "with_api",
    "with_platform",
    "with_store",
]
