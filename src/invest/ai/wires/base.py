"""What the wire formats share: question, reply, and server-sent events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, Protocol

import orjson

from invest.ai.answers import one_line
from invest.ai.errors import CallFailed
from invest.ai.wires.failing import as_dict, failure, status_in
from invest.domain.opinions import OpinionStatus

Structure = Literal["schema", "object", "prompt"]
MOST_TOKENS = 1_000_000_000  # beyond these a count or a bill is a fault of the server's
MOST_DOLLARS = 10_000
_SSE_FIELD = re.compile(r"^(?:data|event|id|retry)\s*:|^:")


@dataclass(frozen=True, slots=True)
class Question:
    """One question: `schema` is the strict structure of the answer, asked for in the way `structure` says."""

    system: str
    user: str
    schema: dict[str, Any] | None
    max_tokens: int
    structure: Structure = "schema"
    effort: str | None = None

    def wider(self, factor: int = 4) -> Question:
        """The same with room for `factor` times the tokens: where thinking ate the limit, twice is not enough."""
        return replace(self, max_tokens=self.max_tokens * factor)


@dataclass(frozen=True, slots=True)
class Request:
    """What goes on the wire, the key aside: path after the base URL and JSON body."""

    path: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `finish` is "stop" for a whole answer; `raw` is the body, byte for byte as text.

    `tokens_out` counts reasoning; `cost` is the server's own bill in US$ where it sends one.
    """

    text: str
    model: str | None
    finish: Literal["stop", "length", "refusal"]
    note: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    tokens_cache_write: int | None = None
    cost: Decimal | None = None
    raw: str = ""


class Wire(Protocol):
    """One vendor's format. Pure: no I/O."""

    price_id: str | None  # the vendor's id in the price list; None: told by the base URL
    fallback: bool  # whether OpenAI's older API may stand in where a gateway lacks this one
    limit: str  # where the body holds the token limit

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


@dataclass(slots=True)
class Stream:
    """The events of a body, and whether it ended with the `[DONE]` mark."""

    events: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False


def parse(wire: Wire, status: int, headers: Mapping[str, str], payload: bytes, secrets: tuple[str, ...] = ()) -> Reply:
    """The reply in an HTTP response. Raises `CallFailed`, which keeps the payload, for anything else."""
    raw = payload.decode("utf-8", "replace")
    try:
        if status >= 300:
            raise failure(status, headers, payload, secrets)
        body = _body(wire, raw, payload)
        if body.get("error") and "object" not in body:  # OpenRouter and others: 200 around an upstream's error
            raise failure(status_in(body, default=502), headers, orjson.dumps(body), secrets)
        reply = wire.read(body)
        named = one_line(reply.model, 100) if isinstance(reply.model, str) else None
        return replace(reply, raw=raw, model=named or None)
    except CallFailed as error:
        error.raw = error.raw or raw
        raise


def _body(wire: Wire, raw: str, payload: bytes) -> dict[str, Any]:
    """The one body of a response: as sent, or as the events of a stream (or an array of them) amount to."""
    if is_stream(raw):
        stream = read_stream(raw)
        return wire.assemble([*stream.events, {"done": True}] if stream.done else stream.events)
    try:
        body = orjson.loads(payload.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise _no_json("the server's answer is no JSON") from None
    if isinstance(body, list) and len(body) > 1 and all(isinstance(event, dict) for event in body):
        return wire.assemble(body)
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict):
        raise _no_json("the server's answer is no JSON object")
    return body


def _no_json(what: str) -> CallFailed:
    return CallFailed(OpinionStatus.INVALID, what, code="not_json", retryable=True)


def is_stream(raw: str) -> bool:
    """Whether a body is server-sent events, by its first line (a field or a comment) instead of its content type."""
    return _SSE_FIELD.match(raw.lstrip("\ufeff \t\r\n")) is not None


def events(raw: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream's `data` lines; comments, pings and `[DONE]` are left out (WHATWG, SSE).

    Raises `CallFailed`, worth another try, where a line was cut.
    """
    yield from read_stream(raw).events


def read_stream(raw: str) -> Stream:
    """The events of `raw`, whose lines end in CR, LF or both. Raises `CallFailed` where a line was cut."""
    found = Stream()
    lines = raw.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for block in re.split(r"\n{2,}", lines):
        data = "\n".join(line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")).strip()
        if data == "[DONE]":
            found.done = True
        elif data:
            found.events += _events_of(data)
    return found


def _events_of(data: str) -> list[dict[str, Any]]:
    """The objects of one block: one, or one per line where a server forgets the empty line between two."""
    try:
        return [event] if isinstance(event := orjson.loads(data), dict) else []
    except orjson.JSONDecodeError:
        pieces = [piece for piece in data.split("\n") if piece.strip() and piece.strip() != "[DONE]"]
    if len(pieces) < 2 and "[DONE]" not in data:
        raise cut_short("a stream's event was cut")
    try:
        return [event for piece in pieces if isinstance(event := orjson.loads(piece), dict)]
    except orjson.JSONDecodeError:
        raise cut_short("a stream's event was cut") from None


def cut_short(what: str) -> CallFailed:
    """A body that ended before its end: worth another try."""
    return CallFailed(OpinionStatus.UNAVAILABLE, what, code="unreachable", retryable=True, billed=True)


def as_int(value: Any) -> int | None:
    """`value` as a count of tokens; None for what no call has."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None


def as_money(value: Any, scale: Decimal = Decimal(1)) -> Decimal | None:
    """`value` as US dollars; None for what no call costs."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value)) * scale
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount <= MOST_DOLLARS else None


def usage_cost(usage: Mapping[str, Any]) -> Decimal | None:
    """The server's own bill: OpenRouter's `cost` (with what an own key's upstream takes), xAI's ticks of 1e-10 US$.

    Perplexity's is an object with its total. A bill in another currency is none: the tokens are priced instead.
    """
    if str(usage.get("currency") or usage.get("cost_currency") or "USD").strip().upper() not in ("USD", "US$", "$"):
        return None
    given = usage.get("cost")
    if (cost := as_money(as_dict(given).get("total_cost") if isinstance(given, dict) else given)) is not None:
        upstream = as_money(as_dict(usage.get("cost_details")).get("upstream_inference_cost")) or Decimal(0)
        return cost + upstream if usage.get("is_byok") else cost
    return as_money(usage.get("cost_in_usd_ticks"), Decimal("1e-10"))


def spent_tokens(given: int | None, read: int | None, total: int | None, reasoning: int | None) -> int | None:
    """Output tokens, reasoning included where a server counts it apart: what the total holds beyond the input."""
    if given is None:
        return None if total is None or read is None else max(total - read, 0)
    if total is not None and read is not None and total - read > given:
        return total - read
    return given + reasoning if reasoning is not None and reasoning > given else given
