"""What the wire formats share: question, reply, server-sent events, and the meaning of an error body."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol

import orjson

from invest.ai.answer import one_line
from invest.ai.errors import CallFailed
from invest.domain.opinions import OpinionStatus

RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
# Codes of an account without money: asking again within the call helps nothing.
_NOT_THE_SCHEMA = frozenset({"json_validate_failed", "tool_use_failed"})
_NO_QUOTA = frozenset({"insufficient_quota", "billing_error", "billing_not_active"})
_CODE_OF_TYPE = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "invalid_request_error": 400,
}
_TRY_AGAIN = re.compile(r"(?:try again|retry) in ((?:\d+h)?(?:\d+m(?!s))?(?:[\d.]+(?:ms|s))?)", re.IGNORECASE)
_SPAN = re.compile(r"([\d.]+)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_KEY_LIKE = re.compile(r"\b(?:sk|pk|gsk|AIza|key)[-_A-Za-z0-9*.]{8,}")

Structure = Literal["schema", "object", "prompt"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question: `schema` is the strict structure of the answer, asked for in the way `structure` says."""

    system: str
    user: str
    schema: dict[str, Any] | None
    max_tokens: int
    structure: Structure = "schema"

    def doubled(self) -> Question:
        """The same with twice the tokens."""
        return replace(self, max_tokens=self.max_tokens * 2)


