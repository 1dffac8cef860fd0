"""What an error response of a vendor means: which abstention, whether to try again, when, and what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from invest.ai.answers import one_line
from invest.ai.errors import CallFailed, ReasonCode
from invest.ai.hiding import hide_keys
from invest.domain.opinions import OpinionStatus
from invest.retry_after import retry_after as read_retry_after

RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_ABOUT_MODEL = frozenset({400, 403, 404, 410})
_STATUS: dict[ReasonCode, OpinionStatus] = {"invalid": OpinionStatus.INVALID, "refused": OpinionStatus.REFUSED}
MAX_WAIT = 7 * 86400.0  # seconds; a longer wait is none
SHOWN = 160
_NOT_THE_SCHEMA = frozenset({"json_validate_failed", "tool_use_failed"})
# Codes of an account without money: asking again within the call helps nothing.
_NO_QUOTA = frozenset({"insufficient_quota", "billing_error", "billing_not_active", "credit_balance_too_low"})
_POLICY = frozenset({
    "invalid_prompt", "content_filter", "content_policy_violation", "content_policy", "policy_violation",
    "cyber_policy_violation", "cyber_policy", "bio_policy", "usage_policy", "safety", "moderation",
    "moderation_blocked", "data_inspection_failed", "sensitive_content", "responsibleaipolicyviolation",
    "content_filter_error",
    "flagged", "prompt_blocked", "PROHIBITED_CONTENT", "SAFETY",
})  # fmt: skip
_MODEL_CODES = frozenset({
    "model_not_found", "model_not_available", "model_decommissioned", "model_deprecated", "model_retired",
    "deploymentnotfound", "unknown_model", "invalid_model",
})  # fmt: skip
_CODE_OF_TYPE = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "timeout_error": 504,
    "server_error": 500,
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "not_found_error": 404,
    "model_not_found": 404,
    "authentication_error": 401,
    "permission_error": 403,
    "billing_error": 402,
    "insufficient_quota": 429,
}
_FLAGGED = re.compile(
    r"(?i)\b(?:prompt|input|request|message|content|output|response)s?\b.{0,60}\b(?:flagged|moderat\w+|filtered"
    r"|violat\w+|blocked by)|content (?:filter\w*|management|polic\w+)|usage polic\w+|safety (?:system|filter|polic\w+)"
    r"|responsible ai|data inspection"
)
_GONE = re.compile(
    r"(?i)\bmodels?\b.{0,160}\b(?:deprecated|retired|decommission\w+|sunset|discontinued|shut\s?down|end[- ]of[- ]life"
    r"|no longer|not (?:be )?found|not exist|not available|unavailable for|not supported for)"
    r"|\b(?:no such|unknown|invalid) model\b|^model: \S+$|\bmodel\b.{0,80}\btry pulling"
)
_NO_MONEY = re.compile(
    r"(?i)credit balance|insufficient (?:balance|credits?|funds)|out of credits|billing hard limit"
    r"|billing is not active|payment required|\b(?:any|no|more|purchase|add) credits\b|credit limit|spending limit"
)
_TOO_LARGE = re.compile(r"(?i)request too large|too large for model|prompt is too long|exceeds the limit of \d+ tokens")
_CONTEXT = re.compile(
    r"(?i)context (?:length|window|size)|maximum context|n_ctx|num_ctx|max(?:imum)? sequence length|too many tokens"
    r"|`inputs` tokens \+ `max_new_tokens`"
)
_BAD_KEY = re.compile(
    r"(?i)\bapi[ _-]?key\b.{0,40}\b(?:not valid|invalid|expired|revoked|missing|not found|incorrect|disabled)"
    r"|\b(?:invalid|incorrect|expired|missing|unknown) (?:\w+ )?api[ _-]?key\b"
)
# A server that cannot make a grammar of the schema calls it its own fault: asked once more it fails once more.
_NO_GRAMMAR = re.compile(r"(?i)schema conversion failed|failed to (?:parse|compile|initiali[sz]e) (?:the )?grammar")
_TRY_AGAIN = re.compile(
    r"(?i)(?:try again|retry|wait)(?: your request)? (?:in|after|for)(?: about)?\s+"
    r"((?:[\d.]+\s*(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)\b\s*(?:and\s+)?)+|(?:\d+h)?(?:\d+m(?!s))?(?:[\d.]+(?:ms|s))?)"
)
_SPAN = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*(ms|milli|s|m|h|d)", re.IGNORECASE)
_UNITS = {"ms": 0.001, "milli": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_QUOTED = re.compile(r"['\"`]([A-Za-z_][\w.\[\]-]{1,60})['\"`]")
_BEFORE_COLON = re.compile(r"(?:^|[\s,;])([a-z_][\w.]{2,60}): ")


def failure(status: int, headers: Mapping[str, str], payload: bytes, secrets: tuple[str, ...] = ()) -> CallFailed:
    """What an error response means. The hint of waiting is read from the whole message, which is cut afterwards."""
    error = _error_of(payload)
    message = hide_keys(_message_of(error, payload), secrets)
    shown = one_line(message, SHOWN)
    kind, code, retryable = _meaning(status, error, message)
    reason = f"HTTP {status}: {shown}" if shown else f"HTTP {status}"
    prefix = {"quota_spent": "quota spent: ", "day_quota": "quota spent: ", "key_refused": "key refused: "}.get(
        code, ""
    )
    return CallFailed(
        kind,
        f"refused to answer: {shown or status}" if kind is OpinionStatus.REFUSED else prefix + reason,
        code=code,
        values={"detail": shown or f"HTTP {status}"},
        retryable=retryable,
        retry_after=retry_after(headers, error, message),
        http_status=status,
        named=tuple(dict.fromkeys(_named(error, message))),
        message=message,
        partial=_failed_text(error),
    )


def _meaning(status: int, error: Mapping[str, Any], message: str) -> tuple[OpinionStatus, ReasonCode, bool]:
    """The abstention, its code and whether to try again: the first rule that holds."""
    codes = set(_codes(error))
    limited = status == 429
    about_model = error.get("param") in (None, "", "model")
    rules: tuple[tuple[object, ReasonCode], ...] = (
        (codes & _NOT_THE_SCHEMA, "invalid"),
        (codes & _POLICY or (status in (400, 403, 422, 451) and _FLAGGED.search(message)), "refused"),
        (
            status == 402 or codes & _NO_QUOTA or (status in (400, 403, 429) and _NO_MONEY.search(message)),
            "quota_spent",
        ),
        (_spent_for_the_day(error), "day_quota"),
        (codes & _MODEL_CODES or (about_model and status in _ABOUT_MODEL and _GONE.search(message)), "model_gone"),
        (status in (401, 403) or (status == 400 and _BAD_KEY.search(message)), "key_refused"),
        (300 <= status < 400, "redirected"),
        (status == 413 or (limited and _TOO_LARGE.search(message)), "too_large"),
        (status in (400, 422) and _CONTEXT.search(message), "context_small"),
        (limited, "rate_limited"),
        (status in (404, 405) and not re.search("(?i)no endpoints", message), "no_endpoint"),
        (status >= 500 and _NO_GRAMMAR.search(message), "request_refused"),
        (status in (503, 529), "overloaded"),
        (status >= 500 or status in RETRYABLE, "server_error"),
    )
    code: ReasonCode = next((code for holds, code in rules if holds), "request_refused")
    kind = _STATUS.get(code, OpinionStatus.UNAVAILABLE)
    return kind, code, code in ("rate_limited", "overloaded", "server_error") and status in RETRYABLE


def failure_event(error: Mapping[str, Any]) -> CallFailed:
    """An error that came as an event of a stream that had begun with 200."""
    body = {"error": dict(error)}
    return failure(status_in(body, default=500), {}, orjson.dumps(body))


def retry_after(headers: Mapping[str, str], error: Mapping[str, Any], message: str) -> float | None:
    """Seconds to wait before the next try: header, google.rpc.RetryInfo, or the message's own words.

    What is no finite number of seconds from now on ("nan", "inf") is no hint.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        wait = read_retry_after(lower.get(name))
        if wait is not None and _sane(wait * scale) is not None:
            return wait * scale
    for detail in as_list(error.get("details")):
        if str(as_dict(detail).get("@type", "")).endswith("RetryInfo"):
            wait = _seconds(str(as_dict(detail).get("retryDelay", "")))
            if wait is not None:
                return wait
    match = _TRY_AGAIN.search(message)
    return _seconds(match[1]) if match else None


