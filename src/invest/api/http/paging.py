"""Cursor pages: a list, the cursor of the next page in the body, and the same as a `Link` header."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from invest.api.http.problems import invalid
from invest.api.http.routing import Incoming, Reply

T = TypeVar("T")
B = TypeVar("B")
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Listing(BaseModel, Generic[T]):
    """One page."""

    items: list[T]
    count: int = Field(description="entries on this page")
    next_cursor: str | None = Field(default=None, description="give it as `cursor` for the next page")


def paged(request: Incoming, items: Sequence[T], cursor: str | None) -> Reply[Listing[T]]:
    """The page as a reply; `cursor` None after the last one."""
    body: Listing[T] = Listing(items=list(items), count=len(items), next_cursor=cursor)
    return paged_as(request, body, cursor)


def paged_as(request: Incoming, body: B, cursor: str | None) -> Reply[B]:
    """A body that holds a page, with the link to the next one."""
    headers: dict[str, str] = {}
    if cursor is not None:
        url = request.http.rel_url.update_query(cursor=cursor)
        headers["Link"] = f'<{url}>; rel="next"'
    return Reply(body, 200, headers)


def time_cursor(at: datetime) -> str:
    """A cursor that is an instant."""
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


def read_time(cursor: str | None) -> datetime | None:
    """The instant of a cursor. Raises 422 for what is none of ours."""
    if cursor is None:
        return None
    try:
        at = datetime.fromisoformat(cursor)
    except ValueError:
        raise invalid("cursor", "none of ours: take it from the page before") from None
    if at.tzinfo is None or not EARLIEST <= at <= LATEST:
        raise invalid("cursor", "none of ours: take it from the page before")
    return at
