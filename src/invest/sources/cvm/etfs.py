"""ETFs from CVM's open data: who a fund is (register), its fee, and what a unit was worth (daily reports).

CVM knows no trading codes: B3 tells the CNPJ behind one. The daily reports lie in a file per month for all funds;
the newest one, and the one of a year before for the return of the unit's worth, are read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from invest.domain.market import AssetKind, market_day
from invest.domain.values import Basis
from invest.sources.b3 import fund_details
from invest.sources.client import Shelved, Shelves, SourceClient
from invest.sources.cvm.etfs_format import (
    Fee,
    Registered,
    Worth,
    cut_daily,
    cut_register,
    fees_of,
    noon,
    registered_in,
    worths_in,
)
from invest.sources.errors import NotAvailable, SourceError
from invest.sources.model import Answer, Identity, Reading, Want
from invest.sources.plausible import off_by

HOURS, DAY = 21_600.0, 86_400.0
REGISTER = "/dados/FI/CAD/DADOS/registro_fundo_classe.zip"
FEES = "/dados/FI/CAD/DADOS/cad_fi.csv"
DAILY = "/dados/FI/DOC/INF_DIARIO/DADOS/inf_diario_fi_{month:%Y%m}.zip"
FEE_BYTES = 48_000_000
YEAR = timedelta(days=365)
SLACK = timedelta(days=10)  # a base may be so much older than a year


class DailyReport(NamedTuple):
    """What a fund's daily report said of one day, and the file it stands in."""

    worth: Worth
    shelved: Shelved


class CvmEtfsSource:
    """Official figures of index funds."""

    name = "cvm_etfs"

    def __init__(self) -> None:
        self._register = Shelves("etfs", cut_register)
        self._daily = Shelves("units", cut_daily)
        self._fees: dict[str, Fee] = {}
        self._fees_of = ""

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """An ETF's net worth, worth and return of its unit, holders and fee."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        unknown = want.kind is None and want.ticker.endswith("11")  # before COTAHIST has told what it is
        if want.kind is not AssetKind.ETF and not unknown:
            reading.remark("has ETFs only")
            return reading.close("skipped")
        cnpj = want.asset.cnpj if want.asset else None
        if cnpj is None:
            details = await fund_details(client, want.ticker, AssetKind.ETF)
            cnpj = details.cnpj if details else None
        if cnpj is None:
            reading.remark("B3 lists no ETF of that code" if unknown else "neither B3 nor what is stored has its CNPJ")
            return reading.close("skipped" if unknown else "empty")
        problems: list[SourceError] = []
        _, _, wrong = await asyncio.gather(
            self._identify(client, reading, cnpj, problems),
            self._fee(client, reading, cnpj, want, problems),
            self._worth(client, reading, cnpj, want, problems),
        )
        if wrong:
            return reading.discard(wrong)
        if problems and not reading.observations and reading.identity is None:
            raise problems[0]
        for problem in problems:
            reading.remark(problem.reason)
        if not reading.observations and reading.identity is None:
            reading.remark("CVM has no report of that fund")
        return reading.close()

    async def _identify(self, client: SourceClient, reading: Reading, cnpj: str, problems: list[SourceError]) -> None:
        """Name and index of the register."""
        try:
            shelved = await self._register.fetch(client, self.name, REGISTER, fresh_for=DAY)
        except SourceError as error:
            problems.append(error)
            return
        found: Registered | None = await asyncio.to_thread(registered_in, shelved.shelf, cnpj)
        if found is None:
            return
        reading.keep(shelved.payload, shelved.path)
        reading.identity = Identity(name=found.name, kind=AssetKind.ETF, cnpj=cnpj, segment=found.benchmark)

    async def _fee(
        self, client: SourceClient, reading: Reading, cnpj: str, want: Want, problems: list[SourceError]
    ) -> None:
        """The fee of the old register, of the day its entry ended where it did: CVM publishes no newer one."""
        try:
            answer = await client.get(self.name, FEES, kind="csv", fresh_for=DAY, max_bytes=FEE_BYTES)
        except SourceError as error:
            problems.append(error)
            return
        if answer.payload.sha256 != self._fees_of:
            self._fees = await asyncio.to_thread(fees_of, answer.body)
            self._fees_of = answer.payload.sha256
        fee = self._fees.get(cnpj)
        if fee is not None:
            at = noon(fee.ended) if fee.ended and fee.ended > date.min else want.now
            reading.keep(answer.payload)
            reading.observe("admin_fee", fee.fraction, at, answer.payload, unit="fraction", basis=Basis.TTM)

    async def _worth(
        self, client: SourceClient, reading: Reading, cnpj: str, want: Want, problems: list[SourceError]
    ) -> str | None:
        """The newest day's figures, and the return of the unit's worth over a year; why none is to be believed."""
        today = market_day(want.now)
        newest = await self._newest_report(client, problems, cnpj, _months(today, 3), today)
        if newest is None:
            if not problems:
                reading.remark("no daily report of it in the last months")
            return None
        now, payload = newest.worth, newest.shelved.payload
        if now.unit is not None and (wrong := off_by(now.unit, now.day, want)):
            return f"the worth of a unit: {wrong}"
        reading.keep(payload, newest.shelved.path)
        at = noon(now.day)
        for name, value, unit in (
            ("bvps", now.unit, "BRL"),
            ("equity", now.net_worth, "BRL"),
            ("holders", now.holders, "count"),
            ("shares_outstanding", now.units, "count"),
        ):
            reading.observe(name, value, at, payload, unit=unit)
        base_day = now.day - YEAR
        base = await self._newest_report(client, problems, cnpj, _months(base_day, 2), base_day)
        if base is not None and base.worth.day >= base_day - SLACK and base.worth.unit and now.unit:
            growth = now.unit / base.worth.unit - 1
            if not Decimal("-0.9") < growth < Decimal(9):
                reading.reject(f"the worth of a unit grew by {growth:.0%} in a year: units were split or joined")
                return None
            reading.keep(base.shelved.payload, base.shelved.path)
            reading.observe("nav_return_1y", growth, at, payload, unit="fraction", basis=Basis.TTM)
        return None

    async def _newest_report(
        self, client: SourceClient, problems: list[SourceError], cnpj: str, months: Sequence[date], until: date
    ) -> DailyReport | None:
        """The newest day up to `until` with a worth, in the first of `months` that has one.

        A day that was filed twice counts as its last line with a worth: one in which it is blank says nothing.
        """
        for month in months:
            try:
                shelved = await self._daily.fetch(client, self.name, DAILY.format(month=month), fresh_for=HOURS)
            except NotAvailable:
                continue
            except SourceError as error:
                problems.append(error)
                return None
            told = await asyncio.to_thread(worths_in, shelved.shelf, cnpj)
            found = [worth for worth in told if worth.day <= until and worth.unit is not None]
            if found:
                return DailyReport(sorted(found, key=lambda worth: worth.day)[-1], shelved)
        return None


def _months(day: date, count: int) -> list[date]:
    """The first days of the month of `day` and of those before it."""
    found = [day.replace(day=1)]
    while len(found) < count:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found
