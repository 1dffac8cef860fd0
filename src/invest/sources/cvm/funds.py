"""Real-estate funds from CVM's open data: net worth, units, holders, income, fees, vacancy; a file for all funds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

import orjson

from invest.domain.market import MARKET_ZONE, AssetKind, FundPortfolio, market_day
from invest.domain.values import Basis, Harvest, Observation, RawPayload
from invest.sources.client import Shelved, Shelves, SourceClient
from invest.sources.cvm.fiagros import Fiagros
from invest.sources.cvm.funds_format import (
    Buildings,
    FundMonth,
    buildings_of,
    cut_months,
    cut_quarters,
    income_of_a_year,
    months_of,
)
from invest.sources.cvm.positions import positions_of
from invest.sources.errors import NotAvailable, SourceError
from invest.sources.model import Answer, Identity, Reading, Want

FRESH = 21_600.0  # seconds a file is taken as it was; CVM rebuilds them daily
SILENT = 124  # days without a month after which a fund counts as having said nothing
MONTHS = "/dados/FII/DOC/INF_MENSAL/DADOS/inf_mensal_fii_{year}.zip"
QUARTERS = "/dados/FII/DOC/INF_TRIMESTRAL/DADOS/inf_trimestral_fii_{year}.zip"
FUNDS = (None, AssetKind.FII, AssetKind.OTHER)


class CvmFundsSource:
    """Official figures of FIIs and Fiagros."""

    name = "cvm_funds"

    def __init__(self) -> None:
        self._fiagros = Fiagros()
        self._months = Shelves("funds", cut_months)
        self._quarters = Shelves("holdings", cut_quarters)

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """What a fund reported of its newest month, its income of a year, and its buildings of the newest quarter."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if want.kind not in FUNDS:
            reading.remark("has real-estate funds only")
            return reading.close("skipped")
        today = market_day(want.now)
        months, problems = await self._files(client, self._months, MONTHS, today)
        if not months:
            raise (problems or [NotAvailable(self.name, "no report of the last two years")])[0]
        cnpj = await asyncio.to_thread(fund_of, months, want)
        if cnpj is None and await self._fiagros.read(client, reading, want):
            return reading.close()
        if cnpj is None:
            reading.remark("no fund of that code reports to CVM")
            return reading.close("empty")
        reported = [(month, shelved) for shelved in months for month in _months_in(shelved, cnpj)]
        reported = [(month, shelved) for month, shelved in reported if month.month <= today]
        if not reported or (today - reported[-1][0].month).days > SILENT:
            reading.remark("its newest report is months old" if reported else "it has not reported")
            return reading.close("empty")
        _read_months(reading, cnpj, [month for month, _ in reported], reported[-1][1])
        _read_past_worths(reading, reported[:-1])
        buildings, missing = await self._files(client, self._quarters, QUARTERS, today)
        for problem in (*problems, *missing):
            reading.remark(problem.reason)
        _read_buildings(reading, cnpj, buildings)
        _read_positions(reading, want.ticker, cnpj, buildings)
        return reading.close()

    async def _files(
        self, client: SourceClient, shelves: Shelves, path: str, today: date
    ) -> tuple[list[Shelved], list[SourceError]]:
        """The files of last year and this one that came, oldest first, and what went wrong."""
        asked = (path.format(year=year) for year in (today.year - 1, today.year))
        results = await asyncio.gather(
            *(shelves.fetch(client, self.name, name, fresh_for=FRESH) for name in asked), return_exceptions=True
        )
        unexpected = [one for one in results if isinstance(one, BaseException) and not isinstance(one, SourceError)]
        if unexpected:
            raise unexpected[0]
        problems = [one for one in results if isinstance(one, SourceError) and not isinstance(one, NotAvailable)]
        return [one for one in results if isinstance(one, Shelved)], problems


