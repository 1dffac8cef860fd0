"""Delete what is old and no longer needed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from invest.engine import Context
from invest.jobs.exported_files import prune_exports, prune_shared_exports
from invest.jobs.queues import DATA_COLLECTION, NEVER, PERIODIC
from invest.jobs.results import (
    Cleaned,
)
from invest.objects import open_objects
from invest.settings import Settings
from invest.sources import Sources
from invest.store import Store

KEEP_AT_LEAST = 30  # days: a slip of the pen must not take everybody's month
Days = Annotated[int, Field(ge=KEEP_AT_LEAST, le=36500)]


@DATA_COLLECTION.job(retry=PERIODIC, key="cleanup", give_up_on=NEVER, cron="0 2 * * sun", scope="admin")
async def cleanup_old_data(ctx: Context, days_to_keep: Days = 90) -> Cleaned:
    """Delete what is old and no longer needed, idle files too; never bars, statements, transactions or kept reports."""
    cutoff = datetime.now(UTC) - timedelta(days=days_to_keep)
    store = ctx.use(Store)
    done = await store.cleanup.run(cutoff)
    sources, objects = ctx.use(Sources), open_objects(ctx.use(Settings))
    only_here = await store.payloads.without_body()
    if objects is not None:
        only_here -= await sources.share_files(only_here)
    files = await sources.prune(spare=only_here)
    known = await store.erasure.file_names()
    exports, export_bytes = await asyncio.to_thread(prune_exports, ctx.use(Settings).data_dir, known)
    if objects is not None:
        shared, shared_bytes = await prune_shared_exports(objects, known)
        exports, export_bytes = exports + shared, export_bytes + shared_bytes
    freed = export_bytes + sum(cleaned.bytes for cleaned in done.values()) + files.bytes
    return Cleaned(
        cutoff_date=cutoff,
        tables_cleaned=sorted(table for table, cleaned in done.items() if cleaned.rows),
        rows_deleted=sum(cleaned.rows for cleaned in done.values()),
        space_freed_mb=round(freed / 1e6, 3),
        rows_by_table={table: cleaned.rows for table, cleaned in done.items()},
        files_deleted=files.files + exports,
        files_freed_mb=round((files.bytes + export_bytes) / 1e6, 3),
        files_spared_mb=round(files.spared / 1e6, 3),
    )
