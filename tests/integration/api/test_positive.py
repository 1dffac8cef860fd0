"""Every operation asked for what it is there for: it succeeds, and its answer is the one described."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it ships no types
from pydantic import SecretStr

from invest.api.http import openapi
from invest.api.routes import table
from invest.domain.documents import StoredReport
from invest.domain.market.assets import Asset
from invest.domain.market.tickers import AssetKind
from invest.domain.values import RawPayload
from invest.engine import registry
from invest.jobs.declared import declare_all
from invest.settings import Settings
from invest.store import Store
from tests.builders.redis_users import owner_of, refused
from tests.integration.api.api_kit import API, Door, working

pytest_plugins = ["tests.integration.api.api_fixtures"]
AT = datetime(2026, 3, 31, 21, tzinfo=UTC)
STREAMS = frozenset({"task_events", "all_events"})
# Shown from the upstreams' bytes on by the test of the whole platform.
NOT_STORED = frozenset({"get_analysis", "get_backtest", "get_fund_portfolio", "get_receipt", "get_series"})
# Shown by tests of their own: they act on what other operations made.
ON_OTHERS = frozenset(
    {
        "edit_transaction",
        "delete_transaction",
        "undo_import",
        "merge_portfolios",
        "withdraw_asset_event",
        "answer_asset_question",
        "get_calendar",
        "get_results_days",
        "get_transaction",
        "get_bond",
        "get_asset_event",
        "replace_bond",
        "delete_bond",
    }
)
BYTES = b'{"results": []}'
PAYLOAD = RawPayload(
    sha256=hashlib.sha256(BYTES).hexdigest(), source="brapi", url="https://brapi.dev/api/quote/PETR4", fetched_at=AT,
    status=200, content_type="application/json", size=len(BYTES), body=BYTES,
)  # fmt: skip
STATEMENT = "data;ticker;operacao;quantidade;preco\n02/01/2026;PETR4;compra;100;30,00\n"


@pytest.fixture
def platform(platform: Settings, redis_url: str) -> Iterator[Settings]:
    """The platform under a prefix, as a user of Redis who may touch nothing else."""
    own = platform.redis.model_copy(update={"prefix": "web:one", "url": SecretStr(owner_of(redis_url, "web:one"))})
    yield platform.model_copy(update={"redis": own})
    assert refused(redis_url) == []


@pytest.fixture
async def known(web_door: Door, platform: Settings) -> dict[str, str]:
    """One of everything that a path can name."""
    async with Store.open(platform) as store:
        await store.assets.upsert(Asset(ticker="PETR4", kind=AssetKind.STOCK, name="Petrobras"))
        await store.payloads.put(PAYLOAD)
        rotated, _ = await store.keys.create("rotated", ["read"])
        revoked, _ = await store.keys.create("revoked", ["read"])
        kept, _ = await store.keys.create("kept", ["read"])
        await store.analyses.save_ranking("stocks", {"rows": []}, AT)
        await store.reports.save(
            StoredReport(
                report_id="rep-1", report_type="asset", tickers=("PETR4",), language="pt-BR", generated_at=AT,
                view={}, content="# PETR4",
            )
        )  # fmt: skip
        await store.reports.save_export("rep-1", "pdf", b"%PDF", filename="a.pdf", content_type="application/pdf")
    async with working(platform):
        dead = [await web_door.queue("door_fail") for _ in range(3)]
        body = {"kind": "group", "steps": [{"job": "door_double", "arguments": {"number": 1}}, {"job": "door_fail"}]}
        workflow = (await web_door.ask("POST", f"{API}/workflows", json=body, status=202)).json()["task_id"]
        for one in (*dead, workflow):
            await web_door.ask("GET", f"{API}/tasks/{one}/status?wait=20", status=200)
    waiting = await web_door.queue("door_double", {"number": 2})
    made = await web_door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)
    wish = {"kind": "dividend", "ticker": "VALE3"}
    alert = await web_door.ask("POST", f"{API}/alerts", json=wish, status=201)
    hook = {"name": "hook", "kind": "webhook", "address": "https://example.com/hook"}
    channel = await web_door.ask("POST", f"{API}/channels", json=hook, status=201)
    return {
        "channel_id": channel.json()["channel"]["id"],
        "key_id": kept.split("_")[1],
        "alert_id": alert.json()["id"],
        "replay_dead_letter": dead[0],
        "discard_dead_letter": dead[1],
        "get_dead_letter": dead[1],
        "task_id": waiting,
        "workflow_id": workflow,
        "portfolio_id": made.json()["id"],
        "report_id": "rep-1",
        "sha256": PAYLOAD.sha256,
        "rotate_key": rotated.split("_")[1],
        "revoke_key": revoked.split("_")[1],
    }


def described() -> dict[str, Any]:
    declare_all()
    return openapi.document(table.routes(registry))


def named(operation: dict[str, Any]) -> str:
    """The operation's id as the handlers are called: ``getTask`` is get_task."""
    return re.sub(r"(?<!^)([A-Z])", lambda letter: f"_{letter[1].lower()}", operation["operationId"])


def concrete(path: str, operation: dict[str, Any], ids: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The path with ids of what is there, and the query its examples make."""
    query = {}
    for parameter in operation["parameters"]:
        name, example = parameter["name"], parameter.get("example")
        if parameter["in"] == "path":
            one = ids.get(named(operation)) or ids.get(name, str(example))
            path = path.replace(f"{{{name}}}", one)
        elif parameter["in"] == "query" and parameter["required"]:
            query[name] = ids.get(name, str(example))
    return path, query


def order(item: tuple[str, str, dict[str, Any]]) -> int:
    """Readers first, what takes away last."""
    places = {"get": 0, "post": 1, "put": 1, "patch": 1, "delete": 2}
    return 3 if named(item[2]) in ("replay_dead_letters", "discard_dead_letters") else places[item[1]]


async def test_every_operation_succeeds_with_its_example_and_answers_as_described(
    web_door: Door, known: dict[str, str]
) -> None:
    whole = described()
    operations = [(p, m, o) for p, methods in whole["paths"].items() for m, o in methods.items()]
    failures: list[Any] = []
    asked = 0
    for path, method, operation in sorted(operations, key=order):
        name = named(operation)
        if name in STREAMS | NOT_STORED | ON_OTHERS:
            continue
        url, query = concrete(path, operation, known)
        content = operation.get("requestBody", {}).get("content", {})
        options: dict[str, Any] = {"params": query}
        if "text/csv" in content:
            options["data"] = STATEMENT.encode()
        elif content and not query:
            options["json"] = content["application/json"]["example"]
        if name == "replay_dead_letter":
            options.pop("json")
        answer = await web_door.ask(method.upper(), url, **options)
        asked += 1
        shown = operation["responses"].get(str(answer.status))
        if answer.status >= 400 or shown is None:
            failures.append((name, answer.status, answer.body[:200]))
        elif schema := shown.get("content", {}).get("application/json", {}).get("schema"):
            errors = Draft202012Validator({**schema, "components": whole["components"]}).iter_errors(answer.json())
            failures += [(name, e.message[:200], list(e.absolute_path)) for e in list(errors)[:1]]
    assert not failures, "\n".join(map(str, failures))
    assert asked == len(operations) - len(STREAMS | NOT_STORED | ON_OTHERS)
