"""Export stored reports as files."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from invest.engine import Context, Workflow
from invest.errors import NotFound
from invest.jobs.exported_files import exports_folder, write_private
from invest.jobs.fan_out import fan_out, split
from invest.jobs.queues import FAN_OUT_SOON, NEVER, PERIODIC, REPORTS
from invest.jobs.reports.arguments import Format, ReportId
from invest.jobs.results import (
    BatchExported,
    Exported,
    ExportFailed,
)
from invest.objects import EXPORTS, open_objects
from invest.reports import (
    export_view,
    load_view,
)
from invest.settings import Settings
from invest.store import Store


@REPORTS.job(retry=PERIODIC, give_up_on=NEVER, owner={"report_id": "report"})
async def export_report_async(
    ctx: Context, report_id: ReportId, format: Format = "pdf", include_charts: bool = True
) -> Exported:
    """A stored report as a real file: kept in PostgreSQL for download and written under the data folder."""
    return await export(ctx, report_id, format, include_charts)


@REPORTS.job(retry=FAN_OUT_SOON, give_up_on=NEVER, owner={"report_ids": "report"})
async def batch_export_reports(
    ctx: Context, report_ids: Annotated[list[ReportId], Field(min_length=1, max_length=1000)], format: Format = "pdf"
) -> Workflow[BatchExported]:
    """Export many reports: one job each, then one that gathers them."""
    unique = list(dict.fromkeys(report_ids))
    return fan_out((export_report_async(r, format=format) for r in unique), finish_batch_export(unique))


@REPORTS.job(retry=PERIODIC, give_up_on=NEVER, owner={"report_ids": "report"})
async def finish_batch_export(ctx: Context, report_ids: list[ReportId]) -> BatchExported:
    """Gather a batch's exports (the last step of `batch_export_reports`)."""
    exported, errors = await split(ctx, report_ids, Exported, lambda exported: exported)
    return BatchExported(
        total=len(report_ids),
        success=len(exported),
        failed=len(errors),
        exports=list(exported.values()),
        errors=[ExportFailed(report_id=report_id, error=error) for report_id, error in errors.items()],
    )


async def export(ctx: Context, report_id: str, format: str, include_charts: bool) -> Exported:
    """Render a stored report into a file: kept in PostgreSQL, and where all machines or this one keep exports."""
    store = ctx.use(Store)
    stored = await store.reports.get(report_id)
    if stored is None:
        raise NotFound(f"no report {report_id!r}; `GET /api/v1/reports` lists those there are")
    file = await asyncio.to_thread(export_view, load_view(stored.view), format, include_charts=include_charts)
    kept = await store.reports.save_export(
        report_id, format, file.body, filename=file.name, content_type=file.media_type, include_charts=include_charts
    )
    where = await _written(ctx, file.name, file.body) or f"/api/v1/reports/{report_id}/download?format={format}"
    return Exported(
        report_id=report_id,
        format=format,
        file_path=where,
        file_size=len(file.body),
        exported_at=datetime.now(UTC),
        sha256=kept.sha256,
        media_type=file.media_type,
    )


async def _written(ctx: Context, name: str, body: bytes) -> str | None:
    """Where the file is, besides PostgreSQL: in the object store, else on disk; None where the disk takes none."""
    settings = ctx.use(Settings)
    if (objects := open_objects(settings)) is not None:
        await objects.put(EXPORTS + name, body)
        return objects.address(EXPORTS + name)
    path = exports_folder(settings.data_dir) / name
    try:
        await asyncio.to_thread(write_private, path, body)
    except OSError as error:  # a read-only or full disk: the file is in PostgreSQL all the same
        ctx.log.warning("export kept in the database only", path=str(path), error=str(error))
        return None
    return str(path)
