"""CVM's open data: identity (FCA, CAD), statements (DFP, ITR), facts (IPE); each a file for all companies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from datetime import date

from invest.domain.market import AssetKind, StatementLine, market_day
from invest.domain.values import EventSigns, Harvest, scale_error
from invest.sources.client import Shelved, Shelves, SourceClient
from invest.sources.cvm.format import cut_statements, filings_of, statements_of
from invest.sources.cvm.ipe import Notices
from invest.sources.cvm.register import Company, Register
from invest.sources.errors import NotAvailable, SourceError
from invest.sources.model import YEARS, Answer, Delivery, Identity, Reading, Want

WITHOUT_FILINGS = (AssetKind.CRYPTO, AssetKind.INDEX, AssetKind.FII, AssetKind.ETF, AssetKind.BDR)
HOUR, DAY = 3_600.0, 86_400.0
FORMS = ("DFP", "ITR")
ZIP_BYTES = 128_000_000  # an ITR year is some 40 MB and grows


class CvmSource:
    """Official fundamentals and identities."""

    name = "cvm"

    def __init__(self) -> None:
        self.register = Register()
        self._shelves = Shelves("cvm", cut_statements)
        self._notices = Notices()
        self._reading = asyncio.Semaphore(2)  # threads that read filings share one interpreter: more only hold memory

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Who the company is, and the lines of its filings received since `want.statements_until` (or of six years)."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if want.kind in WITHOUT_FILINGS:
            reading.remark("files nothing with CVM as a listed company")
            return reading.close("skipped")
        today = market_day(want.now)
        await self.register.refresh(client, today)
        company = self.register.company(want.ticker, want.asset.cnpj if want.asset else None)
        if company is None:
            reading.remark("no company files this ticker with CVM")
            return reading.close("empty")
        self._identify(reading, company)
        files, problems = await self._files(client, years_for(want, today), today)
        for problem in problems:
            reading.remark(problem.reason)
        if problems and not files:
            raise problems[0]
        async with self._reading:
            await asyncio.to_thread(_read, reading, want, files, company)
        if wrong := _wrong_unit(reading.harvest.statements, want):
            return reading.discard(wrong)
        await self._facts(client, reading, company, today)
        for text in self.register.problems:
            reading.remark(text)
        return reading.close()

    async def event_signs(self, client: SourceClient, want: Want) -> EventSigns:
        """The day of the company's newest notice that may tell of an event."""
        if want.kind in WITHOUT_FILINGS or want.asset is None or not want.asset.cnpj:
            return EventSigns()
        return EventSigns(noticed_on=await self._notices.last_delivery(client, want.asset.cnpj, market_day(want.now)))

    async def news(self, client: SourceClient, limit: int) -> list[Answer]:
        """The newest material facts and notices of all companies."""
        reading, today = Reading(self.name, client.settings.source(self.name)), market_day(client.settings.now())
        with suppress(SourceError):  # without the register facts have no tickers, and are news all the same
            await self.register.refresh(client, today)
        for item, payload in await self._notices.newest(client, today, self.register.tickers_by_cnpj(), limit):
            reading.add(Harvest(news=(item,)))
            reading.keep(payload)
        return [reading.close()]

    async def _facts(self, client: SourceClient, reading: Reading, company: Company, today: date) -> None:
        tickers = self.register.tickers_by_cnpj().get(company.cnpj, ())
        try:
            notices = await self._notices.of(client, company.cnpj, today, tickers)
        except SourceError as error:
            reading.remark(f"IPE: {error.reason}")
            return
        for item, payload in notices:
            reading.add(Harvest(news=(item,)))
            reading.keep(payload)

    async def filings(self, client: SourceClient, since: date, today: date) -> list[Delivery]:
        """Every document received on or after `since`, newest year's files only."""
        files, problems = await self._files(client, sorted({since.year - 1, since.year, today.year}), today)
        if problems and not files:
            raise problems[0]
        return await asyncio.to_thread(_received_since, files, since)

    async def reports_of(
        self, client: SourceClient, year: int, companies: Collection[str], lines: int
    ) -> AsyncIterator[list[StatementLine]]:
        """Lines of the yearly reports (DFP) of some companies, some companies at a time. Raises `SourceError`."""
        shelved = await self._one(client, "DFP", year, market_day(client.settings.now()))
        part: list[StatementLine] = []
        for cnpj in companies:
            part += await asyncio.to_thread(_lines_of, shelved, cnpj)
            if len(part) >= lines:
                yield part
                part = []
        if part:
            yield part

    def _identify(self, reading: Reading, company: Company) -> None:
        reading.identity = Identity(
            name=company.name or None,
            cnpj=company.cnpj,
            cvm_code=company.cvm_code,
            sector=company.sector,
            segment=company.segment,
            successor=company.successor,
            active=company.active and company.listed,
            since=company.started if company.reused else None,
            changes=company.changes,
        )
        payload = self.register.payloads.get(company.payload)
        if payload is not None:
            reading.keep(payload)

    async def _files(
        self, client: SourceClient, years: Sequence[int], today: date
    ) -> tuple[list[tuple[str, Shelved]], list[SourceError]]:
        names = [(form, year) for year in years for form in FORMS]
        results = await asyncio.gather(
            *(self._one(client, form, year, today) for form, year in names), return_exceptions=True
        )
        found, problems = [], []
        for (form, _), result in zip(names, results, strict=True):
            if isinstance(result, Shelved):
                found.append((form, result))
            elif isinstance(result, SourceError):
                if not isinstance(result, NotAvailable):
                    problems.append(result)
            elif isinstance(result, BaseException):
                raise result
        return found, problems

    async def _one(self, client: SourceClient, form: str, year: int, today: date) -> Shelved:
        path = f"/dados/CIA_ABERTA/DOC/{form}/DADOS/{form.lower()}_cia_aberta_{year}.zip"
        fresh = HOUR if year >= today.year - 1 else DAY
        return await self._shelves.fetch(client, self.name, path, fresh_for=fresh, max_bytes=ZIP_BYTES)