@dataclass(frozen=True, slots=True)
class Request:
    """What goes on the wire, the key aside: path after the base URL and JSON body."""

    path: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `finish` is "stop" for a whole answer; `raw` is the body, byte for byte as text."""

    text: str
    model: str | None
    finish: Literal["stop", "length", "refusal"]
    note: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    tokens_cache_write: int | None = None
    raw: str = ""


class Wire(Protocol):
    """One vendor's format. Pure: no I/O."""

    price_id: str | None  # the vendor's id in the price list; None: told by the base URL
    fallback: bool  # whether OpenAI's older API may stand in where a gateway lacks this one

    def headers(self, key: str) -> dict[str, str]:
        """Headers that carry the key and the version of the format."""
        ...

    def request(self, question: Question, model: str, *, stream: bool) -> Request:
        """The request that asks `question`."""
        ...

    def assemble(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """The body that a stream's events amount to. Raises `CallFailed` for an error event or a cut stream."""
        ...

    def read(self, body: dict[str, Any]) -> Reply:
        """The reply in a successful body. Raises `CallFailed` where it is none."""
        ...


def parse(wire: Wire, status: int, headers: Mapping[str, str], payload: bytes) -> Reply:
    """The reply in an HTTP response. Raises `CallFailed`, which keeps the payload, for anything else."""
    raw = payload.decode("utf-8", "replace")
    try:
        if status >= 300:
            raise failure(status, headers, payload)
        body = wire.assemble(list(events(raw))) if is_stream(raw) else _object(payload)
        if body.get("error") and "object" not in body:  # OpenRouter and others: 200 around an upstream's error
            raise failure(_status_in(body, default=502), headers, payload)
        reply = wire.read(body)
        named = one_line(reply.model, 100) if isinstance(reply.model, str) else None
        return replace(reply, raw=raw, model=named)
    except CallFailed as error:
        error.raw = error.raw or raw
        raise


def is_stream(raw: str) -> bool:
    """Whether a body is server-sent events, whatever its content type says."""
    return raw.lstrip().startswith(("data:", "event:", ": ", "id:"))


def events(raw: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream's `data` lines; comments, pings and `[DONE]` are left out (WHATWG, SSE).

    Raises `CallFailed`, worth another try, where a line was cut.
    """
    for block in re.split(r"\r?\n\r?\n|\r\r", raw):
        lines = [line[5:].removeprefix(" ") for line in block.splitlines() if line.startswith("data:")]
        data = "\n".join(lines).strip()
        if not data or data == "[DONE]":
            continue
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise cut_short("a stream's event was cut") from None
        if isinstance(event, dict):
            yield event


def cut_short(what: str) -> CallFailed:
    """A body that ended before its end: worth another try."""
    return CallFailed(OpinionStatus.UNAVAILABLE, what, retryable=True)


def failure(status: int, headers: Mapping[str, str], payload: bytes) -> CallFailed:
    """What an error response means: which abstention, whether to try again, and when."""
    error = _error_of(payload)
    message = one_line(hide_keys(_message_of(error, payload)), 160)
    codes = {str(error.get(name)) for name in ("code", "type", "status") if error.get(name)}
    wait = retry_after(headers, error, message)
    reason = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    kind = OpinionStatus.UNAVAILABLE
    retryable = status in RETRYABLE
    if codes & _NOT_THE_SCHEMA:
        kind, retryable = OpinionStatus.INVALID, False
    elif codes & _NO_QUOTA or _spent_for_the_day(error):
        retryable, reason = False, f"quota spent: {reason}"
    elif status in (401, 403):
        reason = f"key refused: {reason}"
    elif "content_filter" in codes or "content_policy_violation" in codes:
        kind, retryable = OpinionStatus.REFUSED, False
    return CallFailed(kind, reason, retryable=retryable, retry_after=wait, http_status=status)


def failure_event(error: Mapping[str, Any]) -> CallFailed:
    """An error that came as an event of a stream that had begun with 200."""
    body = orjson.dumps({"error": dict(error)})
    return failure(_status_in({"error": dict(error)}, default=500), {}, body)


def retry_after(headers: Mapping[str, str], error: Mapping[str, Any], message: str) -> float | None:
    """Seconds to wait before the next try: header, google.rpc.RetryInfo, or the message's own words."""
    lower = {name.lower(): value for name, value in headers.items()}
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(float(lower[name]) * scale, 0.0)
        except KeyError:
            continue
        except ValueError:
            if (wait := _until(lower[name])) is not None:
                return wait
    for detail in error.get("details") or ():
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith("RetryInfo"):
            return _seconds(str(detail.get("retryDelay", "")))
    match = _TRY_AGAIN.search(message)
    return _seconds(match[1]) if match else None


def hide_keys(text: str) -> str:
    """`text` without anything that looks like a key: some vendors quote a part of it."""
    return _KEY_LIKE.sub("[key]", text)


def as_int(value: Any) -> int | None:
    """`value` as a count of tokens, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def as_dict(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one: a vendor's null must not break the reading."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """`value` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def _object(payload: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise CallFailed(OpinionStatus.INVALID, "the server's answer is no JSON", retryable=True) from None
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict):
        raise CallFailed(OpinionStatus.INVALID, "the server's answer is no JSON object", retryable=True)
    return body


def _error_of(payload: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return {}
    error = body.get("error", body)
    return error if isinstance(error, dict) else {"message": str(error)}


def _message_of(error: Mapping[str, Any], payload: bytes) -> str:
    message = error.get("message") or error.get("detail")
    if not message:
        return "" if error else re.sub(r"<[^>]*>", " ", payload[:2000].decode("utf-8", "replace"))
    raw = as_dict(error.get("metadata")).get("raw")
    return f"{message}: {raw}" if isinstance(raw, str) else str(message)


def _status_in(body: Mapping[str, Any], default: int) -> int:
    error = as_dict(body.get("error"))
    code = error.get("code")
    for given in map(str, (error.get("status_code"), code)):
        if given.isdecimal() and 400 <= int(given) < 600:
            return int(given)
    for name in (error.get("type"), code):
        if name in _CODE_OF_TYPE:
            return _CODE_OF_TYPE[str(name)]
    return 429 if code == "rate_limit_exceeded" else default


def _spent_for_the_day(error: Mapping[str, Any]) -> bool:
    for detail in as_list(error.get("details")):
        for violation in as_list(as_dict(detail).get("violations")):
            if "PerDay" in str(as_dict(violation).get("quotaId", "")):
                return True
    return False


def _until(date: str) -> float | None:
    """Seconds until an HTTP date; None where it is none."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max((moment - datetime.now(moment.tzinfo or UTC)).total_seconds(), 0.0) if moment.tzinfo else None


def _seconds(text: str) -> float | None:
    spans = _SPAN.findall(text)
    return sum(float(number) * _UNITS[unit] for number, unit in spans) if spans else None
