"""PostgreSQL mechanics: pool, schema, group commit, bulk copy, encodings."""

from __future__ import annotations

from invest.store.core.address import address_of
from invest.store.core.blocks import READ, Known, Table, add_blocks, columns_of, packed, rebuild_blocks
from invest.store.core.copying import encoded
from invest.store.core.database import Connection, Database, Record, close_pool, lost_server, open_pool, touched
from invest.store.core.encoding import (
    array_text,
    chunks,
    clean,
    clean_or_none,
    columns,
    copy_text,
    from_json,
    moments,
    texts,
    to_json,
)
from invest.store.core.lines import table_runs
from invest.store.core.replica import Replica, ReplicatedDatabase, may_lag
from invest.store.core.schema import migrate, pending
from invest.store.core.tables import COLUMNS, SAFE_TICKER, add_table, in_order, placed, table_spans

__all__ = [
    "COLUMNS",
    "READ",
    "SAFE_TICKER",
    "Connection",
    "Database",
    "Known",
    "Record",
    "Replica",
    "ReplicatedDatabase",
    "Table",
    "add_blocks",
    "add_table",
    "address_of",
    "array_text",
    "chunks",
    "clean",
    "clean_or_none",
    "close_pool",
    "columns",
    "columns_of",
    "copy_text",
    "encoded",
    "from_json",
    "in_order",
    "lost_server",
    "may_lag",
    "migrate",
    "moments",
    "open_pool",
    "packed",
    "pending",
    "placed",
    "rebuild_blocks",
    "table_runs",
    "table_spans",
    "texts",
    "to_json",
    "touched",
]