def _sane(wait: float) -> float | None:
    return wait if wait <= MAX_WAIT else None


def _seconds(text: str) -> float | None:
    spans = _SPAN.findall(text)
    return _sane(sum(float(number) * _UNITS[unit.lower()] for number, unit in spans)) if spans else None


def as_dict(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one: a vendor's null must not break the reading."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """`value` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def status_in(body: Mapping[str, Any], default: int) -> int:
    """The HTTP status that an error within a body stands for."""
    error = as_dict(body.get("error"))
    code = error.get("code")
    if "unexpected endpoint" in str(body.get("error")).lower():  # LM Studio answers 200 to a path that it has not
        return 404
    for given in map(str, (error.get("status_code"), error.get("status"), code)):
        if given.isdecimal() and 400 <= int(given) < 600:
            return int(given)
    for name in (code, error.get("type")):
        if isinstance(name, str) and name in _CODE_OF_TYPE:
            return _CODE_OF_TYPE[name]
    return default


def _error_of(payload: bytes) -> dict[str, Any]:
    """The error object of a body: `error`, the first of an array, or the body itself."""
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return {}
    errors = as_list(body.get("errors"))
    error = body.get("error") or (errors[0] if errors else body)
    if isinstance(error, str):
        return {"message": error, **{k: v for k, v in body.items() if k in ("code", "type", "param")}}
    return error if isinstance(error, dict) else {"message": str(error)}


def _codes(error: Mapping[str, Any]) -> Iterator[str]:
    """Every code an error carries: its own, those of its inner errors and of an upstream's."""
    inner = as_dict(error.get("innererror"))
    metadata = as_dict(error.get("metadata"))
    for holder in (error, inner, metadata):
        for name in ("code", "type", "status", "error_type"):
            if isinstance(holder.get(name), str):
                yield holder[name]
                yield holder[name].lower()
    if as_list(metadata.get("reasons")) and "flagged_input" in metadata:
        yield "flagged"


def _message_of(error: Mapping[str, Any], payload: bytes) -> str:
    """The error's words: a string, the messages of a list of details (`loc` and `msg`), or the body as text."""
    message = error.get("message") or error.get("detail") or error.get("msg") or error.get("error_description")
    if isinstance(message, dict):
        message = message.get("message") or message.get("detail") or message
    if isinstance(message, list):
        message = "; ".join(_detail(item) for item in message)
    if not message:
        return "" if error else re.sub(r"<[^>]*>", " ", payload[:2000].decode("utf-8", "replace"))
    raw = as_dict(error.get("metadata")).get("raw")
    return f"{message}: {raw}" if isinstance(raw, str) else str(message)


def _detail(item: Any) -> str:
    given = as_dict(item)
    where = ".".join(str(part) for part in as_list(given.get("loc")))
    words = str(given.get("msg") or given.get("message") or item)
    return f"{where}: {words}" if where else words


def _named(error: Mapping[str, Any], message: str) -> Iterator[str]:
    """The parameters an error speaks of, the surest first: `param`, `loc` of details, violations, quoted words."""
    if isinstance(param := error.get("param"), str) and param:
        yield param
    holders = [error.get("detail"), error.get("message"), as_dict(error.get("message")).get("detail")]
    for item in (i for holder in holders for i in as_list(holder)):
        if loc := [str(part) for part in as_list(as_dict(item).get("loc")) if part not in ("body", "query")]:
            yield ".".join(loc)
    for detail in as_list(error.get("details")):
        for violation in as_list(as_dict(detail).get("fieldViolations")):
            if field := as_dict(violation).get("field"):
                yield str(field)
    yield from _QUOTED.findall(message)
    yield from _BEFORE_COLON.findall(message)


def _failed_text(error: Mapping[str, Any]) -> str:
    """What a model wrote before a server threw it away: Groq sends it along."""
    text = error.get("failed_generation")
    return text if isinstance(text, str) else ""


def _spent_for_the_day(error: Mapping[str, Any]) -> bool:
    for detail in as_list(error.get("details")):
        for violation in as_list(as_dict(detail).get("violations")):
            if "PerDay" in str(as_dict(violation).get("quotaId", "")):
                return True
    return False
