"""The sheets of an Excel workbook (.xlsx) as rows of text: what a statement needs of the format and no more.

Read with the standard library. A workbook is a zip of XML files from a stranger: no document type is accepted (so no
entity is ever expanded), only the named parts are unpacked and never beyond a limit, and rows, columns and the length
of a text are bounded. Formulae are not computed: the value that Excel stored with them is read.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from math import isfinite
from xml.parsers import expat

from invest.domain.brokerage.reading import MAX_CELL, MAX_COLUMNS, MAX_ROWS, READ_ROWS, StatementRefused

MAGIC = b"PK\x03\x04"
MAX_UNPACKED = 60_000_000  # bytes of XML in all: twenty times what 50,000 rows take
MAX_FILLED = 240_000  # cells of a sheet: twelve columns of as many rows as are read
MAX_TAGS = 3 * MAX_FILLED  # of one part: a cell that holds its own text takes three
MAX_NESTED = 50  # tags inside one another: Excel writes a dozen
MAX_SHEETS = 50
MAX_TEXTS = MAX_FILLED  # shared strings
WORKBOOK = "xl/workbook.xml"
# What zipfile and expat raise for archives cut short, altered, locked by a password or packed in another way.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    KeyError,
    ArithmeticError,
)
_TOO_MANY_TAGS = f"the workbook holds more than {MAX_TAGS:,} tags in one part: split it by year"
_TOO_DEEP = f"the workbook nests deeper than {MAX_NESTED} tags: save it again"
_TOO_MANY_CELLS = f"the sheet has more than {MAX_FILLED:,} cells: split it by year"
_TEXTS = frozenset({"v", "t"})  # tags whose text is a value
_PLAIN = re.compile(r"(?:0|[1-9][0-9]{0,6})(?:\.[0-9]{0,7}[1-9])?|[1-9][0-9]{0,14}", re.ASCII)  # as it was typed
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_DATE_FORMATS = frozenset({*range(14, 23), *range(45, 48)})  # of Excel's own number formats
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')

Row = tuple[int, list[str]]  # its number in the sheet from 1, and its cells
Start = Callable[[str, dict[str, str]], None]
Heard = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name and the rows that hold something."""

    name: str
    rows: list[Row]


def is_workbook(data: bytes) -> bool:
    """Whether the bytes are a zip, as a workbook is."""
    return data.startswith(MAGIC)


