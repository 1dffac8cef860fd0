"""CVM's register of funds and its daily reports, cut by fund: small blocks out of files of all funds of the country."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import orjson

from invest.domain.market import MARKET_ZONE
from invest.sources.client import Capped, Shelf, open_zip
from invest.sources.cvm.format import decode, table
from invest.sources.errors import Malformed
from invest.sources.numerals import cnpj_of, day, positive, rounded

MOST_FEE = Decimal("0.1")  # a year
WORTH_COLUMNS = ("DT_COMPTC", "VL_QUOTA", "VL_PATRIM_LIQ", "NR_COTST")
CNPJ_COLUMNS = ("CNPJ_FUNDO_CLASSE", "CNPJ_FUNDO")


class Registered(NamedTuple):
    """What the register says of a fund; `benchmark` in its own words."""

    name: str | None
    benchmark: str | None
    situation: str | None


class Fee(NamedTuple):
    """A fund's yearly fee as a fraction, and since when it may be another one: None while its old entry is in force."""

    fraction: Decimal
    ended: date | None


class Worth(NamedTuple):
    """What a fund's daily report said of one day, BRL."""

    day: date
    unit: Decimal | None
    net_worth: Decimal | None
    holders: Decimal | None

    @property
    def units(self) -> Decimal | None:
        """Units issued, as net worth and the worth of one make them."""
        return rounded(self.net_worth / self.unit, Decimal(1)) if self.net_worth and self.unit else None


def noon(when: date) -> datetime:
    """Noon of a day in São Paulo."""
    return datetime.combine(when, time(12), MARKET_ZONE)


def cut_register(source: Path, shelf: Path) -> None:
    """Name, benchmark and situation of each class and fund by CNPJ, the class' own line first. Raises `Malformed`."""
    found: dict[str, Registered] = {}
    with open_zip("cvm_etfs", source) as archive:
        entries = {entry.filename.rpartition("/")[2].lower(): entry for entry in archive.infolist()}
        for name, key in (("registro_fundo.csv", "CNPJ_FUNDO"), ("registro_classe.csv", "CNPJ_CLASSE")):
            entry = entries.get(name)
            if entry is None:
                continue
            with archive.open(entry) as stream:
                for row in table(Capped("cvm_etfs", stream, entry.file_size).lines()):
                    cnpj = cnpj_of(row.get(key))
                    if cnpj is not None:
                        found[cnpj] = _better(found.get(cnpj), row)
    if not found:
        raise Malformed("cvm_etfs", "a register without funds")
    Shelf.write(shelf, ((cnpj, orjson.dumps(list(entry))) for cnpj, entry in found.items()))


def _better(known: Registered | None, row: dict[str, str]) -> Registered:
    """The row, with what only the one before says; a cancelled entry of a number gives way to one in operation."""
    registered = Registered(
        row.get("DENOMINACAO_SOCIAL") or None, row.get("INDICADOR_DESEMPENHO") or None, row.get("SITUACAO") or None
    )
    if known is None:
        return registered
    if _ended(registered) and not _ended(known):
        return known
    return Registered(
        registered.name or known.name, registered.benchmark or known.benchmark, registered.situation or known.situation
    )


def _ended(entry: Registered) -> bool:
    return "cancel" in (entry.situation or "").lower()


def registered_in(shelf: Shelf, cnpj: str) -> Registered | None:
    """A fund's entry; None where it has none."""
    block = shelf.get(cnpj)
    return Registered(*orjson.loads(block)) if block else None


def fees_of(body: bytes) -> dict[str, Fee]:
    """Fees of index funds by CNPJ from the old register (cad_fi.csv, percents a year), in force ones first."""
    found: dict[str, Fee] = {}
    for row in table(body.replace(b"\r\n", b"\n").split(b"\n")):
        cnpj, percent = cnpj_of(row.get("CNPJ_FUNDO")), positive(row.get("TAXA_ADM"))
        if cnpj is None or percent is None or percent / 100 > MOST_FEE:
            continue
        ended = None if "CANCEL" not in row.get("SIT", "").upper() else day(row.get("DT_CANCEL")) or date.min
        known = found.get(cnpj)
        if known is None or (ended or date.max) >= (known.ended or date.max):
            found[cnpj] = Fee(percent / 100, ended)
    return found


def cut_daily(source: Path, shelf: Path) -> None:
    """Day, worth of a unit, net worth and holders of each fund by CNPJ. Raises `Malformed`."""
    funds: dict[bytes, list[bytes]] = {}
    with open_zip("cvm_etfs", source) as archive:
        for entry in archive.infolist():
            if entry.filename.lower().endswith(".csv"):
                with archive.open(entry) as stream:
                    for key, line in _compact(Capped("cvm_etfs", stream, entry.file_size).lines()):
                        funds.setdefault(key, []).append(line)
    if not funds:
        raise Malformed("cvm_etfs", "a daily report without funds")
    Shelf.write(shelf, _packed(funds))


def _compact(lines: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """CNPJ and the four columns of each line; lines of a subclass have a worth of their own and are left out."""
    header = [name.strip().strip('"').upper() for name in decode(next(lines, b"")).split(";")]
    key = next((header.index(name) for name in CNPJ_COLUMNS if name in header), None)
    if key is None or any(name not in header for name in WORTH_COLUMNS):
        raise Malformed("cvm_etfs", f"a daily report without {', '.join(WORTH_COLUMNS)}")
    at = [header.index(name) for name in WORTH_COLUMNS]
    part = header.index("ID_SUBCLASSE") if "ID_SUBCLASSE" in header else None
    for line in lines:
        fields = line.split(b";")
        if len(fields) >= len(header) and not (part is not None and fields[part]):
            yield fields[key], b";".join([fields[i] for i in at])


def _packed(funds: dict[bytes, list[bytes]]) -> Iterator[tuple[str, bytes]]:
    for key, lines in funds.items():
        cnpj = cnpj_of(key.decode("latin-1"))
        if cnpj is not None:
            yield cnpj, zlib.compress(b"\n".join(lines), 1)


def worths_in(shelf: Shelf, cnpj: str) -> list[Worth]:
    """What a fund's daily reports in a month's file say, in their order; days that are none are left out."""
    return list(_worths(line for block in shelf.blocks(cnpj) for line in zlib.decompress(block).split(b"\n")))


def _worths(lines: Iterable[bytes]) -> Iterator[Worth]:
    for line in lines:
        when, *figures = decode(line).split(";")
        day_of_row = day(when)
        if day_of_row is not None and len(figures) == 3:
            unit, net_worth, holders = (positive(figure) for figure in figures)
            yield Worth(day_of_row, unit, net_worth, holders)
