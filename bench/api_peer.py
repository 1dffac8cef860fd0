"""The peer of the API benchmark: FastAPI with the same endpoint over Celery's apply_async, as its manuals show it.

Runs in .venv-bench: uvicorn (uvloop, httptools), one process, no access log; a sync endpoint, as apply_async blocks.
"""

from __future__ import annotations

import os

from celery import Celery
from fastapi import FastAPI, Query, Response

celery = Celery("peer", broker=os.environ["BENCH_URL"], backend=os.environ["BENCH_URL"])
celery.conf.update(task_ignore_result=True, broker_pool_limit=50)
app = FastAPI()


@celery.task(name="analyze_asset_async")  # type: ignore[untyped-decorator] # the peer is not installed here
def analyse(ticker: str, include_ai: bool = False) -> None:
    """Never run here."""


@app.post("/api/v1/analysis/async/analyze", status_code=202)  # type: ignore[untyped-decorator] # the same
def queue(
    response: Response, ticker: str = Query(pattern=r"^[A-Z]{4}\d{1,2}$"), include_ai: bool = False
) -> dict[str, str]:
    """Queue one task."""
    task = analyse.apply_async(args=[ticker], kwargs={"include_ai": include_ai})
    response.headers["Location"] = f"/api/v1/tasks/{task.id}/status"
    return {"status": "queued", "task_id": task.id, "ticker": ticker, "message": "queued"}
