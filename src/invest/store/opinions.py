"""The AIs' opinions: immutable once given, closed later by outcomes."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from invest.domain.opinions import AiConsensus, Opinion
from invest.domain.track_record import Outcome
from invest.store.core import Database, Record, to_json

RAW = {"raw_prompt", "raw_answer"}
INSERT = """
INSERT INTO opinion (opinion_id, ticker, provider, model, status, asked_at, prompt_hash, data_hash, sandbox, body,
                     raw_prompt, raw_answer)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11, $12) ON CONFLICT (opinion_id) DO NOTHING
"""
OUTCOME_COLUMNS = tuple(Outcome.model_fields)
CLOSE = (
    f"INSERT INTO opinion_outcome ({', '.join(OUTCOME_COLUMNS)}) "
    f"VALUES ({', '.join(f'${i}' for i in range(1, len(OUTCOME_COLUMNS) + 1))}) ON CONFLICT DO NOTHING"
)
DUE = """
SELECT o.* FROM opinion o
WHERE o.status = 'ok' AND o.asked_at <= $1 AND o.sandbox = $3 AND (o.body ->> $4) IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM opinion_outcome c WHERE c.opinion_id = o.opinion_id AND c.horizon_days = $2)
AND ($6::timestamptz IS NULL OR (o.asked_at, o.opinion_id) > ($6, $7))
ORDER BY o.asked_at, o.opinion_id LIMIT $5
"""
POOLS_DUE = """
SELECT o.id, o.asked_at, o.body FROM opinion_consensus o
WHERE o.asked_at <= $1 AND o.sandbox = $3 AND (o.body ->> $4) IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM opinion_outcome c WHERE c.opinion_id = o.id AND c.horizon_days = $2)
AND ($6::timestamptz IS NULL OR (o.asked_at, o.id) > ($6, $7))
ORDER BY o.asked_at, o.id LIMIT $5
"""
Place = tuple[datetime, str]  # where a page of due calls ended


class Opinions:
    """`store.opinions`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def append(self, *opinions: Opinion) -> None:
        """Keep opinions, exact prompt and answer included; one that is there already stays as it is."""
        rows = [_values(o) for o in sorted(opinions, key=lambda o: o.opinion_id)]
        if rows:
            await self._db.run(lambda c: c.executemany(INSERT, rows))

    async def tally(self, *, since: datetime) -> dict[str, dict[str, int]]:
        """How many opinions each provider gave since then, by their status: ok, abstained, and the kinds of failure."""
        rows = await self._db.fetch(
            "SELECT provider, status, count(*) AS n FROM opinion WHERE asked_at >= $1 GROUP BY provider, status", since
        )
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            found.setdefault(row["provider"], {})[row["status"]] = row["n"]
        return found

    async def get(self, opinion_id: str) -> Opinion | None:
        """One opinion with its exact prompt and answer, or None."""
        row = await self._db.fetchrow("SELECT * FROM opinion WHERE opinion_id = $1", opinion_id)
        return _opinion(row) if row else None

    async def cached(self, prompt_hash: str, provider: str, *, since: datetime) -> Opinion | None:
        """The newest valid answer of a provider to this very prompt, so that it is not paid twice; or None."""
        row = await self._db.fetchrow(
            "SELECT * FROM opinion WHERE prompt_hash = $1 AND provider = $2 AND asked_at >= $3 AND status = 'ok' "
            "ORDER BY asked_at DESC LIMIT 1",
            prompt_hash,
            provider,
            since,
        )
        return _opinion(row) if row else None

    async def history(
        self,
        ticker: str | None = None,
        *,
        provider: str | None = None,
        before: datetime | None = None,
        seen: str | None = None,
        limit: int = 50,
    ) -> list[Opinion]:
        """Opinions, newest first; of one asset or one provider; `before` pages on.

        With `seen`, the id of the last opinion of that instant, also those that share the instant.
        """
        rows = await self._db.fetch(
            "SELECT * FROM opinion WHERE ($1::text IS NULL OR ticker = $1) AND ($2::text IS NULL OR provider = $2) "
            "AND ($3::timestamptz IS NULL OR asked_at < $3 OR asked_at = $3 AND opinion_id > $5) "
            "ORDER BY asked_at DESC, opinion_id LIMIT $4",
            ticker,
            provider,
            before,
            limit,
            seen,
        )
        return [_opinion(row) for row in rows]

    async def due(
        self, horizon_days: int, *, now: datetime, sandbox: bool = False, after: Place | None = None, limit: int = 1_000
    ) -> list[Opinion]:
        """Open opinions whose horizon (30, 90, 180 days) is over, oldest first; `after` pages on.

        Those of assets without prices stay open, so a caller pages through all of them: they must not block the rest.
        """
        field = f"p_beat_{horizon_days}d"
        asked = now - timedelta(days=horizon_days)
        at, ident = after or (None, None)
        rows = await self._db.fetch(DUE, asked, horizon_days, sandbox, field, limit, at, ident)
        return [_opinion(row) for row in rows]

    async def pools_due(
        self, horizon_days: int, *, now: datetime, sandbox: bool = False, after: Place | None = None, limit: int = 1_000
    ) -> list[tuple[str, datetime, AiConsensus]]:
        """Open pooled opinions whose horizon is over, as (id, asked at, pooled opinion), oldest first; see `due`."""
        field = "probability" if horizon_days == 180 else f"probability_{horizon_days}d"
        asked = now - timedelta(days=horizon_days)
        at, ident = after or (None, None)
        rows = await self._db.fetch(POOLS_DUE, asked, horizon_days, sandbox, field, limit, at, ident)
        return [(row["id"], row["asked_at"], AiConsensus.model_validate_json(row["body"])) for row in rows]

    async def close(self, outcomes: Sequence[Outcome]) -> None:
        """Write how calls turned out; a revision that is written stays as it is."""
        rows = [tuple(getattr(o, name) for name in OUTCOME_COLUMNS) for o in outcomes]
        rows.sort(key=lambda r: (r[0], r[1]))
        if rows:
            await self._db.run(lambda c: c.executemany(CLOSE, rows))

    async def outcomes(
        self, *, horizon_days: int | None = None, provider: str | None = None, since: datetime | None = None
    ) -> list[Outcome]:
        """Closed calls by entry day, each by its newest revision: what the track record is computed from."""
        rows = await self._db.fetch(
            "SELECT DISTINCT ON (opinion_id, horizon_days) * FROM opinion_outcome "
            "WHERE ($1::int IS NULL OR horizon_days = $1) AND ($2::text IS NULL OR provider = $2) "
            "AND ($3::timestamptz IS NULL OR closed_at >= $3) ORDER BY opinion_id, horizon_days, revision DESC",
            horizon_days,
            provider,
            since,
        )
        found = [Outcome(**dict(row)) for row in rows]
        return sorted(found, key=lambda o: (o.entry_day, o.ticker, o.provider, o.opinion_id))

    async def revisions(self, opinion_id: str, horizon_days: int) -> list[Outcome]:
        """Every value a call was closed with, the first first."""
        rows = await self._db.fetch(
            "SELECT * FROM opinion_outcome WHERE opinion_id = $1 AND horizon_days = $2 ORDER BY revision",
            opinion_id,
            horizon_days,
        )
        return [Outcome(**dict(row)) for row in rows]

    async def pool_log_odds(self) -> dict[str, float]:
        """Log-odds of closed pooled opinions before any slope, by id: what the slope is learnt from."""
        rows = await self._db.fetch(
            "SELECT o.id, (o.body ->> 'log_odds')::float8 AS odds FROM opinion_consensus o "
            "JOIN opinion_outcome c ON c.opinion_id = o.id AND c.horizon_days = 180 AND c.revision = 1 "
            "WHERE (o.body ->> 'log_odds') IS NOT NULL"
        )
        return {row["id"]: row["odds"] for row in rows}

    async def append_consensus(
        self, consensus_id: str, consensus: AiConsensus, asked_at: datetime, *, sandbox: bool = False
    ) -> None:
        """Freeze a pooled opinion; it is an analyst of its own in the track record."""
        await self._db.execute(
            "INSERT INTO opinion_consensus (id, ticker, asked_at, sandbox, body) "
            "VALUES ($1, $2, $3, $4, $5::text::jsonb) ON CONFLICT DO NOTHING",
            consensus_id,
            consensus.ticker,
            asked_at,
            sandbox,
            to_json(consensus),
        )

    async def consensus_history(
        self, ticker: str | None = None, *, limit: int = 50
    ) -> list[tuple[str, datetime, AiConsensus]]:
        """(id, asked at, pooled opinion), newest first."""
        rows = await self._db.fetch(
            "SELECT id, asked_at, body FROM opinion_consensus WHERE ($1::text IS NULL OR ticker = $1) "
            "ORDER BY asked_at DESC, id LIMIT $2",
            ticker,
            limit,
        )
        return [(row["id"], row["asked_at"], AiConsensus.model_validate_json(row["body"])) for row in rows]


def _values(opinion: Opinion) -> tuple[object, ...]:
    return (
        opinion.opinion_id,
        opinion.ticker,
        opinion.provider,
        opinion.model,
        str(opinion.status),
        opinion.asked_at,
        opinion.prompt_hash,
        opinion.data_hash,
        opinion.sandbox,
        to_json(opinion.model_copy(update=dict.fromkeys(RAW, ""))),
        opinion.raw_prompt.encode("utf-8", "surrogatepass"),
        opinion.raw_answer.encode("utf-8", "surrogatepass"),
    )


def _opinion(row: Record) -> Opinion:
    raw = {name: row[name].decode("utf-8", "surrogatepass") for name in RAW}
    return Opinion.model_validate_json(row["body"]).model_copy(update=raw)
