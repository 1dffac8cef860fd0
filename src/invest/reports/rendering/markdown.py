"""GitHub-flavoured Markdown: tables and sentences; charts as their descriptions. Everything foreign is escaped."""

from __future__ import annotations

import re
from typing import Final

from invest.reports.views import Block, Cell, Claim, Claims, Mark, Paragraph, Ref, ReportView, Stats, Table

_SHAPES: Final[dict[Mark, str]] = {
    "up": "▲ ", "down": "▼ ", "flat": "■ ", "good": "● ", "warn": "■ ", "bad": "◆ ", "off": "○ ",
}  # fmt: skip
# What begins markup anywhere in a line; `<` and `&` are written as entities, so that no HTML can come through.
_SPECIAL = re.compile(r"([\\`*_{}\[\]|~#]|\$(?=\S))")
_LEADING = re.compile(r"^(\s*)([-+>=]|\d+[.)])(?=\s|$)")
# GFM links a bare address or name by itself; a word joiner keeps a foreign text from becoming a link.
_AUTOLINK = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp)(:)|\b(www)(\.)|(@)")


def render_markdown(view: ReportView, *, charts: bool = True) -> str:
    """The text of `view`."""
    parts = [*_head(view)]
    for section in (s for s in view.sections if not s.appendix):
        parts.append(f"## {plain(section.title)}")
        if section.note:
            parts.append(f"_{plain(section.note)}_")
        parts.extend(text for block in section.blocks if (text := _block(block, charts=charts)))
    parts.append("---")
    parts.extend(plain(text) for text in view.disclaimers)
    parts.append(f"_{plain(view.footer)} · {plain(view.disclaimer)}_")
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """`text` so that Markdown shows it as it is, on one line."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    flat = _SPECIAL.sub(r"\\\1", flat)
    flat = _AUTOLINK.sub(lambda m: m[0][:-1] + "\u2060" + m[0][-1], flat)
    return _LEADING.sub(r"\1\\\2", flat)


def _head(view: ReportView) -> list[str]:
    header = view.header
    name = f" · {plain(header.name)}" if header.name else ""
    parts = [f"# {plain(header.title)}{name}"]
    if view.stamp:
        parts.append(f"> **◆ {plain(view.stamp)}**")
    parts.append(plain(header.tagline))
    if header.value:
        mark = _SHAPES[header.change_mark] if header.change_mark else ""
        change = f" {mark}{plain(header.change)}" if header.change else ""
        note = f" · {plain(header.value_note)}" if header.value_note else ""
        parts.append(f"**{plain(header.value)}**{change}{note}")
    if view.strip:
        strip = view.strip
        stats = [(s.label, f"{s.text} {s.sub or ''}".strip()) for s in strip.stats]
        cells = [(strip.label, f"{_SHAPES[strip.mark]}{strip.verdict}"), *stats]
        parts.append(
            f"| {' | '.join(plain(label) for label, _ in cells)} |\n|{' --- |' * len(cells)}\n"
            f"| {' | '.join(f'**{plain(text)}**' for _, text in cells)} |"
        )
        parts.append(f"{plain(strip.sentence.text)}{_refs(strip.sentence.refs, named=False)}")
    return [part for part in parts if part]


def _block(block: Block, *, charts: bool) -> str:
    match block:
        case Table():
            return _table(block)
        case Claims():
            return "\n".join(f"- {_claim(item)}" for item in block.items)
        case Paragraph():
            return plain(block.text) + _refs(block.refs)
        case Stats():
            return " · ".join(f"{plain(s.label)} **{plain(s.text)}**" for s in block.items)
        case _:
            return plain(block.description) if charts else ""


def _table(table: Table) -> str:
    rule = " | ".join("---:" if c.align == "right" else "---" for c in table.columns)
    lines = [f"| {' | '.join(plain(c.label) for c in table.columns)} |", f"| {rule} |"]
    for row in table.rows:
        cells: list[str] = []
        for cell in row:
            cells.extend([_cell(cell), *([""] * (cell.span - 1))])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(cell: Cell) -> str:
    text = plain(cell.text)
    if cell.link:
        text = f"[{text}](<{cell.link}>)"
    elif cell.strong:
        text = f"**{text}**"
    mark = _SHAPES[cell.mark] if cell.mark else ""
    sub = f" ({plain(cell.sub)})" if cell.sub else ""
    return f"{mark}{text}{_refs(cell.refs, named=False)}{sub}"


def _claim(claim: Claim) -> str:
    text = f"_{plain(claim.text)}_" if claim.mark == "off" else plain(claim.text)
    return text + _refs(claim.refs) + (f" · {plain(claim.by)}" if claim.by else "")


def _refs(refs: tuple[Ref, ...], *, named: bool = True) -> str:
    """` (P/L de 5,9)`: the figures that a sentence rests on; their ids lead into the appendix, which Markdown lacks."""
    texts = [plain(r.text) for r in refs if named and r.text]
    return f" ({', '.join(texts)})" if texts else ""
