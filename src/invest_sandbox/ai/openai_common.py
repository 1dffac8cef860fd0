"""Errors, headers and names shared by OpenAI's two APIs."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from invest_sandbox.ai.wire import Json, answer
from invest_sandbox.seeds import token

CREATED = 1774990800  # a fixed instant: nothing of an answer depends on the clock


def error(message: str, kind: str, code: str | None = None, param: str | None = None) -> Json:
    """OpenAI's error object."""
    return {"message": message, "type": kind, "param": param, "code": code}


def fail(status: int, message: str, kind: str, code: str | None = None, param: str | None = None) -> web.Response:
    """An error response."""
    return answer({"error": error(message, kind, code, param)}, status, headers("err" + message))


def headers(seed: str) -> dict[str, str]:
    """The harmless headers of a real answer."""
    return {
        "openai-version": "2020-10-01",
        "openai-processing-ms": "240",
        "x-request-id": "req_" + token(32, seed).lower(),
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-remaining-tokens": "1999000",
    }


def dated(model: str) -> str:
    """The model id as answered: with its date, as the vendor does."""
    return model if model[-2:].isdigit() and model.count("-") > 2 else f"{model}-2025-11-13"


def refused(request: web.Request, faults: tuple[str, ...]) -> web.Response | None:
    """A response for a missing or wrong key."""
    key = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not key or key == "invalid" or "invalid_key" in faults:
        shown = f"{key[:4]}****" if key else ""
        message = f"Incorrect API key provided: {shown}. You can find your API key at https://platform.openai.com/account/api-keys."
        return fail(401, message, "invalid_request_error", "invalid_api_key")
    return None


def overloaded(faults: tuple[str, ...], *, streamed: bool) -> web.Response | None:
    """A 503 under an overload; a stream begins and breaks off instead."""
    if "overload" in faults and not streamed:
        return fail(503, "The engine is currently overloaded, please try again later", "server_error")
    return None


def wrong_body(body: Json | None, field: str) -> web.Response | None:
    """A response for a body that cannot be served."""
    if body is None:
        return fail(400, "We could not parse the JSON body of your request.", "invalid_request_error")
    model = str(body.get("model") or "")
    if not model:
        return fail(400, "you must provide a model parameter", "invalid_request_error")
    if "does-not-exist" in model or "non-existent" in model:
        message = f"The model `{model}` does not exist or you do not have access to it."
        return fail(404, message, "invalid_request_error", "model_not_found")
    if not body.get(field):
        message = f"Missing required parameter: '{field}'."
        return fail(400, message, "invalid_request_error", "missing_required_parameter", field)
    return _wrong_temperature(body.get("temperature"))


def _wrong_temperature(value: Any) -> web.Response | None:
    if isinstance(value, int | float) and value < 0:
        message = f"Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got {value} instead."
        return fail(400, message, "invalid_request_error", "decimal_below_min_value", "temperature")
    return None
