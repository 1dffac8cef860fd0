"""A4 PDF through typst: tagged, titled, with its language; data goes in as JSON and is never read as markup."""

from __future__ import annotations

import json
import re
import threading
from functools import lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, cast

import typst

from invest.errors import InvestError
from invest.reports.charts import draw_chart, draw_sparkline
from invest.reports.locale import Locale, locale_of
from invest.reports.rendering.layout import Chart, anchors_of, is_chart, is_half, rows_of, shown
from invest.reports.rendering.sizes import sizes_of
from invest.reports.views import Block, ReportView, Section, Table

# Width in which charts are drawn: near the points of an A4 text column, so that their type keeps its size.
_FULL: Final = 520.0
_GUTTER: Final = 17.0
_TEXT: Final = 498.9  # points of an A4 text column
_BLANK_RUNS: Final = 4  # each lets a tenth of what is remembered go
# An amount does not break after its currency, nor before its magnitude; a limit does not break after its sign.
_MONEY: Final = re.compile(r"(?:US|R)\$ [0-9.,]+(?: (?:mi|bi|tri|mil|m|bn|tn|k)\b)?|[<>≤≥] (?=[0-9R−])")
_COIN: Final = re.compile(r"(?<=[A-Z])-(?=BRL\b)")
_threads: Final = threading.local()
_blank_lock: Final = threading.Lock()
_LONG: Final = 24  # lines: a part of a row that has more may go on on the next page
_SHORT: Final = 12  # lines: a table alone in its row that has no more stays in one piece
_LINE: Final = 55  # characters of a line in half a page
SOURCES: Final = "sources"  # the section that names them in one paragraph


class RenderFailed(InvestError):
    """The typesetter refused a report; the message carries its diagnosis."""


def render_pdf(view: ReportView, *, charts: bool = True, appendix: bool = False) -> bytes:
    """The PDF of `view`, with its appendix where asked for.

    CPU-bound (tens of milliseconds) and safe in a thread: the typesetter releases the GIL.

    Raises `RenderFailed` where the typesetter refuses.
    """
    data = json.dumps(_page_data(view, charts=charts, appendix=appendix), ensure_ascii=False)
    page = _MONEY.sub(lambda found: found[0].replace(" ", "\u00a0"), data)
    moment = int(view.generated_at.timestamp())
    try:
        pdf = _compile(page, moment, "ua-1")
    except typst.TypstError:
        # PDF/UA-1 refuses characters that no font at hand can show (a headline in Arabic, say). Such a report is
        # still tagged, but shows those characters as boxes and makes no claim to the standard.
        try:
            pdf = _compile(page, moment, None)
        except typst.TypstError as error:
            raise RenderFailed(f"report {view.report_id}: {error.message}") from error
    _forget()
    return pdf


def _forget() -> None:
    """Age the typesetter's memory of past documents, which it keeps for ten runs: 334 MB come down to 256 MB."""
    with _blank_lock:
        for _ in range(_BLANK_RUNS):
            _blank().compile(input=b"-", format="svg")


@lru_cache(maxsize=1)
def _blank() -> typst.Compiler:
    """A compiler of next to nothing, kept: what it makes is remembered, so that only the ageing costs."""
    return typst.Compiler(input=b"-", font_paths=_fonts(), ignore_system_fonts=True)


def _compile(page: str, moment: int, standard: Literal["ua-1"] | None) -> bytes:
    """Typeset `page`; markup could read from the folder of our own templates alone."""
    pdf = _compiler().compile(format="pdf", timestamp=moment, pdf_standards=standard or [], sys_inputs={"report": page})
    assert isinstance(pdf, bytes)  # one PDF without an output path
    return pdf


def _compiler() -> typst.Compiler:
    """One compiler per thread, kept: it has read the layout already."""
    held: typst.Compiler | None = getattr(_threads, "compiler", None)
    if held is None:
        layout = Path(str(resources.files("invest.reports").joinpath("templates", "report.typ")))
        held = typst.Compiler(
            input=layout, root=layout.parent, font_paths=_fonts(), ignore_system_fonts=True, sys_inputs={"report": "{}"}
        )
        _threads.compiler = held
    return held


@lru_cache(maxsize=1)
def _fonts() -> Any:
    """The fonts, scanned once per process: Source Sans Pro from its wheel and typst's own for rare characters."""
    package = find_spec("font_source_sans_pro")
    if package is None or package.origin is None:
        raise RenderFailed("the package font-source-sans-pro is not installed; install requirements.txt")
    folder = Path(package.origin).parent / "files"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])


