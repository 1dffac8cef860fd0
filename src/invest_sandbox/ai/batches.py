"""The vendors' batch interfaces: the same answers as one by one, later. Kept in memory.

A batch runs while it is first asked about and has ended when it is asked about again. Faults: `batch_late` (it runs
until it is cancelled), `batch_partial` (every second item fails), `batch_expired` (every second item expires).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson
from aiohttp import web

from invest_sandbox.ai import anthropic, gemini, openai_common, openai_responses
from invest_sandbox.ai.wire import Json, answer, body_of, faults_of
from invest_sandbox.seeds import token

Item = tuple[str, Json]  # its name and its body


@dataclass(slots=True)
class Batch:
    """One batch: its items, how it misbehaves, and how often it was asked about."""

    ident: str
    items: list[Item]
    faults: tuple[str, ...]
    looks: int = 0
    cancelled: bool = False

    def look(self) -> bool:
        """Whether it has ended."""
        self.looks += 1
        return self.cancelled or (self.looks > 1 and "batch_late" not in self.faults)

    def outcome(self, at: int) -> str:
        """succeeded, errored, expired or canceled."""
        if self.cancelled:
            return "canceled"
        if at % 2 and "batch_partial" in self.faults:
            return "errored"
        return "expired" if at % 2 and "batch_expired" in self.faults else "succeeded"


@dataclass(slots=True)
class Batches:
    """Batches and files of one sandbox."""

    batches: dict[str, Batch] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def add(self, prefix: str, items: list[Item], faults: tuple[str, ...]) -> Batch:
        """A new batch."""
        ident = prefix + token(20, prefix, str(len(self.batches)), *(name for name, _ in items))
        self.batches[ident] = Batch(ident, items, faults)
        return self.batches[ident]


BATCHES: web.AppKey[Batches] = web.AppKey("ai_batches", Batches)


def _batch(request: web.Request) -> Batch | None:
    return request.app[BATCHES].batches.get(request.match_info["batch"])


# -- Anthropic


def _anthropic(batch: Batch, ended: bool) -> web.Response:
    status = "ended" if ended else "canceling" if batch.cancelled else "in_progress"
    results = f"/v1/messages/batches/{batch.ident}/results" if ended else None
    return answer({"id": batch.ident, "type": "message_batch", "processing_status": status, "results_url": results})


async def anthropic_submit(request: web.Request) -> web.Response:
    """`POST /v1/messages/batches`."""
    if wrong := anthropic.unauthorised(request, faults_of(request)):
        return wrong
    body = await body_of(request)
    given = (body or {}).get("requests") or []
    items = [(str(one.get("custom_id")), one.get("params") or {}) for one in given]
    if not items or len({name for name, _ in items}) < len(items):
        return anthropic.fail(400, "invalid_request_error", "requests: custom_id must be unique")
    return _anthropic(request.app[BATCHES].add("msgbatch_", items, faults_of(request)), ended=False)


async def anthropic_look(request: web.Request) -> web.Response:
    """`GET /v1/messages/batches/{id}`."""
    batch = _batch(request)
    return _anthropic(batch, batch.look()) if batch else anthropic.fail(404, "not_found_error", "no such batch")


async def anthropic_cancel(request: web.Request) -> web.Response:
    """`POST /v1/messages/batches/{id}/cancel`."""
    batch = _batch(request)
    if batch is None:
        return anthropic.fail(404, "not_found_error", "no such batch")
    batch.cancelled = True
    return _anthropic(batch, ended=False)


async def anthropic_results(request: web.Request) -> web.Response:
    """`GET /v1/messages/batches/{id}/results`: a line for each item, in no order."""
    batch = _batch(request)
    if batch is None:
        return anthropic.fail(404, "not_found_error", "no such batch")
    lines = []
    for at, (name, body) in enumerate(batch.items):
        result: Json = {"type": batch.outcome(at)}
        if result["type"] == "succeeded":
            result["message"] = anthropic.whole(body, batch.faults)
        elif result["type"] == "errored":
            error = {"type": "invalid_request_error", "message": "the item could not be served"}
            result["error"] = {"type": "error", "error": error}
        lines.append(orjson.dumps({"custom_id": name, "result": result}))
    return web.Response(body=b"\n".join(reversed(lines)), content_type="application/x-jsonl")


# -- OpenAI


async def openai_upload(request: web.Request) -> web.Response:
    """`POST /v1/files`: multipart, with a purpose."""
    if denied := openai_common.refused(request, faults_of(request)):
        return denied
    form = await request.post()
    file = form.get("file")
    if form.get("purpose") != "batch" or not isinstance(file, web.FileField):
        return openai_common.fail(400, "'purpose' and 'file' are required", "invalid_request_error")
    content = file.file.read()
    ident = "file-" + token(24, content.decode("utf-8", "replace"))
    request.app[BATCHES].files[ident] = content
    return answer({"id": ident, "object": "file", "purpose": "batch", "bytes": len(content)})


def _openai(shelf: Batches, batch: Batch, ended: bool) -> web.Response:
    lines = []
    for at, (name, body) in enumerate(batch.items):
        if batch.outcome(at) == "succeeded":
            response = {"status_code": 200, "body": openai_responses.whole(body, "openai", batch.faults)}
            lines.append(orjson.dumps({"id": f"r_{at}", "custom_id": name, "response": response, "error": None}))
        elif batch.outcome(at) == "errored":
            failed = {"status_code": 400, "body": {"error": openai_common.error("no", "invalid_request_error")}}
            lines.append(orjson.dumps({"id": f"r_{at}", "custom_id": name, "response": failed, "error": None}))
    expired = "batch_expired" in batch.faults
    status = "cancelled" if batch.cancelled else "expired" if expired else "completed"
    output = None
    if ended:
        output = f"file-{batch.ident}"
        shelf.files[output] = b"\n".join(lines)
    given = {"id": batch.ident, "object": "batch", "endpoint": "/v1/responses", "output_file_id": output}
    return answer({**given, "status": status if ended else "in_progress", "completion_window": "24h"})


async def openai_submit(request: web.Request) -> web.Response:
    """`POST /v1/batches`."""
    if denied := openai_common.refused(request, faults_of(request)):
        return denied
    shelf, body = request.app[BATCHES], await body_of(request) or {}
    content = shelf.files.get(str(body.get("input_file_id")))
    if content is None or body.get("endpoint") != "/v1/responses" or body.get("completion_window") != "24h":
        return openai_common.fail(400, "input_file_id, endpoint or completion_window is wrong", "invalid_request_error")
    lines = [orjson.loads(line) for line in content.splitlines()]
    return _openai(shelf, shelf.add("batch_", [(o["custom_id"], o["body"]) for o in lines], faults_of(request)), False)


async def openai_look(request: web.Request) -> web.Response:
    """`GET /v1/batches/{id}`."""
    batch = _batch(request)
    if batch is None:
        return openai_common.fail(404, "No such batch", "invalid_request_error")
    return _openai(request.app[BATCHES], batch, batch.look())


async def openai_cancel(request: web.Request) -> web.Response:
    """`POST /v1/batches/{id}/cancel`."""
    batch = _batch(request)
    if batch is None:
        return openai_common.fail(404, "No such batch", "invalid_request_error")
    batch.cancelled = True
    return _openai(request.app[BATCHES], batch, ended=False)


async def openai_content(request: web.Request) -> web.Response:
    """`GET /v1/files/{id}/content`."""
    content = request.app[BATCHES].files.get(request.match_info["file"])
    if content is None:
        return openai_common.fail(404, "No such file", "invalid_request_error")
    return web.Response(body=content, content_type="application/octet-stream")


# -- Gemini


async def gemini_submit(request: web.Request, model: str) -> web.Response:
    """`POST /v1beta/models/{model}:batchGenerateContent`."""
    body = await body_of(request) or {}
    given = (((body.get("batch") or {}).get("input_config") or {}).get("requests") or {}).get("requests") or []
    if not given:
        return gemini.fail(400, "INVALID_ARGUMENT", "batch.input_config.requests: not specified")
    items = [(str((o.get("metadata") or {}).get("key")), {**o.get("request", {}), "model": model}) for o in given]
    return _gemini(request.app[BATCHES].add("", items, faults_of(request)), ended=False)


def _gemini(batch: Batch, ended: bool) -> web.Response:
    state = "CANCELLED" if batch.cancelled else "SUCCEEDED" if ended else "RUNNING"
    operation: Json = {"name": f"batches/{batch.ident}", "metadata": {"state": f"BATCH_STATE_{state}"}, "done": ended}
    if ended and not batch.cancelled:
        lines = []
        for at, (name, body) in enumerate(batch.items):
            good = batch.outcome(at) == "succeeded"
            line = {"response": gemini.whole(body, str(body["model"]), batch.faults)} if good else {}
            lines.append({**(line or {"error": {"code": 13, "message": "failed"}}), "metadata": {"key": name}})
        operation["response"] = {"inlinedResponses": {"inlinedResponses": lines}}
    return answer(operation)


async def gemini_look(request: web.Request) -> web.Response:
    """`GET /v1beta/batches/{id}`."""
    batch = _batch(request)
    return _gemini(batch, batch.look()) if batch else gemini.fail(404, "NOT_FOUND", "no such batch")


async def gemini_cancel(request: web.Request) -> web.Response:
    """`POST /v1beta/batches/{id}:cancel`."""
    ident, _, verb = request.match_info["call"].partition(":")
    batch = request.app[BATCHES].batches.get(ident)
    if batch is None or verb != "cancel":
        return gemini.fail(404, "NOT_FOUND", "no such batch")
    batch.cancelled = True
    return answer({})


async def gemini_post(request: web.Request) -> web.StreamResponse:
    """`POST /v1beta/models/{model}:{verb}`: one question, or a batch of them."""
    model, _, verb = request.match_info["call"].partition(":")
    if verb != "batchGenerateContent":
        return await gemini.serve(request)
    return gemini.refused(request, model, faults_of(request)) or await gemini_submit(request, model)


def routes() -> list[web.RouteDef]:
    """The batch interfaces beneath ``/ai``."""
    one = "/anthropic/v1/messages/batches/{batch}"
    return [
        web.post("/anthropic/v1/messages/batches", anthropic_submit),
        web.get(one, anthropic_look),
        web.post(f"{one}/cancel", anthropic_cancel),
        web.get(f"{one}/results", anthropic_results),
        web.post("/openai/v1/files", openai_upload),
        web.get("/openai/v1/files/{file}/content", openai_content),
        web.post("/openai/v1/batches", openai_submit),
        web.get("/openai/v1/batches/{batch}", openai_look),
        web.post("/openai/v1/batches/{batch}/cancel", openai_cancel),
        web.get("/gemini/v1beta/batches/{batch}", gemini_look),
        web.post("/gemini/v1beta/batches/{call}", gemini_cancel),
    ]
