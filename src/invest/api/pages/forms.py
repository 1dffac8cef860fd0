"""Reading the forms of pages: fields and one file, with the limits of the API's bodies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from invest.api.http import BODY_SECONDS, Incoming, Problem, checked_text, invalid

MAX_FIELDS = 2_000


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
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise Problem(400, "the form could not be read") from None
    for name, value in pairs:
        form.fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return form


async def _multipart(request: Incoming) -> Form:
    http, limit = request.http, request.max_body
    if (http.content_length or 0) > limit + 100_000:
        raise Problem(413, f"the file is larger than {limit} bytes", headers={"Connection": "close"})
    form, taken = Form(), 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in await http.multipart():
                if not isinstance(part, BodyPartReader) or not part.name or len(form.fields) > MAX_FIELDS:
                    raise Problem(400, "the form could not be read")
                body = bytearray()
                while chunk := await part.read_chunk():
                    body += chunk
                    taken += len(chunk)
                    request.count(len(chunk))
                    if taken > limit + 100_000:
                        message = f"the file is larger than {limit} bytes"
                        raise Problem(413, message, headers={"Connection": "close"})
                if part.filename is None:
                    form.fields.setdefault(part.name, []).append(body.decode("utf-8", "replace").replace("\r\n", "\n"))
                elif body:
                    form.files[part.name] = (part.filename[:200], bytes(body))
    except TimeoutError:
        raise Problem(408, "the form did not arrive in time", headers={"Connection": "close"}) from None
    except (ValueError, web.RequestPayloadError):
        raise Problem(400, "the form could not be read") from None
    return form
