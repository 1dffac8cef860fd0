"""Wide tables on a phone: each cell names its column, so that a row stands as a card instead of leading aside."""

from __future__ import annotations

import re

from invest.reports import MISSING

LEAST = 5  # columns from which a table is too wide for a phone
TABLE = re.compile(r"<table( class=\"stack\")?( aria-label=\"[^\"]*\")?>(<thead[^>]*>.*?</thead>)(.*?)</table>", re.S)
HEAD = re.compile(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", re.S)
UNSEEN = '<span class="sr">'  # around the name of a column whose cells need none, as buttons name themselves
TAG = re.compile(r"<[^>]*>")
START = re.compile(rf"<(tr|td)\b([^>]*)>({MISSING}</td>)?")
SPAN = re.compile(r"colspan=\"(\d+)\"")


def stacked(page: str) -> str:
    """A page whose wide tables are marked, their cells with the names of their columns."""
    return TABLE.sub(_marked, page) if "<table" in page else page


def _marked(table: re.Match[str]) -> str:
    given, head, body = table[2] or "", table[3], table[4]
    names = ["" if name.startswith(UNSEEN) else TAG.sub("", name).strip() for name in HEAD.findall(head)]
    if (len(names) < LEAST and not table[1]) or " data-th=" in body:  # narrow, or a part that was marked before
        return table[0]
    at = 0

    def named(start: re.Match[str]) -> str:
        nonlocal at
        tag, rest, missing = start[1], start[2], start[3] or ""
        if tag == "tr":
            at = 0
            return start[0]
        span = SPAN.search(rest)
        name = names[at] if at < len(names) and span is None else ""
        at += int(span[1]) if span else 1
        label = f' data-th="{name}"' if name else ""
        return f"<td{rest}{label}{' data-none' if missing else ''}>{missing}"

    return f'<table class="stack"{given}>{head}{START.sub(named, body)}</table>'
