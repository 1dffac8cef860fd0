"""The bytes of a broker's or B3's statement as text and cells: encodings, delimiters, Brazilian numbers and dates."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from invest.domain.filings import plain

MAX_BYTES = 10_000_000
MAX_ROWS = 20_000
MAX_CELL = 1_000
MAX_COLUMNS = 100
READ_ROWS = MAX_ROWS + 100  # what stands above the header does not count
HEAD_CHARACTERS = 100_000  # that may tell which delimiter a file has
HEADER_WITHIN = 30  # lines that a file may have above its header
DELIMITERS = (";", "\t", ",", "|")
OLDEST = date(1986, 1, 1)  # no price of B3's history is older
BINARY = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls) or one with a password: open it and save it as XLSX or CSV",
    b"%PDF": "a PDF: import the text of the note instead (select all, copy, save as .txt)",
    b"\x1f\x8b": "a gzip archive: unpack it first",
}
NOTHING = frozenset({"", "-", "--", "—", "n/a", "na", "null", "none"})
_DATES = (
    (re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ T].*)?", re.ASCII), (3, 2, 1)),
    (re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T].*)?", re.ASCII), (1, 2, 3)),
    (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2})", re.ASCII), (3, 2, 1)),
)
_NUMBER = re.compile(r"\d[\d.,]*", re.ASCII)


Known = Callable[[tuple[str, ...]], bool]  # whether a header is one of a known layout


class StatementRefused(ValueError):
    """A file that is no statement this program can read; the message says what it is and what to do."""


@dataclass(frozen=True, slots=True)
class Cells:
    """One row of a table: its line in the file, its cells by (plain) header, and the row as written."""

    line: int
    cells: dict[str, str]
    text: str

    def first(self, *names: str) -> str:
        """The first of these columns that holds something, stripped; empty where none does."""
        for name in names:
            if value := self.cells.get(name, "").strip():
                return value
        return ""


@dataclass(frozen=True, slots=True)
class Table:
    """A delimited file below its header. `thousands`: whether dots group thousands (``1.000`` is a thousand)."""

    headers: tuple[str, ...]
    rows: tuple[Cells, ...]
    delimiter: str
    thousands: bool


def decode(data: bytes) -> tuple[str, str]:
    """(text, encoding) of a file: UTF-8 and UTF-16 with their marks, UTF-8, else Windows' Latin-1.

    Raises `StatementRefused` for what is no text, and for files over ten megabytes.
    """
    small_enough(data)
    for magic, kind in BINARY.items():
        if data.startswith(magic):
            raise StatementRefused(f"the file is {kind}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strict(data, "utf-16"), "utf-16"
    try:
        text, encoding = data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = data.decode("cp1252", "replace"), "latin-1"
    if "\x00" in text:
        raise StatementRefused("the file is no text (it holds zero bytes): export it as CSV")
    if not text.strip():
        raise StatementRefused("the file is empty")
    return text, encoding


def small_enough(data: bytes) -> None:
    """Raise `StatementRefused` for a file over ten megabytes."""
    if len(data) > MAX_BYTES:
        raise StatementRefused(f"the file has {len(data):,} bytes, at most {MAX_BYTES:,} are read: split it by year")


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise StatementRefused(f"the file is marked as {encoding} but is not: export it as CSV in UTF-8") from None


def tables(text: str, known: Known) -> Iterator[Table]:
    """Every way to read `text` as a table with a header of at least three columns, the likeliest first.

    Only the rows below a `known` header are read: a header costs thirty lines, whatever the size of the file.
    """
    lines = list(itertools.islice(io.StringIO(text[:HEAD_CHARACTERS]), HEADER_WITHIN))
    order = sorted(DELIMITERS, key=lambda d: -max((line.count(d) for line in lines), default=0))
    for delimiter in order:
        for table in headed(_rows(text, delimiter, HEADER_WITHIN), delimiter, known):
            if not known(table.headers):
                yield table
                continue
            yield from (t for t in headed(_rows(text, delimiter, READ_ROWS), delimiter, known) if known(t.headers))
            return


def headed(rows: Sequence[tuple[int, list[str]]], delimiter: str, known: Known) -> Iterator[Table]:
    """Every way to read numbered rows as a table: each of the first thirty with three cells or more as its header.

    A table whose header is not `known` comes without its rows.
    """
    for at, (_, cells) in enumerate(rows[:HEADER_WITHIN]):
        headers = tuple(plain(cell[:MAX_CELL]) for cell in cells[:MAX_COLUMNS])
        if len([h for h in headers if h]) >= 3:
            yield _table(headers, rows[at + 1 :] if known(headers) else (), delimiter)


def _rows(text: str, delimiter: str, limit: int) -> list[tuple[int, list[str]]]:
    """The first `limit` rows that hold something, numbered by their lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((start, cells[:MAX_COLUMNS]))
                if len(rows) >= limit:
                    break
            start = reader.line_num + 1
    except csv.Error:  # a cell beyond csv's own limit: what came before it is still a table
        pass
    return rows


