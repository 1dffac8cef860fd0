"""Clients made from the specification by other people's generators: one is driven through five journeys."""

from __future__ import annotations

import importlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from invest.api.http import openapi
from invest.api.routes import table
from invest.engine import registry
from invest.jobs.declared import declare_all
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import Door, open_door, working

pytest_plugins = ["tests.integration.api.api_fixtures"]
PACKAGE = "generated_invest_client"
BYTES = "application/octet-stream"
CONFIG = {
    "content_type_overrides": {
        "text/csv": BYTES,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": BYTES,
        "application/pdf": BYTES,
        "text/markdown": BYTES,
    }
}
TYPESCRIPT = """
import type { components, paths } from "./api";
type Page = paths["/api/v1/assets"]["get"]["responses"]["200"]["content"]["application/json"];
export function codes(page: Page): string[] { return page.items.map((asset) => asset.ticker); }
export function more(page: Page): boolean { return page.next_cursor != null; }
export function failed(task: components["schemas"]["TaskStatus"]): string | undefined {
  if (task.state === "FAILURE") return task.problem?.detail;
  return undefined;
}
// @ts-expect-error no such state
export const strange: components["schemas"]["TaskStatus"]["state"] = "SLEEPING";
"""
CSV = b"data;operacao;ticker;quantidade;preco\n2026-03-02;compra;PETR4;100;30,50\n"


