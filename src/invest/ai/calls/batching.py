"""Questions asked ahead, in batches at half the price: submit, look, and what was paid in advance."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import aiohttp
import orjson
from yarl import URL

from invest.ai.calls.addresses import proxy_for, target
from invest.ai.calls.transport import Endpoint
from invest.ai.errors import CallFailed
from invest.ai.wires import BatchCall, BatchFormat, BatchState, Request, failure
from invest.domain.opinions import OpinionStatus

HALF = Decimal("0.5")  # of the ordinary price: what OpenAI, Anthropic and Google ask for batches
MAX_RESULT_BYTES = 64_000_000
BOUNDARY = re.compile(rb"=== [0-9a-f]{24} ===")  # as `answers/questions.py` writes it
PATIENCE = aiohttp.ClientTimeout(total=120, sock_connect=10)


@dataclass(frozen=True, slots=True)
class PaidReply:
    """The body of an answer that was paid for in a batch, what it cost and by which price list."""

    body: str
    cost: Decimal | None
    version: str | None


class Prepaid(Protocol):
    """Answers of batches, by the mark of their request."""

    async def get(self, mark: str) -> PaidReply | None:
        """The answer to the request of this mark; None where there is none."""
        ...

    async def put(self, mark: str, reply: PaidReply) -> None:
        """Keep an answer until it is asked for, a day at most."""
        ...


class MemoryPrepaid:
    """`Prepaid` of this process."""

    def __init__(self) -> None:
        self._kept: dict[str, PaidReply] = {}

    async def get(self, mark: str) -> PaidReply | None:
        """See `Prepaid`."""
        return self._kept.get(mark)

    async def put(self, mark: str, reply: PaidReply) -> None:
        """See `Prepaid`."""
        self._kept[mark] = reply


def mark_of(provider: str, request: Request) -> str:
    """What a request is known by, however its answer travels: 64 hexadecimal digits.

    The random marks around the news are left out: they differ each time a question is put together.
    """
    body = {name: value for name, value in request.body.items() if name != "stream"}
    path = request.path.replace("streamGenerateContent?alt=sse", "generateContent")
    whole = orjson.dumps([provider, path, body], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(BOUNDARY.sub(b"", whole)).hexdigest()


class BatchLine:
    """One provider's batch interface. Every method raises `CallFailed`."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: Endpoint, form: BatchFormat) -> None:
        self._session = session
        self._endpoint = endpoint
        self._form = form

    async def submit(self, items: Mapping[str, Request]) -> BatchState:
        """Begin a batch of requests by their marks."""
        uploaded = ""
        if (upload := self._form.upload(items)) is not None:
            uploaded = str(_object(await self._ask(upload)).get("id") or "")
        state = self._form.state(_object(await self._ask(self._form.submit(items, uploaded))))
        if not state.batch_id:
            raise CallFailed(OpinionStatus.INVALID, "the batch was given no id", code="invalid")
        return state

    async def look(self, batch_id: str) -> BatchState:
        """Where a batch stands."""
        return self._form.state(_object(await self._ask(self._form.look(batch_id))))

    async def cancel(self, batch_id: str) -> None:
        """End a batch early."""
        await self._ask(self._form.cancel(batch_id))

    async def results(self, state: BatchState) -> dict[str, bytes]:
        """The answers of a batch that has ended, by the marks of their requests."""
        files = [await self._ask(BatchCall("GET", path)) for path in state.files]
        return dict(self._form.results(state, files))

    async def _ask(self, call: BatchCall) -> bytes:
        endpoint = self._endpoint
        url = target(endpoint.base_url, call.path)
        headers = {**endpoint.wire.headers(endpoint.key), **endpoint.extra_headers}
        sent: dict[str, object] = {} if call.body is None else {"json": dict(call.body)}
        if call.upload is not None:
            form = aiohttp.FormData({"purpose": "batch"})
            form.add_field("file", call.upload, filename="questions.jsonl", content_type="application/jsonl")
            sent = {"data": form}
        try:
            async with self._session.request(
                call.method, URL(url, encoded=True), headers=headers, allow_redirects=False, proxy=proxy_for(url),
                timeout=PATIENCE, **sent,  # type: ignore[arg-type] # aiohttp: one of json and data
            ) as response:  # fmt: skip
                payload = await response.content.read(MAX_RESULT_BYTES + 1)
                while len(payload) <= MAX_RESULT_BYTES and (more := await response.content.read(1 << 20)):
                    payload += more
                if len(payload) > MAX_RESULT_BYTES:
                    raise CallFailed(OpinionStatus.INVALID, "results of more than 64 MB", code="invalid")
                if response.status >= 300:
                    raise failure(response.status, response.headers, payload, endpoint.secrets)
                return payload
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            message = f"the batch interface cannot be reached ({type(error).__name__})"
            raise CallFailed(OpinionStatus.UNAVAILABLE, message, code="unreachable", retryable=True) from None


def _object(payload: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise CallFailed(OpinionStatus.INVALID, "the batch interface's answer is no JSON object", code="not_json")
    return found
