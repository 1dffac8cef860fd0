"""Recorded traffic of the AIs, read by the very code that reads live answers. Nothing of it is in the repository."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from invest.ai.errors import CallFailed
from invest.ai.wires.anthropic import Anthropic
from invest.ai.wires.base import Question, Reply, Wire, parse
from invest.ai.wires.gemini import Gemini
from invest.ai.wires.openai_chat import OpenAIChat
from invest.ai.wires.openai_responses import OpenAIResponses
from invest.domain.opinions.opinion import OpinionStatus

Json = dict[str, Any]
# What is recorded besides questions and answers: files, counting of tokens, batches.
NO_QUESTION = ("/files", "/count_tokens", "/input_tokens", "/batches", ":countTokens", "/models?")


def wire_of(uri: str) -> Wire:
    """The format that an address speaks."""
    if ":generateContent" in uri or ":streamGenerateContent" in uri:
        return Gemini()
    if "/messages" in uri:
        return Anthropic()
    return OpenAIResponses() if "/responses" in uri else OpenAIChat()


def failed(found: Json) -> bool:
    """Whether a recording is an error: by its status, or by an event of a stream that had begun well."""
    body = found["response"]["body"]
    return found["response"]["status"] >= 400 or (isinstance(body, str) and '"error":{"message"' in body)


def recordings(samples: Path) -> Iterator[tuple[Path, Json]]:
    """Every recorded exchange that is a question and its answer or error."""
    for path in sorted((samples / "ai").glob("*/*.json")):
        found = json.loads(path.read_text("utf-8"))
        if "request" in found and not any(part in found["request"]["uri"] for part in NO_QUESTION):
            yield path, found


def read(found: Json) -> Reply:
    """The reply in a recording, through the code that reads live ones."""
    response = found["response"]
    body = response["body"]
    payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return parse(wire_of(found["request"]["uri"]), response["status"], response.get("headers") or {}, payload)


def test_every_recorded_answer_is_read_and_every_recorded_error_is_one(samples: Path) -> None:
    answers = errors = 0
    for path, found in recordings(samples):
        if failed(found):
            with pytest.raises(CallFailed) as caught:
                read(found)
            assert caught.value.reason.startswith(("HTTP ", "quota spent: HTTP ", "key refused: HTTP ")), path
            assert caught.value.raw, path
            errors += 1
            continue
        reply = read(found)
        assert reply.text or reply.finish != "stop" or says_nothing(found), path
        assert reply.raw, path
        assert reply.model, path
        answers += 1
    assert answers >= 40
    assert errors >= 8


def says_nothing(found: Json) -> bool:
    """Whether the recording itself carries no text and no call with arguments (a tool run by the vendor, say)."""
    body = found["response"]["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return not any(
        mark in text for mark in ('"output_text"', '"text_delta"', '"text"', '"content": "', '"arguments": "')
    )


def test_recorded_tokens_are_counted(samples: Path) -> None:
    counted = [read(found) for _, found in recordings(samples) if not failed(found)]
    with_usage = [reply for reply in counted if reply.tokens_in is not None and reply.tokens_out is not None]
    assert len(with_usage) >= 0.9 * len(counted)
    assert all((reply.tokens_in or 0) > 0 for reply in with_usage)


def test_a_stream_reads_as_its_pieces_joined(samples: Path) -> None:
    streams = 0
    for path, found in recordings(samples):
        body = found["response"]["body"]
        if not isinstance(body, str) or failed(found):
            continue
        text = read(found).text
        wanted = "".join(pieces(body))
        assert text.strip() == wanted.strip() or not wanted, path
        streams += 1
    assert streams >= 12


def pieces(body: str) -> Iterator[str]:
    """The pieces of visible text in a stream, found without knowing whose it is."""
    for line in body.splitlines():
        if not line.startswith("data: {"):
            continue
        event = json.loads(line[6:])
        if event.get("type") == "response.output_text.delta":
            yield event["delta"]
        elif event.get("type") == "content_block_delta":
            yield event["delta"].get("text", "")
        for choice in event.get("choices") or ():
            yield (choice.get("delta") or {}).get("content") or ""
        for candidate in event.get("candidates") or ():
            for part in (candidate.get("content") or {}).get("parts") or ():
                yield "" if part.get("thought") else part.get("text", "")


@pytest.mark.parametrize(
    ("file", "finish", "note"),
    [
        ("gemini/SAFETY_1.json", "refusal", "SAFETY"),
        ("gemini/blockReason_1.json", "refusal", "MODEL_ARMOR"),
        ("gemini/MAX_TOKENS_1.json", "length", "MAX_TOKENS"),
    ],
)
def test_blocked_and_starved_answers_are_told_apart(samples: Path, file: str, finish: str, note: str) -> None:
    reply = read(json.loads((samples / "ai" / file).read_text("utf-8")))
    assert (reply.text, reply.finish, reply.note) == ("", finish, note)


def test_native_structure_is_asked_for_where_the_recordings_ask_for_it(samples: Path) -> None:
    question = Question("s", "u", {"type": "object"}, 100)
    places: dict[str, list[str]] = {
        "gemini": ["generationConfig", "responseJsonSchema"],
        "openai_responses": ["text", "format", "schema"],
        "openai_chat": ["response_format", "json_schema", "schema"],
    }
    seen = set()
    for path, found in recordings(samples):
        place = places.get(path.parent.name)
        recorded = dig(found["request"]["body"], place) if place else None
        if recorded is None:
            continue
        request = wire_of(found["request"]["uri"]).request(question, "m", stream=False)
        assert dig(request.body, place or []) == question.schema
        assert request.path.split(":")[-1].split("/")[-1] in found["request"]["uri"] or "stream" in path.name
        seen.add(path.parent.name)
    assert seen == set(places)


def dig(node: Any, place: list[str]) -> Any:
    """What lies at `place`, None where nothing does."""
    for name in place:
        node = node.get(name) if isinstance(node, dict) else None
    return node


@pytest.mark.parametrize(
    ("file", "retryable", "wait"),
    [
        ("anthropic_429_input_tokens_2025.json", True, None),
        ("anthropic_overloaded_2025.json", True, None),
        ("azure_openai_429_headers_odd_2025.json", True, None),
        ("gemini_429_free_tier_2025.json", False, 37.0),  # the day's quota is among those spent
        ("gemini_429_no_details_2026.json", True, None),
        ("openai_429_tpm_2023.json", True, 0.006),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_observed_errors_say_whether_and_when_to_try_again(
    samples: Path, file: str, retryable: bool, wait: float | None, wrapped: bool
) -> None:
    found = json.loads((samples / "ai" / "observed_errors" / file).read_text("utf-8"))
    body = found.get("body", {})
    payload = json.dumps([body] if wrapped else body).encode()
    with pytest.raises(CallFailed) as caught:
        parse(OpenAIChat(), found["status"], found.get("headers", {}), payload)
    error = caught.value
    assert (error.status, error.retryable) == (OpinionStatus.UNAVAILABLE, retryable)
    assert error.retry_after == (pytest.approx(wait) if wait else None)


def test_cassettes_of_another_client_are_read_as_well(samples: Path) -> None:
    read_ = 0
    for path in sorted((samples / "ai").glob("*/*.yaml")):
        for exchange in yaml.safe_load(path.read_text("utf-8"))["interactions"]:
            body = exchange["response"]["body"]["string"]
            payload = body if isinstance(body, bytes) else body.encode()
            reply = parse(wire_of(exchange["request"]["uri"]), exchange["response"]["status"]["code"], {}, payload)
            assert reply.text
            assert reply.model
            read_ += 1
    assert read_ >= 3


def test_a_cut_recording_is_never_a_whole_answer(samples: Path) -> None:
    """Whatever byte a body stops at, it is an error or the whole: no half answer passes for one."""
    for path, found in recordings(samples):
        response = found["response"]
        if failed(found):
            continue
        body = response["body"]
        payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        wire, whole = wire_of(found["request"]["uri"]), read(found)
        for end in range(1, len(payload), max(len(payload) // 40, 1)):
            try:
                part = parse(wire, 200, {}, payload[:end])
            except CallFailed as error:
                assert error.retryable, (path, end)
            else:
                assert (part.text, part.finish) == (whole.text, whole.finish), (path, end)
