"""Answers to questions about stored data, each kept under what it was asked of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from invest.domain.values import Answered, QuestionKind
from invest.store.core import Database, clean

Asked = tuple[str, QuestionKind, date]  # ticker, kind, day


class Answers:
    """`store.answers`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def keep(
        self, asked: Asked, answer: str, *, by: str, at: datetime, facts: Sequence[str] | None = None
    ) -> None:
        """Keep an answer with the `facts` of what it was given to; a later one replaces it."""
        await self._db.execute(
            "INSERT INTO data_answer (ticker, kind, day, answer, answered_by, answered_at, facts) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (ticker, kind, day) DO UPDATE SET "
            "answer = excluded.answer, answered_by = excluded.answered_by, answered_at = excluded.answered_at, "
            "facts = excluded.facts",
            asked[0],
            str(asked[1]),
            asked[2],
            clean(answer),
            by,
            at,
            None if facts is None else list(facts),
        )

    async def forget(self, asked: Asked) -> bool:
        """Ask again; whether there was an answer."""
        sql = "DELETE FROM data_answer WHERE ticker = $1 AND kind = $2 AND day = $3"
        return bool(await self._db.execute(sql, asked[0], str(asked[1]), asked[2]))

    async def given(self, tickers: Sequence[str] | None = None) -> list[Answered]:
        """The answers about some assets (None: all)."""
        rows = await self._db.fetch(
            "SELECT ticker, kind, day, answer, facts FROM data_answer WHERE $1::text[] IS NULL OR ticker = ANY($1)",
            None if tickers is None else list(tickers),
        )
        return [
            Answered(
                row["ticker"],
                QuestionKind(row["kind"]),
                row["day"],
                row["answer"],
                None if row["facts"] is None else tuple(row["facts"]),
            )
            for row in rows
        ]
