"""Observations and the consensus chosen from them; a worse or older consensus never replaces a better one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter

from invest.domain.values import Basis, Consensus, FieldQuality, Observation
from invest.store.core import Connection, Database, Record, array_text, chunks, columns, moments, texts, to_json
from invest.store.market.quality import field_quality

CHUNK = 5_000
# One row per source, field and instant. A source that corrects itself wins by its later fetch; the same value
# fetched again changes nothing, so the row keeps leading to the first bytes that held it.
OBSERVE = """
INSERT INTO observation AS o (ticker, field, basis, source, unit, payload, as_of, fetched_at, value, official, rank)
SELECT t, f, b, s, u, p, a, g, v, o, r
FROM unnest($1::text::text[], $2::text::text[], $3::text::text[], $4::text::text[], $5::text::text[], $6::text::text[],
            $7::text::timestamptz[], $8::text::timestamptz[], $9::text::numeric[], $10::text::bool[],
            $11::text::int[]) AS x (t, f, b, s, u, p, a, g, v, o, r)
ON CONFLICT (ticker, field, basis, source, as_of) DO UPDATE
  SET value = excluded.value, unit = excluded.unit, payload = excluded.payload, fetched_at = excluded.fetched_at,
      official = excluded.official, rank = excluded.rank
WHERE o.fetched_at <= excluded.fetched_at AND (o.value, o.unit) IS DISTINCT FROM (excluded.value, excluded.unit)
"""
# Better means: there was no value; or the new one is sound and newer, or as new and at least as sure. The outcome is
# noted in consensus_check whether it was taken or not.
CHOOSE = """
WITH x AS (
  SELECT t, f, b, v::numeric AS v, a, n, d, q, p, g, j::jsonb AS j
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::float8[], $7::bool[], $8::bool[],
              $9::text[], $10::timestamptz[], $11::text[]) AS y (t, f, b, v, a, n, d, q, p, g, j)
), taken AS (
  INSERT INTO consensus AS c (ticker, field, basis, value, as_of, confidence, divergent, quarantined, payload,
                              chosen_at, body)
  SELECT t, f, b, v, a, n, d, q, p, g, j FROM x
  ON CONFLICT (ticker, field, basis) DO UPDATE
    SET value = excluded.value, as_of = excluded.as_of, confidence = excluded.confidence,
        divergent = excluded.divergent, quarantined = excluded.quarantined, payload = excluded.payload,
        chosen_at = excluded.chosen_at, body = excluded.body
  WHERE excluded.value IS NOT NULL AND (
    c.value IS NULL
    OR c.quarantined AND NOT excluded.quarantined
    OR c.quarantined = excluded.quarantined AND (
      excluded.as_of > c.as_of
      OR excluded.as_of = c.as_of AND excluded.chosen_at >= c.chosen_at AND excluded.confidence >= c.confidence))
)
INSERT INTO consensus_check AS c (ticker, field, basis, chosen_at, body) SELECT t, f, b, g, j FROM x
ON CONFLICT (ticker, field, basis) DO UPDATE SET chosen_at = excluded.chosen_at, body = excluded.body
WHERE c.chosen_at <= excluded.chosen_at
"""


KEY = itemgetter(0, 1, 7, 4, 3)  # ticker, field, basis, source, as_of


async def write_observations(connection: Connection, observations: Iterable[Observation]) -> None:
    """Insert observations idempotently, in the transaction of `connection`."""
    once: dict[tuple[object, ...], Observation] = {}
    for o in observations:
        held = once.setdefault(KEY(o), o)
        if held is not o and held.fetched_at <= o.fetched_at:
            once[KEY(o)] = o
    for part in chunks([once[k] for k in sorted(once)], CHUNK):
        ticker, name, value, as_of, source, payload, fetched, basis, unit, official, rank = zip(*part, strict=True)
        words = map(array_text, (ticker, name, basis, source, unit, payload, moments(as_of), moments(fetched)))
        figures = (array_text(list(map(str, column))) for column in (value, official, rank))
        await connection.execute(OBSERVE, *words, *figures)


async def write_consensus(connection: Connection, chosen: Iterable[Consensus]) -> None:
    """Put consensus values in force where they are better, and note each outcome, in the caller's transaction."""
    now = datetime.now(UTC)
    once = {(c.ticker, c.field, str(c.basis)): c for c in chosen}
    for part in chunks([once[k] for k in sorted(once)], CHUNK):
        keys = [[c.ticker for c in part], [c.field for c in part], [str(c.basis) for c in part]]
        times = [c.chosen_at or now for c in part]
        bodies = [to_json(c) for c in part]
        figures = columns(part, "as_of", "confidence", "divergent", "quarantined", "payload")
        await connection.execute(CHOOSE, *keys, texts(c.value for c in part), *figures, times, bodies)


