"""Every error as RFC 9457 `application/problem+json`: what, where, what to do; never a traceback."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis.exceptions import RedisError

from invest.api.http.headers import Plain
from invest.api.http.public import public_error
from invest.engine import CONNECTION_ERRORS, InvalidArguments, QueueFull
from invest.error_info import wrong_values
from invest.errors import ConfigError, InvestError, NotFound, Unreachable

MEDIA_TYPE = "application/problem+json"
RETRY_SOON = 5  # seconds a client is asked to wait when Redis or PostgreSQL does not answer


class FieldError(BaseModel):
    """One wrong field."""

    field: str = Field(description="the parameter, or the path to the value inside the body", examples=["ticker"])
    message: str = Field(examples=["'XX' is no ticker: expected a B3 code such as PETR4"])


class ProblemDetails(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", description="a URI reference naming the kind of problem")
    title: str
    status: int
    detail: str | None = Field(default=None, description="what was wrong here, and what to do")
    instance: str | None = Field(default=None, description="the path that was asked for")
    request_id: str | None = Field(default=None, description="names this request in the logs")
    errors: list[FieldError] | None = Field(default=None, description="each wrong field")


class Problem(Exception):
    """Raised by a handler to answer with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "about:blank",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.errors = list(errors)
        self.headers = dict(headers or {})


def invalid(field: str, message: str) -> Problem:
    """422 for one field."""
    return Problem(
        422, f"{field}: {message}", kind="urn:invest:invalid", errors=[FieldError(field=field, message=message)]
    )


def invalid_fields(errors: Sequence[Mapping[str, Any]], detail: str = "") -> Problem:
    """422 from pydantic's list of errors; values are not echoed, they may be huge or secret."""
    fields = [_field_error(error) for error in errors[:50]]
    text = detail or "; ".join(f"{f.field}: {f.message}" for f in fields[:3])
    return Problem(422, text, kind="urn:invest:invalid", errors=fields)


def _field_error(error: Mapping[str, Any]) -> FieldError:
    """One of pydantic's errors; of one about a whole body that begins with the name of a given field, of that field."""
    field, message = ".".join(str(p) for p in error["loc"] if p != "[key]"), _plain(str(error["msg"]))
    name, colon, reason = message.partition(": ")
    given = error.get("input")
    if not field and colon and isinstance(given, Mapping) and name in given:
        return FieldError(field=name, message=reason)
    return FieldError(field=field or "body", message=message)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")[:500]


def problem_of(error: BaseException) -> Problem | None:  # noqa: PLR0911 - one table of what stands for what
    """The problem an expected error stands for; None for one that nobody expected."""
    match error:
        case Problem():
            return error
        case InvalidArguments():
            return invalid_fields(error.errors)
        case ValidationError():
            return invalid_fields(wrong_values(error))
        case NotFound():
            return Problem(404, str(error))
        case QueueFull():
            return unavailable(str(error), after=30)
        case Unreachable() | ConfigError():
            return unavailable(public_error(error))
        case web.HTTPException():
            return _of_http(error)
        case RedisError() if isinstance(error, CONNECTION_ERRORS):
            return unavailable("Redis does not answer")
        case TimeoutError() | ConnectionError():
            return unavailable("a service this request needs did not answer in time")
        case InvestError():
            return Problem(409, public_error(error))
    return None


def unavailable(detail: str, *, after: int = RETRY_SOON) -> Problem:
    """503 with Retry-After."""
    return Problem(503, detail, kind="urn:invest:unavailable", headers={"Retry-After": str(after)})


def _of_http(error: web.HTTPException) -> Problem:
    headers = {k: v for k, v in error.headers.items() if k in ("Allow", "Location", "Retry-After")}
    details = {
        404: "there is no such resource; /docs lists those there are",
        405: f"this resource takes {headers.get('Allow', 'other methods')}",
        413: "the request body is too large",
    }
    return Problem(error.status, details.get(error.status, error.reason or ""), headers=headers)


def render(problem: Problem, *, instance: str | None = None, request_id: str | None = None) -> web.Response:
    """The HTTP response of a problem."""
    details = ProblemDetails(
        type=problem.kind,
        title=title_of(problem.status),
        status=problem.status,
        detail=problem.detail[:2000],
        instance=instance[:500] if instance else None,
        request_id=request_id,
        errors=problem.errors or None,
    )
    body = orjson.dumps(details.model_dump(exclude_none=True), option=orjson.OPT_NON_STR_KEYS)
    return Plain(status=problem.status, body=body, content_type=MEDIA_TYPE, headers=problem.headers)


def title_of(status: int) -> str:
    """The standard phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def retry_after(seconds: float) -> dict[str, str]:
    """The header, rounded up."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
