"""What is learnt from a refusal: each kind of server's words, and what the next request looks like."""
# ruff: noqa: E501 - vendors' words stand as they are written

from __future__ import annotations

import base64
import json
import re
import time
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from invest.ai.answers.answer import answer_schema
from invest.ai.answers.reading import final_text, objects_in, refuses
from invest.ai.calls.addresses import is_azure, is_local, proxy_for, target
from invest.ai.calls.dialect import Dialect, Refused, learn
from invest.ai.calls.makers import maker_of
from invest.ai.errors import CallFailed
from invest.ai.hiding import hide_keys
from invest.ai.wires import Anthropic, Gemini, OpenAIChat, OpenAIResponses, Question, Wire, failure, parse
from invest.domain.opinions import OpinionStatus

QUESTION = Question("system text", "user text", answer_schema(), 16_000, effort="medium")


def refused(
    wire: Wire, status: int, body: Any, times: int = 1, base_url: str = "https://h/v1"
) -> tuple[Dialect, dict[str, Any]]:
    """The dialect after `times` the same refusal, and the body that is sent then."""
    dialect = Dialect()
    for _ in range(times):
        asked = dialect.shaped(QUESTION)
        sent = dialect.request(wire, asked, "m", stream=True, extra={})
        error = failure(status, {}, json.dumps(body).encode())
        learnt = learn(dialect, error, Refused(wire, sent, asked, base_url))
        assert learnt is not None, error.reason
        dialect = learnt
    return dialect, dialect.request(wire, dialect.shaped(QUESTION), "m", stream=True, extra={}).body


def message(text: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": text, **more}}


@pytest.mark.parametrize(
    ("wire", "status", "body", "gone"),
    [
        (OpenAIChat(), 400, message("Unrecognized request argument supplied: stream_options"), "stream_options"),
        (OpenAIChat(), 400, message("property 'reasoning_effort' is unsupported"), "reasoning_effort"),
        (OpenAIChat(), 422, {"detail": [{"loc": ["body", "reasoning_effort"], "msg": "Extra inputs are not permitted"}]}, "reasoning_effort"),
        (OpenAIChat(), 400, message("`reasoning_effort` must be one of `low`, `medium`, or `high`"), "reasoning_effort"),
        (OpenAIChat(), 400, message('"llama3.3" does not support thinking'), "reasoning_effort"),
        (OpenAIResponses(), 400, message("Unknown parameter: 'prompt_cache_key'.", param="prompt_cache_key"), "prompt_cache_key"),
        (OpenAIResponses(), 400, message("Unsupported parameter: 'reasoning.effort' is not supported with this model.", param="reasoning.effort"), "reasoning"),
        (OpenAIResponses(), 400, message("store is not supported", param="store"), "store"),
        (Anthropic(), 400, {"type": "error", "error": {"type": "invalid_request_error", "message": "This model does not support effort level 'medium'. Supported levels: high, low."}}, "effort"),
        (Gemini(), 400, message('Invalid JSON payload received. Unknown name "thinkingLevel" at \'generation_config.thinking_config\': Cannot find field.'), "thinkingLevel"),
    ],
)  # fmt: skip
def test_a_refused_parameter_is_left_out(wire: Wire, status: int, body: Any, gone: str) -> None:
    dialect, sent = refused(wire, status, body)
    assert len(dialect.dropped) == 1
    assert f'"{gone}"' not in json.dumps(sent)
    assert Dialect.of(json.loads(json.dumps(dialect.kept()))) == dialect


def test_a_router_that_finds_no_host_for_all_parameters_is_asked_with_less() -> None:
    text = "No endpoints found that can handle the requested parameters."
    assert refused(OpenAIChat(), 404, message(text))[0].structure == "object"
    simplest, sent = refused(OpenAIChat(), 404, message(text), times=3)
    assert (simplest.structure, simplest.dropped) == ("prompt", ("reasoning_effort",))
    assert "reasoning_effort" not in sent


def test_a_schema_that_a_server_cannot_turn_into_a_grammar_is_left_out_whatever_its_status() -> None:
    text = "JSON schema conversion failed:\nUnrecognized schema"
    error = failure(500, {}, json.dumps(message(text)).encode())
    assert (error.code, error.retryable) == ("request_refused", False)
    assert refused(OpenAIChat(), 500, message(text))[0].structure == "object"


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (OpenAIChat(), "This response_format type is unavailable now"),
        (OpenAIChat(), "'response_format.type' must be 'json_schema' or 'text'"),
        (OpenAIChat(), "Unable to convert schema to grammar"),
        (OpenAIResponses(), "Invalid schema for response_format 'opinion'"),
        (Anthropic(), "output_config.format: Extra inputs are not permitted"),
        (Gemini(), "Unknown name \"responseJsonSchema\" at 'generation_config'"),
    ],
)
def test_a_structure_that_is_refused_is_asked_for_more_simply_and_in_words(wire: Wire, text: str) -> None:
    dialect, sent = refused(wire, 400, message(text))
    assert (dialect.structure, dialect.dropped) == ("object", ())
    assert "additionalProperties" in json.dumps(sent)
    if isinstance(wire, OpenAIChat):
        assert refused(wire, 400, message(text), times=2)[0].structure == "prompt"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "max_completion_tokens"),
        ("max_tokens is deprecated, please use max_completion_tokens", "max_completion_tokens"),
    ],
)  # fmt: skip
def test_a_renamed_limit_is_sent_by_its_new_name(text: str, name: str) -> None:
    _, sent = refused(OpenAIChat(), 400, message(text, param="max_tokens"))
    assert (sent[name], "max_tokens" in sent) == (16_000, False)


