"""Structured logs: colours on a terminal, one JSON object per line on stdout elsewhere. Secrets never reach a line."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
import structlog
from pydantic import BaseModel, SecretStr

from invest.settings import Settings

SECRET_NAME = r"token|secret|password|passwd|api[_-]?key|authorization|cookie|dsn"  # noqa: S105 - names of secrets
SECRET_KEY = re.compile(rf"(?i)({SECRET_NAME})(?![a-z])")
HIDDEN = "********"
SHORTEST = 6  # characters of a configured secret that is looked for: a shorter one would be found everywhere
DEEPEST = 8  # levels of nested values that are looked into
# What to look for in texts, and what of it stays.
SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)(://[^:/@\s]*:)[^@/\s]+(@)"), rf"\1{HIDDEN}\2"),
    (re.compile(r"(?i)([?&](?:token|key|api_?key|secret|password)=)[^&\s\"']+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{6,}"), rf"\1\2{HIDDEN}"),
    (
        re.compile(
            rf"(?i)\b((?:[a-z0-9_-]{{0,40}})(?:{SECRET_NAME})[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?)[^\s\"',;&}}\])]{{4,}}"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\binv_[0-9a-f]{8}_[A-Za-z0-9_-]{20,}"), f"inv_{HIDDEN}"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{12,}"), f"sk-{HIDDEN}"),
    (re.compile(r"\bAIza[0-9A-Za-z_-]{20,}"), f"AIza{HIDDEN}"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=]{12,}"), f"whsec_{HIDDEN}"),
)
HINTS = ("inv_", "sk-", "AIza", "whsec_", "://", "=", ":", "earer ", "asic ", "EARER ", "ASIC ")
_configured: list[str] = []  # values of this process's secrets, the longest first


def remember_secrets(settings: Settings) -> None:
    """Have every configured secret's value masked wherever it stands in a line."""
    found = {part for secret in _secrets(settings) for part in _parts(secret) if len(part) >= SHORTEST}
    _configured[:] = sorted(found, key=len, reverse=True)


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets(inner)


def _parts(secret: str) -> Iterator[str]:
    """What of a secret must not be read: of an address only its password, written either way."""
    if "://" not in secret:
        yield secret
        return
    try:
        password = urlsplit(secret).password
    except ValueError:
        return
    if password:
        yield from (password, unquote(password))


def hide_secrets(_logger: Any, _method: str, event: Any) -> Any:
    """Replace values under secret-looking keys at any depth, and secrets in texts."""
    for key, value in event.items():
        event[key] = HIDDEN if SECRET_KEY.search(str(key)) else _hidden(value)
    return event


def _hidden(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return hide_in_text(value)
    if depth >= DEEPEST:
        return hide_in_text(str(value))
    if isinstance(value, Mapping):
        return {k: HIDDEN if SECRET_KEY.search(str(k)) else _hidden(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_hidden(item, depth + 1) for item in value]
    if isinstance(value, bool | int | float | None):
        return value
    return value if isinstance(value, SecretStr) else _of_another_kind(value, depth)


def _of_another_kind(value: Any, depth: int) -> Any:
    if isinstance(value, BaseModel):
        return _hidden(value.model_dump(), depth + 1)
    return hide_in_text(str(value)) if isinstance(value, BaseException | bytes) else value


def hide_in_text(text: str) -> str:
    """`text` without secrets and without raw line breaks (one record stays one line)."""
    return mask(text).replace("\r", "\\r").replace("\n", "\\n")


def mask(text: str) -> str:
    """`text` without the values of configured secrets, passwords in addresses, and what looks like a key."""
    for secret in _configured:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    if any(hint in text for hint in HINTS):
        for shape, stays in SHAPES:
            text = shape.sub(stays, text)
    return text


def _dump(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _masked(render: Callable[..., Any]) -> Callable[..., Any]:
    """A renderer whose text is looked through once more: tracebacks are part of it only then."""

    def masked(logger: Any, method: str, event: Any) -> Any:
        return mask(render(logger, method, event))

    return masked


def configure(settings: Settings, *, process: str, quiet: Iterable[str] = ()) -> None:
    """Set up logging of this process; `process` names it on every line. Standard logging goes the same way."""
    remember_secrets(settings)
    wanted = settings.logging.format
    as_json = wanted == "json" or (wanted == "auto" and not sys.stdout.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks show no local variables: they hold keys and headers.
    console = _masked(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))
    renderer: Any = structlog.processors.JSONRenderer(serializer=_dump) if as_json else console
    ending: list[Any] = [structlog.processors.format_exc_info, hide_secrets] if as_json else [hide_secrets]
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
