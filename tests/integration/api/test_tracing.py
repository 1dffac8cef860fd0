"""One trace from the request through Redis to the job and its SQL; the request's id in the job's log lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from invest import tracing
from invest.engine import Context, registry
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door, door, working

pytest_plugins = ["tests.integration.api.api_fixtures"]
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
seen: list[dict[str, Any]] = []


@door.job()
async def door_traced(ctx: Context) -> str:
    """Say which request and trace it runs for."""
    seen.append(dict(structlog.contextvars.get_contextvars()))
    return tracing.carried() or ""


@pytest.fixture(scope="module", autouse=True)
def forget() -> Iterator[None]:
    """Leave no job behind."""
    yield
    registry.remove(door_traced)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What is traced while the test runs."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)


async def test_a_request_its_job_and_its_sql_are_one_trace(
    web_door: Door, platform: Settings, spans: InMemorySpanExporter
) -> None:
    seen.clear()
    async with working(platform):
        answer = await web_door.ask(
            "POST", f"{API}/jobs/door_traced?wait=20", json={}, headers={"traceparent": CALLER}, status=200
        )
    request_id = answer.headers["X-Request-Id"]
    assert seen[0]["request_id"] == request_id, "in the job's log lines"
    assert answer.json()["result"].partition(";")[0] == request_id
    by_name = {span.name: span for span in spans.get_finished_spans()}
    request, job = by_name[f"POST {API}/jobs/{{name}}"], by_name["job door_traced"]
    trace = int(CALLER.split("-")[1], 16)
    assert request.context.trace_id == job.context.trace_id == trace
    assert request.parent is not None and request.parent.span_id == int(CALLER.split("-")[2], 16)
    assert job.parent is not None and job.parent.span_id == request.context.span_id
    assert answer.json()["result"].endswith(f"-{job.context.span_id:016x}-01")
    async with Store.open(platform) as store:
        with tracing.span("reading"):
            await store.assets.get("PETR4")
    sql = next(s for s in spans.get_finished_spans() if s.name.startswith("postgresql fetch"))
    reading = next(s for s in spans.get_finished_spans() if s.name == "reading")
    assert sql.parent is not None and sql.parent.span_id == reading.context.span_id
    assert sql.attributes is not None and "SELECT" in str(sql.attributes["db.statement"])


async def test_without_telemetry_the_request_id_alone_travels(web_door: Door, platform: Settings) -> None:
    seen.clear()
    async with working(platform):
        answer = await web_door.ask("POST", f"{API}/jobs/door_traced?wait=20", json={}, status=200)
    assert answer.json()["result"] == f"{answer.headers['X-Request-Id']};"
    with tracing.span("nothing") as span:
        assert span is None


async def test_requests_are_measured_by_route_and_status(web_door: Door) -> None:
    await web_door.ask("GET", f"{API}/assets/ABCD3", status=404)
    await web_door.ask("GET", f"{API}/queues", status=200)
    text = (await web_door.ask("GET", "/metrics", status=200)).body.decode()
    lost = f'method="GET",route="{API}/assets/{{ticker}}",status="404"'
    assert re.search(rf"invest_http_request_seconds_count\{{{re.escape(lost)}\}} 1\.0", text)
    assert "ABCD3" not in text


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        (None, (None, None)),
        ("abc;", ("abc", None)),
        (f"abc;{CALLER}", ("abc", CALLER)),
        (f";{CALLER}", (None, CALLER)),
        ("a b\n;00-x", (None, None)),
        ("x" * 1000, (None, None)),
    ],
)
def test_only_what_is_ours_is_taken_from_a_job(text: str | None, origin: tuple[str | None, str | None]) -> None:
    assert tracing.arrived(text) == origin


def test_telemetry_is_off_where_nobody_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracing.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    assert tracing.set_up("test") is False