@pytest.mark.parametrize(
    ("status", "text", "most"),
    [
        (400, "max_tokens: 16000 > 8192, which is the maximum allowed number of output tokens for claude-x", 8192),
        (400, "max_tokens is too large: 16000. This model supports at most 4096 completion tokens", 4096),
        (400, "`max_tokens` must be less than or equal to `8192`", 8192),
        (400, "Range of max_tokens should be [1, 8192]", 8192),
        (402, "This request requires more credits, or fewer max_tokens. You requested up to 16000 tokens, but can only afford 3000", 3000),
        (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 2900 `inputs` tokens and 16000 `max_new_tokens`", 8193 - 2900 - 64),
        (400, "This model's maximum context length is 16384 tokens. However, you requested 20000 tokens (4000 in the messages, 16000 in the completion).", 16384 - 4000 - 64),
    ],
)  # fmt: skip
def test_a_smaller_limit_is_kept_to(status: int, text: str, most: int) -> None:
    dialect, sent = refused(OpenAIChat(), status, message(text))
    assert dialect.most_tokens == sent["max_tokens"] == most


@pytest.mark.parametrize(
    "text",
    [
        "System role not supported",
        "Conversation roles must alternate user/assistant",
        "Only user and assistant roles are supported!",
    ],
)
def test_a_model_without_a_system_role_reads_it_in_the_users(text: str) -> None:
    dialect, sent = refused(OpenAIChat(), 400, message(text))
    assert not dialect.system_role
    assert [m["role"] for m in sent["messages"]] == ["user"]
    assert sent["messages"][0]["content"] == "system text\n\nuser text"


def test_a_base_url_without_its_version_gets_one() -> None:
    dialect, _ = refused(OpenAIChat(), 404, {"detail": "Not Found"}, base_url="http://127.0.0.1:8080")
    assert dialect.version == "/v1"
    request = dialect.request(OpenAIChat(), QUESTION, "m", stream=False, extra={})
    assert target("http://127.0.0.1:8080", request.path) == "http://127.0.0.1:8080/v1/chat/completions"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, message("bad key")),
        (400, message("Your prompt was flagged", code="invalid_prompt")),
        (404, message("The model `gpt-4o` has been deprecated", code="model_not_found")),
        (400, message("model: claude-2 is not available")),
        (500, message("response_format broke us")),
    ],
)
def test_from_other_errors_nothing_is_learnt(status: int, body: Any) -> None:
    sent = Dialect().request(OpenAIChat(), QUESTION, "m", stream=False, extra={})
    error = failure(status, {}, json.dumps(body).encode())
    assert learn(Dialect(), error, Refused(OpenAIChat(), sent, QUESTION, "https://h/v1")) is None


def test_the_users_own_body_is_laid_over_ours_and_null_takes_out() -> None:
    extra = {"options": {"num_ctx": 32768}, "stream": None, "response_format": {"type": "text"}}
    body = Dialect().request(OpenAIChat(), QUESTION, "m", stream=False, extra=extra).body
    assert body["options"] == {"num_ctx": 32768}
    assert "stream" not in body
    assert body["response_format"]["type"] == "text"


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://h", "/v1/messages", "https://h/v1/messages"),
        ("https://h/v1", "/v1/messages", "https://h/v1/messages"),
        ("https://h/v1/", "/v1/messages", "https://h/v1/messages"),
        ("https://h/anthropic/v1", "/v1/messages", "https://h/anthropic/v1/messages"),
        ("https://h/v1beta", "/v1beta/models/g:generateContent", "https://h/v1beta/models/g:generateContent"),
        ("https://h/v1", "/v1beta/models/g:x?alt=sse", "https://h/v1/models/g:x?alt=sse"),
        ("https://h/v1/chat/completions", "/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/openai/deployments/g/?api-version=1", "/chat/completions", "https://h/openai/deployments/g/chat/completions?api-version=1"),
    ],
)  # fmt: skip
def test_addresses_are_joined_as_users_write_them(base: str, path: str, url: str) -> None:
    assert target(base, path) == url


