"""What people are told of without asking: occasions, the channels it goes by, and when they want to sleep."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field, field_validator, model_validator

from invest.domain.frozen import Frozen

MARKET = "America/Sao_Paulo"
WEBHOOK, APPRISE = "webhook", "apprise"


class Occasion(StrEnum):
    """What a channel may tell of."""

    ALERT = "alert"  # an alert of one's own fired
    REPORT = "report"  # a report that one asked for, or about a portfolio of one's own, is ready
    DEAD_LETTER = "dead_letter"  # a job of one's own failed for good
    ANY_DEAD_LETTER = "any_dead_letter"  # any job did; for admins
    TEST = "test"  # somebody tries the channel


class Quiet(Frozen):
    """Hours of a day without messages: what happens in them is told after them; they may go over midnight."""

    since: time
    until: time
    zone: str = Field(default=MARKET, max_length=60, description="a time zone by its IANA name")

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{zone[:60]!r} is no time zone: expected a name such as {MARKET}") from None
        return zone

    @model_validator(mode="after")
    def _some(self) -> Quiet:
        if self.since == self.until:
            raise ValueError("quiet hours must end at another time than they begin")
        if self.since.tzinfo is not None or self.until.tzinfo is not None:
            raise ValueError("quiet hours are local times: name the time zone in `zone`")
        return self

    def ends(self, now: datetime) -> datetime | None:
        """When the quiet hours that `now` lies in are over; None outside of them."""
        local = now.astimezone(ZoneInfo(self.zone))
        at, until = local.time(), self.until
        over_midnight = self.since > until
        inside = at >= self.since or at < until if over_midnight else self.since <= at < until
        if not inside:
            return None
        day = local.date() + timedelta(days=1 if over_midnight and at >= self.since else 0)
        return datetime.combine(day, until, local.tzinfo)


class Channel(Frozen):
    """A way to reach one person. Its address is a secret and stands elsewhere; `shown` is what of it may be seen."""

    id: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=100)
    kind: str = Field(max_length=60, description="apprise, webhook, or the name of an installed kind")
    shown: str = Field(max_length=200, description="the address, masked")
    owner: str = Field(description="id of the key that made it")
    occasions: tuple[Occasion, ...] = (Occasion.ALERT, Occasion.REPORT, Occasion.DEAD_LETTER)
    quiet: Quiet | None = None
    active: bool = True
    created_at: AwareDatetime
    last_sent_at: AwareDatetime | None = None
    last_error: str | None = Field(default=None, description="why the last message was not taken, if it was not")

    def silent_until(self, now: datetime) -> datetime | None:
        """When its quiet hours end, if `now` lies in them."""
        return None if self.quiet is None else self.quiet.ends(now)


class Notice(Frozen):
    """One thing to tell. `key` names the cause: a channel tells each cause once."""

    occasion: Occasion
    key: str = Field(max_length=300)
    owner: str | None = Field(description="whose it is; null: the admins'")
    title: str = Field(max_length=200)
    text: str = Field(default="", max_length=2000, description="plain words; names from outside are not to be trusted")
    path: str = Field(default="", max_length=300, description="where to read it, under the server's address")
    at: AwareDatetime


class Owed(Frozen):
    """A notice that a channel has not told yet."""

    id: int
    notice: Notice
