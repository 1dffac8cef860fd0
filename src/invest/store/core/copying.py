"""Bars as COPY text and as packed rows, made in one pass over the same figures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import numpy as np

from invest.domain.market import Bar
from invest.store.core.blocks import EPOCH, WIDTH, Table
from invest.store.core.encoding import chunks

CHUNK = 1_000  # rows encoded at a time: about what the socket takes, so that the server works meanwhile
NONE = "None"
NULL = r"\N"


async def encoded(
    rows: Sequence[Bar], origins: Mapping[tuple[str, str], int], tables: list[Table]
) -> AsyncIterator[bytes]:
    """COPY text of `rows` in parts; each part's packed rows are added to `tables`."""
    days = {row[1] for row in rows}
    written = {day: str(day) for day in days}
    numbers = {day: day.toordinal() - EPOCH for day in days}
    ids = {key: str(value) for key, value in origins.items()}
    for part in chunks(rows, CHUNK):
        ticker, day, opened, high, low, close, volume, turnover, trades, source, payload = zip(*part, strict=True)
        figures = [list(map(str, column)) for column in (opened, high, low, close, volume, turnover, trades)]
        table = np.empty((len(part), WIDTH))
        table[:, 0] = [numbers[d] for d in day]
        for at, texts in enumerate(figures):
            missing = NONE in texts
            if at < WIDTH - 1:
                table[:, at + 1] = (
                    [float("nan") if t == NONE else float(t) for t in texts] if missing else _floats(texts)
                )
            if missing:
                figures[at] = [NULL if t == NONE else t for t in texts]
        tables.append(table)
        origin = [ids[pair] for pair in zip(source, payload, strict=True)]
        lines = zip(ticker, [written[d] for d in day], *figures, origin, strict=True)
        yield ("\n".join(map("\t".join, lines)) + "\n").encode()


def _floats(texts: Sequence[str]) -> list[float]:
    return list(map(float, texts))
