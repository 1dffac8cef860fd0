"""PostgreSQL mechanics: pool, schema, group commit, bulk copy, encodings."""

from __future__ import annotations

from invest.store.core.address import address_of
from invest.store.core.blocks import READ, Table, add_blocks, columns_of, packed, rebuild_blocks
from invest.store.core.copying import encoded
from invest.store.core.database import Connection, Database, Record, close_pool, lost_server, open_pool
from invest.store.core.encoding import (
    array_text,
    chunks,
    clean,
    clean_or_none,
    columns,
    from_json,
    moments,
    texts,
    to_json,
)
from invest.store.core.schema import migrate, pending

__all__ = [
    "READ",
    "Connection",
    "Database",
    "Record",
    "Table",
    "add_blocks",
    "address_of",
    "array_text",
    "chunks",
    "clean",
    "clean_or_none",
    "close_pool",
    "columns",
    "columns_of",
    "encoded",
    "from_json",
    "lost_server",
    "migrate",
    "moments",
    "open_pool",
    "packed",
    "pending",
    "rebuild_blocks",
    "texts",
    "to_json",
]