def years_for(want: Want, today: date) -> list[int]:
    """Years of reference whose files can hold something new: six at first, then the last two and this one."""
    if want.statements_until is None or want.force:
        return list(range(today.year - YEARS, today.year + 1))
    return list(range(min(want.statements_until.year, today.year) - 1, today.year + 1))


def _read(reading: Reading, want: Want, files: Sequence[tuple[str, Shelved]], company: Company) -> None:
    since = None if want.force else want.statements_until
    for form, shelved in files:
        blocks = shelved.shelf.blocks(company.cnpj)
        filings = filings_of(blocks, form)
        if since is not None and filings and all(_stored(want, f, since) for f in filings):
            continue
        lines = statements_of(blocks, filings, shelved.payload.sha256)
        lines = [line for line in lines if since is None or line.received_on is None or line.received_on >= since]
        if lines:
            reading.keep(shelved.payload, shelved.path)
            reading.add(Harvest(statements=lines))


def _stored(want: Want, filing: Delivery, since: date) -> bool:
    """Whether a document is on record: it came before the newest one that is, or it is that very version."""
    before = filing.received_on is not None and filing.received_on < since
    return before or want.filed.get((filing.form, filing.reference_date), 0) >= filing.version


def _lines_of(shelved: Shelved, cnpj: str) -> list[StatementLine]:
    blocks = shelved.shelf.blocks(cnpj)
    return statements_of(blocks, filings_of(blocks, "DFP"), shelved.payload.sha256)


def _wrong_unit(lines: Sequence[StatementLine], want: Want) -> str | None:
    """Compares the newest total assets with those known: a scale gone wrong makes every line of the filing wrong."""
    totals = [line for line in lines if line.statement == "BPA" and line.account == "1"]
    if not totals or not want.total_assets:
        return None
    newest = max(totals, key=lambda line: (line.reference_date, line.version))
    factor = scale_error(newest.value, want.total_assets, 0)
    if factor is None:
        return None
    return f"wrong unit: total assets about {float(factor):.6g} times the known ones"


def _received_since(files: Sequence[tuple[str, Shelved]], since: date) -> list[Delivery]:
    found = []
    for form, shelved in files:
        for cnpj in shelved.shelf:
            index = [
                f for f in filings_of(shelved.shelf.blocks(cnpj), form) if f.received_on and f.received_on >= since
            ]
            found += index
    return found