def _table(headers: tuple[str, ...], rows: Sequence[tuple[int, list[str]]], delimiter: str) -> Table:
    found = []
    for line, cells in rows:
        text = delimiter.join(cell.strip() for cell in cells)[:200]
        pairs = zip(headers, (cell[:MAX_CELL] for cell in cells), strict=False)
        found.append(Cells(line, {name: value for name, value in pairs if name}, text))
    return Table(headers, tuple(found), delimiter, _dots_group(headers, found, delimiter))


def _dots_group(headers: tuple[str, ...], rows: Sequence[Cells], delimiter: str) -> bool:
    """Whether dots group thousands: told by the file's other numbers, else by its language."""
    for row in rows:
        for name, value in row.cells.items():
            number = _NUMBER.search(value)
            if number is None or "data" in name or "date" in name or not _looks_numeric(value):
                continue
            if "," in number[0] and number[0].rfind(",") > number[0].rfind("."):
                return True
            tail = number[0].rsplit(".", 1)
            if len(tail) == 2 and len(tail[1]) != 3:
                return False
    portuguese = any(word in " ".join(headers) for word in ("quantidade", "preco", "operacao", "qtd", "ativo"))
    return portuguese or delimiter == ";"


def _looks_numeric(value: str) -> bool:
    bare = value.strip().removeprefix("R$").lstrip()
    return re.fullmatch(r"\(?[-+]?[0-9][0-9.,]*\)?\s*-?", bare) is not None


def number(text: str, *, thousands: bool = True) -> Decimal | None:
    """A number as Brazilians (``R$ 1.234,56``) or others (``1,234.56``) write it; None for ``-`` and nothing.

    The last of two different separators is the decimal one; a comma alone is decimal; a dot alone groups thousands
    where `thousands` says so and three digits follow. Raises `ValueError` for anything else.
    """
    bare = text.replace("R$", "").replace("BRL", "").replace("\xa0", "").replace(" ", "").strip("'\"")
    if bare.lower() in NOTHING:
        return None
    negative = bare.startswith(("-", "(")) or bare.endswith("-")
    digits = bare.strip("()+-")
    if not _NUMBER.fullmatch(digits) or len(digits) > 40:
        raise ValueError(f"{text.strip()[:40]!r} is no number")
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and dot >= 0:
        group, decimal = (".", ",") if comma > dot else (",", ".")
    elif comma >= 0:
        group, decimal = ("", ",") if digits.count(",") == 1 else (",", "")
    else:
        grouped = digits.count(".") > 1 or (thousands and re.fullmatch(r"\d{1,3}\.\d{3}", digits) is not None)
        group, decimal = (".", "") if grouped else ("", ".")
    if group and not _well_grouped(digits, group, decimal):
        raise ValueError(f"{text.strip()[:40]!r} is no number: its thousands are not in threes")
    plain_digits = digits.replace(group, "") if group else digits
    try:
        value = Decimal(plain_digits.replace(decimal, ".") if decimal else plain_digits)
    except InvalidOperation:
        raise ValueError(f"{text.strip()[:40]!r} is no number") from None
    return -value if negative else value


def _well_grouped(digits: str, group: str, decimal: str) -> bool:
    whole = digits.rsplit(decimal, 1)[0] if decimal else digits
    return re.fullmatch(rf"\d{{1,3}}({re.escape(group)}\d{{3}})*", whole) is not None


def day(text: str, today: date) -> date:
    """A date as ``dd/mm/yyyy`` (also with dots or dashes), ``yyyy-mm-dd`` or ``dd/mm/yy``.

    Raises `ValueError` for what is no date, lies in the future or before B3's history.
    """
    bare = text.strip()
    for pattern, (year, month, dom) in _DATES:
        if match := pattern.fullmatch(bare):
            years = int(match[year])
            try:
                found = date(years if years > 99 else 2000 + years, int(match[month]), int(match[dom]))
            except ValueError:
                raise ValueError(f"{bare!r} is no day (dd/mm/yyyy is read)") from None
            if found > today:
                raise ValueError(f"{bare} lies in the future")
            if found < OLDEST:
                raise ValueError(f"{bare} lies before {OLDEST:%d/%m/%Y}")
            return found
    raise ValueError(f"{bare[:40]!r} is no date (dd/mm/yyyy or yyyy-mm-dd)")
