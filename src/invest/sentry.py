"""Errors to Sentry (or what speaks its protocol), where SENTRY_DSN is set and the extra ``sentry`` is installed.

Nothing of a person goes along: no bodies, no headers, no addresses, no local variables; every text is masked as the
log's lines are. The lines of the program around the error are sent.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import structlog

from invest.errors import InvestError
from invest.extras import lacking
from invest.logs import hide_in_text, hide_secrets

DSN = "SENTRY_DSN"
KEPT_OF_A_REQUEST = ("method", "url")
log = structlog.get_logger("invest.sentry")
_sdk: Any = None


def set_up(process: str) -> bool:
    """Send errors where the environment says so; gives whether they are sent. Called once, when a process starts."""
    global _sdk  # noqa: PLW0603 - one client per process
    dsn = os.environ.get(DSN)
    if not dsn:
        return False
    try:
        sdk = importlib.import_module("sentry_sdk")
    except ModuleNotFoundError:
        log.warning("errors are not sent", reason=lacking("sentry", "Sentry"))
        return False
    try:
        sdk.init(
            dsn=dsn,
            release=f"invest@{version('invest')}",
            environment=os.environ.get("SENTRY_ENVIRONMENT", "production"),
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            server_name="",
            default_integrations=False,
            auto_enabling_integrations=False,
            traces_sample_rate=0.0,
            before_send=scrubbed,
            shutdown_timeout=2,
        )
    except Exception as error:  # a DSN that is none: the platform runs without
        log.warning("errors are not sent", reason=f"{DSN} is no address of Sentry: {type(error).__name__}")
        return False
    sdk.set_tag("process", process)
    _sdk = sdk
    return True


def report(error: BaseException, **tags: str | None) -> None:
    """Send one error that nobody expected, with plain tags such as `job`; does nothing where no Sentry is set up."""
    if _sdk is None or isinstance(error, InvestError):
        return
    with _sdk.new_scope() as scope:
        for name, value in tags.items():
            if value is not None:
                scope.set_tag(name, value[:200])
        scope.capture_exception(error)


def flush(timeout: float = 2.0) -> None:
    """Send what waits, before the process ends."""
    if _sdk is not None:
        _sdk.flush(timeout=timeout)


def scrubbed(event: dict[str, Any], _hint: Mapping[str, Any]) -> dict[str, Any] | None:
    """An event without anything of a person, its texts masked."""
    for name in ("user", "breadcrumbs", "extra", "modules", "server_name"):
        event.pop(name, None)
    if isinstance(request := event.get("request"), dict):
        event["request"] = {k: str(v).partition("?")[0] for k, v in request.items() if k in KEPT_OF_A_REQUEST}
    for value in event.get("exception", {}).get("values", ()):
        value["value"] = hide_in_text(str(value.get("value") or ""))
        for frame in value.get("stacktrace", {}).get("frames", ()):
            frame.pop("vars", None)
            frame.pop("abs_path", None)
    for name in ("message", "logentry", "tags", "contexts"):
        if name in event:
            event[name] = hide_secrets(None, "", {name: event[name]})[name]
    return event
