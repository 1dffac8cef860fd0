"""Correcting a portfolio: edit or delete a transaction, undo an import, rename, merge; its options and proposals."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from invest.domain.portfolios import Known, Transaction, derive, natural_key, settled
from invest.errors import NotFound
from invest.store.core import Connection, Database, clean, from_json, to_json
from invest.store.market import Actions, Assets, BarStore
from invest.store.portfolio_rows import (
    COLUMNS,
    Harmful,
    Papers,
    hashes_of,
    known_facts,
    load_transactions,
    lock,
    take_papers,
    transaction_of,
    update_transaction,
    write_transactions,
)

FOREVER = date(9000, 1, 1)
# What else of portfolio $1 becomes of $2: reports, alerts, fixed income; options where the other has none of its own.
MERGED = (
    "UPDATE report SET portfolio_id = $2 WHERE portfolio_id = $1",
    "UPDATE alert SET portfolio_id = $2, body = jsonb_set(body, '{portfolio_id}', to_jsonb($2::text)) "
    "WHERE portfolio_id = $1",
    "UPDATE portfolio_bond b SET portfolio_id = $2 WHERE portfolio_id = $1 "
    "AND NOT EXISTS (SELECT 1 FROM portfolio_bond o WHERE o.portfolio_id = $2 AND o.body = b.body)",
    "UPDATE portfolio_paper_row r SET portfolio_id = $2, import_id = NULL WHERE portfolio_id = $1 "
    "AND NOT EXISTS (SELECT 1 FROM portfolio_paper_row o WHERE o.portfolio_id = $2 AND o.body = r.body)",
    "UPDATE portfolio_paper_terms t SET portfolio_id = $2 WHERE portfolio_id = $1 "
    "AND NOT EXISTS (SELECT 1 FROM portfolio_paper_terms o WHERE o.portfolio_id = $2 AND o.bond_id = t.bond_id)",
    "UPDATE portfolio SET options = (SELECT options FROM portfolio WHERE id = $1) || options WHERE id = $2",
)


class Import(NamedTuple):
    """One import that can be undone as a whole."""

    id: int
    imported_at: datetime
    layout: str
    rows: int


class Corrections(Papers):
    """What changes facts that are booked. Every change is checked against what is booked beside it."""

    def __init__(self, database: Database, actions: Actions, assets: Assets, bars: BarStore) -> None:
        self._db = database
        self._actions, self._assets, self._bars = actions, assets, bars

    async def known(self, transactions: Iterable[Transaction], *, prices: bool = True) -> Known:
        """What the store knows of the assets of these transactions: events, changes of code, prices."""
        return await known_facts(self._actions, self._assets, self._bars, transactions, prices=prices)

    async def page(
        self,
        portfolio_id: str,
        *,
        ticker: str | None = None,
        import_id: int | None = None,
        after: tuple[date, int] | None = None,
        limit: int = 100,
    ) -> Sequence[Transaction]:
        """Transactions in order of their days, page by page: `after` = (day, id) of the last one seen."""
        day, last = after or (None, 0)
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM portfolio_transaction WHERE portfolio_id = $1 "
            "AND ($2::date IS NULL OR (day, id) > ($2, $3)) AND ($4::text IS NULL OR ticker = $4 OR other = $4) "
            "AND ($5::bigint IS NULL OR import_id = $5) ORDER BY day, id LIMIT $6",
            portfolio_id,
            day,
            last,
            ticker,
            import_id,
            limit,
        )
        return [transaction_of(row) for row in rows]

    async def edit(self, portfolio_id: str, transaction_id: int, changed: Transaction) -> Transaction:
        """Replace one transaction. Raises `NotFound`, and `Harmful` where what is booked later would not stand."""

        async def work(connection: Connection) -> Transaction:
            existing = await _locked(connection, portfolio_id)
            if not any(t.id == transaction_id for t in existing):
                raise NotFound(f"no transaction {transaction_id} in portfolio {portfolio_id}")
            old = next(t for t in existing if t.id == transaction_id)
            # Who told it, and in which order, stays: a settlement goes on meaning the trade before it.
            made = changed.model_copy(update={"id": transaction_id, "origin": old.origin, "place": old.place})
            after = [made if t.id == transaction_id else t for t in existing]
            _check(existing, after, known, portfolio_id)
            rows = await connection.fetch(
                "SELECT row_hash FROM portfolio_transaction WHERE portfolio_id = $1 AND id <> $2",
                portfolio_id,
                transaction_id,
            )
            await update_transaction(connection, transaction_id, made, [row["row_hash"] for row in rows])
            await _forget_snapshots(connection, portfolio_id, min(made.date, old.date))
            return made

        known = await self._known_of(portfolio_id, [changed])
        return await self._db.run(work)

    async def remove(self, portfolio_id: str, transaction_ids: Sequence[int]) -> int:
        """Delete transactions. Raises `NotFound`, and `Harmful` where what is booked later would not stand."""

        async def work(connection: Connection) -> int:
            existing = await _locked(connection, portfolio_id)
            wanted = set(transaction_ids)
            missing = wanted - {t.id for t in existing}
            if missing:
                raise NotFound(f"no transaction {min(missing)} in portfolio {portfolio_id}")
            return await _take(connection, portfolio_id, existing, wanted, known)

        known = await self._known_of(portfolio_id)
        return await self._db.run(work)

    async def imports(self, portfolio_id: str) -> Sequence[Import]:
        """The imports that booked something, newest first."""
        rows = await self._db.fetch(
            "SELECT * FROM (SELECT i.id, i.imported_at, i.layout, "
            "(SELECT count(*) FROM portfolio_transaction t WHERE t.import_id = i.id) + "
            "(SELECT count(*) FROM portfolio_paper_row p WHERE p.import_id = i.id) AS rows "
            "FROM portfolio_import i WHERE i.portfolio_id = $1) AS x WHERE rows > 0 ORDER BY id DESC",
            portfolio_id,
        )
        return [Import(row["id"], row["imported_at"], row["layout"], row["rows"]) for row in rows]

    async def undo(self, portfolio_id: str, import_id: int) -> int:
        """Take back all that one import booked; how many rows. Raises `NotFound` and `Harmful`."""

        async def work(connection: Connection) -> int:
            existing = await _locked(connection, portfolio_id)
            rows = await connection.fetch(
                "SELECT id FROM portfolio_transaction WHERE portfolio_id = $1 AND import_id = $2",
                portfolio_id,
                import_id,
            )
            mine = "SELECT 1 FROM portfolio_import WHERE id = $1 AND portfolio_id = $2"
            ours = await connection.fetchval(mine, import_id, portfolio_id)
            papers = await take_papers(connection, portfolio_id, import_id) if ours else ()
            if not rows and not papers:
                raise NotFound(f"no import {import_id} in portfolio {portfolio_id} has rows left")
            gone = await _take(connection, portfolio_id, existing, {row["id"] for row in rows}, known)
            await _forget_snapshots(connection, portfolio_id, min((p.day for p in papers), default=FOREVER))
            await connection.execute("DELETE FROM portfolio_import WHERE id = $1", import_id)
            return gone + len(papers)

        known = await self._known_of(portfolio_id)
        return await self._db.run(work)

    async def rename(self, portfolio_id: str, name: str) -> None:
        """Give a portfolio another name. Raises `NotFound`."""
        sql = "UPDATE portfolio SET name = $2 WHERE id = $1"
        if not await self._db.execute(sql, portfolio_id, clean(name)):
            raise NotFound(f"no portfolio {portfolio_id}")

    async def merge(self, portfolio_id: str, other_id: str) -> tuple[int, int]:
        """Move all of another portfolio into this one and delete it: (moved, left out as duplicates).

        Equal rows count as often as in the portfolio that has more of them. Raises `NotFound`.
        """

        async def work(connection: Connection) -> tuple[int, int]:
            for one in sorted((portfolio_id, other_id)):  # in one order, so that two merges never wait for each other
                await lock(connection, one)
            mine = await load_transactions(connection, portfolio_id)
            theirs = await load_transactions(connection, other_id)
            there: dict[str, int] = {}
            for t in mine:
                there[natural_key(t)] = there.get(natural_key(t), 0) + 1
            moved = []
            for t in theirs:
                key = natural_key(t)
                if there.get(key, 0):
                    there[key] -= 1
                else:
                    moved.append(t)
            await write_transactions(connection, portfolio_id, moved, await hashes_of(connection, portfolio_id))
            for sql in MERGED:
                await connection.execute(sql, other_id, portfolio_id)
            await _forget_snapshots(connection, portfolio_id, min((t.date for t in moved), default=FOREVER))
            await connection.execute("DELETE FROM portfolio WHERE id = $1", other_id)
            return len(moved), len(theirs) - len(moved)

        if portfolio_id == other_id:
            raise Harmful("a portfolio cannot be merged into itself")
        return await self._db.run(work)

    async def options(self, portfolio_id: str) -> Mapping[str, Any]:
        """What its owner set. Raises `NotFound`."""
        rows = await self._db.fetch("SELECT options FROM portfolio WHERE id = $1", portfolio_id)
        if not rows:
            raise NotFound(f"no portfolio {portfolio_id}")
        found: Mapping[str, Any] = from_json(rows[0]["options"])
        return found

    async def set_options(self, portfolio_id: str, options: Mapping[str, Any]) -> None:
        """Change some of what its owner set; the rest stays. Raises `NotFound`."""
        sql = "UPDATE portfolio SET options = options || $2::text::jsonb WHERE id = $1"
        if not await self._db.execute(sql, portfolio_id, to_json(dict(options))):
            raise NotFound(f"no portfolio {portfolio_id}")

    async def propose(self, portfolio_id: str, proposals: Mapping[str, Any]) -> int:
        """Post events to confirm, by key; how many are new. Open ones that are proposed no longer are taken back."""

        async def work(connection: Connection) -> int:
            await lock(connection, portfolio_id)
            keys, bodies = list(proposals), [to_json(body) for body in proposals.values()]
            await connection.execute(
                "DELETE FROM portfolio_proposal "
                "WHERE portfolio_id = $1 AND state = 'open' AND NOT key = ANY($2::text[])",
                portfolio_id,
                keys,
            )
            rows = await connection.fetch(
                "INSERT INTO portfolio_proposal (portfolio_id, key, body) "
                "SELECT $1, k, b::jsonb FROM unnest($2::text[], $3::text[]) AS x (k, b) "
                "ON CONFLICT (portfolio_id, key) DO NOTHING RETURNING key",
                portfolio_id,
                keys,
                bodies,
            )
            return len(rows)

        return await self._db.run(work)

    async def proposals(self, portfolio_id: str, *, state: str = "open") -> Mapping[str, Any]:
        """Proposed events by key, the oldest first, in one state: open, confirmed or declined."""
        rows = await self._db.fetch(
            "SELECT key, body FROM portfolio_proposal WHERE portfolio_id = $1 AND state = $2 ORDER BY key",
            portfolio_id,
            state,
        )
        return {row["key"]: from_json(row["body"]) for row in rows}

    async def answer(self, portfolio_id: str, keys: Sequence[str], state: str) -> int:
        """Mark proposals as confirmed or declined; how many were open."""
        return await self._db.execute(
            "UPDATE portfolio_proposal SET state = $3 WHERE portfolio_id = $1 AND key = ANY($2::text[]) "
            "AND state = 'open'",
            portfolio_id,
            list(keys),
            state,
        )

    async def mapping(self, owner: str) -> Mapping[str, str]:
        """A user's own meanings of columns: header -> what it holds."""
        rows = await self._db.fetch("SELECT header, meaning FROM statement_mapping WHERE owner = $1", owner)
        return {row["header"]: row["meaning"] for row in rows}

    async def set_mapping(self, owner: str, mapping: Mapping[str, str]) -> None:
        """Keep meanings of columns for a user; an empty meaning forgets the column."""

        async def work(connection: Connection) -> None:
            headers = [clean(h) for h in mapping]
            await connection.execute(
                "DELETE FROM statement_mapping WHERE owner = $1 AND header = ANY($2::text[])", owner, headers
            )
            kept = {clean(h): m for h, m in mapping.items() if m}
            await connection.execute(
                "INSERT INTO statement_mapping SELECT $1, h, m FROM unnest($2::text[], $3::text[]) AS x (h, m)",
                owner,
                list(kept),
                list(kept.values()),
            )

        await self._db.run(work)

    async def _known_of(self, portfolio_id: str, more: Sequence[Transaction] = ()) -> Known:
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM portfolio_transaction WHERE portfolio_id = $1", portfolio_id
        )
        return await self.known([*map(transaction_of, rows), *more])

    @staticmethod
    async def _new_import(connection: Connection, portfolio_id: str, layout: str) -> int:
        made: int = await connection.fetchval(
            "INSERT INTO portfolio_import (portfolio_id, layout) VALUES ($1, $2) RETURNING id", portfolio_id, layout
        )
        return made


