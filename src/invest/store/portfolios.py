"""Portfolios and their transactions; every booking is planned under the portfolio's lock."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from invest.domain.brokerage import ImportPlan, Statement, plan_booking, plan_import, with_origin
from invest.domain.portfolios import Operation, Portfolio, Transaction, row_hashes
from invest.errors import NotFound
from invest.store.core import Connection, Database, Record, clean, columns, from_json, texts, to_json

COLUMNS = "day, ticker, operation, quantity, price, note, origin"
BOOK = """
INSERT INTO portfolio_transaction (portfolio_id, day, ticker, operation, quantity, price, note, origin, row_hash)
SELECT $1, d, t, o, q::numeric, p::numeric, n, g, h
FROM unnest($2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
  WITH ORDINALITY AS x (d, t, o, q, p, n, g, h, place) ORDER BY place
ON CONFLICT (portfolio_id, row_hash) DO NOTHING
"""
Planner = Callable[[Sequence[Transaction]], ImportPlan]
Summary = tuple[str, str, datetime, int, str | None]
# Portfolios named in $1, and reports named in $2 about a portfolio, that $3 does not own. A report about a portfolio
# that is gone is nobody's.
CLOSED = """
SELECT p AS id FROM unnest($1::text[]) AS p WHERE NOT EXISTS (SELECT 1 FROM portfolio WHERE id = p AND owner = $3)
UNION ALL
SELECT report_id FROM report r WHERE report_id = ANY($2::text[]) AND portfolio_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM portfolio WHERE id = r.portfolio_id AND owner = $3)
"""


class Portfolios:
    """`store.portfolios`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def create(
        self,
        name: str,
        transactions: Iterable[Transaction] = (),
        *,
        portfolio_id: str | None = None,
        targets: Mapping[str, Decimal] | None = None,
        owner: str | None = None,
    ) -> tuple[Portfolio, ImportPlan]:
        """A new portfolio with what could be booked of `transactions`; the plan names what was refused.

        `owner` is the id of the API key whose it is.

        With `portfolio_id` a repeated call finds the first one's portfolio and adds nothing.
        """
        made = Portfolio(
            id=portfolio_id or secrets.token_hex(8),
            name=clean(name),
            created_at=datetime.now(UTC),
            targets=dict(targets or {}),
        )
        given = with_origin(transactions, "api")

        async def work(connection: Connection) -> tuple[Portfolio, ImportPlan]:
            created = await connection.execute(
                "INSERT INTO portfolio (id, name, created_at, targets, owner) VALUES ($1, $2, $3, $4::text::jsonb, $5) "
                "ON CONFLICT (id) DO NOTHING",
                made.id,
                made.name,
                made.created_at,
                to_json(made.targets),
                owner,
            )
            if created.endswith(" 0"):
                return await _load(connection, made.id), plan_booking((), ())
            plan = plan_booking((), given)
            await _write(connection, made.id, plan.transactions, ())
            return made.model_copy(update={"transactions": plan.transactions}), plan

        return await self._db.run(work)

    async def list(
        self, *, owner: str | None = None, after: tuple[datetime, str] | None = None, limit: int = 100
    ) -> Sequence[Summary]:
        """(id, name, created at, number of transactions, owner) by creation, of one `owner` or of all.

        `after` = (created_at, id) pages on.
        """
        at, last = after or (None, "")
        rows = await self._db.fetch(
            "SELECT id, name, created_at, "
            "(SELECT count(*) FROM portfolio_transaction t WHERE t.portfolio_id = p.id), owner "
            "FROM portfolio p WHERE ($1::timestamptz IS NULL OR (created_at, id) > ($1, $2)) "
            "AND ($4::text IS NULL OR owner = $4) ORDER BY created_at, id LIMIT $3",
            at,
            last,
            limit,
            owner,
        )
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    async def closed(self, owner: str, portfolios: Iterable[str], reports: Iterable[str] = ()) -> set[str]:
        """Which of the named portfolios and reports are not for `owner`; a report about no portfolio is for all."""
        rows = await self._db.fetch(CLOSED, sorted(set(portfolios)), sorted(set(reports)), owner)
        return {row["id"] for row in rows}

    async def ids(self) -> Sequence[str]:
        """The ids of all portfolios, by creation."""
        return [row["id"] for row in await self._db.fetch("SELECT id FROM portfolio ORDER BY created_at, id")]

    async def get(self, portfolio_id: str) -> Portfolio | None:
        """One portfolio with all its transactions in order of their days, or None."""
        try:
            return await self._db.run(lambda c: _load(c, portfolio_id))
        except NotFound:
            return None

    async def transactions(self, portfolio_ids: Sequence[str]) -> Mapping[str, Sequence[Transaction]]:
        """Transactions of each of these portfolios in order of their days, in one round trip."""
        rows = await self._db.fetch(
            f"SELECT portfolio_id, {COLUMNS} FROM portfolio_transaction WHERE portfolio_id = ANY($1::text[]) "
            "ORDER BY portfolio_id, day, id",
            sorted(set(portfolio_ids)),
        )
        return {key: [*map(_transaction, own)] for key, own in groupby(rows, key=itemgetter("portfolio_id"))}

    async def delete(self, portfolio_id: str) -> bool:
        """Delete a portfolio and all that belongs to it; False where there is none."""
        return await self._db.execute("DELETE FROM portfolio WHERE id = $1", portfolio_id) > 0

    async def set_targets(self, portfolio_id: str, targets: Mapping[str, Decimal]) -> None:
        """Replace the wanted weights (fractions). Raises `NotFound`, and `ValueError` for weights that don't fit."""
        checked = Portfolio(id=portfolio_id, name="-", created_at=datetime.now(UTC), targets=dict(targets)).targets
        sql = "UPDATE portfolio SET targets = $2::text::jsonb WHERE id = $1"
        if not await self._db.execute(sql, portfolio_id, to_json(checked)):
            raise NotFound(f"no portfolio {portfolio_id}")

    async def add(
        self, portfolio_id: str, transactions: Sequence[Transaction], *, repeat: bool = False, origin: str = "api"
    ) -> ImportPlan:
        """Book transactions; what is booked already is a duplicate, unless `repeat` says it happened once more.

        The plan says, row by row, what was booked, what was a duplicate and what was refused. Raises `NotFound`.
        """
        given = with_origin(transactions, origin)
        return await self._book(portfolio_id, lambda existing: plan_booking(existing, given, repeat=repeat))

    async def import_statement(self, portfolio_id: str, statement: Statement, *, dry_run: bool = False) -> ImportPlan:
        """Book a statement; with `dry_run` only say what would be booked. A repeated import books nothing twice."""
        return await self._book(portfolio_id, lambda existing: plan_import(existing, statement), dry_run=dry_run)

    async def _book(self, portfolio_id: str, planner: Planner, *, dry_run: bool = False) -> ImportPlan:
        async def work(connection: Connection) -> ImportPlan:
            # The lock lets imports of one portfolio happen one after the other, each planned on the last.
            found = await connection.fetchval("SELECT 1 FROM portfolio WHERE id = $1 FOR UPDATE", portfolio_id)
            if found is None:
                raise NotFound(f"no portfolio {portfolio_id}")
            existing = await _transactions(connection, portfolio_id)
            plan = await asyncio.to_thread(planner, existing)  # thousands of rows: not between two requests
            if not dry_run:
                hashes = await connection.fetch(
                    "SELECT row_hash FROM portfolio_transaction WHERE portfolio_id = $1", portfolio_id
                )
                await _write(connection, portfolio_id, plan.transactions, [row["row_hash"] for row in hashes])
            return plan

        return await self._db.run(work)

    async def save_snapshot(self, portfolio_id: str, day: date, calculated_at: datetime, metrics: Any) -> None:
        """Keep a portfolio's metrics of a day (a model or JSON-able data); the latest calculation of a day stays."""
        await self._db.execute(
            "INSERT INTO portfolio_snapshot AS s (portfolio_id, day, calculated_at, body) "
            "SELECT $1, $2, $3, $4::text::jsonb WHERE EXISTS (SELECT 1 FROM portfolio WHERE id = $1) "
            "ON CONFLICT (portfolio_id, day) DO UPDATE SET calculated_at = excluded.calculated_at, "
            "body = excluded.body WHERE s.calculated_at <= excluded.calculated_at",
            portfolio_id,
            day,
            calculated_at,
            to_json(metrics),
        )

    async def snapshots(
        self, portfolio_id: str, *, since: date | None = None, limit: int = 400
    ) -> Sequence[tuple[date, Any]]:
        """(day, metrics as plain data), oldest first; the newest `limit` of them."""
        rows = await self._db.fetch(
            "SELECT day, body FROM portfolio_snapshot WHERE portfolio_id = $1 AND ($2::date IS NULL OR day >= $2) "
            "ORDER BY day DESC LIMIT $3",
            portfolio_id,
            since,
            limit,
        )
        return [(row["day"], from_json(row["body"])) for row in reversed(rows)]


