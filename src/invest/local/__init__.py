"""Embedded Valkey and PostgreSQL for a machine that has neither.

Child processes on unix sockets, gone with their owner.
"""

from __future__ import annotations

from invest.local.places import data_folder, write_private
from invest.local.recipes import own_program
from invest.local.servers import LocalServers, ensure, held, running

__all__ = ["LocalServers", "data_folder", "ensure", "held", "own_program", "running", "write_private"]
