"""Papers that trade no more: since when, why, and what became of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from invest.domain.frozen import Frozen
from invest.domain.market.assets import TickerChange
from invest.domain.market.calendar import previous_session
from invest.domain.market.tickers import AssetKind

DAY = timedelta(days=1)
AFTER = timedelta(days=5)  # a paper may be quoted so long after the last day of its redemption


class DelistingReason(StrEnum):
    """Why a paper trades no more."""

    RENAMED = "renamed"  # it trades under another code
    MERGED = "merged"  # it was exchanged for a paper with a past of its own
    REDEEMED = "redeemed"  # the company bought it back
    UNLISTED = "unlisted"  # B3's file of quotes has it no more, or its source told that it ended


class Delisting(Frozen):
    """One paper that trades no more."""

    ticker: str
    name: str | None = None
    kind: AssetKind
    reason: DelistingReason
    last_session: date | None = Field(description="its last session as far as is known; null: no price is stored")
    ended_on: date | None = Field(default=None, description="first day without it where an event tells one")
    listed_on: date | None = Field(default=None, description="last day on which B3's file of quotes had it")
    successor: str | None = Field(default=None, description="the code that its holders have today")
    ratio: Decimal | None = Field(default=None, description="papers of the successor per old one, by changes of code")
    source: str | None = Field(default=None, description="who told of the change of code or the redemption")

    @property
    def day(self) -> date:
        """Where it stands in an order by time."""
        return self.ended_on or self.last_session or self.listed_on or date.min


def delisting(
    ticker: str,
    kind: AssetKind,
    *,
    name: str | None = None,
    listed_on: date | None = None,
    last_price: date | None = None,
    change: TickerChange | None = None,
    successor: tuple[str, Decimal] | None = None,
    redemption: tuple[date, str] | None = None,
) -> Delisting:
    """What is known of the end of a paper: `change` its last change of code, `redemption` its last day and who said so.

    `successor`: the code that its holders have today and papers of it per old one, where more changes followed.

    The last session is that of the newest price, else the session before the change or the last listing.
    """
    seen = [day for day in (last_price, listed_on) if day is not None]
    base = {"ticker": ticker, "kind": kind, "name": name, "listed_on": listed_on}
    if change is not None:
        before = previous_session(change.changed_on)
        return Delisting(
            **base,
            reason=DelistingReason.RENAMED if change.continues else DelistingReason.MERGED,
            last_session=min(before, last_price) if last_price is not None else before,
            ended_on=change.changed_on,
            successor=successor[0] if successor else change.new,
            ratio=successor[1] if successor else change.ratio,
            source=change.source,
        )
    if redemption is not None and (last_price is None or last_price <= redemption[0] + AFTER):
        last, source = redemption
        end = max(last, last_price or last)
        return Delisting(
            **base, reason=DelistingReason.REDEEMED, last_session=last_price or last, ended_on=end + DAY, source=source
        )
    return Delisting(**base, reason=DelistingReason.UNLISTED, last_session=max(seen, default=None))