def _page_data(view: ReportView, *, charts: bool, appendix: bool) -> dict[str, Any]:
    locale = locale_of(view.language)
    known = anchors_of(view) if appendix else frozenset()
    page: dict[str, Any] = {
        "title": view.title,
        "lang": view.language.split("-")[0],
        "region": "br" if view.language == "pt-BR" else "us",
        "keywords": [view.report_type, view.report_id],
        "stamp": view.stamp,
        "footer": view.footer,
        "disclaimer": view.disclaimer,
        "disclaimers": list(view.disclaimers),
        "header": {**view.header.model_dump(), "size": 21 if len(view.header.title) <= 24 else 15},
        "strip": view.strip.model_dump(mode="json") if view.strip else None,
    }
    sections = shown(view, appendix=appendix)
    texts = [b.text for s in sections if s.id == SOURCES for b in s.blocks if b.block == "paragraph"]
    page["disclaimers"] = [*texts, *view.disclaimers]  # in the small print at the end: no part of its own
    page["rows"] = [
        [_section(section, locale, known, charts=charts, alone=len(row) == 1) for section in row]
        for row in rows_of(s for s in sections if s.id != SOURCES)
    ]
    if page["strip"] is not None:
        sentence = page["strip"]["sentence"]
        _link(sentence, known)
        sentence["text"] = _unbroken(sentence["text"])
    return page


def _section(section: Section, locale: Locale, known: frozenset[str], *, charts: bool, alone: bool) -> dict[str, Any]:
    part = 1.0 if alone else section.span / 12
    width = _FULL if alone else (_FULL - _GUTTER) * part
    room = _TEXT if alone else (_TEXT - _GUTTER) * part
    blocks = [
        _block(block, locale, known, f"{section.id}-{i}", (width, room))
        for i, block in enumerate(section.blocks)
        if charts or not is_chart(block)
    ]
    lines = sum(_lines(block) for block in section.blocks)
    splits = lines > _SHORT or any(block.block == "claims" for block in section.blocks)
    return {
        "title": section.title,
        "note": section.note,
        "span": section.span,
        "blocks": blocks,
        "long": lines > _LONG,
        "splits": splits,
    }


def _lines(block: Block) -> int:
    """About how many lines of text a block takes."""
    if block.block == "table":
        return sum(2 if any(cell.sub for cell in row) else 1 for row in block.rows)
    if block.block == "claims":
        return sum(1 + len(claim.text) // _LINE for claim in block.items)
    return 0


def _block(
    block: Block, locale: Locale, known: frozenset[str], ident: str, sizes: tuple[float, float]
) -> dict[str, Any]:
    """A block as the layout reads it; `sizes`: points that a chart, and that a table may be wide."""
    width, room = sizes
    if is_chart(block):
        drawn = min(width, 330.0) if is_half(block) else width
        chart = cast(Chart, block)
        svg = draw_chart(chart, locale, ident=ident, width=drawn)
        return {"block": "svg", "svg": svg, "alt": f"{chart.title}. {chart.description}", "share": drawn / width}
    if block.block == "table" and not known:
        block = _unreferenced(block)  # before it is measured: what is not printed takes no room
    data = block.model_dump(mode="json", exclude={"rest"})
    for holder in (data, *data.get("items", ())):
        if "refs" in holder:
            _link(holder, known)
    if block.block == "table":
        measured = sizes_of(block, room)
        data["widths"], data["heights"] = measured.columns, [measured.head, *measured.rows]
        for row in data["rows"]:
            for cell in row:
                _link(cell, known)
                cell["text"] = _unbroken(cell["text"])
                cell["spark"] = draw_sparkline(cell["spark"]) or None if cell["spark"] else None
                cell["plain"] = not any(cell[k] for k in ("link", "mark", "refs", "anchor", "spark", "sub"))
                del cell["figure"]  # where a figure comes from stands in the facts, and as a hint in HTML
    return data


def _unbroken(text: str) -> str:
    """The text with the code of a coin held together: a line would end in its hyphen, and the next begin with one."""
    return _COIN.sub("-\u2060", text)


def _unreferenced(table: Table) -> Table:
    """The table without references, where there is no appendix that they could lead to."""
    rows = tuple(
        tuple(cell.model_copy(update={"refs": ()}) if cell.refs else cell for cell in row) for row in table.rows
    )
    return table.model_copy(update={"rows": rows})


def _link(holder: dict[str, Any], known: frozenset[str]) -> None:
    """Keep the references whose fact has a row in the document; one that would lead nowhere is not printed."""
    holder["refs"] = [{**ref, "linked": True} for ref in holder["refs"] if ref["fact_id"] in known]
