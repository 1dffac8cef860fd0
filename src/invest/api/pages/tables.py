"""Wide tables on a phone: each cell names its column, so that a row stands as a card instead of leading aside."""

from __future__ import annotations

import re

LEAST = 5  # columns from which a table is too wide for a phone
TABLE = re.compile(r"<table( aria-label=\"[^\"]*\")?>(<thead[^>]*>.*?</thead>)(.*?)</table>", re.S)
HEAD = re.compile(r"<th\b[^>]*>(.*?)</th>", re.S)
TAG = re.compile(r"<[^>]*>")
START = re.compile(r"<(tr|td)\b([^>]*)>")
SPAN = re.compile(r"colspan=\"(\d+)\"")


def stacked(page: str) -> str:
    """A page whose wide tables are marked, their cells with the names of their columns."""
    return TABLE.sub(_marked, page) if "<table" in page else page


def _marked(table: re.Match[str]) -> str:
    label, head, body = table[1] or "", table[2], table[3]
    names = [TAG.sub("", name).strip() for name in HEAD.findall(head)]
    if len(names) < LEAST:
        return table[0]
    at = 0

    def named(start: re.Match[str]) -> str:
        nonlocal at
        tag, rest = start[1], start[2]
        if tag == "tr":
            at = 0
            return start[0]
        span = SPAN.search(rest)
        name = names[at] if at < len(names) and span is None else ""
        at += int(span[1]) if span else 1
        return f'<td{rest} data-th="{name}">' if name else start[0]

    return f'<table{label} class="stack">{head}{START.sub(named, body)}</table>'
