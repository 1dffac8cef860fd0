"""Cursor pages: a list, the cursor of the next page in the body, and the same as a `Link` header.

A cursor is opaque: its text may change with any release. The plain cursors of earlier releases are still read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from invest.api.http.problems import invalid
from invest.api.http.routing import Incoming, Reply

T = TypeVar("T")
B = TypeVar("B")
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
FOREIGN = "none of ours: take it from the page before"
MARK = "c_"
SUM_BYTES = 4
LONGEST = 700  # characters of a cursor
PLACE = r"^\d{1,9}~[0-9a-f]{16}$"
DAY_PLACE = r"^\d{4}-\d{2}-\d{2}$"


class Listing(BaseModel, Generic[T]):
    """One page."""

    items: list[T]
    count: int = Field(description="entries on this page")
    next_cursor: str | None = Field(default=None, description="give it as `cursor` for the next page")


def sealed(place: str) -> str:
    """The opaque cursor of a place in a list."""
    raw = place.encode()
    return MARK + base64.urlsafe_b64encode(_sum(raw) + raw).decode().rstrip("=")


def opened(cursor: str) -> str:
    """The place that a cursor names; one of an earlier release is its place itself. Raises ValueError."""
    if not cursor.startswith(MARK):
        return cursor
    try:
        whole = base64.urlsafe_b64decode(cursor[len(MARK) :] + "=" * (-(len(cursor) - len(MARK)) % 4))
        place = whole[SUM_BYTES:].decode()
    except (binascii.Error, ValueError):
        raise ValueError(FOREIGN) from None
    if whole[:SUM_BYTES] != _sum(whole[SUM_BYTES:]):
        raise ValueError(FOREIGN)
    return place


def _sum(raw: bytes) -> bytes:
    return hashlib.blake2s(raw, digest_size=SUM_BYTES, person=b"cursor").digest()


@dataclass(frozen=True)
class Cursor:
    """Marks the field of a cursor: the handler gets the place, which must match `place`; clients see a plain string."""

    place: str = r"^.{1,500}$"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "maxLength": LONGEST}, {"type": "null"}]}

    def _read(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        if len(cursor) > LONGEST:
            raise ValueError(FOREIGN)
        place = opened(cursor)
        if re.fullmatch(self.place, place, re.ASCII) is None:
            raise ValueError(FOREIGN)
        return place


def paged(request: Incoming, items: Sequence[T], place: str | None) -> Reply[Listing[T]]:
    """The page as a reply; `place` is where the next one begins, None after the last one."""
    cursor = None if place is None else sealed(place)
    body: Listing[T] = Listing(items=list(items), count=len(items), next_cursor=cursor)
    return paged_as(request, body, cursor)


def paged_as(request: Incoming, body: B, cursor: str | None) -> Reply[B]:
    """A body that holds a page, with the link to the next one."""
    return Reply(body, 200, next_link(request, cursor))


def next_link(request: Incoming, cursor: str | None) -> dict[str, str]:
    """The `Link` header to the next page; none after the last one."""
    if cursor is None:
        return {}
    return {"Link": f'<{request.http.rel_url.update_query(cursor=cursor)}>; rel="next"'}


def sliced(
    request: Incoming, items: Sequence[T], key: Callable[[T], object], cursor: str | None, limit: int
) -> Reply[Listing[T]]:
    """A page of a list that is at hand as a whole; `key` names an entry.

    The page begins behind the entry that the cursor names, wherever it stands by now; where it is gone, at the place
    that it had. The field of the cursor is marked ``Cursor(PLACE)``.
    """
    page, place = cut(items, key, cursor, limit)
    return paged(request, page, place)


def cut(
    items: Sequence[T], key: Callable[[T], object], cursor: str | None, limit: int
) -> tuple[Sequence[T], str | None]:
    """The page of a list behind a cursor's place, and the place of the next page."""
    start = 0
    if cursor is not None:
        at, _, name = cursor.partition("~")
        start = int(at)
        if not 0 < start <= len(items) or _name(key(items[start - 1])) != name:  # the list has changed meanwhile
            start = next((i + 1 for i, item in enumerate(items) if _name(key(item)) == name), start)
    end = start + limit
    return items[start:end], f"{end}~{_name(key(items[end - 1]))}" if end < len(items) else None


def _name(key: object) -> str:
    """A short name of an entry, however long its key is."""
    return hashlib.blake2s(str(key).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def time_cursor(at: datetime) -> str:
    """A place that is an instant."""
    return at.isoformat()


def in_reach(at: datetime) -> datetime:
    """An instant between the years 1900 and 2200: beyond them PostgreSQL and Python differ in what they hold."""
    if not EARLIEST <= at <= LATEST:
        raise ValueError("must lie between the years 1900 and 2200")
    return at


def day_in_reach(day: date) -> date:
    """A day between the years 1900 and 2200: sums of days beyond them may leave the calendar."""
    if not EARLIEST.date() <= day <= LATEST.date():
        raise ValueError("must lie between the years 1900 and 2200")
    return day


def read_day(place: str | None) -> date | None:
    """The day of a place. Raises 422 for what is none of ours."""
    if place is None:
        return None
    try:
        return day_in_reach(date.fromisoformat(place))
    except ValueError:
        raise invalid("cursor", FOREIGN) from None


def read_time(place: str | None) -> datetime | None:
    """The instant of a place. Raises 422 for what is none of ours."""
    if place is None:
        return None
    try:
        at = datetime.fromisoformat(place)
    except ValueError:
        raise invalid("cursor", FOREIGN) from None
    if at.tzinfo is None or not EARLIEST <= at <= LATEST:
        raise invalid("cursor", FOREIGN)
    return at
