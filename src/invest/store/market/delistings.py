"""Papers that trade no more, put together from identities, changes of code, prices and redemptions."""

from __future__ import annotations

from collections.abc import Sequence

from invest.domain.market import AssetKind, Delisting, Lineages, TickerChange, delisting, kind_from_suffix
from invest.store.core import Database

ENDED = """
SELECT t.ticker, a.kind, a.name, a.listed_on, a.active, s.last_day, r.last_date_with, r.source
FROM (SELECT ticker FROM asset WHERE NOT active UNION SELECT unnest($1::text[])) t
LEFT JOIN asset a ON a.ticker = t.ticker
LEFT JOIN bar_series s ON s.ticker = t.ticker
LEFT JOIN LATERAL (
  SELECT last_date_with, source FROM corporate_action WHERE ticker = t.ticker AND kind = 'redemption'
  ORDER BY official DESC, rank, last_date_with DESC LIMIT 1
) r ON true
WHERE $2::text[] IS NULL OR t.ticker = ANY($2)
"""


async def read_delistings(
    database: Database, lineages: Lineages, tickers: Sequence[str] | None = None
) -> list[Delisting]:
    """The papers that trade no more (of `tickers`, None: all), the newest end first; codes known by a change too."""
    newest: dict[str, TickerChange] = {}
    for change in sorted(lineages.changes, key=lambda c: c.changed_on):
        if change.old in lineages.ended:
            newest[change.old] = change
    rows = await database.fetch(ENDED, sorted(newest), None if tickers is None else list(tickers))
    found = []
    for row in rows:
        ticker = row["ticker"]
        last = newest.get(ticker)
        if row["active"]:
            continue  # its code came back, or another company took it
        known = AssetKind(row["kind"]) if row["kind"] else kind_from_suffix(ticker)
        redeemed = (row["last_date_with"], row["source"]) if row["last_date_with"] else None
        found.append(
            delisting(
                ticker,
                known or AssetKind.OTHER,
                name=row["name"],
                listed_on=row["listed_on"],
                last_price=row["last_day"],
                change=last,
                successor=(lineages.current(ticker), lineages.ratio(ticker)) if last is not None else None,
                redemption=redeemed,
            )
        )
    return sorted(found, key=lambda one: (-one.day.toordinal(), one.ticker))
