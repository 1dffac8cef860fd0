"""Fundamentus: figures of all stocks in one page, dividends page by page. Off by default; asked very slowly."""

from __future__ import annotations

import asyncio
from datetime import datetime

from invest.domain.market import AssetKind, last_closed_session, session_hours
from invest.domain.values import Harvest, RawPayload
from invest.sources.client import SourceClient
from invest.sources.errors import Malformed, NotAvailable, SourceError
from invest.sources.model import Answer, Identity, Reading, Want
from invest.sources.numerals import day
from invest.sources.others import fundamentus_format as fmt
from invest.sources.plausible import off_by, payable

HOURS_6 = 21_600.0
DAY = 86_400.0
STOCKS = (None, AssetKind.STOCK, AssetKind.UNIT, AssetKind.OTHER)


class FundamentusSource:
    """Third source of fundamentals."""

    name = "fundamentus"

    def __init__(self) -> None:
        self._screen: tuple[str, dict[str, dict[str, str]]] = ("", {})

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Figures from the table of all stocks (from the paper's own page where it is not there), and dividends."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if want.kind not in STOCKS:
            reading.remark("has stocks only")
            return reading.close("skipped")
        try:
            values, payload = await self._row(client, want.ticker)
        except Malformed as error:
            reading.remark(error.reason)
            values = None
        if values is None:
            answer = await client.get(
                self.name, "/detalhes.php", params={"papel": want.ticker}, kind="html", fresh_for=HOURS_6
            )
            values, payload = await asyncio.to_thread(fmt.details, answer.body), answer.payload
        wrong = self._observe(reading, want, values, payload)
        if wrong:
            return reading.discard(wrong)
        await self._dividends(client, reading, want)
        return reading.close()

    async def _row(self, client: SourceClient, ticker: str) -> tuple[dict[str, str] | None, RawPayload]:
        answer = await client.get(self.name, "/resultado.php", kind="html", fresh_for=HOURS_6)
        sha256 = answer.payload.sha256
        if self._screen[0] != sha256:
            self._screen = sha256, await asyncio.to_thread(fmt.screen, answer.body)
        return self._screen[1].get(ticker), answer.payload

    def _observe(self, reading: Reading, want: Want, values: dict[str, str], payload: RawPayload) -> str | None:
        reading.keep(payload)
        moment = _moment(values, want.now)
        until = fmt.filed_until(values, moment.date())
        filed = min(moment, datetime(until.year, until.month, until.day, 12, tzinfo=moment.tzinfo))
        for name, value, unit, basis in fmt.figures(values):
            if name == "close" and (wrong := off_by(value, moment.date(), want)):
                return wrong
            reading.observe(name, value, filed if name in fmt.FILED else moment, payload, unit=unit, basis=basis)
        company, sector = values.get("EMPRESA"), values.get("SETOR")
        if company or sector:
            reading.identity = Identity(
                name=company or None, sector=sector or None, segment=values.get("SUBSETOR") or None
            )

        return None

    async def _dividends(self, client: SourceClient, reading: Reading, want: Want) -> None:
        params = {"papel": want.ticker, "tipo": "2"}
        try:
            answer = await client.get(self.name, "/proventos.php", params=params, kind="html", fresh_for=DAY)
        except NotAvailable:
            return
        except SourceError as error:
            reading.remark(f"dividends: {error.reason}")
            return
        found = await asyncio.to_thread(fmt.dividends, answer.body, want.ticker, answer.payload.sha256)
        if found:
            reading.add(Harvest(actions=payable(reading, want, found)))
            reading.keep(answer.payload)


def _moment(values: dict[str, str], now: datetime) -> datetime:
    """The close of the session the page names, else of the last one."""
    traded = day(values.get("DATA ULT COT")) or last_closed_session(now)
    hours = session_hours(traded)
    return min(now, hours[1]) if hours else now
