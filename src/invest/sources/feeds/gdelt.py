"""GDELT's article search about one company. Off by default; it asks for one request in five seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from invest.domain.news import Recogniser
from invest.domain.values import Harvest
from invest.sources.client import Response, SourceClient
from invest.sources.errors import Malformed, SourceDown
from invest.sources.feeds.format import item
from invest.sources.model import Answer, Reading, Want

NOTICE_WAIT = 6.0


class GdeltSource:
    """Headlines of the world's press, Portuguese ones."""

    name = "gdelt"

    def __init__(self, known: Recogniser | None = None) -> None:
        self.known = known if known is not None else Recogniser()

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Articles of the last week that name the company."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        name = want.asset.name if want.asset and want.asset.name else want.ticker
        self.known.add(want.ticker, want.asset.name if want.asset else None, want.kind)
        params = {
            "query": f'"{name}" sourcelang:portuguese',
            "mode": "ArtList",
            "format": "json",
            "timespan": "7d",
            "maxrecords": "50",
            "sort": "DateDesc",
        }
        answer = await client.get(self.name, "/api/v2/doc/doc", params=params, fresh_for=3600)
        reading.keep(answer.payload)
        for row in articles(answer):
            entry = {"title": row.get("title"), "link": row.get("url"), "published": stamp(row.get("seendate"))}
            outlet = str(row.get("domain") or "GDELT")
            found = item(entry, outlet=outlet, source=self.name, payload=answer.payload, known=self.known)
            if found is not None and want.ticker in found.tickers:
                reading.add(Harvest(news=(found,)))
        return reading.close()


def articles(answer: Response) -> list[Mapping[str, object]]:
    """The articles of an answer. Its notice to slow down is plain text, with status 200. Raises `SourceError`."""
    body = answer.body.strip()
    if not body or body == b"{}":
        return []
    if not body.startswith(b"{"):
        text = body[:120].decode("utf-8", "replace")
        if "limit requests" in text.lower():
            raise SourceDown("gdelt", "it asks to slow down", NOTICE_WAIT)
        raise Malformed("gdelt", f"no JSON but {text!r}")
    data = answer.json()
    rows = data.get("articles") if isinstance(data, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def stamp(text: object) -> str:
    """20240824T120000Z as an ISO text; empty for anything else."""
    try:
        return datetime.strptime(str(text), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).isoformat()
    except ValueError:
        return ""
