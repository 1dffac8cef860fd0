"""The bytes of a broker's or B3's statement as text and cells: encodings, delimiters, Brazilian numbers and dates."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from invest.domain.filings import plain
from invest.domain.market import is_session

MAX_BYTES = 10_000_000
MAX_ROWS = 20_000
MAX_CELL = 1_000
MAX_COLUMNS = 100
MAX_LINES = 5 * MAX_ROWS  # of a file, blank ones too
MAX_ROW = 100_000  # characters between two ends of lines: what is longer is no row of a table
READ_ROWS = MAX_ROWS + 100  # what stands above the header does not count
HEAD_CHARACTERS = 100_000  # that may tell which delimiter a file has
HEADER_WITHIN = 30  # lines that a file may have above its header
DELIMITERS = (";", "\t", ",", "|")
OLDEST = date(1986, 1, 1)  # no price of B3's history is older
BINARY = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls) or one with a password: open it and save it as XLSX or CSV",
    b"%PDF": "a PDF: send it over HTTP (`invest portfolio import`), or its text (select all, copy, save as .txt)",
    b"\x1f\x8b": "a gzip archive: unpack it first",
}
# What files that are no UTF-8 may be in, the likeliest first, and how the plan calls it: Windows, MS-DOS, old Macs.
OLD_ENCODINGS = {"cp1252": "latin-1", "cp850": "cp850", "mac_roman": "mac-roman"}
PORTUGUESE_LETTERS = frozenset("áàâãéêíóôõúüçÁÀÂÃÉÊÍÓÔÕÚÜÇºª–’")
JUDGED_BYTES = 100_000  # by which the encoding is told
NOTHING = frozenset({"", "-", "--", "—", "n/a", "na", "null", "none"})
_DATES = (
    (re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ T].*)?", re.ASCII), (3, 2, 1)),
    (re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T].*)?", re.ASCII), (1, 2, 3)),
    (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2})", re.ASCII), (3, 2, 1)),
)
_NUMBER = re.compile(r"[0-9][0-9.,]*", re.ASCII)
_SIGNS = frozenset("0123456789.,+-()")
_CLOCK = re.compile(r"[ T](\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
PORTUGUESE = ("quantidade", "preco", "operacao", "qtd", "ativo")
DATE_WORDS = ("data", "date", "dia", "pagamento", "vencimento")
_UNENDING = "the row that begins in line {} is longer than any statement's: is a quote there never closed?"
JUDGED = 5_000  # rows of a file by which its signs are told


Known = Callable[[tuple[str, ...]], bool]  # whether a header is one of a known layout


Numbered = tuple[int, list[str]]  # a row's line in the file from 1, and its cells


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
class Signs:
    """How one file writes its figures. `thousands`: dots group (``1.000`` is a thousand); `commas`: commas do.

    `mixed`: the file writes both ways, so a figure like ``1,000`` is ambiguous. `month_first`: ``mm/dd/yyyy``.
    """

    thousands: bool = True
    commas: bool = False
    mixed: bool = False
    month_first: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A delimited file below its header, and how it writes its figures."""

    headers: tuple[str, ...]
    rows: tuple[Cells, ...]
    delimiter: str
    signs: Signs

    @property
    def thousands(self) -> bool:
        """Whether dots group thousands."""
        return self.signs.thousands


