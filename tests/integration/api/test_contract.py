"""The contract's endpoints: what they take, what they answer, what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from invest.engine import Invest, registry
from invest.settings import Settings
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]

TWO = ["PETR4", "VALE3"]
ACCEPTED: list[tuple[str, dict[str, str], Any, str, dict[str, Any], dict[str, Any]]] = [
    # path, query, body, job, arguments it is queued with, what the reply repeats
    ("/assets/async/collect", {"ticker": "petr4f"}, None, "collect_asset_data_async", {"ticker": "PETR4"},
     {"ticker": "PETR4"}),
    ("/assets/async/collect", {"ticker": "PETR4", "force_update": "true"}, None, "collect_asset_data_async",
     {"ticker": "PETR4", "force_update": True}, {}),
    ("/assets/async/collect", {}, {"ticker": "PETR4", "force_update": True}, "collect_asset_data_async",
     {"ticker": "PETR4", "force_update": True}, {}),
    ("/assets/async/batch-collect", {}, TWO, "batch_collect_assets", {"tickers": TWO}, {"total_assets": 2}),
    ("/assets/async/batch-collect", {"force_update": "true"}, TWO, "batch_collect_assets",
     {"tickers": TWO, "force_update": True}, {}),
    ("/assets/async/batch-collect", {}, {"tickers": TWO}, "batch_collect_assets", {"tickers": TWO}, {}),
    ("/assets/async/update-prices", {}, None, "update_market_prices", {}, {}),
    ("/assets/async/update-prices", {}, TWO, "update_market_prices", {"tickers": TWO}, {}),
    ("/analysis/async/analyze", {"ticker": "PETR4", "include_ai": "false"}, None, "analyze_asset_async",
     {"ticker": "PETR4", "include_ai": False}, {"ticker": "PETR4"}),
    ("/analysis/async/compare", {}, {"tickers": TWO, "criteria": None}, "compare_assets_async",
     {"tickers": TWO, "criteria": None}, {"total_assets": 2}),
    ("/analysis/async/opportunities", {"market": "fiis", "min_score": "6.5"}, None, "detect_opportunities",
     {"market": "fiis", "min_score": 6.5}, {"market": "fiis"}),
    ("/analysis/async/opportunities", {}, None, "detect_opportunities", {}, {"market": "stocks"}),
    ("/analysis/async/update-rankings", {"market": "stocks"}, None, "update_asset_rankings", {"market": "stocks"},
     {"market": "stocks"}),
    ("/analysis/async/backtest", {"market": "fiis", "years": "3"}, None, "backtest_score",
     {"market": "fiis", "years": 3}, {"market": "fiis"}),
    ("/reports/async/generate", {"ticker": "PETR4", "ai_provider": "rules", "language": "en"}, None,
     "generate_report_async", {"ticker": "PETR4", "ai_provider": "rules", "language": "en"},
     {"ticker": "PETR4", "ai_provider": "rules"}),
    ("/reports/async/compare", {"ai_provider": "rules"}, TWO, "generate_comparison_report_async",
     {"tickers": TWO, "ai_provider": "rules"}, {"total_assets": 2, "ai_provider": "rules"}),
    ("/reports/async/portfolio", {"portfolio_id": "p1", "include_recommendations": "false"}, None,
     "generate_portfolio_report_async", {"portfolio_id": "p1", "include_recommendations": False},
     {"portfolio_id": "p1"}),
    ("/reports/async/market-overview", {"market": "stocks", "top_n": "5"}, None, "generate_market_overview_async",
     {"market": "stocks", "top_n": 5}, {"market": "stocks"}),
    ("/reports/async/multi-ai", {"ticker": "PETR4"}, ["rules"], "generate_multi_ai_analysis",
     {"ticker": "PETR4", "providers": ["rules"]}, {"ticker": "PETR4"}),
    ("/reports/async/multi-ai", {"ticker": "PETR4"}, None, "generate_multi_ai_analysis", {"ticker": "PETR4"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "query", "body", "job", "arguments", "echo"), ACCEPTED)
async def test_an_endpoint_queues_its_job_and_says_where_to_follow_it(
    web_door: Door,
    platform: Settings,
    path: str,
    query: dict[str, str],
    body: Any,
    job: str,
    arguments: dict[str, Any],
    echo: dict[str, Any],
) -> None:
    options = {"json": body} if body is not None else {}
    answer = await web_door.ask("POST", API + path, params=query, status=202, **options)
    reply = answer.json()
    assert reply["status"] == "queued" and reply["message"]
    assert answer.headers["Location"] == f"{API}/tasks/{reply['task_id']}/status"
    assert int(answer.headers["Retry-After"]) >= 1
    assert {name: reply[name] for name in echo} == echo
    async with Invest.connect(platform) as invest:
        status = await invest.status(reply["task_id"])
    assert (status.name, status.kwargs) == (job, arguments)
    assert registry.job(job).queue.name == status.queue


REFUSED: list[tuple[str, dict[str, str], Any, str]] = [
    ("/assets/async/collect", {}, None, "ticker"),
    ("/assets/async/collect", {"ticker": "NOPE"}, None, "ticker"),
    ("/assets/async/collect", {"ticker": "PETR4' OR 1=1 --"}, None, "ticker"),
    ("/assets/async/collect", {"ticker": "PETR4\x00"}, None, "ticker"),
    ("/assets/async/collect", {"ticker": ""}, None, "ticker"),
    ("/assets/async/collect", {"ticker": "PETR4", "force_update": "perhaps"}, None, "force_update"),
    ("/assets/async/collect", {"ticker": "PETR4", "force_updates": "true"}, None, "force_updates"),
    ("/assets/async/collect", {"ticker": "PETR4"}, {"ticker": "VALE3"}, "ticker"),
    ("/assets/async/collect", {}, {"ticker": "PETR4", "force_update": "true"}, "force_update"),
    ("/assets/async/collect", {}, {"ticker": 4}, "ticker"),
    ("/assets/async/batch-collect", {}, None, "tickers"),
    ("/assets/async/batch-collect", {}, [], "tickers"),
    ("/assets/async/batch-collect", {}, ["PETR4", "NOPE"], "1"),
    ("/assets/async/batch-collect", {}, {"tickers": "PETR4"}, "tickers"),
    ("/assets/async/batch-collect", {}, {"tickers": TWO, "more": 1}, "more"),
    ("/analysis/async/compare", {}, ["PETR4"], "tickers"),
    ("/analysis/async/compare", {}, {"tickers": TWO, "criteria": ["beauty"]}, "criteria"),
    ("/analysis/async/opportunities", {"min_score": "11"}, None, "min_score"),
    ("/analysis/async/opportunities", {"min_score": "nan"}, None, "min_score"),
    ("/analysis/async/opportunities", {"market": "moon"}, None, "market"),
    ("/reports/async/generate", {"ticker": "PETR4", "language": "de"}, None, "language"),
    ("/reports/async/market-overview", {"top_n": "0"}, None, "top_n"),
    ("/reports/async/multi-ai", {"ticker": "PETR4"}, [7], "0"),
]


@pytest.mark.parametrize(("path", "query", "body", "field"), REFUSED)
async def test_what_is_wrong_is_refused_at_the_door_and_named(
    web_door: Door, platform: Settings, path: str, query: dict[str, str], body: Any, field: str
) -> None:
    options = {"json": body} if body is not None else {}
    answer = await web_door.ask("POST", API + path, params=query, status=422, **options)
    problem = answer.json()
    assert problem["status"] == 422 and problem["title"] == "Unprocessable Entity" and problem["instance"] == API + path
    assert any(field in error["field"].split(".") for error in problem["errors"]), problem
    assert "Traceback" not in answer.body.decode()
    async with Invest.connect(platform) as invest:
        assert await invest.redis.keys("arq:job:*") == []


@pytest.mark.parametrize("path", [f"{API}/tasks/active", f"{API}/jobs", "/healthz", "/docs", "/openapi.json", "/"])
async def test_head_says_what_get_would_without_the_body(web_door: Door, path: str) -> None:
    whole = await web_door.ask("GET", path, status=200)
    head = await web_door.ask("HEAD", path, status=200)
    assert head.body == b"" and head.headers["Content-Type"] == whole.headers["Content-Type"]


async def test_options_says_what_a_resource_takes(web_door: Door) -> None:
    answer = await web_door.ask("OPTIONS", f"{API}/portfolios", status=204)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and "Access-Control-Allow-Origin" not in answer.headers
    await web_door.ask("OPTIONS", f"{API}/nothing", status=404)
    await web_door.ask("HEAD", f"{API}/events", status=405)


async def test_a_parameter_given_twice_is_refused(web_door: Door) -> None:
    answer = await web_door.ask("POST", f"{API}/assets/async/collect?ticker=PETR4&ticker=VALE3", status=422)
    assert answer.json()["errors"] == [{"field": "ticker", "message": "given twice"}]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("PATCH", f"{API}/tasks/x", 405),
        ("GET", f"{API}/assets/async/collect", 405),
        ("PUT", f"{API}/assets/async/collect", 405),
        ("GET", f"{API}/tasks/unknown/status", 404),
        ("DELETE", f"{API}/tasks/unknown", 404),
        ("GET", f"{API}/workflows/unknown", 404),
        ("GET", f"{API}/dead-letters/unknown", 404),
        ("POST", f"{API}/dead-letters/unknown/replay", 404),
        ("POST", f"{API}/schedules/unknown/pause", 404),
        ("GET", f"{API}/jobs/unknown", 404),
        ("POST", f"{API}/jobs/unknown", 404),
        ("GET", f"{API}/reports/unknown", 404),
        ("GET", f"{API}/assets/PETR4", 404),
        ("GET", f"{API}/assets/NOPE/prices", 422),
        ("GET", f"{API}/rankings/stocks", 404),
        ("GET", f"{API}/backtests/stocks", 404),
        ("GET", f"{API}/backtests/bonds", 422),
        ("GET", f"{API}/assets?limit=0", 422),
        ("GET", f"{API}/assets?limit=-1", 422),
        ("GET", f"{API}/news?cursor=yesterday", 422),
        ("GET", f"{API}/tasks?cursor=yesterday", 422),
    ],
)
async def test_every_error_is_a_problem(web_door: Door, method: str, path: str, status: int) -> None:
    answer = await web_door.ask(method, path, status=status)
    problem = answer.json()
    assert problem["status"] == status and problem["detail"] and problem["request_id"] == answer.headers["X-Request-Id"]
    if status == 405:
        assert answer.headers["Allow"]
