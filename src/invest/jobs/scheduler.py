"""The scheduler of the contract (section 3): ready-made workflows and questions about them, all async.

async with Invest.connect() as invest:
    scheduler = TaskScheduler(invest)
    task_id = await scheduler.schedule_market_data_update(["PETR4", "VALE3"])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from invest.domain.market import Market
from invest.engine import Invest, JobState, Workflow, chain, group, registry
from invest.errors import NotFound
from invest.jobs.analysis import (
    analyze_all_portfolios,
    calculate_portfolio_metrics,
    detect_opportunities,
    update_asset_rankings,
)
from invest.jobs.data_collection import update_fundamentals_batch, update_market_prices, update_news_feed
from invest.jobs.reports import schedule_weekly_reports

SCANNED = (Market.STOCKS, Market.FIIS, Market.BDRS, Market.CRYPTOS)
PAGE = 500


class TaskScheduler:
    """Queues the platform's workflows and answers questions about tasks, over an open `Invest`."""

    def __init__(self, invest: Invest) -> None:
        self._invest = invest

    async def schedule_market_data_update(self, tickers: Sequence[str] | None = None) -> str:
        """Prices, then fundamentals, then opportunities, as one chain; its id."""
        wanted = list(tickers) if tickers is not None else None
        steps = chain(update_market_prices(wanted), update_fundamentals_batch(wanted), detect_opportunities())
        return (await self._invest.enqueue(steps)).id

    async def schedule_portfolio_analysis(self, portfolio_ids: Sequence[str] | None = None) -> str:
        """Measure the named portfolios at the same time, or all of them; the id of the whole."""
        if portfolio_ids is None:
            return (await self._invest.enqueue(analyze_all_portfolios())).id
        calls = group((calculate_portfolio_metrics(i) for i in portfolio_ids), on_failure="continue")
        return (await self._invest.enqueue(calls)).id

    async def schedule_daily_routine(self) -> dict[str, str]:
        """Market update, fundamentals, news and portfolios; each one's id."""
        return {
            "market_update": await self.schedule_market_data_update(),
            "fundamentals": (await self._invest.enqueue(update_fundamentals_batch())).id,
            "news": (await self._invest.enqueue(update_news_feed())).id,
            "portfolios": await self.schedule_portfolio_analysis(),
        }

    async def schedule_market_scan(self, markets: Sequence[str] | None = None) -> str:
        """Per market rankings, then opportunities; all markets at the same time; the id of the group.

        Raises ValueError for an unknown market.
        """
        scanned = [Market(m) for m in markets] if markets is not None else list(SCANNED)
        chains: list[Workflow[Any]] = [chain(update_asset_rankings(m), detect_opportunities(m)) for m in scanned]
        return (await self._invest.enqueue(group(chains, on_failure="continue"))).id

    async def schedule_weekly_reports_batch(self, portfolio_ids: Sequence[str] | None = None) -> str:
        """Queue the weekly report of the named portfolios, or of all; the id of the job that does so."""
        ids = list(portfolio_ids) if portfolio_ids is not None else None
        return (await self._invest.enqueue(schedule_weekly_reports(ids))).id

    async def get_task_status(self, task_id: str) -> dict[str, Any]:
        """{task_id, state, ready, successful, failed[, result or error]}. Raises `NotFound` for an unknown id."""
        status = await self._invest.status(task_id)
        answer: dict[str, Any] = {
            "task_id": task_id,
            "state": status.state.contract,
            "ready": status.final,
            "successful": status.state is JobState.SUCCEEDED,
            "failed": status.state is JobState.FAILED,
        }
        if status.state is JobState.SUCCEEDED:
            answer["result"] = status.result
        elif status.error is not None:
            answer["error"] = f"{status.error.type}: {status.error.message}"
        return answer

    async def cancel_task(self, task_id: str) -> bool:
        """True only when it did cancel: false for finished and unknown tasks."""
        try:
            return await self._invest.cancel(task_id)
        except NotFound:
            return False

    async def get_active_tasks(self) -> list[dict[str, Any]]:
        """[{worker, task_id, name, args, kwargs}] of what runs now."""
        return [
            {"worker": j.worker, "task_id": j.id, "name": j.name, "args": j.args, "kwargs": j.kwargs}
            for j in await self._invest.inspect.active()
        ]

    async def get_scheduled_tasks(self) -> list[dict[str, Any]]:
        """[{worker, task_id, name, eta}] of what is due later; no worker has it yet."""
        waiting = await self._invest.inspect.jobs(JobState.SCHEDULED, limit=PAGE)
        return [
            {"worker": None, "task_id": j.id, "name": j.name, "eta": j.due_at.isoformat() if j.due_at else None}
            for j in waiting.items
        ]

    async def get_queue_stats(self) -> dict[str, Any]:
        """{active_tasks, scheduled_tasks, workers, queues: {name: {waiting, active, scheduled, dead}}}."""
        queues = await self._invest.inspect.queues()
        workers = await self._invest.inspect.workers()
        return {
            "active_tasks": sum(q.active for q in queues.values()),
            "scheduled_tasks": sum(q.scheduled for q in queues.values()),
            "workers": len([w for w in workers if w.alive]),
            "queues": {
                name: {"waiting": q.waiting, "active": q.active, "scheduled": q.scheduled, "dead": q.dead}
                for name, q in queues.items()
            },
        }


async def purge_queue(invest: Invest, name: str) -> int:
    """Cancel what waits in one queue, and in that queue alone; how many. Raises `NotFound` for an unknown queue."""
    registry.queue(name)
    return await invest.purge(name)


async def schedule_task(invest: Invest, name: str, *args: Any, **kwargs: Any) -> str:
    """Queue a job by its name; its id. Raises `UnknownJob` or `InvalidArguments`."""
    return (await invest.enqueue_named(name, *args, **kwargs)).id


async def schedule_delayed_task(invest: Invest, name: str, delay_seconds: float, *args: Any, **kwargs: Any) -> str:
    """Queue a job by its name, to run after `delay_seconds`; its id."""
    call = registry.call_by_name(name, args, kwargs)
    return (await invest.enqueue(call.with_options(delay=delay_seconds))).id


async def get_task_result(invest: Invest, task_id: str, timeout: float = 300) -> Any:
    """Wait for a task's result. Raises `JobFailed`, `JobCancelled`, `ResultTimeout` or `NotFound`."""
    return await invest.job(task_id).result(timeout=timeout)