def test_azure_and_local_servers_are_told_by_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_azure("https://x.openai.azure.com/openai/v1")
    assert not is_azure("https://api.openai.com/v1")
    local = ("http://127.0.0.1:1/v1", "http://192.168.0.9/v1", "http://ollama:11434/v1", "http://gpu.local/v1")
    assert all(is_local(url) for url in local)
    assert not is_local("https://api.groq.com/openai/v1")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "api.groq.com")
    assert proxy_for("https://api.openai.com/v1") == "http://proxy:3128"
    assert proxy_for("https://api.groq.com/openai/v1") is None
    assert proxy_for("https://127.0.0.1/v1") is None


@pytest.mark.parametrize(
    ("model", "maker"),
    [
        ("anthropic/claude-sonnet-5-5", "anthropic"),
        ("claude-opus-5-5-20261001", "anthropic"),
        ("openai/gpt-oss-120b", "openai"),
        ("gpt-6.1-terra", "openai"),
        ("models/gemini-3.8-flash", "google"),
        ("x-ai/grok-5", "xai"),
        ("accounts/fireworks/models/llama-v4", "meta"),
        ("us.anthropic.claude-sonnet-5-5-v1:0", "anthropic"),
        ("qwen3:32b", "alibaba"),
        ("nvidia/llama-3.1-nemotron-70b-instruct", "nvidia"),  # the maker's own name wins over the family
        ("groq/llama-3.3-70b-versatile", "meta"),
        ("accounts/fireworks/models/unheard-of", None),  # a host is no maker
        ("groq/compound", None),
        ("@cf/newmaker/thing", None),
        ("newlab/newmodel", "newlab"),
        ("unsloth/Qwen3-32B-GGUF", "alibaba"),
        ("perplexity/sonar-pro", "perplexity"),
        ("sonar-pro", "perplexity"),
        ("us.writer.palmyra-x5-v1:0", "writer"),
        ("ft:gpt-4.1-mini-2025-04-14:acme::abc", "openai"),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x-v1:0", "anthropic"),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12cd", None),
        ("projects/p/locations/us-central1/publishers/anthropic/models/claude-x@20261001", "anthropic"),
        ("projects/p/locations/us-central1/endpoints/12345", None),
        ("my-model", None),
        (None, None),
    ],
)
def test_the_maker_is_told_by_the_models_id(model: str | None, maker: str | None) -> None:
    assert maker_of(model) == maker


@pytest.mark.parametrize(
    "secret", ["AQ.Ab8RN6LkQ2wErTyUiOpAsDf", "a-very-plain-password", 'quo"ted/key+with=signs', "9f86d081884c7d65"]
)
def test_the_key_that_was_sent_is_hidden_in_every_form(secret: str) -> None:
    for form in (secret, json.dumps(secret), quote(secret, safe=""), secret[:-4] + "..."):
        shown = hide_keys(f"API key {form} not valid", (secret,))
        assert secret[:10] not in shown
        assert shown.startswith("API key ")


SECRET = "sk-live-4fA9zQ7/xY+Pq==_tail"
BASIC = base64.b64encode(f"user:{SECRET}".encode()).decode()


