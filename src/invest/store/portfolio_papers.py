"""Fixed income of portfolios: what was agreed by hand, and the rows of statements with the terms of their papers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from invest.domain.fixed_income import Bond, PaperFact, Terms, bonds_of, oversold
from invest.errors import InvestError, NotFound
from invest.store.core import Connection, Database, from_json, to_json

LATER = ("added", "interest")  # fields that the release before does not know: kept where they hold something


class Harmful(InvestError):
    """A correction that would leave what is booked later without its shares; the message says which and what to do."""


async def lock(connection: Connection, portfolio_id: str) -> None:
    """Let changes of one portfolio happen one after the other. Raises `NotFound`."""
    if await connection.fetchval("SELECT 1 FROM portfolio WHERE id = $1 FOR UPDATE", portfolio_id) is None:
        raise NotFound(f"no portfolio {portfolio_id}")


class Papers:
    """The part of `store.portfolios` about fixed income."""

    _db: Database

    async def bonds(self, portfolio_id: str) -> Mapping[str, Bond]:
        """Investments in fixed income by their ids: those agreed by hand, and those that statements tell."""
        rows, facts, terms = await asyncio.gather(
            self._db.fetch("SELECT id, body FROM portfolio_bond WHERE portfolio_id = $1 ORDER BY id", portfolio_id),
            self._db.fetch(
                "SELECT id, body FROM portfolio_paper_row WHERE portfolio_id = $1 ORDER BY day, id", portfolio_id
            ),
            self._db.fetch("SELECT bond_id, body FROM portfolio_paper_terms WHERE portfolio_id = $1", portfolio_id),
        )
        agreed = {row["id"]: Bond.model_validate(from_json(row["body"])) for row in rows}
        said = {row["bond_id"]: Terms.model_validate(from_json(row["body"])) for row in terms}
        return agreed | bonds_of([_fact(row) for row in facts], said)

    async def save_bond(self, portfolio_id: str, bond_id: str, bond: Bond) -> None:
        """Keep an investment in fixed income, replacing the one of this id. Raises `NotFound`."""
        body = {name: value for name, value in _plain(bond).items() if value or name not in LATER}

        async def work(connection: Connection) -> None:
            await lock(connection, portfolio_id)
            await connection.execute(
                "INSERT INTO portfolio_bond (portfolio_id, id, body) VALUES ($1, $2, $3::text::jsonb) "
                "ON CONFLICT (portfolio_id, id) DO UPDATE SET body = excluded.body",
                portfolio_id,
                bond_id,
                to_json(body),
            )

        await self._db.run(work)

    async def save_terms(self, portfolio_id: str, bond_id: str, terms: Terms) -> None:
        """Keep what its owner says of an imported paper. Raises `NotFound`."""

        async def work(connection: Connection) -> None:
            await lock(connection, portfolio_id)
            await connection.execute(
                "INSERT INTO portfolio_paper_terms (portfolio_id, bond_id, body) VALUES ($1, $2, $3::text::jsonb) "
                "ON CONFLICT (portfolio_id, bond_id) DO UPDATE SET body = excluded.body",
                portfolio_id,
                bond_id,
                to_json(terms),
            )

        await self._db.run(work)

    async def delete_bond(self, portfolio_id: str, bond_id: str) -> bool:
        """Forget one, with the rows that tell it; False where there is none."""
        gone = await self._db.execute(
            "DELETE FROM portfolio_bond WHERE portfolio_id = $1 AND id = $2", portfolio_id, bond_id
        )
        for table in ("portfolio_paper_terms", "portfolio_paper_row"):
            sql = f"DELETE FROM {table} WHERE portfolio_id = $1 AND bond_id = $2"  # noqa: S608 - one of two names
            gone += await self._db.execute(sql, portfolio_id, bond_id)
        return gone > 0


def _plain(bond: Bond) -> dict[str, Any]:
    return bond.model_dump(mode="json")


def _fact(row: Any) -> PaperFact:
    return PaperFact.model_validate(from_json(row["body"])).model_copy(update={"id": row["id"]})


async def load_papers(connection: Connection, portfolio_id: str) -> list[PaperFact]:
    """What statements told of fixed income, in order of its days."""
    rows = await connection.fetch(
        "SELECT id, body FROM portfolio_paper_row WHERE portfolio_id = $1 ORDER BY day, id", portfolio_id
    )
    return [_fact(row) for row in rows]


async def write_papers(
    connection: Connection, portfolio_id: str, facts: Iterable[PaperFact], import_id: int | None
) -> None:
    """Add rows of a statement."""
    told = list(facts)
    if not told:
        return
    await connection.execute(
        "INSERT INTO portfolio_paper_row (portfolio_id, import_id, bond_id, day, body) "
        "SELECT $1, $2, b, d, t::jsonb FROM unnest($3::text[], $4::date[], $5::text[]) AS x (b, d, t)",
        portfolio_id,
        import_id,
        [f.bond_id for f in told],
        [f.day for f in told],
        [to_json(f.model_dump(mode="json", exclude={"id"})) for f in told],
    )


async def take_papers(connection: Connection, portfolio_id: str, import_id: int) -> Sequence[PaperFact]:
    """Take back what one import told of fixed income. Raises `Harmful` where a later redemption would not stand."""
    rows = await connection.fetch("SELECT id FROM portfolio_paper_row WHERE import_id = $1", import_id)
    gone = {row["id"] for row in rows}
    if not gone:
        return ()
    facts = await load_papers(connection, portfolio_id)
    before = {fact.id for fact, _ in oversold(facts)}
    for fact, held in oversold([f for f in facts if f.id not in gone]):
        if fact.id not in before:
            said = f"{fact.units:f} of {fact.name} were redeemed on {fact.day}, and {held:f} would be held then"
            raise Harmful(f"{said}: undo the import of the redemption first (invest portfolio imports {portfolio_id})")
    await connection.execute("DELETE FROM portfolio_paper_row WHERE import_id = $1", import_id)
    return [f for f in facts if f.id in gone]