async def _locked(connection: Connection, portfolio_id: str) -> list[Transaction]:
    await lock(connection, portfolio_id)
    return await load_transactions(connection, portfolio_id)


async def _take(
    connection: Connection, portfolio_id: str, existing: Sequence[Transaction], gone: set[int], known: Known
) -> int:
    """Delete rows, and the snapshots that counted them."""
    _check(existing, [t for t in existing if t.id not in gone], known, portfolio_id)
    since = min((t.date for t in existing if t.id in gone), default=FOREVER)
    await connection.execute(
        "DELETE FROM portfolio_transaction WHERE portfolio_id = $1 AND id = ANY($2::bigint[])", portfolio_id, list(gone)
    )
    await _forget_snapshots(connection, portfolio_id, since)
    return len(gone)


async def _forget_snapshots(connection: Connection, portfolio_id: str, since: date) -> None:
    """Drop the metrics that counted what was changed: they are computed again."""
    sql = "DELETE FROM portfolio_snapshot WHERE portfolio_id = $1 AND day >= $2"
    await connection.execute(sql, portfolio_id, since)


def _check(before: Sequence[Transaction], after: Sequence[Transaction], known: Known, portfolio_id: str) -> None:
    """Raise `Harmful` where facts fail after a change that did not fail before it."""
    failed = {t.id for t, _ in _failing(before, known)}
    new = [(t, reason) for t, reason in _failing(after, known) if t.id is None or t.id not in failed]
    if new:
        t, reason = new[0]
        if t.id is None:
            raise Harmful(f"{reason}: what is booked later would not stand")
        problem = f"{reason}: transaction {t.id} would not stand; correct or delete it first"
        raise Harmful(f"{problem} (invest portfolio delete {portfolio_id} {t.id})")


def _failing(facts: Sequence[Transaction], known: Known) -> list[tuple[Transaction, str]]:
    done = settled(facts, known, FOREVER)
    return [(done.transactions[r.index], r.reason) for r in derive(done.transactions).refused]
