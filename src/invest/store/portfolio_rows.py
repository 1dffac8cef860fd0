"""Rows of portfolios: transactions and fixed income to columns and back, and what the store knows beside them."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from invest.domain.fixed_income import Bond, PaperFact, Terms, bonds_of, oversold
from invest.domain.market import CorporateAction
from invest.domain.portfolios import Known, Operation, Portfolio, Transaction, row_hashes, spun_off
from invest.errors import InvestError, NotFound
from invest.store.core import Connection, Database, Record, clean, columns, from_json, texts, to_json
from invest.store.market import Actions, Assets, BarStore

COLUMNS = "id, day, ticker, operation, quantity, price, note, origin, fees, broker, other, shares, place"
BOOK = """
INSERT INTO portfolio_transaction (portfolio_id, day, ticker, operation, quantity, price, note, origin, row_hash,
  fees, broker, other, shares, place, import_id)
SELECT $1, d, t, o, q::numeric, p::numeric, n, g, h, f::numeric, b, ot, s::numeric, pl, $15
FROM unnest($2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::text[], $11::text[], $12::text[], $13::text[], $14::int[])
  WITH ORDINALITY AS x (d, t, o, q, p, n, g, h, f, b, ot, s, pl, place_in_list) ORDER BY place_in_list
ON CONFLICT (portfolio_id, row_hash) DO NOTHING
"""
LATER = ("added", "interest")  # fields that the release before does not know: kept where they hold something
BEFORE = timedelta(days=15)  # prices from before the first fact, for the days without a session


async def load_portfolio(connection: Connection, portfolio_id: str) -> Portfolio:
    """A portfolio with all its transactions. Raises `NotFound`."""
    row = await connection.fetchrow("SELECT id, name, created_at, targets FROM portfolio WHERE id = $1", portfolio_id)
    if row is None:
        raise NotFound(f"no portfolio {portfolio_id}")
    return Portfolio(
        id=row["id"],
        name=row["name"],
        created_at=row["created_at"],
        transactions=tuple(await load_transactions(connection, portfolio_id)),
        targets=from_json(row["targets"]),
    )


async def load_transactions(connection: Connection, portfolio_id: str) -> list[Transaction]:
    """The transactions of a portfolio in order of their days."""
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM portfolio_transaction WHERE portfolio_id = $1 ORDER BY day, id", portfolio_id
    )
    return await asyncio.to_thread(lambda: [transaction_of(row) for row in rows])


def transaction_of(row: Record) -> Transaction:
    """One stored row as a transaction."""
    # model_construct: validated when it was booked; a portfolio may hold thousands.
    return Transaction.model_construct(
        date=row["day"],
        ticker=row["ticker"],
        operation=Operation(row["operation"]),
        quantity=row["quantity"],
        price=row["price"],
        note=row["note"],
        origin=row["origin"],
        fees=row["fees"],
        broker=row["broker"],
        other=row["other"],
        shares=row["shares"],
        place=row["place"],
        id=row["id"],
    )


async def write_transactions(
    connection: Connection,
    portfolio_id: str,
    transactions: Sequence[Transaction],
    taken: Iterable[str],
    import_id: int | None = None,
) -> None:
    """Add transactions; `taken`: hashes of rows that are there."""
    if not transactions:
        return
    days, tickers, quantities, prices, origins = columns(transactions, "date", "ticker", "quantity", "price", "origin")
    operations = [str(t.operation) for t in transactions]
    notes = [clean(t.note) for t in transactions]
    fees, brokers, others, places = columns(transactions, "fees", "broker", "other", "place")
    hashes = await asyncio.to_thread(row_hashes, transactions, list(taken))
    shares = [None if t.shares is None else f"{t.shares:f}" for t in transactions]
    await connection.execute(
        BOOK, portfolio_id, days, tickers, operations, texts(quantities), texts(prices), notes, origins,
        hashes, texts(fees), [clean(b) for b in brokers], others, shares, places, import_id,
    )  # fmt: skip


async def update_transaction(
    connection: Connection, transaction_id: int, changed: Transaction, taken: Iterable[str]
) -> None:
    """Replace what one row says; `taken`: hashes of the other rows."""
    t = changed
    await connection.execute(
        "UPDATE portfolio_transaction SET day = $2, ticker = $3, operation = $4, quantity = $5, price = $6, note = $7, "
        "fees = $8, broker = $9, other = $10, shares = $11, place = $12, row_hash = $13 WHERE id = $1",
        transaction_id, t.date, t.ticker, str(t.operation), t.quantity, t.price, clean(t.note), t.fees, clean(t.broker),
        t.other, t.shares, t.place, row_hashes([t], taken)[0],
    )  # fmt: skip


async def hashes_of(connection: Connection, portfolio_id: str) -> list[str]:
    """The hashes of the rows that are there."""
    rows = await connection.fetch("SELECT row_hash FROM portfolio_transaction WHERE portfolio_id = $1", portfolio_id)
    return [row["row_hash"] for row in rows]


async def known_facts(
    actions: Actions, assets: Assets, bars: BarStore, transactions: Iterable[Transaction], *, prices: bool = True
) -> Known:
    """What the store knows of the assets of these transactions: events, changes of code, prices of their days."""
    facts = list(transactions)
    lineages = await assets.lineages()
    plain = Known(changes=lineages)
    tickers = {t for one in facts for t in (one.ticker, one.other) if t}
    names = {code for one in facts if one.ticker for code in plain.codes_of(one.ticker, one.date)} | tickers
    if not names:
        return plain
    known = dict(await actions.of_many(sorted(names)))
    while more := _received(known, plain) - names:  # what they gave has events and prices too
        names |= more
        known |= await actions.of_many(sorted(more))
    first = min((one.date for one in facts), default=date.max)
    since = first - BEFORE if first > date.min + BEFORE else first
    series = await bars.read_many(sorted(names), since=since) if prices else {}
    return Known(known, lineages, series)


def _received(actions: Mapping[str, Sequence[CorporateAction]], known: Known) -> set[str]:
    """The papers that known spin-offs gave, under each code that they traded as since."""
    given = {(other, a.last_date_with) for mine in actions.values() for a in mine if (other := spun_off(a))}
    return {code for other, day in given for code in known.codes_of(other, day)}


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
        agreed_terms = {row["bond_id"]: Terms.model_validate(from_json(row["body"])) for row in terms}
        return agreed | bonds_of([_fact(row) for row in facts], agreed_terms)

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
            # nosec B608 - the two names above
            sql = f"DELETE FROM {table} WHERE portfolio_id = $1 AND bond_id = $2"
            gone += await self._db.execute(sql, portfolio_id, bond_id)
        return gone > 0


def _plain(bond: Bond) -> dict[str, Any]:
    return bond.model_dump(mode="json", exclude_none=True)


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
    written = list(facts)
    if not written:
        return
    await connection.execute(
        "INSERT INTO portfolio_paper_row (portfolio_id, import_id, bond_id, day, body) "
        "SELECT $1, $2, b, d, t::jsonb FROM unnest($3::text[], $4::date[], $5::text[]) AS x (b, d, t)",
        portfolio_id,
        import_id,
        [f.bond_id for f in written],
        [f.day for f in written],
        [to_json(f.model_dump(mode="json", exclude={"id"})) for f in written],
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
            problem = f"{fact.units:f} of {fact.name} were redeemed on {fact.day}, and {held:f} would be held then"
            raise Harmful(
                f"{problem}: undo the import of the redemption first (invest portfolio imports {portfolio_id})"
            )
    await connection.execute("DELETE FROM portfolio_paper_row WHERE import_id = $1", import_id)
    return [f for f in facts if f.id in gone]
