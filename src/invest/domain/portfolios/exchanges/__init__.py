"""Papers that became others, or cash: spin-offs, mergers, redemptions, and the booked rows that tell of them."""

from __future__ import annotations

from invest.domain.portfolios.exchanges.book import with_exchanges
from invest.domain.portfolios.exchanges.spin_offs import ESTIMATED, PUBLISHED, known_spin_off, shares_of_cost, spun_off
from invest.domain.portfolios.exchanges.when import came_of, is_share_event, split_before_merger

__all__ = [
    "ESTIMATED",
    "PUBLISHED",
    "came_of",
    "is_share_event",
    "known_spin_off",
    "shares_of_cost",
    "split_before_merger",
    "spun_off",
    "with_exchanges",
]
