"""The OpenAPI description: valid, complete, and true under generated requests."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it ships no types
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from invest.api.http import openapi
from invest.api.live import enqueuing
from invest.api.routes import table
from invest.engine import registry
from invest.jobs.declared import declare_all
from invest.settings import Settings
from tests.integration.api.api_kit import API, Door, open_door

pytest_plugins = ["tests.integration.api.api_fixtures"]


def description() -> dict[str, Any]:
    """The description of everything that is declared."""
    declare_all()
    return openapi.document(table.routes(registry))


def test_the_description_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(description()).validate()


def test_every_operation_says_its_scope_and_its_problems_and_has_an_id_of_its_own() -> None:
    seen = set()
    for operations in description()["paths"].values():
        for operation in operations.values():
            assert operation["summary"] and operation["operationId"] not in seen
            seen.add(operation["operationId"])
            assert {"422", "429", "503"} <= set(operation["responses"])
            if operation["security"]:
                assert operation["x-scope"] in ("read", "write", "admin")
                assert {"401", "403"} <= set(operation["responses"])
    assert len(seen) > 60


def test_every_example_is_one_its_schema_takes_and_every_json_body_and_answer_has_one() -> None:
    described = description()
    shown = 0
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            held = [(p["schema"], p) for p in operation["parameters"] if p["name"] != "cursor"]
            bodies = [operation.get("requestBody", {}), *(r for s, r in operation["responses"].items() if s < "300")]
            contents = [
                body["content"]["application/json"] for body in bodies if "application/json" in body.get("content", {})
            ]
            held += [(c["schema"], c) for c in contents if c["schema"].get("$ref") != TASK_STATUS]
            for schema, holder in held:
                whole = {**schema, "components": described["components"]}
                errors = list(Draft202012Validator(whole).iter_errors(holder["example"]))
                assert not errors, (method, path, errors[0].message)
                shown += 1
    assert shown > 200


async def test_an_example_of_the_docs_page_does_what_it_says(web_door: Door) -> None:
    post = description()["paths"][f"{API}/assets/async/collect"]["post"]
    example = {p["name"]: p["example"] for p in post["parameters"] if p["required"]}
    assert example == {"ticker": "PETR4"}
    answer = await web_door.ask("POST", f"{API}/assets/async/collect", params=example, status=202)
    assert set(post["responses"]["202"]["content"]["application/json"]["example"]) == set(answer.json())
    page = (await web_door.ask("GET", "/docs", status=200)).body.decode()
    assert "curl -X POST" in page and "/assets/async/collect?ticker=PETR4" in page


async def test_the_docs_page_needs_nothing_from_elsewhere(web_door: Door) -> None:
    page = (await web_door.ask("GET", "/docs", status=200)).body.decode()
    assert "collect_asset_data_async" in page and "<script" not in page
    assert "http://" not in page and "https://" not in page
    css = await web_door.ask("GET", "/static/invest.css", status=200)
    assert len(css.body) < 14_000
    served = (await web_door.ask("GET", "/openapi.json", status=200)).json()
    assert served["openapi"] == "3.1.0" and f"{API}/assets/async/collect" in served["paths"]


async def test_the_pages_need_nothing_from_elsewhere_and_their_scripts_write_no_markup(web_door: Door) -> None:
    page = (await web_door.ask("GET", "/ops", status=200)).body.decode()
    scripts = [
        (await web_door.ask("GET", f"/static/{name}.js", status=200)).body.decode() for name in ("invest", "charts")
    ]
    own = re.findall(r"<script([^>]*)>", page)
    assert len(own) == 1 and re.fullmatch(r' src="/static/invest\.js\?v=[0-9a-f]{10}" defer', own[0])
    assert "http://" not in page.replace("http://www.w3.org/", "") and "https://" not in page and "style=" not in page
    for script in scripts:
        assert "innerHTML" not in script and "eval(" not in script and "https://" not in script
    assert sum(map(len, scripts)) < 30_000
    await web_door.ask("GET", "/static/base.html", status=404)
    await web_door.ask("GET", "/static/..%2fpages.py", status=404)


@pytest.fixture
def served(platform: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server in a thread of its own, for a client that blocks; nobody waits long for a job there."""
    monkeypatch.setattr(enqueuing, "MAX_WAIT", 0.01)
    ready, stop, url = threading.Event(), threading.Event(), [""]

    async def run() -> None:
        async with open_door(platform) as door:
            url[0] = door.url
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(20)
    yield url[0]
    stop.set()
    thread.join(20)


TASK_STATUS = "#/components/schemas/TaskStatus"
STREAMS = ("/api/v1/events", "/api/v1/tasks/{task_id}/events")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(300)
def test_generated_requests_meet_only_what_is_described(served: str) -> None:
    schema = schemathesis.openapi.from_dict(description())
    asked, failures = 0, []
    for result in schema.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr] # Err fails the test, as it should
        if operation.path in STREAMS or operation.path == "/mcp":  # whose protocol has errors of its own: test_mcp
            continue
        try:
            asked += _probe(operation, served)
        except* Exception as found:
            failures.append(f"{operation.label}: {found.exceptions[0]}")
    assert not failures, "\n".join(failures)
    assert asked > 300


def _probe(operation: Any, url: str) -> int:
    count = 0

    @settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def send(case: Any) -> None:
        nonlocal count
        count += 1
        response = case.call(base_url=url, timeout=15)
        case.validate_response(response, checks=CHECKS)

    from hypothesis import given

    given(case=operation.as_strategy())(send)()
    return count
