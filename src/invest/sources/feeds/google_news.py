"""Google News' search feed about one asset. For personal use only, and off by default."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from invest.domain.news import Recogniser
from invest.domain.values import Harvest
from invest.sources.client import SourceClient
from invest.sources.feeds.format import entries_of, item
from invest.sources.model import Answer, Reading, Want

WINDOW = "when:7d"


class GoogleNewsSource:
    """What the press writes about one asset."""

    name = "google_news"

    def __init__(self, known: Recogniser | None = None) -> None:
        self.known = known if known is not None else Recogniser()

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Items of the last week that name the asset."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        self.known.add(want.ticker, want.asset.name if want.asset else None, want.kind)
        name = want.asset.name if want.asset and want.asset.name else ""
        query = f'"{want.ticker}"' + (f' OR "{name}"' if name else "") + f" {WINDOW}"
        params = {"q": query, "hl": "pt-BR", "gl": "BR", "ceid": "BR:pt-419"}
        answer = await client.get(self.name, "/rss/search", params=params, kind="rss", fresh_for=3600)
        reading.keep(answer.payload)
        for entry in await asyncio.to_thread(entries_of, self.name, answer.body):
            title, outlet = split_title(entry)
            found = item(
                {**entry, "title": title, "summary": ""},
                outlet=outlet,
                source=self.name,
                payload=answer.payload,
                known=self.known,
            )
            if found is not None and want.ticker in found.tickers:
                reading.add(Harvest(news=(found,)))
        return reading.close()


def split_title(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Title and outlet: titles end in " - Outlet", which the entry's source repeats."""
    title = str(entry.get("title") or "")
    source = entry.get("source")
    outlet = str(source.get("title") or "") if isinstance(source, Mapping) else ""
    if outlet and title.endswith(f" - {outlet}"):
        return title[: -len(outlet) - 3], outlet
    head, dash, tail = title.rpartition(" - ")
    return (head, tail) if dash and not outlet else (title, outlet or "Google News")
