"""The error envelope; apart from the errors, so that a command which only prints its help loads no pydantic."""

from __future__ import annotations

import traceback
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

MAX_TRACEBACK = 8_000
MAX_MESSAGE = 2_000
MAX_NAMED = 1_000  # wrong values that are told one by one


class ErrorInfo(BaseModel):
    """The error envelope that travels instead of a pickled exception."""

    model_config = ConfigDict(frozen=True)

    type: str
    message: str
    traceback: str | None = None
    retryable: bool = False

    @classmethod
    def of(cls, error: BaseException, *, retryable: bool = False) -> ErrorInfo:
        """The envelope of a caught exception; its text is cut, and an exception whose ``str`` fails is survived."""
        try:
            message = str(error)
        except Exception:  # a job's own __str__ may raise anything
            message = "(its message could not be read)"
        try:
            trace = "".join(traceback.format_exception(error, limit=-20))
        except Exception:  # formatting calls the same __str__
            trace = None
        return cls(
            type=type(error).__name__,
            message=_clean(message)[:MAX_MESSAGE],
            traceback=_clean(trace)[-MAX_TRACEBACK:] if trace else None,
            retryable=retryable,
        )


def _clean(text: str) -> str:
    """Text that JSON and PostgreSQL take: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def wrong_values(error: ValidationError, *, inputs: bool = False) -> list[dict[str, Any]]:
    """What is wrong, one entry for each value; a single one for very many, which would take seconds to write out.

    `inputs`: with what was given, which may be huge or secret.
    """
    count = error.error_count()
    if count > MAX_NAMED:
        message = f"{count:,} values are wrong, too many to name: try one entry alone"
        return [{"loc": (), "msg": message, "type": "too_many_errors"}]
    return [dict(one) for one in error.errors(include_url=False, include_context=False, include_input=inputs)]
