"""What filings say, read from their lines once: an analysis needs some forty amounts of a filing's hundreds of lines.

The amounts are kept beside the filing with its revision, which grows whenever its lines are stored again, and with a
digest of the rules they were read by: what was corrected, or would be read otherwise today, is read anew.
"""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import orjson

from invest.domain.filings import LEGAL_DELAY, Chart, Filing, read_filings
from invest.domain.frozen import bare
from invest.domain.market import StatementLine
from invest.store.core import Connection, Database, Record, array_text, chunks

PAGE = 200  # filings whose lines are held at a time: several hundred each
NEWEST = """
  AND ($3 OR NOT EXISTS (
    SELECT 1 FROM filing n WHERE n.cnpj = f.cnpj AND n.form = f.form AND n.reference_date = f.reference_date
      AND n.version > f.version))
"""
HEADS = f"""
SELECT f.id, f.cnpj, f.form, f.reference_date, f.version, f.received_on, f.revision, k.figures
FROM filing f LEFT JOIN filing_figures k ON k.filing = f.id AND k.revision = f.revision AND k.rules = $4
WHERE f.cnpj = ANY($1::text[]) AND ($2::date IS NULL OR f.reference_date >= $2)
{NEWEST} ORDER BY f.cnpj, f.form, f.reference_date, f.version
"""
LINES = """
SELECT l.filing, f.cnpj, f.cvm_code, f.company, f.form, l.statement, l.consolidated, f.version, f.reference_date,
       l.period_start, l.period_end, l.account, l.description, l.value, f.received_on, l.payload
FROM filing f JOIN statement_line l ON l.filing = f.id
WHERE f.id = ANY($1::bigint[]) AND l.period_end = f.reference_date
ORDER BY l.filing, l.statement, l.consolidated, l.period_start, l.account
"""
# A filing that was stored again meanwhile keeps its old revision here, which no reader takes.
KEEP = """
INSERT INTO filing_figures AS k (filing, revision, rules, figures)
SELECT i, r, $3, j::json FROM unnest($1::bigint[], $2::bigint[], $4::text::text[]) AS x (i, r, j)
WHERE EXISTS (SELECT 1 FROM filing f WHERE f.id = x.i)
ON CONFLICT (filing) DO UPDATE
  SET revision = excluded.revision, rules = excluded.rules, figures = excluded.figures
"""


@dataclass(frozen=True, slots=True)
class Head:
    """A filing without its lines; `figures` as kept, None where they are to be read."""

    id: int
    cnpj: str
    form: str
    reference_date: date
    version: int
    received_on: date | None
    revision: int
    figures: str | None


@cache
def rules() -> str:
    """A digest of the rules by which filings are read: of the text of their module."""
    return hashlib.sha256(Path(inspect.getfile(read_filings)).read_bytes()).hexdigest()[:16]


class FilingFigures:
    """`store.figures`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def of_many(
        self, companies: Iterable[str], *, since: date | None = None, all_versions: bool = False
    ) -> dict[str, tuple[Filing, ...]]:
        """What each company filed, by CNPJ, oldest first; of each form and date the highest version, or all of them.

        `since`: the oldest reference date. Companies without filings are left out.
        """
        found = await self._db.fetch(HEADS, sorted(set(companies)), since, all_versions, rules())
        heads = [Head(*row) for row in found]
        unread = [head for head in heads if head.figures is None]
        fresh: dict[int, list[Filing]] = {}
        for page in chunks(unread, PAGE):
            fresh |= await self._read(page)
        return await asyncio.to_thread(_by_company, heads, fresh)

    async def _read(self, heads: Sequence[Head]) -> dict[int, list[Filing]]:
        """Read filings from their lines, and keep what they say."""
        rows = await self._db.fetch(LINES, [head.id for head in heads])
        lines = await asyncio.to_thread(_lines, heads, rows)
        found = await asyncio.to_thread(_filings, lines)
        await self._db.run(lambda c: _keep(c, {head.id: head.revision for head in heads}, found))
        return found


async def write_figures(connection: Connection, lines: Mapping[int, Sequence[StatementLine]]) -> None:
    """Keep what filings say that were just added, by id, in the transaction of `connection`."""
    found = await asyncio.to_thread(_filings, lines)
    await _keep(connection, dict.fromkeys(found, 0), found)


async def _keep(connection: Connection, revisions: Mapping[int, int], found: Mapping[int, Sequence[Filing]]) -> None:
    if found:
        ids = sorted(found)  # in order: others keep the same ones meanwhile
        kept = [orjson.dumps(list(map(_kept, found[ident]))).decode() for ident in ids]
        await connection.execute(KEEP, ids, [revisions[ident] for ident in ids], rules(), array_text(kept))


def _lines(heads: Sequence[Head], rows: Sequence[Record]) -> dict[int, list[StatementLine]]:
    found: dict[int, list[StatementLine]] = {head.id: [] for head in heads}
    for row in rows:
        given = dict(row)
        ident = given.pop("filing")
        found[ident].append(bare(StatementLine, **given))  # checked when it was written
    return found


def _filings(lines: Mapping[int, Sequence[StatementLine]]) -> dict[int, list[Filing]]:
    return {ident: list(read_filings(own)) for ident, own in lines.items()}


def _by_company(heads: Sequence[Head], fresh: Mapping[int, list[Filing]]) -> dict[str, tuple[Filing, ...]]:
    found: dict[str, list[Filing]] = {}
    for head in heads:
        own = fresh[head.id] if head.figures is None else _unpacked(head)
        found.setdefault(head.cnpj, []).extend(own)
    order = {company: sorted(filed, key=lambda f: (f.reference_date, f.version)) for company, filed in found.items()}
    return {company: tuple(filed) for company, filed in order.items()}


def _kept(filing: Filing) -> dict[str, object]:
    """The part of a filing that its head does not give."""
    flows = [(str(start), str(end), amounts) for (start, end), amounts in filing.flows.items()]
    return {
        "consolidated": filing.consolidated,
        "chart": filing.chart.value,
        "balance": filing.balance,
        "flows": flows,
        "payload": filing.payload,
    }


def _unpacked(head: Head) -> list[Filing]:
    return [
        Filing(
            form=head.form,
            reference_date=head.reference_date,
            received_on=head.received_on or head.reference_date + LEGAL_DELAY.get(head.form, LEGAL_DELAY["DFP"]),
            version=head.version,
            consolidated=kept["consolidated"],
            chart=Chart(kept["chart"]),
            balance=kept["balance"],
            flows={(date.fromisoformat(a), date.fromisoformat(z)): amounts for a, z, amounts in kept["flows"]},
            payload=kept["payload"],
        )
        for kept in orjson.loads(head.figures or "[]")
    ]