async def _load(connection: Connection, portfolio_id: str) -> Portfolio:
    row = await connection.fetchrow("SELECT id, name, created_at, targets FROM portfolio WHERE id = $1", portfolio_id)
    if row is None:
        raise NotFound(f"no portfolio {portfolio_id}")
    return Portfolio(
        id=row["id"],
        name=row["name"],
        created_at=row["created_at"],
        transactions=tuple(await _transactions(connection, portfolio_id)),
        targets=from_json(row["targets"]),
    )


async def _transactions(connection: Connection, portfolio_id: str) -> list[Transaction]:
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM portfolio_transaction WHERE portfolio_id = $1 ORDER BY day, id", portfolio_id
    )
    return await asyncio.to_thread(lambda: [_transaction(row) for row in rows])


def _transaction(row: Record) -> Transaction:
    # model_construct: validated when it was booked; a portfolio may hold thousands.
    return Transaction.model_construct(
        date=row["day"],
        ticker=row["ticker"],
        operation=Operation(row["operation"]),
        quantity=row["quantity"],
        price=row["price"],
        note=row["note"],
        origin=row["origin"],
    )


async def _write(
    connection: Connection, portfolio_id: str, transactions: Sequence[Transaction], taken: Iterable[str]
) -> None:
    if not transactions:
        return
    days, tickers, quantities, prices, origins = columns(transactions, "date", "ticker", "quantity", "price", "origin")
    operations = [str(t.operation) for t in transactions]
    notes = [clean(t.note) for t in transactions]
    hashes = await asyncio.to_thread(row_hashes, transactions, list(taken))
    await connection.execute(
        BOOK, portfolio_id, days, tickers, operations, texts(quantities), texts(prices), notes, origins, hashes
    )
