"""Filed accounts: every version is stored; readers get the highest version published by their date."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from invest.domain.frozen import bare
from invest.domain.market import StatementLine
from invest.store.core import Connection, Database, Record, chunks, clean, columns, copy_text, texts
from invest.store.market.figures import write_figures

CHUNK = 10_000
FILE = """
INSERT INTO filing AS f (cnpj, cvm_code, company, form, reference_date, version, received_on)
SELECT c, v, n, o, r, e, g
FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::date[], $6::int[], $7::date[])
  AS x (c, v, n, o, r, e, g)
ON CONFLICT (cnpj, form, reference_date, version) DO UPDATE
  SET company = excluded.company, received_on = coalesce(excluded.received_on, f.received_on)
RETURNING id, cnpj, form, reference_date, version, xmax = 0 AS added
"""
# The same filing read again changes only what CVM itself corrected.
LINES = """
WITH done AS (
INSERT INTO statement_line AS l (filing, statement, consolidated, period_start, period_end, account, description, value,
                                 payload)
SELECT f, s, c, a, z, k, d, v::numeric, p
FROM unnest($1::bigint[], $2::text[], $3::bool[], $4::date[], $5::date[], $6::text[], $7::text[], $8::text[],
            $9::text[]) AS x (f, s, c, a, z, k, d, v, p)
ON CONFLICT (filing, statement, consolidated, account, period_end, coalesce(period_start, '-infinity')) DO UPDATE
  SET description = excluded.description, value = excluded.value, payload = excluded.payload
WHERE (l.description, l.value) IS DISTINCT FROM (excluded.description, excluded.value)
RETURNING filing
) SELECT filing, count(*) AS lines FROM done GROUP BY filing
"""
# CVM's deadlines stand in for a delivery day that is not known: 90 days after the year, 45 after the quarter.
KNOWN_ON = "coalesce({0}.received_on, {0}.reference_date + CASE {0}.form WHEN 'ITR' THEN 45 ELSE 90 END)"
READ = f"""
SELECT f.cnpj, f.cvm_code, f.company, f.form, l.statement, l.consolidated, f.version, f.reference_date, l.period_start,
       l.period_end, l.account, l.description, l.value, f.received_on, l.payload
FROM filing f JOIN statement_line l ON l.filing = f.id
WHERE (f.cnpj = ANY($1::text[]) OR f.cvm_code = $2) AND ($3::date IS NULL OR {KNOWN_ON.format("f")} <= $3)
  AND ($4::date IS NULL OR f.reference_date >= $4)
  AND ($5 OR NOT EXISTS (
    SELECT 1 FROM filing n WHERE n.cnpj = f.cnpj AND n.form = f.form AND n.reference_date = f.reference_date
      AND n.version > f.version AND ($3::date IS NULL OR {KNOWN_ON.format("n")} <= $3)))
ORDER BY f.cnpj, f.reference_date, f.form, f.version, l.statement, l.consolidated, l.period_end, l.period_start,
  l.account
