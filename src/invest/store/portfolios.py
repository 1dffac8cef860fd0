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

from invest.domain.brokerage import Accept, ImportPlan, Statement, plan_booking, plan_import, with_origin
from invest.domain.fixed_income import PaperFact
from invest.domain.portfolios import Known, Portfolio, Transaction
from invest.errors import NotFound
from invest.store.core import Connection, clean, from_json, may_lag, to_json
from invest.store.portfolio_corrections import Corrections
from invest.store.portfolio_rows import (
    COLUMNS,
    hashes_of,
    load_papers,
    load_portfolio,
    load_transactions,
    lock,
    transaction_of,
    write_papers,
    write_transactions,
)

Planner = Callable[[Sequence[Transaction], Known, Sequence[PaperFact]], ImportPlan]
Summary = tuple[str, str, datetime, int, str | None]
# Portfolios named in $1, and reports named in $2 about a portfolio, that $3 does not own. A report about a portfolio
# that is gone is nobody's.
CLOSED = """
SELECT p AS id FROM unnest($1::text[]) AS p WHERE NOT EXISTS (SELECT 1 FROM portfolio WHERE id = p AND owner = $3)
UNION ALL
SELECT report_id FROM report r WHERE report_id = ANY($2::text[]) AND portfolio_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM portfolio WHERE id = r.portfolio_id AND owner = $3)
"""
# Which rows, and which versions of them, the figures of portfolio $1 follow from: its own, those of its assets under
# every code they had, and those of the prices in $2 and the series in $3. A row has another ctid or xmin once it was
# written anew, whoever wrote it; no row can be written without changing its sum.
SUMS = ",\n".join(
    f"(SELECT coalesce(sum(hashtidextended(ctid, xmin::text::bigint)), 0) FROM {rows})"  # nosec B608 - the texts below
    for rows in (
        "portfolio WHERE id = $1",
        "portfolio_transaction WHERE portfolio_id = $1",
        "portfolio_bond WHERE portfolio_id = $1",
        "portfolio_paper_row WHERE portfolio_id = $1",
        "portfolio_paper_terms WHERE portfolio_id = $1",
        "ticker_change",
        "asset WHERE ticker IN (SELECT code FROM line)",
        "corporate_action WHERE ticker IN (SELECT code FROM line)",
        "bar_block WHERE ticker IN (SELECT code FROM line UNION ALL SELECT unnest($2::text[]))",
        "macro_point WHERE series = ANY($3::text[])",
    )
)
VERSION = f"""
WITH RECURSIVE line (code) AS (
  (SELECT ticker FROM portfolio_transaction WHERE portfolio_id = $1 AND ticker IS NOT NULL
   UNION SELECT other FROM portfolio_transaction WHERE portfolio_id = $1 AND other IS NOT NULL
   UNION SELECT k COLLATE "C" FROM portfolio, jsonb_object_keys(targets) AS k WHERE id = $1)
  UNION
  SELECT CASE WHEN c.old_ticker = line.code THEN c.new_ticker ELSE c.old_ticker END
  FROM line JOIN ticker_change c ON line.code IN (c.old_ticker, c.new_ticker)
)
SELECT concat_ws(':', {SUMS})
"""