def specification(folder: Path) -> Path:
    """openapi.json of the product's own jobs."""
    declare_all()
    path = folder / "openapi.json"
    path.write_text(json.dumps(openapi.document(table.routes(registry))))
    return path


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package that openapi-python-client makes, importable; it had nothing to complain of."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "config.yaml").write_text(json.dumps({**CONFIG, "post_hooks": []}))
    tool = Path(sys.executable).with_name("openapi-python-client")
    done = subprocess.run(
        [tool, "generate", "--path", specification(folder), "--meta", "none", "--config", folder / "config.yaml",
         "--output-path", folder / PACKAGE, "--fail-on-warning"],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield folder / PACKAGE
    sys.path.remove(str(folder))


def part(name: str) -> Any:
    """A module of the generated package."""
    return importlib.import_module(f"{PACKAGE}.{name}")


def client_of(door: Door, key: str = "none") -> Any:
    """The generated client for a server."""
    return part("client").AuthenticatedClient(base_url=door.url, token=key, raise_on_unexpected_status=True)


@pytest.fixture
async def client(generated: Path, web_door: Door) -> AsyncIterator[Any]:
    """The generated client, closed at the end: a server waits for connections in use."""
    async with client_of(web_door) as client:
        yield client


async def test_a_job_is_queued_and_its_result_waited_for(client: Any, platform: Settings) -> None:
    models = part("models")
    arguments = models.Arguments.from_dict({"number": 21})
    async with working(platform):
        queued = await part("api.jobs.enqueue_job").asyncio("door_double", client=client, body=arguments)
        assert isinstance(queued, models.Queued)
        found = await part("api.tasks.task_status").asyncio_detailed(queued.task_id, client=client, wait=20)
    assert (found.parsed.state.value, found.parsed.result, found.parsed.phase.value) == ("SUCCESS", 42, "succeeded")
    again = await part("api.tasks.task_status").asyncio_detailed(
        queued.task_id, client=client, if_none_match=found.headers["ETag"]
    )
    assert again.status_code == 304
    whole = await part("api.tasks.get_task").asyncio(queued.task_id, client=client)
    assert whole.kwargs.additional_properties == {"number": 21} and whole.phase.value == "succeeded"
    listed = await part("api.tasks.list_tasks").asyncio(client=client, state=whole.state, queue="door")
    assert [task.task_id for task in listed.items] == [queued.task_id]


async def test_a_portfolio_is_filled_from_a_form_and_from_bytes(client: Any) -> None:
    models, types = part("models"), part("types")
    made = await part("api.portfolios.create_portfolio").asyncio_detailed(
        client=client, body=models.NewPortfolio(name="Aposentadoria")
    )
    assert made.status_code == 201 and made.headers["Location"].endswith(made.parsed.id)
    upload = part("api.portfolios.import_statement").asyncio
    form = models.ImportStatementForm(file=types.File(io.BytesIO(CSV), "extrato.csv", "text/csv"))
    booked = await upload(made.parsed.id, client=client, body=form)
    assert booked.counts.to_dict() == {"booked": 1, "duplicate": 0, "refused": 0} | booked.counts.to_dict()
    assert booked.counts.to_dict()["booked"] == 1
    again = await upload(made.parsed.id, client=client, body=types.File(CSV, "extrato.csv", "text/csv"))
    assert again.counts.to_dict()["duplicate"] == 1, "the same bytes as they are"
    shown = await part("api.portfolios.get_portfolio").asyncio(made.parsed.id, client=client)
    assert [(held.ticker, held.quantity) for held in shown.positions] == [("PETR4", "100")]
    gone = await part("api.portfolios.delete_portfolio").asyncio_detailed(made.parsed.id, client=client)
    assert gone.status_code == 204


async def test_an_alert_is_made_listed_and_deleted(client: Any) -> None:
    models = part("models")
    wish = models.NewAlert.from_dict({"kind": "price", "ticker": "PETR4", "comparison": "<=", "level": "30.00"})
    made = await part("api.portfolios.create_alert").asyncio(client=client, body=wish)
    listed = await part("api.portfolios.list_alerts").asyncio(client=client)
    assert [alert.id for alert in listed.items] == [made.id] and made.level in ("30", "30.00")
    assert (await part("api.portfolios.delete_alert").asyncio_detailed(made.id, client=client)).status_code == 204


async def test_keys_open_what_their_scope_allows(generated: Path, platform: Settings) -> None:
    locked = platform.model_copy(update={"web": platform.web.model_copy(update={"auth": "on"})})
    async with Store.open(platform) as store:
        admin, _ = await store.keys.create("operator", ["admin"])
    models = part("models")
    async with open_door(locked) as door, client_of(door, admin) as client:
        body = models.NewKey(name="phone", scope=models.Scope.READ)
        made = await part("api.keys.create_key").asyncio(client=client, body=body)
        async with client_of(door, made.key) as phone:
            assert (await part("api.operations.list_workers").asyncio_detailed(client=phone)).status_code == 200
            refused = await part("api.keys.list_keys").asyncio_detailed(client=phone)
        assert refused.status_code == 403 and "scope admin" in refused.parsed.detail
        assert (await part("api.keys.revoke_key").asyncio_detailed(made.id, client=client)).status_code == 204


async def test_what_is_wrong_is_a_problem_object(client: Any) -> None:
    models = part("models")
    lost = await part("api.assets.get_asset").asyncio("ABCD3", client=client)
    assert isinstance(lost, models.ProblemDetails) and lost.status == 404 and "collect" in lost.detail
    wrong = await part("api.jobs.enqueue_job").asyncio(
        "door_double", client=client, body=models.Arguments.from_dict({"number": "many"})
    )
    assert wrong.status == 422 and [error.field for error in wrong.errors] == ["number"]
    asked = await part("api.collection.collect_asset_data").asyncio(client=client, ticker="not a ticker")
    assert asked.status == 422


def test_the_specification_says_each_thing_once(tmp_path: Path) -> None:
    whole = json.loads(specification(tmp_path).read_text())
    schemas = whole["components"]["schemas"]
    assert all(name.isalnum() and name[0].isupper() and schemas[name]["title"] == name for name in schemas)
    operations = {(p, m): o for p, methods in whole["paths"].items() for m, o in methods.items()}
    assert all("_" not in o["operationId"] and "async" not in o["operationId"].lower() for o in operations.values())
    collect = operations["/api/v1/assets/async/collect", "post"]
    assert "requestBody" not in collect
    required = {p["name"]: p["required"] for p in collect["parameters"] if p["in"] == "query"}
    assert required["ticker"] is True and required["force_update"] is False
    batch = operations["/api/v1/assets/async/batch-collect", "post"]
    schema = batch["requestBody"]["content"]["application/json"]["schema"]
    assert schema["type"] == "array" and batch["requestBody"]["required"] is True
    compare = operations["/api/v1/analysis/async/compare", "post"]["requestBody"]
    arguments = schemas[compare["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
    assert arguments["required"] == ["tickers"] and set(arguments["properties"]) == {"tickers", "criteria"}
    status = operations["/api/v1/tasks/{task_id}/status", "get"]
    assert {"If-None-Match", "Prefer"} <= {p["name"] for p in status["parameters"] if p["in"] == "header"}
    assert "ETag" in status["responses"]["200"]["headers"]
    assert "Link" in operations["/api/v1/assets", "get"]["responses"]["200"]["headers"]
    assert "Location" in operations["/api/v1/portfolios", "post"]["responses"]["201"]["headers"]
    events = operations["/api/v1/events", "get"]["parameters"]
    assert "Last-Event-ID" in {p["name"] for p in events}
    told = whole["webhooks"]["taskFinished"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert told == {"$ref": "#/components/schemas/TaskFinished"}
    waited = operations["/api/v1/analysis/async/analyze", "post"]["responses"]["200"]
    finished = schemas[waited["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
    assert finished["allOf"][1]["properties"]["result"] == {"$ref": "#/components/schemas/Analysis"}


def test_typescript_types_are_made_and_compiled_where_node_is(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("no npm here: the types for TypeScript were not made")
    path = specification(tmp_path)
    (tmp_path / "use.ts").write_text(TYPESCRIPT)
    made = f"openapi-typescript {path} -o api.ts && tsc --noEmit --strict --skipLibCheck --lib es2022 use.ts"
    done = subprocess.run(
        ["npm", "exec", "--yes", "--package=openapi-typescript@7", "--package=typescript@5", "-c", made],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200, env={**os.environ, "CI": "1"},
    )  # fmt: skip
    if done.returncode and any(word in done.stderr for word in ("network", "E404", "ENOTFOUND", "ECONNREFUSED")):
        pytest.skip("no npm registry can be reached: the types for TypeScript were not made")
    assert done.returncode == 0, done.stdout + done.stderr
    types = (tmp_path / "api.ts").read_text()
    assert "collectAssetData" in types and "AssetPage" in types and "taskFinished" in types
