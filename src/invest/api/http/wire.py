"""Decode and encode untrusted bytes in one place: sizes, charsets, nesting, control characters."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from typing import Any, NamedTuple

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, TypeAdapter, ValidationError

from invest.api.http.problems import Problem, invalid, invalid_fields
from invest.error_info import wrong_values

BODY_SECONDS = 15.0  # a body must arrive within
MAX_QUERY = 8_000  # characters
ROWS_IN_A_TURN = 400
MAX_DEPTH = 32  # of JSON nesting
MAX_VALUES = 75_000  # of a JSON body: each may be wrong in its own way, which takes microseconds to note
MAX_PARTS = 2_000  # of a form
MAX_PART_HEAD = 4_000  # bytes
PARAMETER = re.compile(
    r';[ \t]*(?P<parameter>name|filename)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s;"]+))', re.IGNORECASE
)
JSON_TYPES = ("application/json", "application/octet-stream", "")
BRACKETS = bytes.maketrans(b"{}", b"[]")
NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
RAW_CONTROL = re.compile("[\x7f\ufffe\uffff]")  # those below a blank are no JSON
ESCAPED_CONTROL = re.compile(r"\\(?:[bf]|u(?:00(?:0[0-8bce-f]|1[0-9a-f]|7f)|fff[ef]))", re.IGNORECASE)
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def query_of(request: web.Request, known: Mapping[str, object]) -> dict[str, str]:
    """The query parameters, each at most once and known. Raises a 422 naming the wrong one."""
    if not request.rel_url.raw_query_string:
        return {}
    if len(request.rel_url.raw_query_string) > MAX_QUERY:
        raise Problem(414, f"the query string is longer than {MAX_QUERY} characters")
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in known:
            shown = CONTROL.sub("?", name)[:50]
            raise invalid(shown, f"no such parameter; there are: {', '.join(sorted(known)) or 'none'}")
        if name in found:
            raise invalid(name, "given twice")
        found[name] = checked_text(name, value)
    return found


def checked_text(name: str, value: str) -> str:
    """`value` without control characters, NUL and lone surrogates, which neither JSON nor PostgreSQL would take."""
    if CONTROL.search(value):
        raise invalid(name, "control characters are not taken")
    if "\ufffd" in value:
        raise invalid(name, "not valid UTF-8")
    return value


async def read_body(request: web.Request, limit: int, count: Callable[[int], None]) -> bytes:
    """The body, at most `limit` bytes, in `BODY_SECONDS`; empty if none came. `count` takes each piece's size."""
    if not request.body_exists:
        return b""
    if (request.content_length or 0) > limit:
        raise Problem(413, f"the body is larger than {limit} bytes", headers={"Connection": "close"})
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                count(len(chunk))
                body += chunk
                if len(body) > limit:
                    raise Problem(413, f"the body is larger than {limit} bytes", headers={"Connection": "close"})
    except TimeoutError:
        raise Problem(
            408, f"the body did not arrive within {BODY_SECONDS:g} s", headers={"Connection": "close"}
        ) from None
    except (web.RequestPayloadError, HttpProcessingError):
        message = "the body could not be read: wrong length, chunks or compression"
        raise Problem(400, message, headers={"Connection": "close"}) from None
    return bytes(body)


def check_json_type(request: web.Request) -> None:
    """415 unless the body says it is JSON in UTF-8 (or says nothing)."""
    declared = request.headers.get("Content-Type", "")
    media, _, rest = declared.partition(";")
    media = media.strip().lower()
    if media not in JSON_TYPES and not media.endswith("+json"):
        raise Problem(415, "send JSON: Content-Type: application/json")
    if "charset" in rest.lower() and not re.search(r"charset\s*=\s*\"?utf-?8\"?\s*($|;)", rest, re.IGNORECASE):
        raise Problem(415, "JSON is UTF-8 (RFC 8259): drop the charset")


