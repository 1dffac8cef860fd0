"""Alerts and the events they fired."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from invest.domain.alerts import Alert, AlertEvent
from invest.errors import NotFound
from invest.store.core import Connection, Database, to_json

VISIBLE = "($1::text IS NULL OR a.owner = $1)"  # of one owner, or of all


class Alerts:
    """`store.alerts`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def save(self, alert: Alert) -> None:
        """Keep an alert by its id, replacing an earlier one; one of a portfolio belongs to the portfolio's owner.

        Raises `NotFound` where its portfolio is gone.
        """

        async def work(connection: Connection) -> None:
            if alert.portfolio_id is not None:
                there = "SELECT 1 FROM portfolio WHERE id = $1 FOR KEY SHARE"
                if await connection.fetchval(there, alert.portfolio_id) is None:
                    raise NotFound(f"no portfolio {alert.portfolio_id}")
            await connection.execute(
                "INSERT INTO alert (id, portfolio_id, ticker, kind, active, created_at, body, owner) VALUES ($1, $2, "
                "$3, $4, $5, $6, $7::text::jsonb, coalesce((SELECT owner FROM portfolio WHERE id = $2), $8)) "
                "ON CONFLICT (id) DO UPDATE SET portfolio_id = excluded.portfolio_id, ticker = excluded.ticker, "
                "kind = excluded.kind, active = excluded.active, body = excluded.body",
                alert.id,
                alert.portfolio_id,
                alert.ticker,
                str(alert.kind),
                alert.active,
                alert.created_at,
                to_json(alert.model_copy(update={"owner": None})),
                alert.owner,
            )

        await self._db.run(work)

    async def list(
        self, *, portfolio_id: str | None = None, owner: str | None = None, active: bool | None = True
    ) -> Sequence[Alert]:
        """Alerts by creation; of one portfolio, or all; those `owner` may see, or all; `active` None means both."""
        rows = await self._db.fetch(
            f"SELECT a.body, a.owner FROM alert a WHERE {VISIBLE} AND ($2::text IS NULL OR a.portfolio_id = $2) "
            "AND ($3::bool IS NULL OR a.active = $3) ORDER BY a.created_at, a.id",
            owner,
            portfolio_id,
            active,
        )
        return [Alert.model_validate_json(row["body"]).model_copy(update={"owner": row["owner"]}) for row in rows]

    async def get(self, alert_id: str, *, owner: str | None = None) -> Alert | None:
        """One alert; None where there is none, or none that `owner` may see."""
        row = await self._db.fetchrow(
            f"SELECT a.body, a.owner FROM alert a WHERE {VISIBLE} AND a.id = $2", owner, alert_id
        )
        if row is None:
            return None
        return Alert.model_validate_json(row["body"]).model_copy(update={"owner": row["owner"]})

    async def delete(self, alert_id: str, *, owner: str | None = None) -> bool:
        """Delete an alert and its events; False where there is none, or none that `owner` may see."""
        if not await self._db.execute(f"DELETE FROM alert a WHERE {VISIBLE} AND a.id = $2", owner, alert_id):
            return False
        await self._db.execute("DELETE FROM notice WHERE starts_with(key, $1)", f"alert:{alert_id}:")
        return True

    async def record(self, events: Sequence[AlertEvent]) -> Sequence[AlertEvent]:
        """Write down what fired; returns the events that are new, which are the ones to tell somebody about."""
        once = {(e.alert_id, e.occasion): e for e in events}
        order = sorted(once)
        rows = await self._db.fetch(
            "INSERT INTO alert_event (alert_id, occasion, fired_at, body) SELECT a, o, f, b::jsonb "
            "FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) AS x (a, o, f, b) "
            "WHERE EXISTS (SELECT 1 FROM alert WHERE id = x.a) ON CONFLICT DO NOTHING RETURNING alert_id, occasion",
            [key[0] for key in order],
            [key[1] for key in order],
            [once[key].fired_at for key in order],
            [to_json(once[key]) for key in order],
        )
        return [once[row["alert_id"], row["occasion"]] for row in rows]

    async def events(
        self,
        *,
        portfolio_id: str | None = None,
        owner: str | None = None,
        since: datetime | None = None,
        seen: tuple[datetime, str, str] | None = None,
        limit: int = 100,
    ) -> Sequence[AlertEvent]:
        """What fired, newest first; of one portfolio's alerts, of those that `owner` may see, or of all.

        `seen`: the last one of the page before: when it fired, its alert's id, its occasion.
        """
        at, alert_id, occasion = seen or (None, None, None)
        rows = await self._db.fetch(
            f"SELECT e.body FROM alert_event e JOIN alert a ON a.id = e.alert_id WHERE {VISIBLE} "
            "AND ($2::text IS NULL OR a.portfolio_id = $2) AND ($3::timestamptz IS NULL OR e.fired_at >= $3) "
            "AND ($5::timestamptz IS NULL OR e.fired_at < $5 "
            "OR e.fired_at = $5 AND (e.alert_id, e.occasion) > ($6::text, $7::text)) "
            "ORDER BY e.fired_at DESC, e.alert_id, e.occasion LIMIT $4",
            owner,
            portfolio_id,
            since,
            limit,
            at,
            alert_id,
            occasion,
        )
        return [AlertEvent.model_validate_json(row["body"]) for row in rows]
