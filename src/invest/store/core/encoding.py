"""Convert models to columns and JSON and back; remove characters that PostgreSQL cannot store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import orjson
from pydantic import BaseModel

# In JSON text, a NUL is the escape \u0000 and half a surrogate pair \ud8xx..\udfxx; an even run of backslashes
# before the u is text about an escape, not an escape.
BAD_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")
SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` with NULs and lone surrogates replaced by U+FFFD, which PostgreSQL's text refuses."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


COPY_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def copy_text(text: str) -> str:
    """`text` as a field of COPY's text format.

    >>> copy_text("a\\tb")
    'a\\\\tb'
    """
    return text.translate(COPY_ESCAPES)


def clean_or_none(text: str | None) -> str | None:
    """`clean`, with None kept."""
    return None if text is None else clean(text)


def to_json(value: Any) -> str:
    """JSON for a jsonb column: of a model, or of plain data (Decimals as text, NaN as null)."""
    raw = value.model_dump_json().encode() if isinstance(value, BaseModel) else _dumps(value)
    if b"\\u" in raw:
        raw = BAD_ESCAPE.sub(rb"\1\\ufffd", raw)
    return raw.decode()


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=_default, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        # orjson refuses lone surrogates and integers beyond 64 bits: pydantic's encoder spells them out.
        from pydantic_core import to_json as pydantic_json

        return pydantic_json(_cleaned(value), inf_nan_mode="null")


def _default(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {_cleaned(k): _cleaned(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(v) for v in value]
    return value


def from_json(text: str | bytes | None) -> Any:
    """Plain data of a jsonb column; None stays None."""
    return None if text is None else orjson.loads(text)


def columns(rows: Iterable[Any], *names: str) -> list[tuple[Any, ...]]:
    """One tuple per attribute, as `unnest` takes them."""
    found = list(zip(*map(attrgetter(*names), rows), strict=True))
    return found or [() for _ in names]


def texts(values: Iterable[Any]) -> list[str | None]:
    """Numbers as text: cast on the server, exact, and several times faster than the client's numeric encoder."""
    return [None if v is None else str(v) for v in values]


def array_text(values: Sequence[str]) -> str:
    """An array as PostgreSQL writes it, for a parameter ``$1::text::text[]``: no value may be None.

    The client's own encoder asks of each element whether it is an array itself, which costs more than all the rest.

    >>> array_text(["a", "b c"])
    '{"a","b c"}'
    """
    text = '","'.join(values)
    if "\\" in text or text.count('"') != 2 * max(0, len(values) - 1):
        text = '","'.join(v.replace("\\", "\\\\").replace('"', '\\"') for v in values)
    return f'{{"{text}"}}' if values else "{}"


def moments(values: Sequence[datetime]) -> list[str]:
    """Times as text, each distinct one written once."""
    written = {value: str(value) for value in set(values)}
    return [written[value] for value in values]


def chunks(rows: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    """`rows` in slices of at most `size`."""
    return (rows[i : i + size] for i in range(0, len(rows), size))
