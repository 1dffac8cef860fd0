"""Readers of AIs' servers that `bench.fuzz` attacks: answers, streams, refusals, batches, lists of models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from tests.unit.ai.test_parts import snapshot

from bench.fuzz.target import Read, Target, of_text
from invest.ai.answers.answer import parse_answer
from invest.ai.calls.models import models_in
from invest.ai.errors import AnswerAbstained, AnswerInvalid, CallFailed
from invest.ai.objection import read_counter
from invest.ai.wires.anthropic import Anthropic
from invest.ai.wires.base import Wire, parse
from invest.ai.wires.batches import BatchFormat, batches_of
from invest.ai.wires.failing import failure
from invest.ai.wires.gemini import Gemini
from invest.ai.wires.openai_chat import OpenAIChat
from invest.ai.wires.openai_responses import OpenAIResponses

OPINION = {
    "ticker": "PETR4", "language": "pt-BR", "key_facts": [{"fact_id": "f01", "reading": "favourable"}],
    "arguments_for": [{"text": "A empresa gera caixa e o retorno é alto.", "fact_ids": ["f01"]}],
    "arguments_against": [{"text": "A dívida pode crescer com o investimento.", "fact_ids": ["f01"]}],
    "risks": [{"text": "O preço do petróleo pode cair.", "kind": "sector", "severity": "medium"}],
    "would_change": [], "summary": "A empresa é sólida e o preço parece justo para o longo prazo.",
    "insufficient_data": False, "p_beat_30d": 0.5, "p_beat_90d": 0.52, "p_beat_180d": 0.55,
    "price_p10": None, "price_p50": None, "price_p90": None,
}  # fmt: skip
OBJECTION = {"text": "O lucro caiu e a dívida cresceu mais do que o caixa da empresa.", "fact_ids": ["f01"]}
CHAT = {
    "id": "x", "object": "chat.completion", "model": "gpt-x",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}"}}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}  # fmt: skip
MESSAGE = {
    "id": "m", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "{}"}], "usage": {"input_tokens": 10, "output_tokens": 5},
}  # fmt: skip
CANDIDATES = {
    "candidates": [{"content": {"parts": [{"text": "{}"}], "role": "model"}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5}, "modelVersion": "gemini-x",
}  # fmt: skip
RESPONSE = {
    "id": "r", "object": "response", "status": "completed", "model": "gpt-x",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "{}"}]}],
    "usage": {"input_tokens": 10, "output_tokens": 5},
}  # fmt: skip
TOOL = {"type": "tool_use", "id": "t", "name": "answer", "input": {}}
CHAT_EVENTS = (
    {"id": "x", "model": "gpt-x", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "{"}}]},
    {"id": "x", "choices": [{"index": 0, "delta": {"content": "}"}, "finish_reason": "stop"}]},
    {"id": "x", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}},
)
RESPONSE_EVENTS = (
    {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}},
    {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": "{}"},
    {"type": "response.completed", "response": RESPONSE},
)
MESSAGE_EVENTS = (
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "{}"}},
    {"type": "content_block_start", "index": 1, "content_block": TOOL},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
)
REFUSALS = (
    {"error": {"message": "Rate limit reached. Please try again in 1m2.5s.", "type": "tokens",
               "code": "rate_limit_exceeded", "param": None}},
    {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38s"},
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure",
         "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel", "quotaValue": "50"}]}]}},
    {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    {"error": {"message": "Provider returned error", "code": 400, "metadata": {
        "raw": "{\"error\": \"temperature: unknown\"}", "reasons": ["x"], "flagged_input": "y"}}},
    {"detail": [{"loc": ["body", "seed"], "msg": "extra fields not permitted", "type": "value_error.extra"}]},
)  # fmt: skip
MODELS = (
    {"data": [{"id": "gpt-x", "object": "model", "shutdown_date": "2026-12-01"}, {"id": "gpt-y"}]},
    {"models": [{"name": "models/gemini-x", "supportedGenerationMethods": ["generateContent"]}]},
)
HEADERS = (b"30", b"1.5", b"Wed, 21 Oct 2026 07:28:00 GMT", b"nan")
OPENAI_BATCH = {"id": "batch_1", "object": "batch", "status": "completed", "output_file_id": "file-1"}
ANTHROPIC_BATCH = {"id": "msgbatch_1", "type": "message_batch", "processing_status": "ended"}
GEMINI_BATCH = {
    "name": "batches/1", "done": True, "metadata": {"state": "BATCH_STATE_SUCCEEDED"},
    "response": {"inlinedResponses": {"inlinedResponses": [{"response": CANDIDATES, "metadata": {"key": "a"}}]}},
}  # fmt: skip
OPENAI_LINE = {"custom_id": "a", "response": {"status_code": 200, "body": RESPONSE}, "error": None}
ANTHROPIC_LINE = {"custom_id": "b", "result": {"type": "succeeded", "message": MESSAGE}}


def _answers(wire: Wire) -> Read:
    return lambda data: parse(wire, 200, {}, data)


def _stream(events: Sequence[Mapping[str, Any]], *, end: bytes = b"") -> bytes:
    lines = []
    for event in events:
        named = b"event: %s\n" % str(event["type"]).encode() if "type" in event else b""
        lines.append(b"%sdata: %s\n\n" % (named, orjson.dumps(event)))
    return b"".join(lines) + end


def _wires() -> Iterator[Target]:
    """Whole answers and streams of each wire format."""
    done = b"data: [DONE]\n\n"
    shapes: tuple[tuple[str, Wire, Mapping[str, Any], bytes], ...] = (
        ("openai_chat", OpenAIChat(), CHAT, _stream(CHAT_EVENTS, end=done)),
        ("openai_responses", OpenAIResponses(), RESPONSE, _stream(RESPONSE_EVENTS)),
        ("anthropic", Anthropic(), MESSAGE, _stream(MESSAGE_EVENTS)),
        ("gemini", Gemini(), CANDIDATES, _stream((CANDIDATES, CANDIDATES))),
    )
    for name, wire, whole, stream in shapes:
        yield Target(name, _answers(wire), (orjson.dumps(whole),), (CallFailed,))
        yield Target(f"{name}_stream", _answers(wire), (stream,), (CallFailed,))


def _batches() -> Iterator[Target]:
    """The states of the vendors' batches, and their files of results."""
    for wire, good, line in (
        (OpenAIResponses(), OPENAI_BATCH, OPENAI_LINE),
        (Anthropic(), ANTHROPIC_BATCH, ANTHROPIC_LINE),
        (Gemini(), GEMINI_BATCH, None),
    ):
        batch = batches_of(wire)
        assert batch is not None

        def read(data: bytes, batch: BatchFormat = batch) -> object:
            body = orjson.loads(data)
            state = batch.state(body if isinstance(body, dict) else {})
            return list(batch.results(state, [data]))

        def lines(data: bytes, batch: BatchFormat = batch, state: object = batch.state(good)) -> object:
            return list(batch.results(state, [data]))  # type: ignore[arg-type] # of this very format

        name = f"batch_{type(wire).__name__.lower()}"
        yield Target(name, read, (orjson.dumps(good),), (CallFailed, orjson.JSONDecodeError))
        if line is not None:
            yield Target(f"{name}_lines", lines, (orjson.dumps(line),), (CallFailed,))


def _refused(status: int) -> Callable[[bytes], object]:
    """What an error response means; its headers are spoilt by the same bytes."""
    return lambda data: failure(status, {"retry-after": data[:200].decode("latin-1")}, data)


def targets() -> Iterator[Target]:
    """Every reader of an AI's bytes."""
    yield from _wires()
    yield from _batches()
    refusals = tuple(orjson.dumps(one) for one in REFUSALS)
    yield Target("ai_refusal", _refused(429), refusals)
    yield Target("ai_rejected", _refused(400), refusals)
    yield Target("ai_models", models_in, tuple(orjson.dumps(one) for one in MODELS))
    asked, wrong = snapshot(), (AnswerInvalid, AnswerAbstained, CallFailed)
    yield Target("answer", of_text(lambda text: parse_answer(text, asked, "pt-BR")), (orjson.dumps(OPINION),), wrong)
    yield Target("objection", of_text(lambda text: read_counter(text, "pt-BR")), (orjson.dumps(OBJECTION),), wrong)