@pytest.mark.parametrize(
    "form",
    [
        SECRET[:10] + "\n" + SECRET[10:],
        SECRET[:14] + "\r\n  " + SECRET[14:],
        SECRET[:9] + "\\n" + SECRET[9:],
        "".join(f"\\u{ord(c):04x}" for c in SECRET),
        "".join(f"\\x{ord(c):02x}" for c in SECRET),
        "".join(f"%{ord(c):02X}" for c in SECRET),
        quote(quote(SECRET, safe=""), safe=""),
        SECRET.replace("/", "\\/"),
        SECRET.replace("=", "&#61;").replace("/", "&#x2F;").replace("+", "&plus;"),
        "\u200b".join(SECRET),
        BASIC,
        base64.b64encode(f":{SECRET}".encode()).decode(),
        base64.b64encode(f"{SECRET}:".encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(BASIC, safe=""),
        SECRET.encode().hex(),
        SECRET[12:],
        SECRET[:16],
    ],
)
def test_a_key_is_masked_in_whatever_shape_it_comes_back(form: str) -> None:
    shown = hide_keys(f"bad key {form}. See the manual", (SECRET,))
    assert "[key]" in shown
    assert re.fullmatch(r"bad key \[key\]\S{0,4} See the manual", shown), shown


def test_a_long_answer_that_spreads_the_key_goes_whole() -> None:
    text = "x" * 30_000 + " ".join(SECRET)
    assert hide_keys(text, (SECRET,)).startswith("[key] (30")
    assert hide_keys("x" * 30_000 + SECRET, (SECRET,)) == "x" * 30_000 + "[key]"


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"text": "{}", "finish_reason": "stop"}, "{}"),
        ({"message": {"content": {"a": 1}}}, '{"a":1}'),
        ({"message": {"content": None, "function_call": {"name": "o", "arguments": "{}"}}}, "{}"),
        ({"message": {"content": None, "tool_calls": [{"function": {"arguments": {"a": 1}}}]}}, '{"a":1}'),
    ],
)
def test_an_answer_is_read_where_a_server_puts_it(choice: dict[str, Any], text: str) -> None:
    assert OpenAIChat().read({"choices": [choice]}).text == text


@pytest.mark.parametrize("reason", ["insufficient_system_resource", "abort"])
def test_an_answer_that_a_server_broke_off_is_worth_another_try(reason: str) -> None:
    with pytest.raises(CallFailed) as caught:
        OpenAIChat().read({"choices": [{"finish_reason": reason, "message": {"content": '{"tick'}}]})
    assert caught.value.retryable


def test_a_path_that_a_server_answers_200_to_and_does_not_have_is_no_endpoint() -> None:
    body = b'{"error":"Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"}'
    with pytest.raises(CallFailed) as caught:
        parse(OpenAIChat(), 200, {}, body)
    assert (caught.value.code, caught.value.http_status) == ("no_endpoint", 404)


def test_thoughts_end_where_the_answer_begins() -> None:
    assert final_text('<think>{}</think>\n{"a": 1}') == '{"a": 1}'
    assert final_text('no opening tag</think>{"a": 1}') == '{"a": 1}'
    assert final_text("[THINK]x[/THINK]{}") == "{}"
    assert final_text("<think>never ends") == ""
    assert final_text("<|channel|>analysis<|message|>hm<|end|><|channel|>final<|message|>{}<|return|>") == "{}"
    assert list(objects_in('a {bad} ```json\n{"x": {"y": 1, "z": 2}}\n``` {"k": 1, "l": 2}')) == [
        '{"y": 1, "z": 2}',
        '{"k": 1, "l": 2}',
    ]
    assert list(objects_in("{" * 5000)) == []


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("Lo siento, no puedo ofrecer asesoramiento financiero.", True),
        ("Como modelo de linguagem, não estou autorizado a emitir recomendações.", True),
        ("As an AI, I'm not able to provide financial advice.", True),
        ("Je ne peux pas fournir de conseils.", True),
        ("A ação não pode subir muito mais neste ano.", False),
        ("PETR4 parece barata, mas o petróleo pode cair.", False),
    ],
)
def test_refusals_are_told_in_several_languages(text: str, refused: bool) -> None:
    assert refuses(text) is refused


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, message("The model `gpt-4o` has been deprecated", code="model_not_found"), "model_gone"),
        (404, message("models/gemini-2.5-pro is no longer available to new users."), "model_gone"),
        (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-opus-4-1"}}, "model_gone"),
        (404, {"error": "model 'llama9' not found, try pulling it first"}, "model_gone"),
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}}, "quota_spent"),
        (402, message("Insufficient Balance"), "quota_spent"),
        (429, message("You exceeded your current quota", code="insufficient_quota"), "quota_spent"),
        (429, message("Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 9000"), "too_large"),
        (403, {"error": {"message": "Your input was flagged", "code": 403, "metadata": {"reasons": ["x"], "flagged_input": "y"}}}, "refused"),
        (400, {"error": {"code": "content_filter", "message": "filtered", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "refused"),
        (301, message("moved"), "redirected"),
        (400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}], "key_refused"),
        (400, [{"error": {"code": 400, "message": "API key expired. Please renew the API key."}}], "key_refused"),
        (401, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}, "key_refused"),
        (403, {"code": "no permission", "error": "Your newly created team doesn't have any credits yet."}, "quota_spent"),
        (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}, "model_gone"),
        (404, {"error": {"code": "404", "message": "Resource not found"}}, "no_endpoint"),
        (404, {}, "no_endpoint"),
        (404, message("No endpoints found matching your data policy."), "request_refused"),
        (529, message("Overloaded", type="overloaded_error"), "overloaded"),
    ],
)  # fmt: skip
def test_an_error_is_told_by_what_can_be_done_about_it(status: int, body: Any, code: str) -> None:
    error = failure(status, {}, json.dumps(body).encode())
    assert error.code == code
    assert error.retryable is (code == "overloaded")
    assert (error.status is OpinionStatus.REFUSED) is (code == "refused")


