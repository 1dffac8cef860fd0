"""A statement in pieces: what is read in another process travels a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from invest.domain.brokerage.statement import Statement, read_statement

ROWS = 400


def read_in_pieces(data: bytes, **given: Any) -> Iterator[Statement]:
    """`read_statement`, its rows spread over several statements that are alike otherwise; at least one."""
    whole = read_statement(data, **given)
    for start in range(0, max(1, len(whole.rows)), ROWS):
        yield replace(whole, rows=whole.rows[start : start + ROWS])


def joined(pieces: Sequence[Statement]) -> Statement:
    """The statement that was read in pieces."""
    return replace(pieces[0], rows=tuple(row for piece in pieces for row in piece.rows))