def fund_of(files: Sequence[Shelved], want: Want) -> str | None:
    """The CNPJ of a fund: the one on record, else by ISIN, else the only one whose ISIN has the code's letters."""
    known = want.asset.cnpj if want.asset else None
    isin = want.asset.isin if want.asset else None
    found: set[str] = set()
    for shelved in files:
        if known and shelved.shelf.get(known):
            return known
        block = shelved.shelf.get(f"issuer:{want.ticker[:4]}")
        found |= set(orjson.loads(block)) if block else set()
    if isin and len(found) > 1:
        found = {cnpj for cnpj in found if any(m.isin == isin for s in files for m in _months_in(s, cnpj))}
    return found.pop() if len(found) == 1 else None


def _months_in(shelved: Shelved, cnpj: str) -> list[FundMonth]:
    block = shelved.shelf.get(cnpj)
    return months_of(orjson.loads(block)) if block else []


def _at(day: date) -> datetime:
    return datetime.combine(day, time(12), MARKET_ZONE)


def _read_months(reading: Reading, cnpj: str, months: Sequence[FundMonth], shelved: Shelved) -> None:
    newest, payload = months[-1], shelved.payload
    reading.keep(payload, shelved.path)
    at = _at(newest.month)
    for name, value, unit in (
        ("bvps", newest.per_unit, "BRL"),
        ("equity", newest.net_worth, "BRL"),
        ("total_assets", newest.assets, "BRL"),
        ("shares_outstanding", newest.units, "count"),
        ("holders", newest.holders, "count"),
    ):
        told = value is not None and (value > 0 or (name == "equity" and value < 0))  # more debts than assets
        reading.observe(name, value if told else None, at, payload, unit=unit)
    year = income_of_a_year(months)
    if year is None:
        reading.remark("its income of twelve months is not whole")
    reading.observe("dividends_12m", year, at, payload, basis=Basis.TTM)
    fees = [month.fee for month in months[-12:] if month.fee is not None]
    if len(fees) == 12:
        reading.observe("admin_fee", sum(fees, Decimal(0)), at, payload, unit="fraction", basis=Basis.TTM)
    reading.identity = Identity(
        name=newest.name, kind=AssetKind.FII, cnpj=cnpj, isin=newest.isin, segment=newest.segment,
        shares_outstanding=newest.units,
    )  # fmt: skip


def _read_past_worths(reading: Reading, reported: Sequence[tuple[FundMonth, Shelved]]) -> None:
    """What a unit was worth in earlier months, for the multiple over time; the newest alone is a figure of today."""
    conf, ticker = reading.conf, reading.ticker or ""
    found = []
    for month, shelved in reported:
        if month.per_unit is not None and month.per_unit > 0:
            payload = shelved.payload
            reading.keep(payload, shelved.path)
            found.append(
                Observation(
                    ticker, "bvps", month.per_unit, _at(month.month), reading.source, payload.sha256,
                    payload.fetched_at, Basis.SPOT, "BRL", conf.official, conf.rank,
                )
            )  # fmt: skip
    reading.add(Harvest(observations=tuple(found)))


def _read_positions(reading: Reading, ticker: str, cnpj: str, files: Sequence[Shelved]) -> None:
    """Every building and paper of the newest quarter that has any."""
    for shelved in reversed(files):
        block = shelved.shelf.get(cnpj)
        found = positions_of(orjson.loads(block)) if block else None
        if found is not None:
            quarter, lines = found
            held = FundPortfolio(
                ticker=ticker, as_of=quarter, positions=tuple(lines), source=reading.source,
                payload=shelved.payload.sha256,
            )  # fmt: skip
            reading.keep(shelved.payload, shelved.path)
            reading.add(Harvest(portfolios=(held,)))
            return


def _read_buildings(reading: Reading, cnpj: str, files: Sequence[Shelved]) -> None:
    if files and not any(shelved.shelf.get(cnpj) for shelved in files):
        reading.remark("it filed no quarterly report of this year or the last: no buildings, no papers, no vacancy")
    for shelved in reversed(files):
        block = shelved.shelf.get(cnpj)
        buildings: Buildings | None = buildings_of(orjson.loads(block)) if block else None
        if buildings is not None:
            reading.keep(shelved.payload, shelved.path)
            payload: RawPayload = shelved.payload
            at = _at(buildings.quarter)
            reading.observe("vacancy", buildings.vacancy, at, payload, unit="fraction")
            reading.observe("delinquency", buildings.delinquency, at, payload, unit="fraction")
            return
