"""The vendors' batch interfaces: many questions at once, answered within a day at half the price. Pure: no I/O.

OpenAI takes a file of lines and gives one back, Anthropic takes and streams lines itself, Gemini carries both inline.
Every item is named by the mark of its request; its result is the body that the ordinary interface would have sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

import orjson

from invest.ai.wires.anthropic import Anthropic
from invest.ai.wires.base import Request, Wire
from invest.ai.wires.failing import as_dict, as_list
from invest.ai.wires.gemini import Gemini
from invest.ai.wires.openai_responses import OpenAIResponses

WINDOW = "24h"
_OPENAI_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_GEMINI_ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED"})


@dataclass(frozen=True, slots=True)
class BatchCall:
    """One request to a batch interface: a JSON body, or a file to upload, or neither."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    upload: bytes | None = None


@dataclass(frozen=True, slots=True)
class BatchState:
    """Where a batch stands: `files` hold its results where they are not in `body` itself."""

    batch_id: str
    ended: bool
    status: str = ""
    files: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)


class BatchFormat(Protocol):
    """One vendor's batch interface."""

    def upload(self, items: Mapping[str, Request]) -> BatchCall | None:
        """What must be uploaded first; None for nothing."""
        ...

    def submit(self, items: Mapping[str, Request], uploaded: str) -> BatchCall:
        """The request that begins a batch of `items` by their marks."""
        ...

    def look(self, batch_id: str) -> BatchCall:
        """The request that asks where a batch stands."""
        ...

    def cancel(self, batch_id: str) -> BatchCall:
        """The request that ends a batch early: what is answered by then stays."""
        ...

    def state(self, body: Mapping[str, Any]) -> BatchState:
        """Where a batch stands, by the answer to `submit` or `look`."""
        ...

    def results(self, state: BatchState, files: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
        """(mark, body) of each item that was answered; what failed, expired or was cancelled is left out."""
        ...


class OpenAIBatches:
    """Files and batches of `/v1/responses`."""

    def upload(self, items: Mapping[str, Request]) -> BatchCall | None:
        """The lines, as a file of purpose `batch`."""
        lines = [
            {"custom_id": mark, "method": "POST", "url": "/v1/responses", "body": _bare(request)}
            for mark, request in items.items()
        ]
        return BatchCall("POST", "/files", upload=b"\n".join(orjson.dumps(line) for line in lines))

    def submit(self, items: Mapping[str, Request], uploaded: str) -> BatchCall:
        """A batch of the uploaded file."""
        body = {"input_file_id": uploaded, "endpoint": "/v1/responses", "completion_window": WINDOW}
        return BatchCall("POST", "/batches", body)

    def look(self, batch_id: str) -> BatchCall:
        """See `BatchFormat`."""
        return BatchCall("GET", f"/batches/{quote(batch_id, safe='')}")

    def cancel(self, batch_id: str) -> BatchCall:
        """See `BatchFormat`."""
        return BatchCall("POST", f"/batches/{quote(batch_id, safe='')}/cancel")

    def state(self, body: Mapping[str, Any]) -> BatchState:
        """See `BatchFormat`. An expired or cancelled batch keeps what was answered in its output file."""
        status = str(body.get("status") or "")
        file = body.get("output_file_id")
        files = (f"/files/{quote(file, safe='')}/content",) if isinstance(file, str) and file else ()
        return BatchState(str(body.get("id") or ""), status in _OPENAI_ENDED, status, files, body)

    def results(self, state: BatchState, files: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
        """See `BatchFormat`."""
        for line in _lines(files):
            response = as_dict(line.get("response"))
            if not line.get("error") and response.get("status_code") == 200 and isinstance(response.get("body"), dict):
                yield str(line.get("custom_id") or ""), orjson.dumps(response["body"])


class AnthropicBatches:
    """Message batches."""

    def upload(self, items: Mapping[str, Request]) -> BatchCall | None:
        """Nothing."""
        return None

    def submit(self, items: Mapping[str, Request], uploaded: str) -> BatchCall:
        """See `BatchFormat`."""
        requests = [{"custom_id": mark, "params": _bare(request)} for mark, request in items.items()]
        return BatchCall("POST", "/v1/messages/batches", {"requests": requests})

    def look(self, batch_id: str) -> BatchCall:
        """See `BatchFormat`."""
        return BatchCall("GET", f"/v1/messages/batches/{quote(batch_id, safe='')}")

    def cancel(self, batch_id: str) -> BatchCall:
        """See `BatchFormat`."""
        return BatchCall("POST", f"/v1/messages/batches/{quote(batch_id, safe='')}/cancel")

    def state(self, body: Mapping[str, Any]) -> BatchState:
        """See `BatchFormat`. The results are asked for by path: their address may name another host."""
        ident, status = str(body.get("id") or ""), str(body.get("processing_status") or "")
        ended = status == "ended"
        files = (f"/v1/messages/batches/{quote(ident, safe='')}/results",) if ended else ()
        return BatchState(ident, ended, status, files, body)

    def results(self, state: BatchState, files: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
        """See `BatchFormat`."""
        for line in _lines(files):
            result = as_dict(line.get("result"))
            if result.get("type") == "succeeded" and isinstance(result.get("message"), dict):
                yield str(line.get("custom_id") or ""), orjson.dumps(result["message"])


class GeminiBatches:
    """Inline batches of `generateContent`; all of one model."""

    def upload(self, items: Mapping[str, Request]) -> BatchCall | None:
        """Nothing."""
        return None

    def submit(self, items: Mapping[str, Request], uploaded: str) -> BatchCall:
        """See `BatchFormat`. The model is the one of the first item's path."""
        first = next(iter(items.values())).path.partition(":")[0]
        requests = [{"request": request.body, "metadata": {"key": mark}} for mark, request in items.items()]
        batch = {"display_name": "invest", "input_config": {"requests": {"requests": requests}}}
        return BatchCall("POST", f"{first}:batchGenerateContent", {"batch": batch})

    def look(self, batch_id: str) -> BatchCall:
        """See `BatchFormat`."""
        return BatchCall("GET", f"/v1beta/{quote(batch_id, safe='/')}")

    def cancel(self, batch_id: str) -> BatchCall:
        """See `BatchFormat`."""
        return BatchCall("POST", f"/v1beta/{quote(batch_id, safe='/')}:cancel")

    def state(self, body: Mapping[str, Any]) -> BatchState:
        """See `BatchFormat`. States come as `BATCH_STATE_…` or `JOB_STATE_…`."""
        status = str(as_dict(body.get("metadata")).get("state") or body.get("state") or "").rpartition("STATE_")[2]
        return BatchState(
            str(body.get("name") or ""), bool(body.get("done")) or status in _GEMINI_ENDED, status, (), body
        )

    def results(self, state: BatchState, files: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
        """See `BatchFormat`."""
        given = as_dict(as_dict(state.body.get("response")).get("inlinedResponses"))
        for one in as_list(given.get("inlinedResponses")):
            item = as_dict(one)
            if isinstance(item.get("response"), dict) and not item.get("error"):
                yield str(as_dict(item.get("metadata")).get("key") or ""), orjson.dumps(item["response"])


def batches_of(wire: Wire) -> BatchFormat | None:
    """The batch interface beside a wire format; None where its server has none that we speak."""
    if isinstance(wire, OpenAIResponses) and not wire.azure:
        return OpenAIBatches()
    if isinstance(wire, Anthropic):
        return AnthropicBatches()
    return GeminiBatches() if isinstance(wire, Gemini) else None


def _bare(request: Request) -> dict[str, Any]:
    """The body of an item: no batch streams."""
    return {name: value for name, value in request.body.items() if name != "stream"}


def _lines(files: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON objects of files of lines; a line that was cut is left out: its item counts as not answered."""
    for file in files:
        for line in file.splitlines():
            try:
                found = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(found, dict):
                yield found
