"""CVM's open data as it lies in its zips: latin-1 (or UTF-8), `;`, no quoting, columns found by their header."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from sys import intern

from invest.domain.frozen import bare
from invest.domain.market import StatementLine
from invest.sources.client import Capped, Shelf, open_zip
from invest.sources.errors import Malformed
from invest.sources.model import Delivery
from invest.sources.numerals import cnpj_of, day, digits, number

STATEMENTS = frozenset({"BPA", "BPP", "DRE", "DFC_MI", "DFC_MD", "DVA"})
ENTRY = re.compile(r"(?P<form>dfp|itr)_cia_aberta_(?P<statement>[A-Z_]+)_(?P<scope>con|ind)_\d{4}\.csv", re.I)
INDEX_ENTRY = re.compile(r"(?:dfp|itr)_cia_aberta_\d{4}\.csv", re.I)
MOST_VERSIONS = 999
DEPTH = 4  # levels of accounts that are kept: 2.01.04.01 yes, 2.01.04.01.01 no
LAST = (b"\xdaLTIMO", "ÚLTIMO".encode())
SCALES = {"MIL": Decimal(1000), "UNIDADE": Decimal(1), "UNITARIO": Decimal(1), "MILHAO": Decimal(1_000_000)}
PER_SHARE = "3.99"  # earnings per share: in BRL whatever the statement's scale


def decode(data: bytes) -> str:
    """Text of a CVM file: UTF-8 where it is that, else latin-1."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def table(lines: Iterable[bytes]) -> Iterator[dict[str, str]]:
    """Rows by column name; a row with fewer fields than the header is left out."""
    rows = iter(lines)
    header = [name.strip().strip('"').upper() for name in decode(next(rows, b"")).split(";")]
    for line in rows:
        values = _fields(decode(line), len(header))
        if len(values) >= len(header):
            yield {name: value.strip().strip('"') for name, value in zip(header, values, strict=False)}


def _fields(line: str, expected: int) -> list[str]:
    """CVM quotes nothing as a rule; a quoted field is understood where that makes the columns match."""
    plain = line.split(";")
    if '"' in line and len(plain) != expected:
        try:
            quoted = next(csv.reader([line], delimiter=";"), plain)
        except csv.Error:  # a stray control character, as between two fields
            return plain
        return quoted if len(quoted) >= expected else plain
    return plain


def cut_statements(source: Path, shelf: Path) -> None:
    """Statements of a DFP or ITR zip by CNPJ: the last exercise only, each block packed with its header line."""
    Shelf.write(shelf, _blocks(source))


def _blocks(source: Path) -> Iterator[tuple[str, bytes]]:
    found = False
    with open_zip("cvm", source) as archive:
        for entry in archive.infolist():
            name = entry.filename.rpartition("/")[2]
            match = ENTRY.fullmatch(name)
            if match and match["statement"].upper() in STATEMENTS:
                tag = f"{match['form']};{match['statement']};{match['scope']}".upper().encode()
            elif INDEX_ENTRY.fullmatch(name):
                tag = b"INDEX"
            else:
                continue
            found = True
            with archive.open(entry) as stream:
                yield from _grouped(Capped("cvm", stream, entry.file_size).lines(), tag)
    if not found:
        raise Malformed("cvm", "a zip without statements")


def _grouped(lines: Iterator[bytes], tag: bytes) -> Iterator[tuple[str, bytes]]:
    """Runs of lines of one company, packed; the key is the CNPJ's digits."""
    header = next(lines, b"")
    names = decode(header).upper().split(";")
    if "CNPJ_CIA" not in names:
        raise Malformed("cvm", f"no column CNPJ_CIA but {names[:3]}")
    at = names.index("CNPJ_CIA")
    account = names.index("CD_CONTA") if "CD_CONTA" in names else None
    order = names.index("ORDEM_EXERC") if "ORDEM_EXERC" in names else None
    inner = order is not None and 0 < order < len(names) - 1
    marks = [b";" + mark + b";" for mark in LAST] if inner else list(LAST)  # most lines are of the exercise before
    head, key, run = tag + b"\n" + header, b"", list[bytes]()
    for line in lines:
        if order is not None and not any(mark in line for mark in marks):
            continue
        fields = line.split(b";")
        if len(fields) < len(names) or (order is not None and fields[order] not in LAST):
            continue
        if account is not None and fields[account].count(b".") >= DEPTH:
            continue
        if fields[at] != key and run:
            yield _packed(key, head, run)
            run = []
        key = fields[at]
        run.append(line)
    if run:
        yield _packed(key, head, run)