def check_json(body: bytes) -> None:
    """400 for what is no JSON or nests deeper than `MAX_DEPTH`, 422 for control characters, escaped ones too."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(400, f"the body is not UTF-8 (byte {error.start})") from None
    plain = text.replace("\\\\", "")  # what is left before a letter is an escape
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH or body.count(b",") > MAX_VALUES:
        _check_shape("".join(plain.replace('\\"', "").split('"')[::2]))
    if RAW_CONTROL.search(text) or ESCAPED_CONTROL.search(plain):
        raise invalid("body", "control characters are not taken")


def _check_shape(outside: str) -> None:
    """The same of what stands outside texts. Whole passes in C: a look at each bracket of a megabyte takes a second."""
    if outside.count(",") > MAX_VALUES:
        raise Problem(413, f"the body holds more than {MAX_VALUES:,} values: send it in parts")
    brackets = outside.encode("ascii", "ignore").translate(BRACKETS, delete=NO_BRACKETS)
    for _ in range(MAX_DEPTH):  # each pass takes the innermost pairs away
        before, brackets = len(brackets), brackets.replace(b"[]", b"")
        if len(brackets) == before:
            break
    if brackets:
        raise Problem(400, f"the body nests deeper than {MAX_DEPTH} levels, or its brackets do not match")


def parse_json(kind: TypeAdapter[Any], body: bytes, *, at: str = "") -> Any:
    """`body` as `kind`, strictly: "true" is no boolean, 1 no string. `at` is the name of what it stands for.

    Raises 400 for no JSON, 422 for a wrong value.
    """
    try:
        return kind.validate_json(body, strict=True)
    except ValidationError as error:
        errors = wrong_values(error, inputs=error.error_count() == 1)  # one copy of what was given at most
        if errors[0]["type"] == "json_invalid":
            raise Problem(400, f"the body is no JSON: {str(errors[0]['msg']).removeprefix('Invalid JSON: ')}") from None
        if at:
            errors = [{**e, "loc": (at, *e["loc"])} for e in errors]
        raise invalid_fields(errors) from None


def to_json(value: Any) -> bytes:
    """A reply as JSON bytes; Decimals as strings, times as ISO 8601."""
    if isinstance(value, BaseModel):
        return value.__pydantic_serializer__.to_json(value)
    return orjson.dumps(value, default=_fallback, option=orjson.OPT_NON_STR_KEYS)


async def to_json_in_turns(value: Any) -> bytes:
    """The same of an answer that may hold thousands of rows: between a few hundred of them others have their turn."""
    long = _long_fields(value)
    if not long:
        return to_json(value)
    parts: list[bytes] = []
    for name in type(value).model_fields:
        if name not in long:
            parts.append(value.__pydantic_serializer__.to_json(value, include={name})[1:-1])
            continue
        rows: list[bytes] = []
        items = getattr(value, name)
        for start in range(0, len(items), ROWS_IN_A_TURN):
            rows += (item.__pydantic_serializer__.to_json(item) for item in items[start : start + ROWS_IN_A_TURN])
            await asyncio.sleep(0)
        parts.append(b'"%s":[%s]' % (name.encode(), b",".join(rows)))
    return b"{%s}" % b",".join(parts)


def _long_fields(value: Any) -> set[str]:
    """Fields of a model that hold many models."""
    if not isinstance(value, BaseModel) or type(value).model_computed_fields:
        return set()
    given = ((name, getattr(value, name)) for name in type(value).model_fields)
    return {
        name
        for name, items in given
        if isinstance(items, list | tuple) and len(items) > ROWS_IN_A_TURN and isinstance(items[0], BaseModel)
    }


def _fallback(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)


class Part(NamedTuple):
    """One field of a form, or one file."""

    name: str | None
    filename: str | None
    content: bytes


UNREAD = "the form could not be read: it has no boundary, is cut off or has too many parts"


def parts_of(http: web.Request, body: bytes) -> list[Part]:
    """The parts of a form (multipart/form-data). Raises 400 for a form that is none.

    From the whole body and not by aiohttp's reader: a hundred thousand parts of one line cost that twenty seconds in
    which nobody else is answered.
    """
    kind = Message()
    kind["Content-Type"] = http.headers["Content-Type"]
    mark = b"--" + (kind.get_boundary() or "").encode("latin-1", "replace")
    if len(mark) <= 2 or not body.startswith(mark) or b"\r\n" + mark + b"--" not in body:
        raise Problem(400, UNREAD)
    found: list[Part] = []
    start = len(mark)
    while (end := body.find(b"\r\n" + mark, start)) >= 0:  # in place: a copy of what is left would be the file again
        blank = body.find(b"\r\n\r\n", start, min(end, start + MAX_PART_HEAD))
        if blank < 0 or len(found) >= MAX_PARTS:
            raise Problem(400, UNREAD)
        named = dict(_named(body[start:blank].decode("utf-8", "replace")))
        found.append(Part(named.get("name"), named.get("filename"), body[blank + 4 : end]))
        start = end + 2 + len(mark)
        if body.startswith(b"--", start):
            break
    return found


def _named(head: str) -> Iterator[tuple[str, str]]:
    """Name and file name in the head of a part."""
    for parameter in PARAMETER.finditer(head):
        quoted, plain = parameter["quoted"], parameter["plain"]
        yield parameter["parameter"].lower(), plain if quoted is None else quoted.replace('\\"', '"')


def file_in(http: web.Request, body: bytes) -> bytes:
    """The file of a request: the body as it is, or the first file of a form (multipart/form-data).

    Raises 400 for a form that is none, 422 for one without a file.
    """
    if http.content_type != "multipart/form-data":
        return body
    for part in parts_of(http, body):
        if part.filename is not None:
            return part.content
    raise invalid("file", "the form has no file: send one as `file`")
