"""The AIs' wire formats, read by the vendors' own clients where they are installed, else by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from pydantic import BaseModel

from invest_sandbox import Sandbox

SILENT = dict.fromkeys(("openai", "anthropic", "gemini", "compatible"), 0.0)
FACTS = [{"id": "f01", "key": "p_l", "value": 5}, {"id": "f02", "key": "roe", "value": 0.22}]
FACTS += [{"id": "f03", "key": "momentum_12_1", "value": 0.2}, {"id": "f04", "key": "close", "value": 31.0}]
PROMPT = "Asset: PETR4. Write in English.\n" + "\n".join(json.dumps(f) for f in FACTS)


class Verdict(BaseModel):
    """The structure asked for."""

    ticker: str
    p_beat_180d: float
    summary: str


SCHEMA = Verdict.model_json_schema()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox.start(assets=20, ai_latency=SILENT) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def checked(verdict: Verdict | None) -> None:
    assert verdict is not None
    assert verdict.ticker == "PETR4"
    assert 0.5 < verdict.p_beat_180d < 0.9
    assert "index" in verdict.summary


async def test_openais_client_reads_both_apis_whole_and_streamed(sandbox: Sandbox) -> None:
    openai = pytest.importorskip("openai")
    async with openai.AsyncOpenAI(base_url=f"{sandbox.url}/ai/openai/v1", api_key="k", max_retries=0) as client:
        messages = [{"role": "user", "content": PROMPT}]
        chat = await client.chat.completions.parse(model="gpt-5.1", messages=messages, response_format=Verdict)
        checked(chat.choices[0].message.parsed)
        assert chat.usage.total_tokens == chat.usage.prompt_tokens + chat.usage.completion_tokens
        response = await client.responses.parse(model="gpt-5.1", input=PROMPT, text_format=Verdict)
        checked(response.output_parsed)
        async with client.responses.stream(model="gpt-5.1", input=PROMPT, text_format=Verdict) as stream:
            checked((await stream.get_final_response()).output_parsed)
        async with client.chat.completions.stream(
            model="gpt-5.1", messages=messages, response_format=Verdict
        ) as stream:
            checked((await stream.get_final_completion()).choices[0].message.parsed)
        tool = {"type": "function", "function": {"name": "final_result", "parameters": SCHEMA}}
        called = await client.chat.completions.create(
            model="gpt-5.1", messages=messages, tools=[tool], tool_choice="required"
        )
        assert called.choices[0].finish_reason == "tool_calls"
        checked(Verdict.model_validate_json(called.choices[0].message.tool_calls[0].function.arguments))
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
            await client.with_options(api_key="invalid").responses.create(model="gpt-5.1", input=PROMPT)
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            await client.responses.create(model="gpt-does-not-exist", input=PROMPT)


async def test_anthropics_client_reads_tools_and_structured_output(sandbox: Sandbox) -> None:
    anthropic = pytest.importorskip("anthropic")
    async with anthropic.AsyncAnthropic(base_url=f"{sandbox.url}/ai/anthropic", api_key="k", max_retries=0) as client:
        asked: dict[str, Any] = {"model": "claude-sonnet-5", "max_tokens": 2000}
        asked["messages"] = [{"role": "user", "content": PROMPT}]
        forced = {
            "tools": [{"name": "opine", "input_schema": SCHEMA}],
            "tool_choice": {"type": "tool", "name": "opine"},
        }
        message = await client.messages.create(**asked, **forced)
        assert message.stop_reason == "tool_use"
        checked(Verdict.model_validate(message.content[0].input))
        async with client.messages.stream(**asked, **forced) as stream:
            checked(Verdict.model_validate((await stream.get_final_message()).content[0].input))
        shape = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
        plain = await client.messages.create(**asked, extra_body=shape)
        checked(Verdict.model_validate_json(plain.content[0].text))
        with pytest.raises(anthropic.BadRequestError, match="temperature"):
            await client.messages.create(**asked, extra_body={"temperature": 0.2})
        cut = await client.messages.create(**asked | {"max_tokens": 10})
        assert cut.stop_reason == "max_tokens"


# The vendor's client subclasses aiohttp's session, which aiohttp discourages.
@pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")
async def test_googles_client_reads_schemas_and_functions(sandbox: Sandbox) -> None:
    genai = pytest.importorskip("google.genai")
    types = genai.types
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=f"{sandbox.url}/ai/gemini")).aio
    asked: dict[str, Any] = {"model": "gemini-2.5-pro", "contents": PROMPT}
    shaped = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Verdict)
    answer = await client.models.generate_content(**asked, config=shaped)
    checked(answer.parsed)
    assert answer.usage_metadata.thoughts_token_count > 0
    parts = [p.text or "" async for p in await client.models.generate_content_stream(**asked, config=shaped)]
    assert len(parts) > 2
    checked(Verdict.model_validate_json("".join(parts)))
    function = types.FunctionDeclaration(name="opine", parameters_json_schema=SCHEMA)
    calling = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY"))
    tools = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[function])], tool_config=calling)
    called = await client.models.generate_content(**asked, config=tools)
    checked(Verdict.model_validate(called.function_calls[0].args))
    await client.aclose()


ENDPOINTS = {
    "openai": ("/ai/openai/v1/responses", {"Authorization": "Bearer k"}),
    "compatible": ("/ai/compatible/v1/chat/completions", {"Authorization": "Bearer k"}),
    "anthropic": ("/ai/anthropic/v1/messages", {"x-api-key": "k", "anthropic-version": "2023-06-01"}),
    "gemini": ("/ai/gemini/v1beta/models/gemini-2.5-pro:generateContent", {"x-goog-api-key": "k"}),
}
BODIES: dict[str, dict[str, Any]] = {
    "openai": {"model": "gpt-5.1", "input": PROMPT},
    "compatible": {"model": "llama3.3", "messages": [{"role": "user", "content": PROMPT}]},
    "anthropic": {"model": "m", "max_tokens": 900, "messages": [{"role": "user", "content": PROMPT}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]},
}


async def ask(session: aiohttp.ClientSession, sandbox: Sandbox, vendor: str, **extra: Any) -> tuple[int, str]:
    path, headers = ENDPOINTS[vendor]
    async with session.post(sandbox.url + path, json=BODIES[vendor] | extra, headers=headers) as response:
        return response.status, await response.text()


@pytest.mark.parametrize(
    ("vendor", "kind", "status", "sign"),
    [
        ("openai", "refusal", 200, '"type":"refusal"'),
        ("openai", "truncation", 200, '"reason":"max_output_tokens"'),
        ("openai", "overload", 503, "overloaded"),
        ("openai", "invalid_key", 401, "invalid_api_key"),
        ("openai", "rate_limit", 429, "rate_limit_exceeded"),
        ("compatible", "refusal", 200, '"refusal":"I'),
        ("compatible", "truncation", 200, '"finish_reason":"length"'),
        ("compatible", "safety", 200, '"finish_reason":"content_filter"'),
        ("anthropic", "refusal", 200, '"stop_reason":"refusal"'),
        ("anthropic", "truncation", 200, '"stop_reason":"max_tokens"'),
        ("anthropic", "overload", 529, "overloaded_error"),
        ("anthropic", "rate_limit", 429, "rate_limit_error"),
        ("gemini", "safety", 200, '"finishReason":"SAFETY"'),
        ("gemini", "blocked", 200, '"blockReason":"PROHIBITED_CONTENT"'),
        ("gemini", "empty_answer", 200, '"content":{"role":"model"}'),
        ("gemini", "overload", 503, "UNAVAILABLE"),
        ("gemini", "rate_limit", 429, "RESOURCE_EXHAUSTED"),
    ],
)
async def test_each_vendor_fails_in_its_own_words(
    sandbox: Sandbox, session: aiohttp.ClientSession, vendor: str, kind: str, status: int, sign: str
) -> None:
    async with session.post(
        f"{sandbox.url}/sandbox/faults", json={"upstream": f"ai/{vendor}", "kind": kind, "retry_after": 7}
    ):
        pass
    found, text = await ask(session, sandbox, vendor)
    assert found == status
    assert sign in text
    if (vendor, kind) == ("gemini", "rate_limit"):
        assert '"retryDelay":"7' in text


@pytest.mark.parametrize("vendor", ["openai", "compatible", "anthropic"])
async def test_an_overload_can_come_after_a_200_in_a_stream(
    sandbox: Sandbox, session: aiohttp.ClientSession, vendor: str
) -> None:
    async with session.post(f"{sandbox.url}/sandbox/faults", json={"upstream": "ai", "kind": "overload"}):
        pass
    status, text = await ask(session, sandbox, vendor, stream=True)
    assert status == 200
    assert '"error"' in text
    assert not any(end in text for end in ("[DONE]", "message_stop", "response.completed"))


async def test_bad_requests_are_refused_in_words(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    for vendor, (path, headers) in ENDPOINTS.items():
        async with session.post(sandbox.url + path, data=b"{not json", headers=headers) as response:
            assert response.status == 400, vendor
        async with session.post(sandbox.url + path, json=BODIES[vendor]) as response:
            assert response.status in (400, 401), vendor
    async with session.post(f"{sandbox.url}/ai/gemini/v1beta/models/m:nonsense", json={}) as response:
        assert response.status == 404
