"""Reading the forms of pages: fields and one file, with the limits of the API's bodies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from invest.api.http import Incoming, Problem, checked_text, invalid, parts_of, read_body

MAX_FIELDS = 2_000
OVERHEAD = 100_000  # bytes that a form may have beside its file


@dataclass(slots=True)
class Form:
    """What a form brought. A file is named by its field; an empty one counts as none."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def text(self, name: str, default: str = "", limit: int = 2_000) -> str:
        """A field, trimmed. Raises 422 for one that is too long or holds control characters."""
        values = self.fields.get(name)
        value = values[-1].strip() if values else default
        if len(value) > limit:
            raise invalid(name, f"longer than {limit} characters")
        return checked_text(name, value)

    def all(self, name: str) -> list[str]:
        """Every value of a field: of check boxes."""
        return [checked_text(name, value.strip()) for value in self.fields.get(name, ())]

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self.text(name))

    def given(self, prefix: str) -> dict[str, str]:
        """The fields whose names begin with `prefix`, by the rest of their names."""
        return {
            name.removeprefix(prefix): self.text(name, limit=200_000) for name in self.fields if name.startswith(prefix)
        }


async def read_form(request: Incoming) -> Form:
    """The form of a POST. Raises 400, 408, 413 or 415."""
    kind = request.http.content_type
    if kind == "multipart/form-data":
        return await _multipart(request)
    if kind not in ("application/x-www-form-urlencoded", "application/octet-stream"):
        raise Problem(415, "this takes forms")
    body = await request.read()
    form = Form()
    try:
        pairs = await asyncio.to_thread(pairs_of, body.decode("ascii"))
    except ValueError:
        raise Problem(400, "the form could not be read") from None
    for name, value in pairs:
        form.fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return form


def pairs_of(text: str) -> list[tuple[str, str]]:
    """Names and values. Raises ValueError. Run it in a thread; `parse_qsl` keeps the interpreter for half a second."""
    if text.count("&") >= MAX_FIELDS:
        raise ValueError("too many fields")
    halves = (piece.partition("=") for piece in text.replace("+", " ").split("&") if piece)
    return [(unquote_to_bytes(name).decode(), unquote_to_bytes(value).decode()) for name, _, value in halves]


async def _multipart(request: Incoming) -> Form:
    limit = request.max_body
    form = Form()
    for part in parts_of(request.http, await read_body(request.http, limit + OVERHEAD, request.count)):
        if not part.name:
            raise Problem(400, "the form could not be read")
        if len(part.content) > limit:
            raise Problem(413, f"the file is larger than {limit} bytes")
        if part.filename is None:
            text = part.content.decode("utf-8", "replace").replace("\r\n", "\n")
            form.fields.setdefault(part.name, []).append(text)
        elif part.content:
            form.files[part.name] = (part.filename[:200], part.content)
    return form
