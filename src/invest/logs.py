"""Structured logs: colours on a terminal, one JSON object per line on stdout elsewhere. Secrets never reach a line."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from typing import Any

import orjson
import structlog

from invest.settings import Settings

SECRET_KEY = re.compile(r"(?i)(token|secret|password|passwd|api_?key|authorization|dsn)")
URL_PASSWORD = re.compile(r"(?i)(://[^:/@\s]*:)[^@/\s]+(@)")
QUERY_SECRET = re.compile(r"(?i)([?&](?:token|key|api_?key|secret|password)=)[^&\s]+")
HIDDEN = "********"


def hide_secrets(_logger: Any, _method: str, event: Any) -> Any:
    """Replace values of secret-looking keys, passwords in URLs and secret query parameters."""
    for key, value in event.items():
        if SECRET_KEY.search(key):
            event[key] = HIDDEN
        elif isinstance(value, str):
            event[key] = hide_in_text(value)
    return event


def hide_in_text(text: str) -> str:
    """`text` without passwords in URLs, secret query parameters and raw line breaks (one record stays one line)."""
    text = URL_PASSWORD.sub(rf"\1{HIDDEN}\2", text)
    return QUERY_SECRET.sub(rf"\1{HIDDEN}", text).replace("\r", "\\r").replace("\n", "\\n")


def _dump(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def configure(settings: Settings, *, process: str, quiet: Iterable[str] = ()) -> None:
    """Set up logging of this process; `process` names it on every line. Standard logging goes the same way."""
    wanted = settings.logging.format
    as_json = wanted == "json" or (wanted == "auto" and not sys.stdout.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[Any] = [structlog.processors.format_exc_info, hide_secrets] if as_json else [hide_secrets]
    renderer: Any = structlog.processors.JSONRenderer(serializer=_dump) if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.logging.level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.logging.level, force=True)
    for name in ("httpx", "httpcore", "aiohttp.access", "asyncio", *quiet):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)
