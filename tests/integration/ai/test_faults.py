"""What goes wrong at a vendor: each failure is that analyst's abstention, with its status and reason."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from invest.domain.opinions.opinion import OpinionStatus, Snapshot
from invest.domain.opinions.pooling import pool
from tests.integration.ai.fake_ai_server import VENDORS, Call, FakeAi, OpenPanel, Outcome, answer, only

OK = OpinionStatus.OK
RATE_LIMIT = {"error": {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}}
GEMINI_WAIT = {
    "error": {
        "code": 429,
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}],
    }
}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
async def test_overload_and_errors_are_tried_again(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, vendor: str, status: int
) -> None:
    fake_ai.responders[vendor] = lambda call, n: (status, {"error": {"message": "busy"}}) if n == 1 else answer()
    opinion = await only(open_panel, snapshot, vendor)
    assert (opinion.status, len(fake_ai.calls)) == (OK, 2)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_after_the_last_try_the_analyst_is_unavailable(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, vendor: str
) -> None:
    fake_ai.responders[vendor] = lambda call, n: (503, {"error": {"message": "The model is overloaded"}})
    opinion = await only(open_panel, snapshot, vendor, retries=1)
    assert (opinion.status, opinion.reason) == (OpinionStatus.UNAVAILABLE, "HTTP 503: The model is overloaded")
    assert len(fake_ai.calls) == 2
    assert opinion.p_beat_180d is None
    assert opinion.rating is None


@pytest.mark.parametrize(
    ("vendor", "body", "headers"),
    [
        ("openai", RATE_LIMIT, {"Retry-After": "0.2"}),
        ("openai", RATE_LIMIT, {"retry-after-ms": "200"}),
        ("openai", {"error": {"message": "Rate limit. Please try again in 200ms. See docs.", "code": "x"}}, {}),
        ("anthropic", {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}, {"retry-after": "0.2"}),
        ("gemini", GEMINI_WAIT, {}),
        ("gemini", [GEMINI_WAIT], {}),
    ],
)
async def test_a_rate_limit_is_waited_out_as_asked(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, vendor: str, body: Any, headers: dict[str, str]
) -> None:
    times: list[float] = []

    def responder(call: Call, n: int) -> Outcome:
        times.append(asyncio.get_running_loop().time())
        return (429, body, headers) if n == 1 else answer()

    fake_ai.responders[vendor] = responder
    assert (await only(open_panel, snapshot, vendor)).status is OK
    assert 0.2 <= times[1] - times[0] < 0.6


async def test_an_http_date_is_understood_as_well(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    fake_ai.responders["openai"] = lambda call, n: (429, RATE_LIMIT, {"Retry-After": later})
    opinion = await only(open_panel, snapshot)
    assert opinion.status is OpinionStatus.UNAVAILABLE
    assert "asks to wait 3" in (opinion.reason or "")


async def test_a_wait_beyond_the_deadline_is_not_begun(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["openai"] = lambda call, n: (429, RATE_LIMIT, {"Retry-After": "37"})
    opinion = await only(open_panel, snapshot, timeout=3)
    assert opinion.status is OpinionStatus.UNAVAILABLE
    assert "asks to wait 37 s" in (opinion.reason or "")
    assert (len(fake_ai.calls), opinion.seconds < 1) == (1, True)


async def test_one_rate_limit_holds_back_everyone_who_asks_that_vendor(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    times: list[float] = []

    def responder(call: Call, n: int) -> Outcome:
        times.append(asyncio.get_running_loop().time())
        return (429, RATE_LIMIT, {"Retry-After": "0.3"}) if n == 1 else answer()

    fake_ai.responders["openai"] = responder
    asked = [snapshot.model_copy(update={"base_rate_180d": 0.4 + i / 100}) for i in range(4)]
    async with open_panel(names=("openai",), ai={"concurrency": 1}) as panel:
        opinions = await asyncio.gather(*(panel.ask_one("openai", s) for s in asked))
    assert all(o.status is OK for o in opinions)
    assert all(later - times[0] >= 0.3 for later in times[1:])


async def test_a_vendor_that_wants_long_peace_is_left_alone_at_once(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["openai"] = lambda call, n: (429, RATE_LIMIT, {"Retry-After": "3600"})
    asked = [snapshot.model_copy(update={"base_rate_180d": 0.4 + i / 100}) for i in range(20)]
    async with open_panel(names=("openai",), ai={"concurrency": 2}) as panel:
        opinions = await asyncio.gather(*(panel.ask_one("openai", s) for s in asked))
    assert {o.status for o in opinions} == {OpinionStatus.UNAVAILABLE}
    assert all("to wait" in (o.reason or "") for o in opinions)
    assert len(fake_ai.calls) <= 2


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"error": {"message": "Incorrect API key provided: sk-proj-abcdef123456."}}, "key refused: HTTP 401"),
        (403, {"error": {"message": "no access"}}, "key refused: HTTP 403: no access"),
        (404, {"error": {"message": "The model `x` does not exist"}}, "HTTP 404: The model `x` does not exist"),
        (400, {"error": {"message": "bad request"}}, "HTTP 400: bad request"),
        (429, {"error": {"message": "You exceeded", "code": "insufficient_quota"}}, "quota spent: HTTP 429"),
        (302, {}, "HTTP 302"),
        (418, "plain", "HTTP 418"),
    ],
)
async def test_what_no_second_try_can_help_is_not_tried_again(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, status: int, body: Any, said: str
) -> None:
    fake_ai.responders["openai"] = lambda call, n: (status, body, {"Location": "http://127.0.0.1:9/"})
    opinion = await only(open_panel, snapshot)
    assert opinion.status is OpinionStatus.UNAVAILABLE
    assert (opinion.reason or "").startswith(said)
    assert "sk-proj" not in (opinion.reason or "")
    assert len(fake_ai.calls) == 1


async def test_silence_ends_at_the_deadline_and_hides_nobody(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.latency = {"gemini": 30}
    async with open_panel(ai={"timeout": 0.5}) as panel:
        started = asyncio.get_running_loop().time()
        opinions = await panel.ask(snapshot)
        assert asyncio.get_running_loop().time() - started < 1.5
    assert [o.status for o in opinions] == [OK, OK, OpinionStatus.TIMEOUT, OK]
    assert opinions[2].reason == "no answer within 0.5 s"
    assert pool(opinions).headline == "3 de 4 responderam"


async def test_a_server_without_schemas_is_asked_more_simply_and_remembered(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    def responder(call: Call, n: int) -> Outcome:
        shape = call.body.get("response_format", {}).get("type")
        if shape:
            return 400, {"error": {"message": f"This response_format type {shape} is unavailable now"}}
        assert '"additionalProperties": false' in call.system
        return answer()

    fake_ai.responders["compatible"] = responder
    async with open_panel(names=("compatible",)) as panel:
        first = await panel.ask_one("compatible", snapshot)
        second = await panel.ask_one("compatible", snapshot.model_copy(update={"base_rate_180d": 0.5}))
    assert (first.status, second.status) == (OK, OK)
    assert [c.body.get("response_format", {}).get("type") for c in fake_ai.calls] == [
        "json_schema",
        "json_object",
        None,
        None,
    ]


async def test_a_gateway_without_the_newer_api_is_asked_through_the_older(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["openai"] = lambda call, n: (
        (404, {"detail": "Not Found"}) if "/chat/" not in call.path else answer()
    )
    opinion = await only(open_panel, snapshot)
    assert opinion.status is OK
    assert "max_completion_tokens" in fake_ai.calls[1].body


async def test_a_body_that_is_no_json_is_tried_again_then_invalid(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["anthropic"] = lambda call, n: (200, b"<html>gateway</html>")
    opinion = await only(open_panel, snapshot, "anthropic", retries=1)
    assert (opinion.status, len(fake_ai.calls)) == (OpinionStatus.INVALID, 2)
    assert json.loads(opinion.raw_answer) == ["<html>gateway</html>"]


async def test_an_error_inside_a_200_is_an_error(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    fake_ai.responders["compatible"] = lambda call, n: (200, {"error": {"message": "upstream died", "code": 502}})
    opinion = await only(open_panel, snapshot, "compatible", retries=1)
    assert (opinion.status, opinion.reason) == (OpinionStatus.UNAVAILABLE, "HTTP 502: upstream died")
    assert len(fake_ai.calls) == 2


async def test_an_endless_body_is_not_read_to_its_end(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["openai"] = lambda call, n: (200, b'{"x": "' + b"a" * 6_000_000 + b'"}')
    opinion = await only(open_panel, snapshot)
    assert (opinion.status, opinion.reason) == (OpinionStatus.INVALID, "answer of more than 4000000 bytes")


async def test_a_vendor_that_is_not_there_is_unavailable(open_panel: OpenPanel, snapshot: Snapshot) -> None:
    async with open_panel(
        names=("openai",), provider={"base_url": "http://127.0.0.1:9/v1"}, ai={"retries": 0}
    ) as panel:
        opinion = await panel.ask_one("openai", snapshot)
    assert opinion.status is OpinionStatus.UNAVAILABLE
    assert "cannot connect" in (opinion.reason or "")


@pytest.mark.parametrize("address", ["not an address", "http://", "http://[::1", "ftp://x"])
async def test_an_address_that_is_none_is_unavailable(open_panel: OpenPanel, snapshot: Snapshot, address: str) -> None:
    async with open_panel(names=("compatible",), provider={"base_url": address}, ai={"retries": 0}) as panel:
        opinion = await panel.ask_one("compatible", snapshot)
    assert opinion.status is OpinionStatus.UNAVAILABLE


async def test_a_cut_connection_is_tried_again(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    async def responder(call: Call, n: int) -> Outcome:
        if n > 1:
            return answer()
        response = web.StreamResponse(headers={"Content-Length": "500"})
        await response.prepare(call.request)
        await response.write(b'{"object"')
        assert call.request.transport is not None
        call.request.transport.close()
        return response

    fake_ai.responders["openai"] = responder
    opinion = await only(open_panel, snapshot)
    assert (opinion.status, len(fake_ai.calls)) == (OK, 2)
