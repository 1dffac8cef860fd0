"""The contract's POST endpoints. Each enqueues one job; one more endpoint enqueues any declared job by name.

Scalars are query parameters, a lone list is a JSON array body; a JSON object with the same names is taken as well.
Types come from the job's own signature, so what the endpoint accepts is what the job accepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from invest.api.http import PREFIX, Access, Body, Input, Output, Problem, Reply, Route, Texts, invalid
from invest.api.request import Request
from invest.api.routes.models import Strict
from invest.api.routes.tasks import accepted
from invest.engine import JobType, Registry
from invest.http import Queued

TAG_OF = {"assets": "collection", "analysis": "analysis", "reports": "reports"}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of the contract: its path, its job, where the arguments are, what the reply repeats."""

    path: str
    job: str
    query: tuple[str, ...] = ()
    body: str | None = None  # the argument that may come as a lone JSON array
    echo: tuple[str, ...] = ()
    summary: str = ""
    body_required: bool = False


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("/assets/async/collect", "collect_asset_data_async", ("ticker", "force_update"), None, ("ticker",),
             "Collect every kind of data for one asset"),
    Endpoint("/assets/async/batch-collect", "batch_collect_assets", ("force_update",), "tickers", ("total_assets",),
             "Collect many assets", body_required=True),
    Endpoint("/assets/async/update-prices", "update_market_prices", (), "tickers", (),
             "Update prices of some or all active assets"),
    Endpoint("/analysis/async/analyze", "analyze_asset_async", ("ticker", "include_ai"), None, ("ticker",),
             "Analyse one asset"),
    Endpoint("/analysis/async/compare", "compare_assets_async", (), "tickers", ("total_assets",),
             "Compare assets", body_required=True),
    Endpoint("/analysis/async/opportunities", "detect_opportunities", ("market", "min_score"), None, ("market",),
             "Look for assets above a score"),
    Endpoint("/analysis/async/update-rankings", "update_asset_rankings", ("market",), None, ("market",),
             "Rank a market"),
    Endpoint("/analysis/async/backtest", "backtest_score", ("market", "years"), None, ("market",),
             "Backtest the score of a market"),
    Endpoint("/reports/async/generate", "generate_report_async", ("ticker", "ai_provider", "language"), None,
             ("ticker", "ai_provider"), "Write the report of one asset"),
    Endpoint("/reports/async/compare", "generate_comparison_report_async", ("ai_provider", "language"), "tickers",
             ("total_assets", "ai_provider"), "Write a comparison report", body_required=True),
    Endpoint("/reports/async/portfolio", "generate_portfolio_report_async",
             ("portfolio_id", "ai_provider", "include_recommendations", "language"), None, ("portfolio_id",),
             "Write the report of a portfolio"),
    Endpoint("/reports/async/market-overview", "generate_market_overview_async",
             ("market", "ai_provider", "top_n", "language"), None, ("market",), "Write a market overview"),
    Endpoint("/reports/async/multi-ai", "generate_multi_ai_analysis", ("ticker",), "providers", ("ticker",),
             "Ask several AIs at once about one asset"),
)  # fmt: skip


def contract_routes(registry: Registry) -> list[Route]:
    """The endpoints as routes; one whose job this process does not declare is left out (404)."""
    found = ((endpoint, registry.find(endpoint.job)) for endpoint in ENDPOINTS)
    return [_route(endpoint, job) for endpoint, job in found if job is not None]


def _fields(job: JobType[..., Any], names: Sequence[str]) -> dict[str, Any]:
    """Model fields of the named parameters that the job has; all optional, as the body may carry them instead."""
    model = job.signature.model.model_fields
    found: dict[str, Any] = {}
    for name in names:
        if name not in model:
            continue
        field = model[name]
        kind: Any = field.annotation if not field.metadata else Annotated[(field.annotation, *field.metadata)]
        found[name] = (kind | None if field.is_required() else kind, None if field.is_required() else field.default)
    return found


def _route(endpoint: Endpoint, job: JobType[..., Any]) -> Route:
    query = create_model(f"{job.name}_query", __base__=Strict, **_fields(job, endpoint.query))
    whole = create_model(f"{job.name}_body", __base__=Strict, **_fields(job, list(job.signature.model.model_fields)))
    lone = None
    if endpoint.body is not None:
        field = job.signature.model.model_fields[endpoint.body]
        lone = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    echoes: dict[str, Any] = {name: (int if name == "total_assets" else str, ...) for name in endpoint.echo}
    reply = create_model(f"{job.name}_queued", __base__=Queued, **echoes)

    async def queue_job(request: Request, query: Any, body: Any) -> Reply[Any]:
        arguments = merged(query, body, endpoint.body)
        call, bound = job.bound(**arguments)
        if "ticker" in endpoint.echo and bound["ticker"] in request.services.unknown:
            raise invalid("ticker", f"no source knows {bound['ticker']}: asked within the last day, try tomorrow")
        echo = {name: len(bound["tickers"]) if name == "total_assets" else bound[name] for name in endpoint.echo}
        return await accepted(request, call, message=f"queued: {endpoint.summary}", echo=echo)

    queue_job.__name__ = endpoint.job
    parts = endpoint.path.split("/")
    fields = job.signature.model.model_fields
    return Route(
        "POST",
        PREFIX + endpoint.path,
        queue_job,
        Texts(endpoint.summary, TAG_OF[parts[1]], (job.__doc__ or "").strip()),
        Access("write"),
        Input(
            query=query,
            body=Body(
                whole,
                required=False,
                array=lone,
                array_name=endpoint.body or "",
                array_alone=set(fields) == {*endpoint.query, endpoint.body},
                hidden=endpoint.body is None,
            ),
            required=frozenset(name for name, field in fields.items() if field.is_required()),
        ),
        Output(202, reply, result=job.signature.result_type, problems=(400, 404, 409, 413, 415, 422)),
        waits=True,
    )


def merged(query: BaseModel | None, body: Any, lone: str | None) -> dict[str, Any]:
    """Arguments from query and body; the same name in both is refused."""
    arguments = given(query)
    if body is None:
        return arguments
    extra = given(body) if isinstance(body, BaseModel) else {lone or "body": body}
    for name in extra:
        if name in arguments:
            raise invalid(name, "given in the query and in the body")
    return arguments | extra


def given(model: BaseModel | None) -> dict[str, Any]:
    """The fields somebody set."""
    return {} if model is None else {name: getattr(model, name) for name in model.model_fields_set}


class EnqueueOptions(Strict):
    """When the job runs."""

    delay: float | None = Field(default=None, ge=0, le=31_536_000, description="seconds from now")
    priority: int | None = Field(default=None, ge=-1, le=1, description="1 before others, -1 after them")


class Arguments(BaseModel):
    """The job's arguments by name; GET /jobs/{name} has their schema."""

    model_config = ConfigDict(extra="allow")


class JobPath(Strict):
    """A job's name in the path."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,99}$", examples=["collect_asset_data_async"])]


def call_of(registry: Registry, name: str, arguments: dict[str, Any], options: EnqueueOptions) -> Any:
    """A call of a public job. Raises 404 for an unknown or internal one."""
    job = registry.find(name)
    if job is None:
        raise Problem(404, f"no job {name!r}; GET {PREFIX}/jobs lists those there are")
    call = job(**arguments)
    return call.with_options(delay=options.delay, priority=options.priority)