def read_sheets(data: bytes) -> Iterator[Sheet]:
    """The sheets of a workbook in their order, one at a time; numbers with a decimal comma, dates as yyyy-mm-dd.

    Raises `StatementRefused` for what is no workbook, is damaged or protected, or goes beyond a limit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from _Workbook(archive).sheets()
    except StatementRefused:
        raise
    except DAMAGED:
        raise StatementRefused("the workbook is damaged or protected: save it again, or as CSV") from None


@dataclass(slots=True)
class _Workbook:
    """An open workbook and how much of it may still be unpacked."""

    archive: zipfile.ZipFile
    left: int = field(default_factory=lambda: MAX_UNPACKED)
    texts: list[str] = field(default_factory=list)
    dated: frozenset[str] = frozenset()
    epoch: date = date(1899, 12, 30)

    def sheets(self) -> Iterator[Sheet]:
        """Every sheet with its rows."""
        names = set(self.archive.namelist())
        if WORKBOOK not in names:
            raise StatementRefused("the file is a zip but no Excel workbook (.xlsx): export it as XLSX or CSV")
        targets, listed = self._targets(), self._listed()
        if "xl/sharedStrings.xml" in names:
            self.texts = self._texts("xl/sharedStrings.xml")
        if "xl/styles.xml" in names:
            self.dated = self._dated("xl/styles.xml")
        for name, ident in listed[:MAX_SHEETS]:
            part = targets.get(ident, "")
            if part in names:
                yield Sheet(name, self._rows(part))

    def _unpack(self, part: str) -> bytes:
        with self.archive.open(part) as packed:
            data = packed.read(self.left + 1)
        self.left -= len(data)
        if self.left < 0:
            raise StatementRefused(f"the workbook unpacks to more than {MAX_UNPACKED:,} bytes: split it by year")
        return data

    def _parse(
        self,
        part: str,
        start: Start,
        end: Heard | None = None,
        text: Heard | None = None,
        *,
        most_cells: int = MAX_TAGS,
    ) -> None:
        data = self._unpack(part)
        if sum(data.count(b"<c" + after) for after in (b">", b" ", b"/")) > most_cells:  # before anything is parsed
            raise StatementRefused(_TOO_MANY_CELLS)
        if data.count(b"<") > 3 * MAX_TAGS:  # opened, closed, and what is neither
            raise StatementRefused(_TOO_MANY_TAGS)
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _no_doctype
        parser.StartElementHandler = lambda tag, given: start(_bare(tag) if ":" in tag else tag, given)
        if end is not None:
            parser.EndElementHandler = lambda tag: end(_bare(tag) if ":" in tag else tag)
        if text is not None:
            parser.CharacterDataHandler = text
        try:
            parser.Parse(data, True)
        except expat.ExpatError:
            raise StatementRefused(f"the workbook is damaged ({part[:60]} is no XML): save it again") from None

    def _targets(self) -> dict[str, str]:
        """Parts of the archive by relation."""
        found: dict[str, str] = {}

        def start(tag: str, given: dict[str, str]) -> None:
            if tag == "Relationship" and given.get("TargetMode") != "External":
                target = given.get("Target", "")
                found[given.get("Id", "")] = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")

        self._parse("xl/_rels/workbook.xml.rels", start)
        return found

    def _listed(self) -> list[tuple[str, str]]:
        """(name, relation) of each sheet; notes by the way which day the workbook counts from."""
        found: list[tuple[str, str]] = []

        def start(tag: str, given: dict[str, str]) -> None:
            if tag == "sheet":
                ident = next((value for key, value in given.items() if _bare(key) == "id"), "")
                found.append((given.get("name", "")[:100], ident))
            elif tag == "workbookPr" and given.get("date1904") in ("1", "true"):
                self.epoch = date(1904, 1, 1)

        self._parse(WORKBOOK, start)
        return found

    def _texts(self, part: str) -> list[str]:
        """Shared strings; the runs of one are joined, what is only pronunciation is left out."""
        found: list[str] = []
        tags = _Tags()

        def start(tag: str, given: dict[str, str]) -> None:
            tags.open(tag)
            if tag == "si":
                if len(found) >= MAX_TEXTS:
                    raise StatementRefused("the workbook holds too many texts: split it by year")
                found.append("")

        def text(content: str) -> None:
            if tags.inner == "t" and not tags.spoken and found and len(found[-1]) < MAX_CELL:
                found[-1] += content

        self._parse(part, start, lambda _: tags.close(), text)
        return found

    def _dated(self, part: str) -> frozenset[str]:
        """Cell styles that show a number as a date."""
        formats: dict[str, str] = {}
        dated: set[str] = set()
        styles = [0]
        inside = [""]

        def start(tag: str, given: dict[str, str]) -> None:
            if tag == "numFmt":
                formats[given.get("numFmtId", "")] = given.get("formatCode", "")
            elif tag in ("cellXfs", "cellStyleXfs"):
                inside[0] = tag
            elif tag == "xf" and inside[0] == "cellXfs":
                ident = given.get("numFmtId", "0")
                code = _QUOTED.sub("", formats.get(ident, "")).lower()
                own = ident.isdigit() and int(ident) in _DATE_FORMATS
                if own or ("d" in code and "y" in code) or ("m" in code and "y" in code):
                    dated.add(str(styles[0]))
                styles[0] += 1

        self._parse(part, start)
        return frozenset(dated | {""} if "0" in dated else dated)  # a cell without a style has the first

    def _rows(self, part: str) -> list[Row]:
        reader = _SheetReader(self)
        self._parse(part, reader.start, reader.end, reader.text, most_cells=MAX_FILLED)
        return reader.rows


@dataclass(slots=True)
class _Tags:
    """The open tags of a document: the innermost one, and whether one of them holds pronunciation only."""

    names: list[str] = field(default_factory=list)
    spoken: int = 0  # open tags of pronunciation
    seen: int = 0

    @property
    def inner(self) -> str:
        """The innermost one."""
        return self.names[-1] if self.names else ""

    def open(self, tag: str) -> None:
        """One begins. Raises `StatementRefused` for nesting that no workbook has."""
        self.seen += 1
        if self.seen > MAX_TAGS:
            raise StatementRefused(_TOO_MANY_TAGS)
        if len(self.names) >= MAX_NESTED:
            raise StatementRefused(_TOO_DEEP)
        self.names.append(tag)
        self.spoken += tag == "rPh"

    def close(self) -> None:
        """The innermost one ends."""
        self.spoken -= self.names.pop() == "rPh"


@dataclass(slots=True)
class _SheetReader:
    """Collects the cells of one sheet as its XML goes by. Called for every tag, so nothing is done twice."""

    book: _Workbook
    rows: list[Row] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    row: int = 0
    column: int = 0
    kind: str = ""
    style: str = ""
    value: str = ""
    listens: bool = False  # whether the text that comes is of a value
    depth: int = 0
    spoken: int = 0  # the depth of an open tag of pronunciation
    tags: int = 0
    filled: int = 0

    def start(self, tag: str, given: dict[str, str]) -> None:
        """A row or a cell begins. Raises `StatementRefused` at the first cell too many, empty ones too."""
        self.depth += 1
        self.tags += 1
        if self.depth > MAX_NESTED or self.tags > MAX_TAGS:
            raise StatementRefused(_TOO_DEEP if self.depth > MAX_NESTED else _TOO_MANY_TAGS)
        if tag == "c":
            self.filled += 1
            if self.filled > MAX_FILLED:
                raise StatementRefused(_TOO_MANY_CELLS)
            at = _REFERENCE.fullmatch(given["r"]) if "r" in given else None
            self.column = _column(at[1]) if at else self.column + 1
            self.kind, self.style, self.value = given.get("t", "n"), given.get("s", ""), ""
        elif tag == "row":
            reference = given.get("r", "")
            self.row = (
                int(reference) if reference.isascii() and reference.isdigit() and len(reference) < 8 else self.row + 1
            )
            self.cells, self.column = [], 0
        elif tag == "rPh":
            self.spoken = self.spoken or self.depth
        self.listens = tag in _TEXTS and not self.spoken

    def end(self, tag: str) -> None:
        """A cell or a row is over."""
        self.depth -= 1
        self.listens = False
        if tag == "c":
            if self.value and self.column <= MAX_COLUMNS:
                self.cells += [""] * (self.column - len(self.cells))
                self.cells[self.column - 1] = self._shown(self.value)
        elif tag == "row":
            self._close_row()
        elif self.depth < self.spoken:
            self.spoken = 0

    def _close_row(self) -> None:
        if not any(cell.strip() for cell in self.cells):
            return
        if len(self.rows) >= READ_ROWS:
            raise StatementRefused(f"the sheet has more than {MAX_ROWS:,} rows: split it by year")
        self.rows.append((self.row, self.cells))

    def text(self, content: str) -> None:
        """Text of a value; formulae and pronunciation are passed over."""
        if self.listens and len(self.value) < MAX_CELL:
            self.value += content[:MAX_CELL]

    def _shown(self, value: str) -> str:
        if self.kind == "s":
            texts = self.book.texts
            return texts[int(value)] if value.isascii() and value.isdigit() and int(value) < len(texts) else ""
        if self.kind == "d":
            return value[:10]
        return self._figure(value) if self.kind == "n" else value

    def _figure(self, value: str) -> str:
        dated = self.style in self.book.dated
        if not dated and _PLAIN.fullmatch(value):
            whole, dot, part = value.partition(".")
            return f"{whole},{part.ljust(2, '0')}" if dot else whole
        try:
            figure = float(value)
        except ValueError:
            return value
        if dated and 0 < figure < 200_000:
            return (self.book.epoch + timedelta(days=int(figure))).isoformat()
        return _written(figure) if isfinite(figure) else value


def _written(figure: float) -> str:
    """A stored double as it was typed, with a decimal comma and at least two places: never taken for thousands.

    A computed one (10/3) has more digits than anybody typed: eight places are kept.
    """
    if figure.is_integer() and abs(figure) < 1e15:
        return str(int(figure))
    written = repr(figure)
    whole, _, part = written.partition(".")
    if part.isdigit() and len(part) <= 8:
        return f"{whole},{part.ljust(2, '0')}"
    number = Decimal(written)
    if abs(figure) < 1e9:
        number = round(number, 8).normalize()
    if number == number.to_integral_value():
        return f"{number:.0f}"
    whole, _, part = f"{number:f}".partition(".")
    return f"{whole},{part.ljust(2, '0')}"


def _column(letters: str) -> int:
    """A is 1, Z 26, AA 27."""
    at = 0
    for letter in letters:
        at = at * 26 + ord(letter) - 64
    return at


def _bare(tag: str) -> str:
    return tag.rsplit(":", 1)[-1]


def _no_doctype(*_: object) -> None:
    raise StatementRefused("the workbook declares a document type, as none that Excel wrote does: it is not read")
