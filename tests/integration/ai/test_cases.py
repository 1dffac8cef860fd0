"""Vendors' answers as they are: what each amounts to, served one after another from a server of this machine.

The files lie in `shared/cases/ai` beside the repository (see its README); without them this module is skipped.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from invest.ai import Analysts, MemoryBudget
from invest.domain.opinions import Opinion, OpinionStatus, Snapshot, SnapshotFact
from invest.settings import Settings

CASES = Path(__file__).parents[4] / "shared" / "cases" / "ai"
KEY = "AQ.Ab8RN6LkQ2wErTyUiOpAsDfGhJkL"
OK = OpinionStatus.OK
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="shared/cases/ai is not beside the repository")

FACTS = (
    ("close", 38.0, "BRL", None),
    ("p_l", 4.5, "x", 6.2),
    ("roe", 0.242, "fraction", 0.15),
    ("dividend_yield", 0.11, "fraction", 0.06),
)


@dataclass(slots=True)
class Seen:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float


@dataclass(slots=True)
class Case:
    """What a case amounted to."""

    opinion: Opinion
    requests: list[Seen] = field(default_factory=list)
    spent: Decimal = Decimal(0)


def snapshot() -> Snapshot:
    """Four facts of PETR4."""
    facts = tuple(
        SnapshotFact(id=f"f{i}", key=key, value=value, unit=unit, sector_median=median)
        for i, (key, value, unit, median) in enumerate(FACTS, 1)
    )
    return Snapshot(
        ticker="PETR4", name="Petrobras", kind="stock", sector="Petróleo", as_of=date(2026, 11, 27), facts=facts,
        base_rate_180d=0.5,
    )  # fmt: skip


@asynccontextmanager
async def served(responses: list[dict[str, Any]], seen: list[Seen]) -> AsyncIterator[int]:
    """A server that gives `responses` in their order and then the last one again; its port."""

    async def serve(request: web.Request) -> web.Response:
        now = asyncio.get_running_loop().time()
        seen.append(Seen(request.path_qs, dict(request.headers), await request.json(), now))
        given = responses[min(len(seen), len(responses)) - 1]
        await asyncio.sleep(given.get("delay_s", 0))
        body = given["body"] if isinstance(given["body"], bytes) else json.dumps(given["body"]).encode()
        headers = {"Content-Type": "application/json"} | given.get("headers", {})
        return web.Response(status=given.get("status", 200), body=body, headers=headers)

    app = web.Application()
    app.router.add_route("POST", "/{path:.*}", serve)
    server = TestServer(app)
    await server.start_server()
    try:
        yield server.port or 0
    finally:
        await server.close()


Run = Callable[..., Any]


@pytest.fixture
def run(settings: Callable[..., Settings]) -> Run:
    """Runs one case by the beginning of its name: ``await run("W02")``."""

    async def one(name: str, asks: int = 1, **ai: Any) -> Case:
        (path,) = CASES.glob(f"{name}_*")
        if path.suffix == ".sse":
            body = {"status": 200, "headers": {"Content-Type": "text/plain"}, "body": path.read_bytes()}
            case: dict[str, Any] = {"kind": "openai_compatible", "provider": {"stream": True}, "responses": [body]}
        else:
            case = json.loads(path.read_text("utf-8"))
        kind, budget = case["kind"], MemoryBudget()
        seen: list[Seen] = []
        async with served(case["responses"], seen) as port:
            given = {"enabled": True, "base_url": f"http://127.0.0.1:{port}/v1", "api_key": KEY} | case["provider"]
            given["base_url"] = given["base_url"].replace("PORT", str(port))
            provider = "compatible" if kind == "openai_compatible" else kind
            chosen = settings(ai={"providers": {provider: given}, "cache_hours": 0, **ai})
            async with Analysts.open(chosen, budget=budget) as analysts:
                for _ in range(asks):
                    opinion = await analysts.ask_one(provider, snapshot())
            await asyncio.sleep(0)
        return Case(opinion, seen, await budget.spent_today())

    return one


async def test_references_are_read_as_models_write_them(run: Run) -> None:
    case = await run("J12")
    assert case.opinion.status is OK
    assert [a.fact_ids for a in case.opinion.arguments_for] == [("f2",)]
    assert [a.fact_ids for a in case.opinion.arguments_against] == [("f4",)]


async def test_an_opinion_without_one_argument_is_no_vote(run: Run) -> None:
    case = await run("J13")
    assert (case.opinion.status, case.opinion.reason_code) == (OpinionStatus.INVALID, "no_reasons")
    assert len(case.requests) == 2


async def test_a_text_against_its_own_probability_is_marked_and_repaired_once(run: Run) -> None:
    case = await run("J17")
    assert case.opinion.contradicts
    assert case.opinion.reason == "its text recommends against its own probability of 0.90"
    assert not case.opinion.valid
    assert len(case.requests) == 2
    assert "recomenda o contrário" in str(case.requests[1].body)


async def test_a_refusal_in_words_is_a_refusal(run: Run) -> None:
    case = await run("J19")
    assert (case.opinion.status, len(case.requests)) == (OpinionStatus.REFUSED, 1)


async def test_a_stream_may_begin_with_a_comment(run: Run) -> None:
    case = await run("S02")
    assert (case.opinion.status, case.opinion.p_beat_180d) == (OK, 0.6)


async def test_a_call_cut_by_our_timeout_is_booked_at_its_most(run: Run) -> None:
    case = await run("T01", daily_budget_usd=0.05)
    assert case.opinion.status is OpinionStatus.TIMEOUT
    assert case.spent > Decimal("0.05")
    assert case.opinion.cost_usd == case.spent
    again = await run("T01", asks=6, daily_budget_usd=0.05)
    assert again.opinion.reason_code == "budget_spent"
    assert len(again.requests) == 1


async def test_the_very_key_that_was_sent_is_nowhere(run: Run) -> None:
    case = await run("T03")
    assert case.opinion.status is OpinionStatus.UNAVAILABLE
    assert case.opinion.reason == "key refused: HTTP 401: API key [key] not valid"
    assert "Ab8RN6" not in case.opinion.model_dump_json()


async def test_a_wait_that_is_no_number_is_no_wait(run: Run) -> None:
    case = await run("T05")
    assert (case.opinion.status, len(case.requests)) == (OK, 2)
    assert case.requests[1].at - case.requests[0].at < 1


async def test_a_version_in_the_base_url_is_written_once(run: Run) -> None:
    case = await run("T10")
    assert {seen.path for seen in case.requests} == {"/v1/messages"}


async def test_azure_has_its_path_query_and_header(run: Run) -> None:
    case = await run("T15")
    assert case.opinion.status is OK
    (seen,) = case.requests
    assert seen.path == "/openai/deployments/g/chat/completions?api-version=2025-04-01-preview"
    assert seen.headers["api-key"] == KEY
    assert "Authorization" not in seen.headers


async def test_commentary_beside_the_final_answer_is_no_answer(run: Run) -> None:
    case = await run("W02")
    assert (case.opinion.status, case.opinion.p_beat_180d, len(case.requests)) == (OK, 0.6, 1)


async def test_a_flagged_prompt_is_a_refusal_and_not_asked_again(run: Run) -> None:
    case = await run("W04")
    assert (case.opinion.status, len(case.requests)) == (OpinionStatus.REFUSED, 1)


async def test_thinking_has_room(run: Run) -> None:
    case = await run("W08")
    first, second = case.requests
    assert (case.opinion.status, case.opinion.tokens_out) == (OpinionStatus.TRUNCATED, 8000)
    assert first.body["max_tokens"] == 16_000
    assert second.body["max_tokens"] == 64_000
    assert first.body["output_config"]["effort"] == "medium"


async def test_a_wait_is_read_before_the_message_is_cut(run: Run) -> None:
    case = await run("W18")
    assert case.opinion.status is OK
    assert 2.6 <= case.requests[1].at - case.requests[0].at < 3.5


async def test_a_renamed_limit_is_learnt(run: Run) -> None:
    case = await run("W19")
    assert case.opinion.status is OK
    assert "max_tokens" not in case.requests[1].body
    assert case.requests[1].body["max_completion_tokens"] == case.requests[0].body["max_tokens"]


@pytest.mark.parametrize("name", ["W20", "W21"])
async def test_thoughts_fences_and_prose_around_json_do_no_harm(run: Run, name: str) -> None:
    case = await run(name)
    assert (case.opinion.status, case.opinion.p_beat_180d, len(case.requests)) == (OK, 0.6, 1)


async def test_a_server_that_ignores_the_structure_reads_it_in_the_prompt(run: Run) -> None:
    case = await run("W22")
    assert case.opinion.status is OpinionStatus.INVALID
    assert "additionalProperties" not in case.requests[0].body["messages"][0]["content"]
    assert '"additionalProperties": false' in case.requests[1].body["messages"][0]["content"]


async def test_an_answer_that_the_server_threw_away_is_repaired(run: Run) -> None:
    case = await run("W23")
    assert (case.opinion.status, len(case.requests)) == (OK, 2)
    assert "não pode ser usada" in case.requests[1].body["messages"][1]["content"]


async def test_reasoning_told_apart_counts(run: Run) -> None:
    case = await run("W25")
    assert (case.opinion.tokens_in, case.opinion.tokens_out) == (10120, 4308)


async def test_a_parameter_the_server_forbids_is_left_out(run: Run) -> None:
    case = await run("W28")
    assert case.opinion.status is OK
    assert "stream_options" in case.requests[0].body
    assert "stream_options" not in case.requests[1].body
    assert case.requests[1].body["stream"] is True


async def test_a_question_cut_by_the_server_is_no_basis_for_an_opinion(run: Run) -> None:
    case = await run("W47")
    assert (case.opinion.status, case.opinion.reason_code) == (OpinionStatus.UNAVAILABLE, "context_cut")
    assert "OLLAMA_CONTEXT_LENGTH" in (case.opinion.reason or "")
