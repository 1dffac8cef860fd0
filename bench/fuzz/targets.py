"""The parsers that `bench.fuzz` attacks."""

from __future__ import annotations

from collections.abc import Iterator

from bench.fuzz import ai, http, sources, statements, values
from bench.fuzz.target import Target


def targets() -> Iterator[Target]:
    """Every parser of bytes that come from outside."""
    for room in (statements, sources, ai, http, values):
        yield from room.targets()
