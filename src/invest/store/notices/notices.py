"""Channels to people and the notices they are owed. The address of a channel leaves by `address` alone."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from invest.domain.notices import Channel, Notice, Occasion, Owed
from invest.store.core import Database, Record, to_json

VISIBLE = "($1::text IS NULL OR owner = $1)"
SHOWN = "body, owner, active, occasions, last_sent_at, last_error"
OWED_FOR = "interval '7 days'"
ADMIN = "(c.owner = 'local' OR 'admin' = ANY(k.scopes))"
# A channel is told of its owner's things while the owner's key is in force; of nobody's things if that is an admin's.
# nosec B608 - what goes in are constants and members of an enumeration
POST = f"""
INSERT INTO notice (channel_id, key, created_at, body)
SELECT c.id, n.key, n.at, n.body::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[]) AS n (occasion, key, owner, at, body)
CROSS JOIN channel c LEFT JOIN api_key k ON k.id = c.owner
WHERE c.active AND c.created_at <= n.at
  AND (c.owner = 'local' OR k.revoked_at IS NULL AND k.id IS NOT NULL AND coalesce(k.expires_at > now(), true))
  AND (n.occasion = ANY(c.occasions) AND (c.owner = n.owner OR n.owner IS NULL AND {ADMIN})
    OR n.occasion = '{Occasion.DEAD_LETTER}' AND '{Occasion.ANY_DEAD_LETTER}' = ANY(c.occasions) AND {ADMIN})
ON CONFLICT DO NOTHING RETURNING channel_id
"""


class Secret(NamedTuple):
    """Where a channel leads, and what signs its messages where it is a webhook."""

    address: str
    signing_key: str | None


class Notices:
    """`store.notices`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def save(self, channel: Channel, secret: Secret | None = None) -> None:
        """Keep a channel; without a `secret` the one it has stays. Raises KeyError where it has none yet."""
        body = to_json(channel.model_copy(update={"last_sent_at": None, "last_error": None}))
        occasions = [str(occasion) for occasion in channel.occasions]
        if secret is None:
            sql = "UPDATE channel SET active = $2, occasions = $3, body = $4::text::jsonb WHERE id = $1"
            if not await self._db.execute(sql, channel.id, channel.active, occasions, body):
                raise KeyError(channel.id)
            return
        await self._db.execute(
            "INSERT INTO channel (id, active, occasions, body, owner, created_at, address, signing_key) "
            "VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET active = $2, "
            "occasions = $3, body = $4::text::jsonb, address = $7, signing_key = $8",
            channel.id, channel.active, occasions, body, channel.owner, channel.created_at, *secret,
        )  # fmt: skip

    async def channels(self, *, owner: str | None = None) -> Sequence[Channel]:
        """Channels by creation: those of `owner`, or all."""
        rows = await self._db.fetch(f"SELECT {SHOWN} FROM channel WHERE {VISIBLE} ORDER BY created_at, id", owner)
        return [_channel(row) for row in rows]

    async def channel(self, channel_id: str, *, owner: str | None = None) -> Channel | None:
        """One; None where there is none, or none that `owner` may see."""
        row = await self._db.fetchrow(f"SELECT {SHOWN} FROM channel WHERE {VISIBLE} AND id = $2", owner, channel_id)
        return None if row is None else _channel(row)

    async def address(self, channel_id: str) -> Secret | None:
        """Where a channel leads: for the job that sends, and for nothing else."""
        row = await self._db.fetchrow("SELECT address, signing_key FROM channel WHERE id = $1", channel_id)
        return None if row is None else Secret(row["address"], row["signing_key"])

    async def delete(self, channel_id: str, *, owner: str | None = None) -> bool:
        """Delete a channel with what it was still to tell; False where `owner` may see none."""
        return await self._db.execute(f"DELETE FROM channel WHERE {VISIBLE} AND id = $2", owner, channel_id) > 0

    async def closed(self, owner: str, ids: Collection[str]) -> set[str]:
        """Those of `ids` that are another's, or nobody's."""
        rows = await self._db.fetch(
            "SELECT id FROM channel WHERE owner = $1 AND id = ANY($2::text[])", owner, sorted(ids)
        )
        return set(ids) - {row["id"] for row in rows}

    async def post(self, notices: Sequence[Notice]) -> set[str]:
        """Owe notices to every channel that tells of them, once per channel and cause; the channels that owe more."""
        if not notices:
            return set()
        rows = await self._db.fetch(
            POST,
            [str(n.occasion) for n in notices],
            [n.key for n in notices],
            [n.owner for n in notices],
            [n.at for n in notices],
            [to_json(n) for n in notices],
        )
        return {row["channel_id"] for row in rows}

    async def owed(self, channel_id: str, *, limit: int = 20) -> Sequence[Owed]:
        """What a channel has not told yet, oldest first; what is older than a week is let go."""
        rows = await self._db.fetch(
            "SELECT id, body FROM notice WHERE channel_id = $1 AND sent_at IS NULL "
            f"AND created_at > now() - {OWED_FOR} ORDER BY id LIMIT $2",
            channel_id,
            limit,
        )
        return [Owed(id=row["id"], notice=Notice.model_validate_json(row["body"])) for row in rows]

    async def owing(self) -> Sequence[Channel]:
        """Active channels that owe something and have not given up."""
        rows = await self._db.fetch(
            f"SELECT {SHOWN} FROM channel c WHERE active AND EXISTS (SELECT 1 FROM notice n WHERE n.channel_id = c.id "
            f"AND n.sent_at IS NULL AND n.failed_at IS NULL AND n.created_at > now() - {OWED_FOR})"
        )
        return [_channel(row) for row in rows]

    async def late(self, after: timedelta) -> int:
        """How many notices of active channels wait for longer than so, whether given up or not."""
        found: int = await self._db.fetchval(
            "SELECT count(*) FROM notice n JOIN channel c ON c.id = n.channel_id WHERE c.active AND n.sent_at IS NULL "
            f"AND n.created_at BETWEEN now() - {OWED_FOR} AND now() - $1::interval",
            after,
        )
        return found

    async def sent(self, channel_id: str, ids: Sequence[int], at: datetime) -> None:
        """Write down that notices were taken (none: that a test was)."""
        await self._db.execute("UPDATE notice SET sent_at = $2 WHERE id = ANY($1::bigint[])", list(ids), at)
        sql = "UPDATE channel SET last_sent_at = $2, last_error = NULL WHERE id = $1"
        await self._db.execute(sql, channel_id, at)

    async def failed(self, channel_id: str, ids: Sequence[int], error: str, *, given_up_at: datetime | None) -> None:
        """Write down why a message was not taken; with `given_up_at` nobody tries these notices again by itself."""
        await self._db.execute("UPDATE channel SET last_error = $2 WHERE id = $1", channel_id, error[:500])
        if given_up_at is not None:
            sql = "UPDATE notice SET failed_at = $2 WHERE id = ANY($1::bigint[])"
            await self._db.execute(sql, list(ids), given_up_at)


def _channel(row: Record) -> Channel:
    fields = {"owner": row["owner"], "active": row["active"], "occasions": tuple(map(Occasion, row["occasions"]))}
    last = {"last_sent_at": row["last_sent_at"], "last_error": row["last_error"]}
    return Channel.model_validate_json(row["body"]).model_copy(update=fields | last)
