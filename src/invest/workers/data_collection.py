"""For arq's own command: ``arq invest.workers.data_collection.WorkerSettings``."""

from __future__ import annotations

from invest.engine import worker_settings
from invest.jobs.declared import declare_all
from invest.workers.deps import resources

declare_all()
WorkerSettings = worker_settings("data_collection", resources=resources)
