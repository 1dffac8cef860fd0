"""Where work came from: the request's id and its trace, from HTTP through Redis and the job to SQL and upstreams.

The request id goes into the log lines of the job that the request queued. Traces are OpenTelemetry's: they are made
where the extra ``otel`` is installed and OTEL_EXPORTER_OTLP_ENDPOINT is set, and cost nothing elsewhere.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import structlog

from invest.extras import lacking

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
REQUEST_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
log = structlog.get_logger("invest.tracing")


class Origin(NamedTuple):
    """What a job carries of the request that queued it."""

    request_id: str | None = None
    traceparent: str | None = None


request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_tracer: Any = None


def set_up(process: str) -> bool:
    """Send traces where the environment says so; gives whether they are sent. Called once, when a process starts."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return False
    try:
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources = importlib.import_module("opentelemetry.sdk.resources")
    except ModuleNotFoundError:
        log.warning("traces are not sent", reason=lacking("otel", "OpenTelemetry"))
        return False
    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME", f"invest-{process}")}
    provider = sdk.TracerProvider(resource=resources.Resource.create(named))
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    use(provider)
    return True


def use(provider: Any) -> None:
    """Make spans with an OpenTelemetry tracer provider; None ends that."""
    global _tracer  # noqa: PLW0603 - one tracer per process
    _tracer = None if provider is None else provider.get_tracer("invest")


@contextmanager
def span(name: str, *, kind: str = "INTERNAL", parent: str | None = None, **attributes: Any) -> Iterator[Any]:
    """A span around a piece of work, under `parent` (a traceparent) or the open one; an error is recorded in it.

    `attributes` are those that are known before; the span is given, to set more (None where no traces are made).
    """
    if _tracer is None:
        yield None
        return
    trace = importlib.import_module("opentelemetry.trace")
    given = {key.replace("__", "."): value for key, value in attributes.items() if value is not None}
    above = _context_of(parent) if parent else None
    with _tracer.start_as_current_span(
        name, context=above, kind=trace.SpanKind[kind], attributes=given, record_exception=True
    ) as made:
        yield made


def traced() -> bool:
    """Whether spans are made."""
    return _tracer is not None


def carried() -> str | None:
    """What a job queued now takes along: ``request id;traceparent``. None where there is neither."""
    who, trace = request_id.get(), _traceparent()
    return f"{who or ''};{trace or ''}" if who or trace else None


def arrived(text: str | None) -> Origin:
    """What a job brought; anything that is not ours is left out."""
    who, _, trace = (text or "").partition(";")
    return Origin(
        who if REQUEST_ID.fullmatch(who) else None,
        trace if TRACEPARENT.fullmatch(trace) else None,
    )


def parent_in(headers: Mapping[str, str]) -> str | None:
    """The caller's traceparent in a request's headers."""
    given = headers.get("traceparent", "")
    return given if TRACEPARENT.fullmatch(given) else None


def _traceparent() -> str | None:
    if _tracer is None:
        return None
    context = importlib.import_module("opentelemetry.trace").get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _context_of(parent: str) -> Any:
    propagation = importlib.import_module("opentelemetry.trace.propagation.tracecontext")
    return propagation.TraceContextTextMapPropagator().extract({"traceparent": parent})