def decode(data: bytes) -> tuple[str, str]:
    """(text, encoding) of a file: UTF-8, UTF-16, else the one of `OLD_ENCODINGS` in which it reads as Portuguese.

    Raises `StatementRefused` for what is no text, and for files over ten megabytes.
    """
    small_enough(data)
    for magic, kind in BINARY.items():
        if data.startswith(magic):
            raise StatementRefused(f"the file is {kind}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strict(data, "utf-16"), "utf-16"
    if len(data) % 2 == 0 and (marked := _unmarked_utf16(data[:JUDGED_BYTES])):
        return _strict(data, marked), "utf-16"
    try:
        text, encoding = data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        chosen = max(OLD_ENCODINGS, key=lambda name: _portuguese(data[:JUDGED_BYTES].decode(name, "replace")))
        text, encoding = data.decode(chosen, "replace"), OLD_ENCODINGS[chosen]
    if "\x00" in text:
        raise StatementRefused("the file is no text (it holds zero bytes): export it as CSV")
    if not text.strip():
        raise StatementRefused("the file is empty")
    return text, encoding


def _unmarked_utf16(data: bytes) -> str | None:
    """Which UTF-16 a text without its mark is: nearly every second byte of Latin letters is zero."""
    half = len(data) // 2
    for encoding, start in (("utf-16-le", 1), ("utf-16-be", 0)):
        if half >= 2 and data[start::2].count(0) >= half * 9 // 10 and not data[1 - start :: 2].count(0):
            return encoding
    return None


def _portuguese(text: str) -> int:
    """How much the letters beyond ASCII look like Portuguese: its own count for, all others against."""
    strange = [letter for letter in text if ord(letter) > 127]
    return sum(1 if letter in PORTUGUESE_LETTERS else -2 for letter in strange)


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
    begun = text[: HEADER_WITHIN * MAX_ROW]
    for delimiter in order:
        for table in headed(_first_rows(begun, delimiter), delimiter, known):
            if not known(table.headers):
                yield table
                continue
            yield from (t for t in headed(_every_row(text, delimiter), delimiter, known) if known(t.headers))
            return


def headed(rows: Sequence[Numbered], delimiter: str, known: Known) -> Iterator[Table]:
    """Every way to read numbered rows as a table: each of the first thirty with three cells or more as its header.

    A table whose header is not `known` comes without its rows.
    """
    for at, (_, cells) in enumerate(rows[:HEADER_WITHIN]):
        headers = tuple(plain(cell[:MAX_CELL]) for cell in cells[:MAX_COLUMNS])
        if len([h for h in headers if h]) >= 3:
            yield _table(headers, rows[at + 1 :] if known(headers) else (), delimiter)


def _first_rows(text: str, delimiter: str) -> list[Numbered]:
    """The rows among which a header may stand; where one is too long, those before it."""
    rows: list[Numbered] = []
    with suppress(StatementRefused):
        rows.extend(itertools.islice(_rows(text, delimiter), HEADER_WITHIN))
    return rows


def _every_row(text: str, delimiter: str) -> list[Numbered]:
    """The rows of a file. Raises `StatementRefused` for one that is too long: those after it cannot be told."""
    return list(itertools.islice(_rows(text, delimiter), READ_ROWS))


def _rows(text: str, delimiter: str) -> Iterator[Numbered]:
    """The rows that hold something, numbered by their lines."""
    reader = csv.reader(_short_lines(text), delimiter=delimiter)
    start = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:  # a cell beyond csv's own limit
            raise StatementRefused(_UNENDING.format(start)) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield start, cells[:MAX_COLUMNS]
        start = reader.line_num + 1


def _short_lines(text: str) -> Iterator[str]:
    for at, line in enumerate(io.StringIO(text, newline=""), 1):
        if len(line) > MAX_ROW:
            raise StatementRefused(_UNENDING.format(at))
        if at > MAX_LINES:
            raise StatementRefused(f"the file has more than {MAX_LINES:,} lines: split it by year")
        yield line


def _table(headers: tuple[str, ...], rows: Sequence[Numbered], delimiter: str) -> Table:
    found = []
    for line, cells in rows:
        text = delimiter.join(cell.strip() for cell in cells)[:200]
        pairs = zip(headers, (cell[:MAX_CELL] for cell in cells), strict=False)
        found.append(Cells(line, {name: value for name, value in pairs if name}, text))
    return Table(headers, tuple(found), delimiter, _signs(headers, found, delimiter))


def _signs(headers: tuple[str, ...], rows: Sequence[Cells], delimiter: str) -> Signs:
    """What the figures of a file say of themselves; where they say nothing, its language decides."""
    signs: set[str] = set()
    days: list[str] = []
    for row in rows[:JUDGED]:
        for name, value in row.cells.items():
            if any(word in name for word in DATE_WORDS):
                days.append(value.strip())
            elif sign := _decimal_sign(value):
                signs.add(sign)
    portuguese = any(word in " ".join(headers) for word in PORTUGUESE)
    dotted = portuguese or delimiter == ";"
    if signs == {","}:
        dotted = True
    elif signs == {"."}:
        dotted = False
    return Signs(
        thousands=dotted,
        commas=not dotted and (signs == {"."} or not portuguese),
        mixed=len(signs) > 1,
        month_first=_month_first(days, portuguese),
    )


def _decimal_sign(value: str) -> str | None:
    """The decimal sign that a figure shows beyond doubt; None for what is no figure or can be read both ways."""
    bare = _bare(value)
    if not bare or not _SIGNS.issuperset(bare):
        return None
    digits = bare.strip("()+-")
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma < 0 and dot < 0:
        return None
    if comma >= 0 and dot >= 0:
        return "," if comma > dot else "."
    sign, other = (",", ".") if comma >= 0 else (".", ",")
    if digits.count(sign) > 1:
        return other
    head, _, tail = digits.partition(sign)
    return sign if len(tail) != 3 or head in ("", "0") or len(head) > 3 else None


def _month_first(days: Sequence[str], portuguese: bool) -> bool:
    """Whether dates are written mm/dd: shown by a figure above 12, else, in English files, by the sessions of B3."""
    pairs = [(int(m[1]), int(m[2]), int(m[3])) for d in days if (m := _DATES[0][0].fullmatch(d)) and "/" in d]
    first, second = any(a > 12 for a, _, _ in pairs), any(b > 12 for _, b, _ in pairs)
    if first or second or portuguese or not pairs:
        return second and not first
    here, there = (_sessions_among([(y, b, a) for a, b, y in pairs]), _sessions_among([(y, a, b) for a, b, y in pairs]))
    return there == len(pairs) and here < there


def _sessions_among(days: Sequence[tuple[int, int, int]]) -> int:
    found = 0
    for year, month, dom in days:
        try:
            found += is_session(date(year, month, dom))
        except (ValueError, OverflowError):
            continue
    return found


def _bare(text: str) -> str:
    """A figure without its currency and blanks."""
    return "".join(text.replace("R$", "").replace("BRL", "").split()).strip("'\"")


def number(text: str, *, thousands: bool = True, commas: bool = False, mixed: bool = False) -> Decimal | None:
    """A number as Brazilians (``R$ 1.234,56``) or others (``1,234.56``) write it; None for ``-`` and nothing.

    The last of two different separators is the decimal one. A comma alone is decimal, unless `commas` says that it
    groups and three digits follow; a dot alone groups where `thousands` says so and three digits follow. In a `mixed`
    file such a figure is refused. Raises `ValueError` for what is no number, or is in dollars.
    """
    if "US$" in text or "USD" in text:
        raise ValueError(f"{text.strip()[:40]!r} is in dollars: only reais are booked, convert it at the day's PTAX")
    bare = _bare(text)
    if bare.lower() in NOTHING:
        return None
    negative = bare.startswith(("-", "(")) or bare.endswith("-")
    digits = bare.strip("()+-")
    if not _NUMBER.fullmatch(digits) or len(digits) > 40:
        raise ValueError(f"{text.strip()[:40]!r} is no number")
    group, decimal = _separators(digits, thousands=thousands, commas=commas, mixed=mixed)
    if group and not _well_grouped(digits, group, decimal):
        raise ValueError(f"{text.strip()[:40]!r} is no number: its thousands are not in threes")
    plain_digits = digits.replace(group, "") if group else digits
    try:
        value = Decimal(plain_digits.replace(decimal, ".") if decimal else plain_digits)
    except InvalidOperation:
        raise ValueError(f"{text.strip()[:40]!r} is no number") from None
    return -value if negative else value


def _separators(digits: str, *, thousands: bool, commas: bool, mixed: bool) -> tuple[str, str]:
    """(what groups, what is the decimal sign) in `digits`."""
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and dot >= 0:
        return (".", ",") if comma > dot else (",", ".")
    if comma < 0 and dot < 0:
        return "", ""
    sign = "," if comma >= 0 else "."
    doubtful = _decimal_sign(digits) is None
    if doubtful and mixed:
        raise ValueError(f"{digits!r} may be read two ways, and the file writes figures both ways: write it out")
    if digits.count(sign) > 1 or (doubtful and (commas if sign == "," else thousands)):
        return sign, ""
    return "", sign


def _well_grouped(digits: str, group: str, decimal: str) -> bool:
    whole = digits.rsplit(decimal, 1)[0] if decimal else digits
    head, *rest = whole.split(group)
    return head.isdigit() and 1 <= len(head) <= 3 and all(len(part) == 3 and part.isdigit() for part in rest)


def day(text: str, today: date, *, month_first: bool = False) -> date:
    """A date as ``dd/mm/yyyy`` (also with dots or dashes), ``yyyy-mm-dd`` or ``dd/mm/yy``; `month_first`: mm/dd/yyyy.

    Raises `ValueError` for what is no date, lies in the future or before B3's history.
    """
    bare = text.strip()
    for pattern, (year, first, second) in _DATES:
        if match := pattern.fullmatch(bare):
            years = int(match[year])
            month, dom = (second, first) if month_first and year == 3 and "/" in bare else (first, second)
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


def clock(text: str) -> int:
    """The time of day written beside a date, in seconds; 0 where there is none."""
    match = _CLOCK.search(text.strip()[:40])
    return (int(match[1]) * 60 + int(match[2])) * 60 + int(match[3] or 0) if match else 0