def _packed(key: bytes, head: bytes, run: list[bytes]) -> tuple[str, bytes]:
    cnpj = cnpj_of(key.decode("latin-1")) or "0"
    body = zlib.compress(b"\n".join([head, *run]), 1)
    return cnpj, len(body).to_bytes(4, "little") + body


def unpack(block: bytes) -> tuple[str, list[bytes]]:
    """The tag and the lines (header first) of one packed run."""
    tag, *lines = zlib.decompress(block[4:]).split(b"\n")
    return tag.decode(), lines


def filings_of(blocks: Iterable[bytes], form: str) -> list[Delivery]:
    """The documents delivered, from the zip's index file."""
    found = []
    for block in blocks:
        tag, lines = unpack(block)
        if tag != "INDEX":
            continue
        for row in table(lines):
            reference, cnpj = day(row.get("DT_REFER")), cnpj_of(row.get("CNPJ_CIA"))
            if reference is None or cnpj is None:
                continue
            code = digits(row.get("CD_CVM"), 7)
            found.append(
                Delivery(
                    cnpj, int(code) if code else None, row.get("DENOM_CIA", ""), form, reference, _version(row),
                    day(row.get("DT_RECEB")),
                )
            )  # fmt: skip
    return found


def statements_of(blocks: Iterable[bytes], filings: Iterable[Delivery], payload: str) -> list[StatementLine]:
    """Lines of one company: of each period the highest version, consolidated where filled in, in BRL.

    A consolidated form whose every amount is zero was left blank by a company without subsidiaries: the individual
    statements count. Earnings per share alone, which some fill in all the same, do not make it a form.
    """
    received = {(f.form, f.reference_date, f.version): f.received_on for f in filings}
    rows = [(tag, *part) for tag, lines in map(unpack, blocks) if tag != "INDEX" for part in _dated(tag, table(lines))]
    best: dict[Period, int] = {}
    for _, period, version, _ in rows:
        best[period] = max(best.get(period, 0), version)
    rows = [row for row in rows if row[2] == best[row[1]]]
    consolidated = {
        period
        for tag, period, _, row in rows
        if tag.endswith("CON") and number(row.get("VL_CONTA")) and not row.get("CD_CONTA", "").startswith(PER_SHARE)
    }
    lines = (
        _line(tag, row, received, payload)
        for tag, period, _, row in rows
        if (period in consolidated) == tag.endswith("CON")
    )
    return [line for line in lines if line is not None]


Period = tuple[str, date]  # form and reference date


def _dated(tag: str, rows: Iterable[dict[str, str]]) -> Iterator[tuple[Period, int, dict[str, str]]]:
    """Rows with the period and the version of their document; without a period they are left out."""
    form = tag.partition(";")[0]
    for row in rows:
        reference = _day(row.get("DT_REFER"))
        if reference:
            yield (form, reference), _version(row), row


@lru_cache(maxsize=4096)
def _day(text: str | None) -> date | None:
    """`day`, with one object for the many rows that name the same one."""
    return day(text)


@lru_cache(maxsize=4096)
def _cnpj(text: str | None) -> str | None:
    """`cnpj_of`, with one object for all rows of a company."""
    return cnpj_of(text)


def _version(row: Mapping[str, str]) -> int:
    """The version of a document; 1 where none is given or it cannot be one."""
    return _version_of(row.get("VERSAO"))


@lru_cache(maxsize=1024)
def _version_of(text: str | None) -> int:
    number_given = number(text)
    return int(number_given) if number_given is not None and 1 <= number_given <= MOST_VERSIONS else 1


def _line(
    tag: str, row: Mapping[str, str], received: Mapping[tuple[str, date, int], date | None], payload: str
) -> StatementLine | None:
    form, statement, scope = tag.split(";")
    reference, end = _day(row.get("DT_REFER")), _day(row.get("DT_FIM_EXERC"))
    cnpj, code = _cnpj(row.get("CNPJ_CIA")), digits(row.get("CD_CVM"), 7)
    value = number(row.get("VL_CONTA"))
    scale = SCALES.get(row.get("ESCALA_MOEDA", "").upper())
    if not (reference and end and cnpj and code) or value is None or scale is None:
        return None
    account, version = row.get("CD_CONTA", ""), _version(row)
    return bare(  # every value was read by a rule of its own
        StatementLine,
        cnpj=cnpj,
        cvm_code=int(code),
        company=intern(row.get("DENOM_CIA", "")),
        form=form,
        statement=statement,
        consolidated=scope == "CON",
        version=version,
        reference_date=reference,
        period_start=_day(row.get("DT_INI_EXERC")),
        period_end=end,
        account=intern(account),
        description=intern(row.get("DS_CONTA", "")),
        value=value if account.startswith(PER_SHARE) else value * scale,
        received_on=received.get((form, reference, version)),
        payload=payload,
    )
