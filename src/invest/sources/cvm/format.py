"""CVM's open data as it lies in its zips: latin-1 (or UTF-8), `;`, no quoting, columns found by their header."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from sys import intern
from typing import NamedTuple

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
INDEX = b"INDEX"
LAST = (b"\xdaLTIMO", "ÚLTIMO".encode())
SCALES = {
    "MIL": Decimal(1000), "MILHAR": Decimal(1000), "MILHARES": Decimal(1000), "UNIDADE": Decimal(1),
    "UNITARIO": Decimal(1), "UNITÁRIO": Decimal(1), "MILHAO": Decimal(1_000_000), "MILHÃO": Decimal(1_000_000),
    "MILHOES": Decimal(1_000_000), "MILHÕES": Decimal(1_000_000),
}  # fmt: skip
WHOLE = ("BPP", "DRE")  # statements that a form needs filled in to be the company's: equity and income stand there
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
                tag = INDEX
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
    latin, unicode = (b";" + mark + b";" if inner else mark for mark in LAST)  # most lines are of the exercise before
    head, key, run = tag + b"\n" + header, b"", list[bytes]()
    for line in lines:
        if order is not None and latin not in line and unicode not in line:
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
        if not _is_index(block):
            continue
        for row in table(unpack(block)[1]):
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


def _is_index(block: bytes) -> bool:
    """Whether a packed run is of the index file: told by its first bytes, the rest is not unpacked."""
    return zlib.decompressobj().decompress(block[4:], len(INDEX) + 1) == INDEX + b"\n"


Period = tuple[str, date]  # form and reference date
COLUMNS = (
    "DT_REFER", "VERSAO", "CD_CONTA", "VL_CONTA", "ESCALA_MOEDA", "DT_INI_EXERC", "DT_FIM_EXERC", "CNPJ_CIA", "CD_CVM",
    "DENOM_CIA", "DS_CONTA",
)  # fmt: skip
MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
NO_TAIL = bytes([*range(0x80), *range(0xC0, 0x100)])  # bytes that end no multibyte character of UTF-8


class Row(NamedTuple):
    """One row of a statement: period and version of its document, and the fields of `COLUMNS` after VERSAO as filed."""

    period: Period
    version: int
    account: str
    value: str
    scale: str
    start: str
    end: str
    cnpj: str
    code: str
    name: str
    words: str


class Sheet(NamedTuple):
    """The rows of one run: one statement of one form, consolidated or individual."""

    statement: str
    consolidated: bool
    rows: list[Row]


def statements_of(blocks: Iterable[bytes], filings: Iterable[Delivery], payload: str) -> list[StatementLine]:
    """Lines of one company: of each period the highest version that was filled in, one basis of it, in BRL.

    Consolidated where its balance and its income statement were filled in, else individual where those were; of forms
    that both lack one, the consolidated if it has any amount. One whose every amount is zero was left blank by a
    company without subsidiaries. Earnings per share alone, which some fill in all the same, make no form.
    """
    received = {(f.form, f.reference_date, f.version): f.received_on for f in filings}
    sheets = [_sheet(*unpack(block)) for block in blocks if not _is_index(block)]
    filled: dict[tuple[Period, int], dict[bool, set[str]]] = {}
    for sheet in sheets:
        for row in sheet.rows:
            there = filled.setdefault((row.period, row.version), {True: set(), False: set()})[sheet.consolidated]
            if sheet.statement not in there and _filled(row):
                there.add(sheet.statement)
    best: dict[Period, int] = {}
    for (period, version), there_of in filled.items():
        if there_of[True] or there_of[False]:
            best[period] = max(best.get(period, 0), version)
    consolidated = {period for period, version in best.items() if _is_consolidated(filled[period, version])}
    lines = (
        _line(sheet, row, received.get((*row.period, row.version)), payload)
        for sheet in sheets
        for row in sheet.rows
        if row.version == best.get(row.period) and (row.period in consolidated) == sheet.consolidated
    )
    return [line for line in lines if line is not None]


def _is_consolidated(filled: Mapping[bool, set[str]]) -> bool:
    """Whether the consolidated statements are the ones to read, by which statements of each basis are filled in."""
    return filled[True].issuperset(WHOLE) or (bool(filled[True]) and not filled[False].issuperset(WHOLE))


def _filled(row: Row) -> bool:
    """Whether a row gives an amount of its own other than zero."""
    return bool(number(_bare(row.value))) and not _text(row.account).startswith(PER_SHARE)


def _sheet(tag: str, lines: Sequence[bytes]) -> Sheet:
    """The rows of one run; those without a period are left out.

    A company has thousands of rows, half of which nobody chooses: no more is read of each than choosing needs.
    """
    form, statement, scope = tag.split(";")
    header, *texts = _texts(lines)
    names = [name.strip().strip('"').upper() for name in header.split(";")]
    width = len(names)
    fields = itemgetter(*(names.index(name) if name in names else width for name in COLUMNS))
    rows = []
    for text in texts:
        values = text.split(";") if '"' not in text else _fields(text, width)
        if len(values) < width:
            continue
        values[width:] = ("",)  # what a column that is not there gives
        reference, version, *others = fields(values)
        period = _period(form, reference)
        if period is not None:
            rows.append(Row(period, _version_of(version), *others))
    return Sheet(statement, scope == "CON", rows)


def _texts(lines: Sequence[bytes]) -> list[str]:
    """Each line as `decode` reads it, all at once where no line can be both UTF-8 and latin-1."""
    whole = b"\n".join(lines)
    try:
        return whole.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        if whole.translate(None, NO_TAIL) and MULTIBYTE.search(whole):
            return [decode(line) for line in lines]
        return whole.decode("latin-1").split("\n")


def _bare(field: str) -> str:
    """A field without the blanks and quotes around it."""
    return field.strip().strip('"')


@lru_cache(maxsize=65_536)
def _text(field: str) -> str:
    """`_bare`, with one object for the many rows that hold the same words."""
    return intern(_bare(field))


@lru_cache(maxsize=4096)
def _day(field: str) -> date | None:
    """`day` of a field, with one object for the many rows that name the same one."""
    return day(_bare(field))


@lru_cache(maxsize=4096)
def _period(form: str, field: str) -> Period | None:
    """Form and reference date, one object for all rows of a document; None without a date."""
    reference = _day(field)
    return (form, reference) if reference else None


@lru_cache(maxsize=4096)
def _company(cnpj: str, code: str) -> tuple[str, int] | None:
    """CNPJ and CVM's code of a row's company, or None where one of them is none."""
    known, number_given = cnpj_of(_bare(cnpj)), digits(_bare(code), 7)
    return (known, int(number_given)) if known and number_given else None


@lru_cache(maxsize=64)
def _scale(field: str) -> Decimal | None:
    """What amounts of a row are multiplied by, or None."""
    return SCALES.get(_bare(field).upper())


def _version(row: Mapping[str, str]) -> int:
    """The version of a document; 1 where none is given or it cannot be one."""
    return _version_of(row.get("VERSAO", ""))


@lru_cache(maxsize=1024)
def _version_of(field: str) -> int:
    number_given = number(_bare(field))
    return int(number_given) if number_given is not None and 1 <= number_given <= MOST_VERSIONS else 1


def _line(sheet: Sheet, row: Row, received_on: date | None, payload: str) -> StatementLine | None:
    company, scale, end = _company(row.cnpj, row.code), _scale(row.scale), _day(row.end)
    value = number(_bare(row.value))
    if company is None or end is None or value is None or scale is None:
        return None
    account = _text(row.account)
    return bare(  # every value was read by a rule of its own
        StatementLine,
        cnpj=company[0],
        cvm_code=company[1],
        company=_text(row.name),
        form=row.period[0],
        statement=sheet.statement,
        consolidated=sheet.consolidated,
        version=row.version,
        reference_date=row.period[1],
        period_start=_day(row.start),
        period_end=end,
        account=account,
        description=_text(row.words),
        value=value if scale == 1 or account.startswith(PER_SHARE) else value * scale,
        received_on=received_on,
        payload=payload,
    )
