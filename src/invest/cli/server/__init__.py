"""Which server the verbs speak to, and how: over HTTP, or in this process where none is named."""

from __future__ import annotations

from invest.cli.server.connect import is_remote, refuse_remote, remote_or, with_api, with_platform, with_store
from invest.cli.server.target import Target, choose_cell, forget, remember, target

__all__ = [
    "Target",
    "choose_cell",
    "forget",
    "is_remote",
    "refuse_remote",
    "remember",
    "remote_or",
    "target",
    "with_api",
    "with_platform",
    "with_store",
]