"""
FILED = """
WITH company AS MATERIALIZED (
  SELECT cnpj, (SELECT l.value FROM filing n JOIN statement_line l ON l.filing = n.id
                WHERE n.cnpj = x.cnpj AND l.statement = 'BPA' AND l.account = '1'
                ORDER BY n.reference_date DESC, l.period_end DESC, l.consolidated DESC, n.version DESC LIMIT 1) AS total
  FROM unnest($1::text[]) AS x (cnpj)
)
SELECT c.cnpj, c.total, f.form, f.reference_date, max(f.version) AS version, max(f.received_on) AS received_on
FROM company c JOIN filing f USING (cnpj) GROUP BY c.cnpj, c.total, f.form, f.reference_date
"""
COPIED = (
    "filing", "statement", "consolidated", "period_start", "period_end", "account", "description", "value", "payload",
)  # fmt: skip
FilingKey = tuple[str, str, date, int]
FILING_KEY = attrgetter("cnpj", "form", "reference_date", "version")
LINE_KEY = attrgetter(
    "cnpj", "form", "reference_date", "version", "statement", "consolidated", "account", "period_end", "period_start"
)


async def write_statements(connection: Connection, lines: Iterable[StatementLine]) -> Counter[str]:
    """Store lines in the transaction of `connection`; returns how many were new or corrected, by CNPJ."""
    held = list(lines)
    once = dict(zip(map(LINE_KEY, held), held, strict=True))  # of two of one account the later
    if not once:
        return Counter()
    filed: dict[FilingKey, list[StatementLine]] = defaultdict(list)
    for line in once.values():
        filed[FILING_KEY(line)].append(line)
    # In order: others store the same filings meanwhile.
    heads = [next((x for x in filed[key] if x.received_on), filed[key][0]) for key in sorted(filed)]
    cnpj, code, form, reference, version, received = columns(
        heads, "cnpj", "cvm_code", "form", "reference_date", "version", "received_on"
    )
    companies = [clean(h.company) for h in heads]
    stored = await connection.fetch(FILE, cnpj, code, companies, form, reference, version, received)
    parts = {r["id"]: filed[r["cnpj"], r["form"], r["reference_date"], r["version"]] for r in stored}
    added = {r["id"]: parts[r["id"]] for r in stored if r["added"]}
    await _add(connection, added)
    await write_figures(connection, added)
    changed = Counter(line.cnpj for part in added.values() for line in part)
    known = [(ident, line) for ident, part in parts.items() if ident not in added for line in part]
    for rows in chunks(known, CHUNK):
        for found in await connection.fetch(LINES, *_line_columns(rows)):
            changed[parts[found["filing"]][0].cnpj] += found["lines"]
    return changed


async def _add(connection: Connection, added: Mapping[int, Sequence[StatementLine]]) -> None:
    """Text COPY straight into the table: the lines of a filing that was just added can meet no stored one."""
    if added:
        await connection.copy_to_table("statement_line", source=_encoded(added), columns=COPIED, format="text")


async def _encoded(added: Mapping[int, Sequence[StatementLine]]) -> AsyncIterator[bytes]:
    """COPY text, filing by filing. Days and texts are few: each is written once."""
    written: dict[object, str] = {None: r"\N", True: "t", False: "f"}

    def text(value: str) -> str:
        found = written.get(value)
        if found is None:
            found = written[value] = copy_text(clean(value))
        return found

    def day(value: date | None) -> str:
        found = written.get(value)
        if found is None:
            found = written[value] = str(value)
        return found

    for ident, lines in added.items():
        yield "".join(
            f"{ident}\t{text(x.statement)}\t{written[x.consolidated]}\t{day(x.period_start)}\t{day(x.period_end)}"
            f"\t{text(x.account)}\t{text(x.description)}\t{x.value}\t{text(x.payload)}\n"
            for x in lines
        ).encode()


def _line_columns(rows: Sequence[tuple[int, StatementLine]]) -> list[Sequence[object]]:
    lines = [row for _, row in rows]
    statement, consolidated, start, end, account, value, payload = columns(
        lines, "statement", "consolidated", "period_start", "period_end", "account", "value", "payload"
    )
    described = [clean(row.description) for row in lines]
    return [[i for i, _ in rows], statement, consolidated, start, end, account, described, texts(value), payload]


class Filed(NamedTuple):
    """What is stored of a company's filings: the highest version by (form, reference date), the newest delivery day.

    `total_assets`: of the newest balance sheet, BRL: what the unit of the next one is checked against.
    """

    versions: dict[tuple[str, date], int]
    newest: date | None
    total_assets: Decimal | None


class Statements:
    """`store.statements`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def upsert(self, lines: Sequence[StatementLine]) -> int:
        """Keep filed lines; the same ones again change nothing. Returns how many were new or corrected."""
        return (await self._db.run(lambda c: write_statements(c, lines))).total()

    async def read(
        self,
        *,
        cnpj: str | None = None,
        cvm_code: int | None = None,
        known_on: date | None = None,
        since: date | None = None,
        all_versions: bool = False,
    ) -> list[StatementLine]:
        """Lines of one company (by CNPJ or CVM code), oldest filing first.

        `known_on`: only what had been delivered to CVM by that day, for computing point in time; a filing whose
        delivery day is unknown counts from CVM's deadline. Of each form and date the highest version, or all of them.
        """
        companies = [] if cnpj is None else [cnpj]
        rows = await self._db.fetch(READ, companies, cvm_code, known_on, since, all_versions)
        return [_line(row) for row in rows]

    async def filed(self, cnpj: str) -> Filed:
        """What an incremental collection of a company builds on, in one query."""
        return (await self.filed_many([cnpj]))[cnpj]

    async def filed_many(self, companies: Sequence[str]) -> dict[str, Filed]:
        """The same for each of many companies, by CNPJ."""
        found = {cnpj: Filed({}, None, None) for cnpj in companies}
        for row in await self._db.fetch(FILED, list(found)) if found else ():
            versions, newest, _ = found[row["cnpj"]]
            versions[row["form"], row["reference_date"]] = row["version"]
            newest = max((day for day in (newest, row["received_on"]) if day is not None), default=None)
            found[row["cnpj"]] = Filed(versions, newest, row["total"])
        return found

    async def newest_many(self, companies: Iterable[str]) -> dict[str, date]:
        """The newest known delivery day of each company (by CNPJ) of which one is known."""
        sql = "SELECT cnpj, max(received_on) AS day FROM filing WHERE cnpj = ANY($1::text[]) GROUP BY cnpj"
        rows = await self._db.fetch(sql, sorted(set(companies)))
        return {row["cnpj"]: row["day"] for row in rows if row["day"] is not None}


def _line(row: Record) -> StatementLine:
    return bare(StatementLine, **dict(row))  # checked when it was written
