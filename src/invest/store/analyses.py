"""Stored analyses, and rankings that are read without computing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from invest.domain.analysis import Analysis
from invest.store.core import Connection, Database, chunks, columns, from_json, to_json

CHUNK = 500
INSERT = """
INSERT INTO analysis (analysis_id, ticker, kind, analyzed_at, overall_score, recommendation, coverage, body)
SELECT i, t, k, a, s, r, c, b::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::float8[], $6::text[], $7::float8[], $8::text[])
  AS x (i, t, k, a, s, r, c, b)
ON CONFLICT (analysis_id) DO UPDATE SET body = excluded.body, overall_score = excluded.overall_score,
  recommendation = excluded.recommendation, coverage = excluded.coverage
"""


class Analyses:
    """`store.analyses`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def save(self, *analyses: Analysis) -> None:
        """Keep analyses by their id; a repeated save of one id replaces it."""
        rows = sorted({a.analysis_id: a for a in analyses}.values(), key=lambda a: a.analysis_id)

        async def work(connection: Connection) -> None:
            for part in chunks(rows, CHUNK):
                await connection.execute(INSERT, *_arguments(part))

        if len(rows) > CHUNK:
            await self._db.run(work)
        elif rows:  # one statement is a transaction of its own, in one round trip instead of three
            await self._db.execute(INSERT, *_arguments(rows))

    async def get(self, analysis_id: str) -> Analysis | None:
        """One analysis by its id, or None."""
        body = await self._db.fetchval("SELECT body FROM analysis WHERE analysis_id = $1", analysis_id)
        return Analysis.model_validate_json(body) if body else None

    async def latest(self, ticker: str, *, since: datetime | None = None) -> Analysis | None:
        """The newest analysis of an asset (not older than `since`), or None."""
        body = await self._db.fetchval(
            "SELECT body FROM analysis WHERE ticker = $1 AND ($2::timestamptz IS NULL OR analyzed_at >= $2) "
            "ORDER BY analyzed_at DESC LIMIT 1",
            ticker,
            since,
        )
        return Analysis.model_validate_json(body) if body else None

    async def latest_many(self, tickers: Sequence[str]) -> dict[str, Analysis]:
        """The newest analysis of each of these assets; those without one are left out."""
        rows = await self._db.fetch(
            "SELECT a.body FROM unnest($1::text[]) AS t (ticker) CROSS JOIN LATERAL ("
            "SELECT body FROM analysis WHERE ticker = t.ticker ORDER BY analyzed_at DESC LIMIT 1) a",
            sorted(set(tickers)),
        )
        found = [Analysis.model_validate_json(row["body"]) for row in rows]
        return {a.ticker: a for a in found}

    async def history(self, ticker: str, *, before: datetime | None = None, limit: int = 50) -> list[Analysis]:
        """Analyses of an asset, newest first; `before` pages on."""
        rows = await self._db.fetch(
            "SELECT body FROM analysis WHERE ticker = $1 AND ($2::timestamptz IS NULL OR analyzed_at < $2) "
            "ORDER BY analyzed_at DESC LIMIT $3",
            ticker,
            before,
            limit,
        )
        return [Analysis.model_validate_json(row["body"]) for row in rows]

    async def verdicts(
        self, tickers: Sequence[str], *, since: datetime | None = None
    ) -> dict[str, list[tuple[datetime, float | None, str]]]:
        """(analysed at, overall score, recommendation) of these assets' analyses, newest first, in one round trip."""
        rows = await self._db.fetch(
            "SELECT ticker, analyzed_at, overall_score, recommendation FROM analysis WHERE ticker = ANY($1::text[]) "
            "AND ($2::timestamptz IS NULL OR analyzed_at >= $2) ORDER BY ticker, analyzed_at DESC",
            sorted(set(tickers)),
            since,
        )
        found: dict[str, list[tuple[datetime, float | None, str]]] = {}
        for row in rows:
            found.setdefault(row["ticker"], []).append((row[1], row[2], row[3]))
        return found

    async def save_ranking(self, market: str, body: Any, computed_at: datetime) -> None:
        """Cache the ranking of a market (any JSON-able shape); an older one never replaces a newer one."""
        await self._db.execute(
            "INSERT INTO ranking AS r (market, computed_at, body) VALUES ($1, $2, $3::text::jsonb) "
            "ON CONFLICT (market) DO UPDATE SET computed_at = excluded.computed_at, body = excluded.body "
            "WHERE r.computed_at <= excluded.computed_at",
            market,
            computed_at,
            to_json(body),
        )

    async def ranking(self, market: str) -> tuple[datetime, Any] | None:
        """(computed at, body) of a market's ranking, or None where none was computed yet."""
        return (await self.rankings([market])).get(market)

    async def rankings(self, markets: Sequence[str]) -> dict[str, tuple[datetime, Any]]:
        """The same for several of them in one round trip; those never computed are left out."""
        rows = await self._db.fetch(
            "SELECT market, computed_at, body FROM ranking WHERE market = ANY($1::text[])", list(markets)
        )
        return {row["market"]: (row["computed_at"], from_json(row["body"])) for row in rows}


def _arguments(analyses: Sequence[Analysis]) -> list[Sequence[object]]:
    """The columns of `INSERT`."""
    ids, tickers, at, scores, coverage = columns(
        analyses, "analysis_id", "ticker", "analyzed_at", "overall_score", "coverage"
    )
    kinds, verdicts = [str(a.kind) for a in analyses], [str(a.recommendation) for a in analyses]
    return [ids, tickers, kinds, at, scores, verdicts, coverage, [to_json(a) for a in analyses]]
