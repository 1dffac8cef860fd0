"""What goes wrong at a vendor: each failure is that analyst's abstention, with its status and reason."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from fake_ai_server import VENDORS, Call, FakeAi, OpenPanel, Outcome, answer, body_of

from invest.domain.opinion import OpinionStatus, Snapshot
from invest.domain.pooling import pool

OK = OpinionStatus.OK
CHINESE = "该公司的估值低于行业平均水平并且现金流稳定增长前景良好值得长期关注与研究分析"
RATE_LIMIT = {"error": {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}}
GEMINI_WAIT = {
    "error": {
        "code": 429,
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}],
    }
}


async def only(panel_of: OpenPanel, snapshot: Snapshot, vendor: str = "openai", **ai: Any) -> Any:
    """The opinion of `vendor` alone."""
    async with panel_of(names=(vendor,), ai=ai) as panel:
        return await panel.ask_one(vendor, snapshot)


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


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_refusal_is_a_refusal(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, vendor: str) -> None:
    body = body_of(vendor, "I cannot help with that.", finish="refusal")
    fake_ai.responders[vendor] = lambda call, n: (200, body)
    opinion = await only(open_panel, snapshot, vendor)
    assert (opinion.status, len(fake_ai.calls)) == (OpinionStatus.REFUSED, 1)
    assert json.loads(json.loads(opinion.raw_answer)[0]) == body


@pytest.mark.parametrize("text", ["I'm sorry, but I can't help with that.", "Desculpe, não posso ajudar com isso."])
async def test_a_refusal_in_plain_words_is_one_too(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, text: str
) -> None:
    fake_ai.responders["gemini"] = lambda call, n: text
    opinion = await only(open_panel, snapshot, "gemini")
    assert (opinion.status, opinion.reason) == (OpinionStatus.REFUSED, f"refused to answer: {text}")
    assert len(fake_ai.calls) == 1


async def test_a_blocked_prompt_is_a_refusal(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    fake_ai.responders["gemini"] = lambda call, n: (200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    opinion = await only(open_panel, snapshot, "gemini")
    assert (opinion.status, opinion.reason) == (OpinionStatus.REFUSED, "refused to answer: PROHIBITED_CONTENT")


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_truncated_answer_is_asked_for_once_more_with_twice_the_tokens(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, vendor: str
) -> None:
    cut = body_of(vendor, '{"ticker": "PE', finish="length")
    fake_ai.responders[vendor] = lambda call, n: (200, cut) if n == 1 else answer()
    opinion = await only(open_panel, snapshot, vendor)
    first, second = fake_ai.calls
    assert (opinion.status, second.max_tokens) == (OK, 2 * first.max_tokens)
    assert opinion.tokens_out == 600

    fake_ai.calls.clear()
    fake_ai.responders[vendor] = lambda call, n: (200, cut)
    opinion = await only(open_panel, snapshot, vendor)
    assert (opinion.status, len(fake_ai.calls)) == (OpinionStatus.TRUNCATED, 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "empty answer"),
        ("   \n", "empty answer"),
        ("I think PETR4 is a buy!", "not the structure asked for"),
        ('{"ticker": "PETR4"}', "not the structure asked for"),
        (answer(confidence=0.9), "confidence: Extra inputs are not permitted"),
        (answer(p_beat_180d=55), "p_beat_180d = 55 is outside 0..1"),
        (answer(p_beat_30d=-0.1), "p_beat_30d = -0.1 is outside 0..1"),
        (answer(p_beat_180d="high"), "p_beat_180d: Input should be a valid number"),
        (answer(ticker="VALE3"), "answered about VALE3 instead of PETR4"),
        (answer(ticker="<script>"), "answered about <script> instead of PETR4"),
        (answer(price_p10=50.0), "price_p10 <= price_p50 <= price_p90 does not hold"),
        (answer(price_p90=4700.0), "price estimate 4700 is out of range for a close of 36.5"),
        (answer(price_p10=-1.0), "price estimate -1 is out of range"),
        (answer(summary="palavra " * 400), "summary of 3200 characters; 1500 are allowed"),
        (answer(arguments_for=[{"text": "x" * 700, "fact_ids": ["f01"]}]), "a text of 700 characters"),
        (answer(key_facts=[{"fact_id": "f01", "reading": "neutral"}] * 30), "a list of more than 20 items"),
        (answer(summary="", arguments_for=[], arguments_against=[], risks=[]), "gave no reasons"),
        (
            answer(
                summary="The price looks low for the earnings that the company delivers.",
                arguments_for=[{"text": "It is cheap and the risk is on the way down.", "fact_ids": ["f02"]}],
                arguments_against=[],
                risks=[],
            ),
            "wrote in en instead of pt-BR",
        ),
        (
            answer(summary="该公司的估值低于行业平均水平并且现金流稳定增长前景良好值得长期关注与研究分析"),
            "wrote in other",
        ),
        ("[" * 5000 + "]" * 5000, "not the structure asked for"),
        ('{"ticker": "PETR4", "p_beat_180d": NaN}', "not the structure asked for"),
    ],
)
async def test_an_unusable_answer_is_asked_for_once_more_then_abstains(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot, given: Any, said: str
) -> None:
    if isinstance(given, dict) and given["summary"] == CHINESE:
        given |= {"arguments_for": [], "arguments_against": [], "risks": []}
    fake_ai.responders["openai"] = lambda call, n: given
    opinion = await only(open_panel, snapshot)
    assert opinion.status is OpinionStatus.INVALID
    assert said in (opinion.reason or "")
    assert len(fake_ai.calls) == 2
    assert "não pode ser usada" in fake_ai.calls[1].user

    fake_ai.responders["openai"] = lambda call, n: given if n == 3 else answer()
    assert (await only(open_panel, snapshot)).status is OK


async def test_an_analyst_may_say_that_it_cannot_judge(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["openai"] = lambda call, n: answer(insufficient_data=True, summary="Faltam dados de resultado.")
    opinion = await only(open_panel, snapshot)
    assert opinion.status is OpinionStatus.ABSTAINED
    assert "Faltam dados de resultado." in (opinion.reason or "")
    assert len(fake_ai.calls) == 1
    fake_ai.responders["openai"] = lambda call, n: answer(p_beat_180d=None)
    assert (await only(open_panel, snapshot)).status is OpinionStatus.ABSTAINED


async def test_citations_of_facts_that_do_not_exist_are_dropped(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    mixed = [
        {"text": "Um argumento com base parcial.", "fact_ids": ["f02", "f77"]},
        {"text": "Um argumento sem base alguma.", "fact_ids": ["f88"]},
    ]
    fake_ai.responders["openai"] = lambda call, n: answer(arguments_for=mixed)
    opinion = await only(open_panel, snapshot)
    assert [(a.text, a.fact_ids) for a in opinion.arguments_for] == [("Um argumento com base parcial.", ("f02",))]


async def test_a_fenced_answer_is_read(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    fake_ai.responders["compatible"] = lambda call, n: f"```json\n{json.dumps(answer())}\n```"
    assert (await only(open_panel, snapshot, "compatible")).status is OK


async def test_texts_lose_what_no_reader_sees_and_models_names_are_tamed(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    hostile = "O preço\u0000 parece\u202e baixo\u200b para o lucro,\n\nmas <b>o risco</b> não é baixo."
    body = body_of("compatible", json.dumps(answer(summary=hostile)))
    fake_ai.responders["compatible"] = lambda call, n: (200, body | {"model": "m\u0000\n" + "x" * 500})
    opinion = await only(open_panel, snapshot, "compatible")
    assert opinion.summary == "O preço parece baixo para o lucro, mas <b>o risco</b> não é baixo."
    assert opinion.model is not None
    assert len(opinion.model) == 100
    assert opinion.model.isprintable()
    fake_ai.responders["compatible"] = lambda call, n: (200, body | {"model": {"a": 1}})
    assert (await only(open_panel, snapshot, "compatible")).status is OK


INVENTED = "A margem chegou a 45,0% e o lucro dobrou."


async def test_an_invented_figure_is_repaired_once(fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot) -> None:
    fake_ai.responders["openai"] = lambda call, n: answer(summary=INVENTED) if n == 1 else answer()
    opinion = await only(open_panel, snapshot)
    assert (opinion.status, opinion.unfaithful, len(fake_ai.calls)) == (OK, (), 2)
    assert "45,0%" in fake_ai.calls[1].user


async def test_a_figure_that_stays_invented_is_hidden_and_counted(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    true = "ROE de 24,2%, P/L de 4,5x, fechamento de R$ 36,50, volatilidade de 31% e base de 47%."
    fake_ai.responders["openai"] = lambda call, n: answer(summary=f"{true} {INVENTED} O resto segue igual.")
    opinion = await only(open_panel, snapshot)
    assert opinion.status is OK
    assert opinion.summary == f"{true} O resto segue igual."
    assert (opinion.unfaithful, opinion.figures_unmatched, opinion.figures_checked) == (("45,0%",), 1, 6)


async def test_more_than_a_fifth_of_invented_figures_makes_it_unfaithful(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    fake_ai.responders["openai"] = lambda call, n: answer(summary=f"ROE de 24,2%. {INVENTED}")
    opinion = await only(open_panel, snapshot)
    assert (opinion.status, opinion.reason) == (OpinionStatus.UNFAITHFUL, "1 of 2 numbers don't match the data")
    assert not opinion.valid
    assert "45" not in opinion.summary


async def test_the_first_answer_stands_where_the_repair_fails(
    fake_ai: FakeAi, open_panel: OpenPanel, snapshot: Snapshot
) -> None:
    said = "ROE de 24,2%, P/L de 4,5x, R$ 36,50, 31%, 47% e 18%. " + INVENTED
    failures: list[Outcome] = [(500, {}), "nonsense", answer(summary=f"{said} E mais 77%.")]
    for worse in failures:
        fake_ai.calls.clear()
        fake_ai.responders["openai"] = lambda call, n, w=worse: answer(summary=said) if n == 1 else w  # type: ignore[misc]
        opinion = await only(open_panel, snapshot, retries=0)
        assert (opinion.status, opinion.unfaithful) == (OK, ("45,0%",))


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
