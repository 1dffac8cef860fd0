"""Alerts and the occasions on which they fired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from invest.domain.alerts import Alert, AlertEvent
from invest.errors import NotFound
from invest.store.database import Connection, Database
from invest.store.encoding import to_json


class Alerts:
    """`store.alerts`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def save(self, alert: Alert) -> None:
        """Keep an alert by its id, replacing an earlier one. Raises `NotFound` where its portfolio is gone."""

        async def work(connection: Connection) -> None:
            if alert.portfolio_id is not None:
                there = "SELECT 1 FROM portfolio WHERE id = $1 FOR KEY SHARE"
                if await connection.fetchval(there, alert.portfolio_id) is None:
                    raise NotFound(f"no portfolio {alert.portfolio_id}")
            await connection.execute(
                "INSERT INTO alert (id, portfolio_id, ticker, kind, active, created_at, body) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb) ON CONFLICT (id) DO UPDATE "
                "SET portfolio_id = excluded.portfolio_id, ticker = excluded.ticker, kind = excluded.kind, "
                "active = excluded.active, body = excluded.body",
                alert.id,
                alert.portfolio_id,
                alert.ticker,
                str(alert.kind),
                alert.active,
                alert.created_at,
                to_json(alert),
            )

        await self._db.run(work)

    async def list(self, *, portfolio_id: str | None = None, active: bool | None = True) -> Sequence[Alert]:
        """Alerts by creation; of one portfolio, or all; `active` None means both."""
        rows = await self._db.fetch(
            "SELECT body FROM alert WHERE ($1::text IS NULL OR portfolio_id = $1) "
            "AND ($2::bool IS NULL OR active = $2) ORDER BY created_at, id",
            portfolio_id,
            active,
        )
        return [Alert.model_validate_json(row["body"]) for row in rows]

    async def delete(self, alert_id: str) -> bool:
        """Delete an alert and its events; False where there is none."""
        return await self._db.execute("DELETE FROM alert WHERE id = $1", alert_id) > 0

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
        alerts: Sequence[str] | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> Sequence[AlertEvent]:
        """What fired, newest first; of one portfolio's alerts, of those named (by id), or of all."""
        rows = await self._db.fetch(
            "SELECT e.body FROM alert_event e JOIN alert a ON a.id = e.alert_id "
            "WHERE ($1::text IS NULL OR a.portfolio_id = $1) AND ($2::timestamptz IS NULL OR e.fired_at >= $2) "
            "AND ($4::text[] IS NULL OR a.id = ANY($4)) ORDER BY e.fired_at DESC, e.alert_id, e.occasion LIMIT $3",
            portfolio_id,
            since,
            limit,
            None if alerts is None else list(alerts),
        )
        return [AlertEvent.model_validate_json(row["body"]) for row in rows]