class Portfolios(Corrections):
    """`store.portfolios`."""

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
        known = await self.known(given, prices=False)

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
                return await load_portfolio(connection, made.id), plan_booking((), ())
            plan = plan_booking((), given, known=known)
            await write_transactions(connection, made.id, plan.transactions, ())
            return await load_portfolio(connection, made.id), plan

        return await self._db.run(work)

    async def list(
        self,
        *,
        owner: str | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int = 100,
        named: str | None = None,
    ) -> Sequence[Summary]:
        """(id, name, created at, number of transactions, owner) by creation, of one `owner` or of all.

        `after` = (created_at, id) pages on; `named`: only those whose name holds this text, in any case.
        """
        at, last = after or (None, "")
        rows = await self._db.fetch(
            "SELECT id, name, created_at, "
            "(SELECT count(*) FROM portfolio_transaction t WHERE t.portfolio_id = p.id), owner "
            "FROM portfolio p WHERE ($1::timestamptz IS NULL OR (created_at, id) > ($1, $2)) "
            "AND ($4::text IS NULL OR owner = $4) "
            "AND ($5::text IS NULL OR position(lower($5) in lower(name)) > 0) ORDER BY created_at, id LIMIT $3",
            at,
            last,
            limit,
            owner,
            named,
        )
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    async def closed(self, owner: str, portfolios: Iterable[str], reports: Iterable[str] = ()) -> set[str]:
        """Which of the named portfolios and reports are not for `owner`; a report about no portfolio is for all."""
        rows = await self._db.fetch(CLOSED, sorted(set(portfolios)), sorted(set(reports)), owner)
        return {row["id"] for row in rows}

    async def exists(self, portfolio_id: str, *, owner: str | None = None) -> bool:
        """Whether there is such a portfolio, of `owner` where one is named."""
        sql = "SELECT 1 FROM portfolio WHERE id = $1 AND ($2::text IS NULL OR owner = $2)"
        return await self._db.fetchval(sql, portfolio_id, owner) is not None

    async def owner(self, portfolio_id: str) -> str | None:
        """The key whose a portfolio is; None where it is the admins', or there is none."""
        owner: str | None = await self._db.fetchval("SELECT owner FROM portfolio WHERE id = $1", portfolio_id)
        return owner

    async def ids(self) -> Sequence[str]:
        """The ids of all portfolios, by creation."""
        return [row["id"] for row in await self._db.fetch("SELECT id FROM portfolio ORDER BY created_at, id")]

    async def get(self, portfolio_id: str) -> Portfolio | None:
        """One portfolio with all its transactions in order of their days, or None."""
        try:
            return await self._db.run(lambda c: load_portfolio(c, portfolio_id))
        except NotFound:
            return None

    async def transactions(self, portfolio_ids: Sequence[str]) -> Mapping[str, Sequence[Transaction]]:
        """Transactions of each of these portfolios in order of their days, in one round trip."""
        rows = await self._db.fetch(
            f"SELECT portfolio_id, {COLUMNS} FROM portfolio_transaction WHERE portfolio_id = ANY($1::text[]) "
            "ORDER BY portfolio_id, day, id",
            sorted(set(portfolio_ids)),
        )
        return {key: [*map(transaction_of, own)] for key, own in groupby(rows, key=itemgetter("portfolio_id"))}

    async def version(self, portfolio_id: str, *, prices: Sequence[str], series: Sequence[str]) -> str:
        """Names the state of all that a portfolio's figures are computed from; another one after any of it changed.

        `prices` and `series`: what it is measured against beside its own assets. Always asks the primary.
        """
        token = may_lag.set(False)  # a replica's rows may be read as if they were the newest
        try:
            return str(await self._db.fetchval(VERSION, portfolio_id, list(prices), list(series)))
        finally:
            may_lag.reset(token)

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

        def planner(existing: Sequence[Transaction], known: Known, _: Sequence[PaperFact]) -> ImportPlan:
            return plan_booking(existing, given, repeat=repeat, known=known)

        return await self._book(portfolio_id, given, planner)

    async def import_statement(
        self, portfolio_id: str, statement: Statement, *, dry_run: bool = False, accept: Accept = ()
    ) -> ImportPlan:
        """Book a statement; with `dry_run` only say what would be booked. A repeated import books nothing twice.

        `accept`: lines whose questions are answered with yes. Raises `NotFound`.
        """

        def planner(existing: Sequence[Transaction], known: Known, papers: Sequence[PaperFact]) -> ImportPlan:
            return plan_import(existing, statement, known=known, accept=accept, papers=papers)

        facts = [t for row in statement.rows for t in (row.transaction, row.holding) if t is not None]
        return await self._book(portfolio_id, facts, planner, layout=statement.layout, dry_run=dry_run)

    async def _book(
        self,
        portfolio_id: str,
        facts: Sequence[Transaction],
        planner: Planner,
        *,
        layout: str = "",
        dry_run: bool = False,
    ) -> ImportPlan:
        known = await self.known([*(await self.transactions([portfolio_id])).get(portfolio_id, ()), *facts])

        async def work(connection: Connection) -> ImportPlan:
            # The lock lets imports of one portfolio happen one after the other, each planned on the last.
            await lock(connection, portfolio_id)
            existing = await load_transactions(connection, portfolio_id)
            papers = await load_papers(connection, portfolio_id) if layout else []
            plan = await asyncio.to_thread(planner, existing, known, papers)
            if not dry_run and (plan.transactions or plan.papers):
                import_id = await self._new_import(connection, portfolio_id, layout) if layout else None
                taken = await hashes_of(connection, portfolio_id)
                await write_transactions(connection, portfolio_id, plan.transactions, taken, import_id)
                await write_papers(connection, portfolio_id, plan.papers, import_id)
                return plan.model_copy(update={"import_id": import_id})
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
        self, portfolio_id: str, *, since: date | None = None, until: date | None = None, limit: int = 400
    ) -> Sequence[tuple[date, Any]]:
        """(day, metrics as plain data), oldest first; the newest `limit` of them; both days included."""
        rows = await self._db.fetch(
            "SELECT day, body FROM portfolio_snapshot WHERE portfolio_id = $1 AND ($2::date IS NULL OR day >= $2) "
            "AND ($4::date IS NULL OR day <= $4) ORDER BY day DESC LIMIT $3",
            portfolio_id,
            since,
            limit,
            until,
        )
        return [(row["day"], from_json(row["body"])) for row in reversed(rows)]
