"""Events that owners book: with the change of code, or the end of the paper, that goes with them; all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from invest.domain.market import OWNER, PART, ActionKind, CorporateAction, TickerChange, right_of
from invest.store.core import Connection, Database
from invest.store.market.actions import RankOf, read_reported, remove_actions, write_actions
from invest.store.market.assets import activate, deactivate, undo_change, write_changes

DAY = timedelta(days=1)
HAS_SUCCESSOR = "SELECT successor IS NOT NULL FROM asset WHERE ticker = $1"


class BookedEvents:
    """`store.booked`."""

    def __init__(self, database: Database, rank_of: RankOf) -> None:
        self._db = database
        self._rank_of = rank_of

    async def book(
        self, actions: Sequence[CorporateAction], *, change: TickerChange | None = None, ends: bool = False
    ) -> None:
        """Keep the events of one paper and day, instead of what was booked of their kinds before.

        With `change` the paper becomes another, without what an earlier merger of the day gave beside; with `ends` it
        trades no more.
        """
        ticker, day = actions[0].ticker, actions[0].last_date_with

        async def work(connection: Connection) -> None:
            if change is not None:
                await _forget_parts(connection, ticker, day)
            booked = await read_reported(connection, ticker, day, OWNER)
            await write_actions(connection, [*actions, *_beside(booked, actions)], self._rank_of)
            if change is not None:
                await write_changes(connection, [change])
            if ends:
                await deactivate(connection, [ticker])

        await self._db.run(work)

    async def withdraw(self, ticker: str, kind: ActionKind, day: date) -> bool:
        """Take back an event, with the change of code or the end of the paper that it brought. Whether there was one.

        A spin-off that is part of a merger goes with the merger alone.
        """

        async def work(connection: Connection) -> bool:
            gone = await remove_actions(connection, ticker, kind, day, OWNER, label=PART, labelled=False)
            if gone and kind is ActionKind.MERGER:
                await _forget_parts(connection, ticker, day)
                await undo_change(connection, ticker, day + DAY, OWNER)
            if gone and kind is ActionKind.REDEMPTION and not await connection.fetchval(HAS_SUCCESSOR, ticker):
                await activate(connection, [ticker])  # one with a successor ended by its change of code
            return gone > 0

        return await self._db.run(work)


def _beside(booked: Iterable[CorporateAction], actions: Sequence[CorporateAction]) -> list[CorporateAction]:
    """What stays beside `actions`: a dividend beside interest on equity, a split beside a bonus.

    Writing replaces all that a source reported of a day and kind of right, of which these are one.
    """
    kinds = {action.kind for action in actions}
    rights = {right_of(kind) for kind in kinds}
    return [one for one in booked if one.kind not in kinds and right_of(one.kind) in rights]


async def _forget_parts(connection: Connection, ticker: str, day: date) -> None:
    await remove_actions(connection, ticker, ActionKind.SPIN_OFF, day, OWNER, label=PART)