@pytest.mark.parametrize("wait", ["nan", "inf", "-inf", "1e400", "soon", "", "9999999999"])
def test_a_wait_that_is_none_is_left_out(wait: str) -> None:
    assert failure(429, {"Retry-After": wait}, b'{"error": {"message": "slow"}}').retry_after is None


@pytest.mark.parametrize("wait", ["9" * 200_000, "9." * 100_000, "1" + " " * 200_000, "9s" * 100_000])
def test_a_wait_without_an_end_is_read_in_linear_time(wait: str) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": wait}]
    begun = time.process_time()
    failure(429, {}, json.dumps({"error": {"message": "slow", "details": details}}).encode())
    failure(429, {}, json.dumps({"error": {"message": f"try again in {wait}"}}).encode())
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("odd", [[], {}, [{}], 7, None, "x"])
def test_values_of_any_kind_where_a_wire_has_words_are_no_crash(odd: Any) -> None:
    """A gateway between us and the vendor may put anything anywhere."""
    for body in ({"error": {"code": odd}}, {"error": {"code": 1, "type": odd, "status": odd}}):
        for wire in (OpenAIChat(), OpenAIResponses(), Anthropic(), Gemini()):
            with pytest.raises(CallFailed):
                parse(wire, 200, {}, json.dumps(body).encode())
    message = {"type": "message_start", "message": {"content": [], "usage": {}}}
    start = {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}
    delta = {"type": "content_block_delta", "index": odd, "delta": {"text": "b"}}
    events = (message, start, {**delta, "index": 1}, delta, {"type": odd}, {"type": "message_stop"})
    assert "b" in parse(Anthropic(), 200, {}, stream_of(*events)).text
    response: dict[str, Any] = {
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "c"}]}],
    }
    whole = ({"type": odd}, {"type": "response.completed", "response": response})
    assert parse(OpenAIResponses(), 200, {}, stream_of(*whole)).text == "c"


def stream_of(*events: dict[str, Any]) -> bytes:
    """The events as a server sends them."""
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


@pytest.mark.parametrize(
    ("usage", "out", "cost"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.0123}, 5, "0.0123"),
        ({"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}}, 5, "0.021"),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 25, "cost_in_usd_ticks": 37756000}, 15, "0.0037756"),
        ({"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 50}}, 55, None),
    ],
)  # fmt: skip
def test_the_servers_own_bill_and_its_reasoning_are_read(usage: dict[str, Any], out: int, cost: str | None) -> None:
    choice = {"finish_reason": "stop", "message": {"content": "{}"}}
    body = {"object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
    reply = parse(OpenAIChat(), 200, {}, json.dumps(body).encode())
    assert (reply.tokens_out, reply.cost) == (out, None if cost is None else Decimal(cost))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", ":\n\n", ": OPENROUTER PROCESSING\n\n", "retry: 100\n\n", "\ufeff"])
def test_a_stream_is_one_whatever_it_begins_with_and_however_its_lines_end(start: str, end: str) -> None:
    chunk = {"model": "m", "choices": [{"delta": {"content": "{}"}, "finish_reason": "stop"}]}
    raw = f"{start}data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".replace("\n", end)
    assert parse(OpenAIChat(), 200, {}, raw.encode()).text == "{}"


def test_a_stream_without_a_finish_reason_is_whole_where_its_json_is() -> None:
    whole = {"choices": [{"delta": {"content": '{"a": 1}'}}]}
    cut = {"choices": [{"delta": {"content": '{"a": '}}]}
    done = "data: [DONE]\n\n"
    assert parse(OpenAIChat(), 200, {}, f"data: {json.dumps(whole)}\n\n{done}".encode()).text == '{"a": 1}'
    with pytest.raises(CallFailed):
        parse(OpenAIChat(), 200, {}, f"data: {json.dumps(cut)}\n\n{done}".encode())
