"""Trades told by the day of their settlement, and the session in which they were made."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from invest.domain.market import previous_session
from invest.domain.portfolios.portfolio import Operation, Transaction

T2_SINCE = date(2019, 5, 27)  # B3 settles two sessions after a trade from here on, three before
SETTLED_BY = "movimentacao"  # the origin that tells trades by the day on which they were settled


def is_settlement(t: Transaction) -> bool:
    """Whether it tells a trade by the day on which it was settled."""
    return t.origin == SETTLED_BY and t.operation in (Operation.BUY, Operation.SELL) and not t.note and t.price > 0


@lru_cache(maxsize=8192)
def trade_day(settlement: date) -> date:
    """The session in which a trade was made that was settled on `settlement`."""
    day = previous_session(previous_session(settlement))
    return day if day >= T2_SINCE else previous_session(day)
