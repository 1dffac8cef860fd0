"""Connections: clocks, limits in number, and what is answered before a request is read."""

from __future__ import annotations

from invest.api.sockets.addresses import Networks, is_forwarded, origin_of
from invest.api.sockets.connections import Runner
from invest.api.sockets.load import LOAD, PROBES, Load
from invest.api.sockets.refusing import NUMBER, as_bytes
from invest.api.sockets.roster import Roster
from invest.api.sockets.unsent import Unsent

__all__ = [
    "LOAD",
    "NUMBER",
    "PROBES",
    "Load",
    "Networks",
    "Roster",
    "Runner",
    "Unsent",
    "as_bytes",
    "is_forwarded",
    "origin_of",
]