class Observations:
    """`store.observations`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def insert(self, observations: Sequence[Observation]) -> None:
        """Keep observations; the same ones again change nothing."""
        if observations:
            await self._db.run(lambda c: write_observations(c, observations))

    async def choose(self, chosen: Sequence[Consensus]) -> None:
        """Put consensus values in force; never an older, empty or quarantined one over a good one."""
        if chosen:
            await self._db.run(lambda c: write_consensus(c, chosen))

    async def of(self, ticker: str, *, since: datetime | None = None) -> list[Observation]:
        """Observations of one asset, newest first."""
        rows = await self._db.fetch(
            "SELECT * FROM observation WHERE ticker = $1 AND ($2::timestamptz IS NULL OR as_of >= $2) "
            "ORDER BY as_of DESC, field, source",
            ticker,
            since,
        )
        return [_observation(row) for row in rows]

    async def newest(self, ticker: str) -> list[Observation]:
        """The newest observation of each field, basis and source: what the next consensus is chosen from."""
        return (await self.newest_many([ticker])).get(ticker, [])

    async def newest_many(self, tickers: Sequence[str]) -> dict[str, list[Observation]]:
        """The same for many assets in one round trip; assets without any are left out."""
        rows = await self._db.fetch(
            "SELECT DISTINCT ON (ticker, field, basis, source) * FROM observation WHERE ticker = ANY($1::text[]) "
            "ORDER BY ticker, field, basis, source, as_of DESC",
            list(tickers),
        )
        found: dict[str, list[Observation]] = {}
        for row in rows:
            found.setdefault(row["ticker"], []).append(_observation(row))
        return found

    async def series(self, ticker: str, name: str, *, since: datetime) -> list[tuple[datetime, Decimal]]:
        """A field's official values over time, oldest first; of each instant that of the source that ranks best."""
        rows = await self._db.fetch(
            "SELECT DISTINCT ON (as_of) as_of, value FROM observation WHERE ticker = $1 AND field = $2 "
            "AND official AND as_of >= $3 ORDER BY as_of, rank, source",
            ticker,
            name,
            since,
        )
        return [(row["as_of"], row["value"]) for row in rows]

    async def other_closes(self, tickers: Sequence[str] | None, *, since: datetime) -> dict[str, list[Observation]]:
        """The newest price of each unofficial source since a moment, by asset (None: any)."""
        rows = await self._db.fetch(
            "SELECT DISTINCT ON (ticker, source) * FROM observation WHERE field = 'close' AND NOT official "
            "AND as_of >= $1 AND ($2::text[] IS NULL OR ticker = ANY($2)) ORDER BY ticker, source, as_of DESC",
            since,
            None if tickers is None else list(tickers),
        )
        found: dict[str, list[Observation]] = {}
        for row in rows:
            found.setdefault(row["ticker"], []).append(_observation(row))
        return found

    async def latest(self, ticker: str) -> dict[str, Consensus]:
        """The values in force by field; where a field has several bases, the newest one."""
        return (await self.latest_many([ticker])).get(ticker, {})

    async def latest_many(self, tickers: Sequence[str]) -> dict[str, dict[str, Consensus]]:
        """The same for many assets in one round trip; assets without any value are left out."""
        rows = await self._db.fetch(
            "SELECT body FROM consensus WHERE ticker = ANY($1::text[]) AND value IS NOT NULL ORDER BY as_of, basis",
            list(tickers),
        )
        found: dict[str, dict[str, Consensus]] = {}
        for row in rows:
            consensus = Consensus.model_validate_json(row["body"])
            found.setdefault(consensus.ticker, {})[consensus.field] = consensus
        return found

    async def divergences(self, *, ticker: str | None = None, limit: int = 200) -> list[Consensus]:
        """Values in force on which sources disagree, newest first."""
        rows = await self._db.fetch(
            "SELECT body FROM consensus WHERE divergent AND ($1::text IS NULL OR ticker = $1) "
            "ORDER BY as_of DESC, ticker, field LIMIT $2",
            ticker,
            limit,
        )
        return [Consensus.model_validate_json(row["body"]) for row in rows]

    async def quality(self, ticker: str, *, now: datetime | None = None) -> list[FieldQuality]:
        """Per field: the value in force, each source's newest value with its age, and what was rejected and why."""
        rows = await self._db.fetch(
            "SELECT c.body AS kept, k.body AS checked FROM consensus c "
            "LEFT JOIN consensus_check k USING (ticker, field, basis) WHERE ticker = $1 ORDER BY field, basis",
            ticker,
        )
        observations = await self.newest(ticker)
        moment = now or datetime.now(UTC)
        return [
            field_quality(
                Consensus.model_validate_json(row["kept"]),
                Consensus.model_validate_json(row["checked"] or row["kept"]),
                observations,
                moment,
            )
            for row in rows
        ]


def _observation(row: Record) -> Observation:
    return Observation(**(dict(row) | {"basis": Basis(row["basis"])}))
