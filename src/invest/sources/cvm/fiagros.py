"""Fiagros from CVM's monthly reports of their own (since May 2025): one small file a month, a line per fund."""

from __future__ import annotations

import asyncio
import calendar
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import orjson

from invest.domain.market import MARKET_ZONE, AssetKind, market_day
from invest.sources.client import Capped, Shelf, Shelved, Shelves, SourceClient, open_zip
from invest.sources.cvm.format import table
from invest.sources.errors import Malformed, NotAvailable
from invest.sources.model import Identity, Reading, Want
from invest.sources.numerals import cnpj_of, day, number, positive

PATH = "/dados/FIAGRO/DOC/INF_MENSAL/DADOS/inf_mensal_fiagro_{month}.zip"
FRESH = 21_600.0
HEADER = 65_536  # bytes of a table's first line that are looked at
LOOK_BACK = 4  # months among which the newest file is looked for
TRIED = 2  # files in which a fund is looked for
UNITS = ("COTAS_EMITIDAS", "NUMERO_COTAS_EMITIDAS", "NUMERO_COTAS", "QUANTIDADE_COTAS_EMITIDAS")
PER_UNIT = ("VALOR_PATRIMONIAL_COTAS", "VALOR_PATRIMONIAL_COTA")
ASSETS = ("VALOR_ATIVO", "TOTAL_ATIVO", "ATIVO_TOTAL")


class Fiagros:
    """The newest months' files."""

    def __init__(self) -> None:
        self._shelves = Shelves("fiagros", cut)

    async def read(self, client: SourceClient, reading: Reading, want: Want) -> bool:
        """Read a Fiagro's newest month into `reading`; whether one was found. Raises `SourceError`."""
        shelved, row = None, None
        async for shelved in self._newest(client, reading, market_day(want.now)):
            row = await asyncio.to_thread(_row_of, shelved, want)
            if row is not None:
                break
        if shelved is None or row is None:
            return False
        month = day(row.get("DATA_REFERENCIA"))
        if month is None or month > market_day(want.now):
            return False
        reading.keep(shelved.payload, shelved.path)
        last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
        at = datetime.combine(last, time(12), MARKET_ZONE)
        worth, units = positive(row.get("PATRIMONIO_LIQUIDO")), _first(row, UNITS)
        per_unit = _first(row, PER_UNIT) or (worth / units if worth and units else None)
        for name, value, unit in (
            ("bvps", per_unit, "BRL"),
            ("equity", worth, "BRL"),
            ("total_assets", _first(row, ASSETS), "BRL"),
            ("shares_outstanding", units, "count"),
            ("holders", positive(row.get("NUMERO_COTISTAS")), "count"),
        ):
            reading.observe(name, value, at, shelved.payload, unit=unit)
        reading.identity = Identity(
            name=row.get("NOME_CLASSE") or None, kind=AssetKind.FII, cnpj=cnpj_of(row.get("CNPJ_CLASSE")),
            isin=row.get("CODIGO_ISIN") or None, segment="Fiagro", shares_outstanding=units,
        )  # fmt: skip
        return True

    async def _newest(self, client: SourceClient, reading: Reading, today: date) -> AsyncIterator[Shelved]:
        """The two newest months' files: in the first days of a month not every fund has filed."""
        month, given = today.replace(day=1), 0
        for _ in range(LOOK_BACK):
            month = (month - timedelta(days=1)).replace(day=1)
            try:
                path = PATH.format(month=f"{month:%Y%m}")
                shelved = await self._shelves.fetch(client, reading.source, path, fresh_for=FRESH)
            except NotAvailable:
                continue
            yield shelved
            given += 1
            if given == TRIED:
                return


def _first(row: Mapping[str, str], names: tuple[str, ...]) -> Decimal | None:
    return next((found for name in names if (found := positive(row.get(name))) is not None), None)


def cut(source: Path, shelf: Path) -> None:
    """The newest version of each Fiagro's line by CNPJ, and the CNPJs by issuer letters. Raises `Malformed`."""
    funds: dict[str, tuple[int, dict[str, str]]] = {}
    units: dict[str, dict[str, str]] = {}
    for name, row in _rows(source):
        cnpj = cnpj_of(row.get("CNPJ_CLASSE"))
        if cnpj is None:
            continue
        if "subclasse" in name:
            units.setdefault(cnpj, row)
            continue
        version = number(row.get("VERSAO"))
        number_of_version = int(version) if version is not None and 0 < version < 1000 else 1
        if cnpj not in funds or number_of_version >= funds[cnpj][0]:
            funds[cnpj] = number_of_version, {key: value for key, value in row.items() if value}
    if not funds and not _has_columns(source):
        raise Malformed("cvm_funds", "a report of Fiagros without its columns")
    issuers: dict[str, list[str]] = {}
    blocks = []
    for cnpj, (_, row) in funds.items():
        isin = row.get("CODIGO_ISIN", "").strip().upper()
        if len(isin) == 12:
            issuers.setdefault(f"issuer:{isin[2:6]}", []).append(cnpj)
        blocks.append((cnpj, orjson.dumps({**units.get(cnpj, {}), **row})))
    Shelf.write(shelf, [*blocks, *((key, orjson.dumps(sorted(found))) for key, found in issuers.items())])


def _rows(source: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with open_zip("cvm_funds", source) as archive:
        for entry in archive.infolist():
            name = entry.filename.lower()
            if "inf_mensal_fiagro" in name and name.endswith(".csv"):
                with archive.open(entry) as stream:
                    for row in table(Capped("cvm_funds", stream, entry.file_size).lines()):
                        yield name, row


def _has_columns(source: Path) -> bool:
    """Whether a file that holds no line is a report nonetheless: nobody has filed yet."""
    with open_zip("cvm_funds", source) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as stream:
                if b"CNPJ_CLASSE" in stream.readline(HEADER).upper():
                    return True
    return False


def _row_of(shelved: Shelved, want: Want) -> dict[str, str] | None:
    """The line of a fund: of the CNPJ on record, else of the only one whose ISIN has the code's letters."""
    known = want.asset.cnpj if want.asset else None
    block = shelved.shelf.get(known) if known else None
    if not block:
        issuers = shelved.shelf.get(f"issuer:{want.ticker[:4]}")
        found = orjson.loads(issuers) if issuers else []
        block = shelved.shelf.get(found[0]) if len(found) == 1 else None
    row: dict[str, str] | None = orjson.loads(block) if block else None
    return row
