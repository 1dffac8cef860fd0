"""Programmes of receipts (BDRs) at Banco B3, their depositary: the paper at home and the parity, from its documents.

Two pages list the programmes, of shares and of ETFs, each with the PDF that describes it; the address of a PDF changes
with its contents. A document is read once, and again when its address changes or its reading has grown old.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from yarl import URL

from invest.domain.market import AssetKind, Programme, market_day
from invest.domain.values import EventReading, Harvest
from invest.isolated import Isolated, TooCostly
from invest.pdf import PdfRefused
from invest.sources.b3.programmes_format import Terms, documents_in, terms_of, unlisted
from invest.sources.client import Response, SourceClient
from invest.sources.errors import Malformed, NotAvailable, SourceError
from invest.sources.model import Answer, Reading, Want

LISTS = ("/bdr-nao-patrocinado/programas", "/bdr-de-etf/programa")
ROWS = 1000  # asked of one page; there were 761 programmes of shares in 2026
PAGES = 10
DAY = 86_400.0
OLD = timedelta(days=120)  # after so long a document is read again though its address is the same
DOCUMENT_BYTES = 8_000_000
READER = "invest.pdf:text_in_pieces"
UNKNOWN = "?"  # before the mark of a document whose words are not known
UNREAD = "its document names no parity and paper at home in the words that are known"


class B3ProgrammesSource:
    """Official parities of receipts."""

    name = "b3_programmes"

    def __init__(self) -> None:
        self._reader = Isolated(READER, warm=False)
        self._pages: dict[str, tuple[str, dict[str, str], int | None]] = {}  # documents of each page that was read

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """What a receipt stands for, where its programme's document is new."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if want.kind is not AssetKind.BDR:
            reading.remark("has receipts of foreign papers only")
            return reading.close("skipped")
        address, problems = await self._document_of(client, want.ticker)
        if address is None:
            if problems:
                raise problems[0]
            reading.remark("Banco B3 is the depositary of no programme of that code")
            return reading.close("empty")
        today, last, mark = market_day(want.now), want.events_read.get(self.name), URL(address).path_qs
        if last is not None and today - last.read_on < OLD and not want.force:
            if last.mark == mark:
                reading.remark(f"its document of {last.read_on} is the one in force")
                return reading.close("not_modified")
            if last.mark == UNKNOWN + mark:
                reading.remark(UNREAD)
                return reading.close("empty")
        answer = await client.get(self.name, address, kind="pdf", max_bytes=DOCUMENT_BYTES)
        terms = await self._terms(answer, want.ticker)
        reading.keep(answer.payload)
        if terms is None:  # noted, so that it is not fetched each day for nothing
            reading.reject(UNREAD)
            reading.add(Harvest(readings=[EventReading(want.ticker, self.name, today, UNKNOWN + mark)]))
            return reading.close("rejected")
        programme = Programme(
            ticker=want.ticker, home=terms.home, backing=terms.backing, receipts=terms.receipts, papers=terms.papers,
            as_of=today, source=self.name, payload=answer.payload.sha256,
        )  # fmt: skip
        reading.observe("parity", programme.parity, want.now, answer.payload, unit="x")
        note = EventReading(want.ticker, self.name, today, mark)
        reading.add(Harvest(programmes=[programme], readings=[note]))
        return reading.close()

    async def _terms(self, answer: Response, ticker: str) -> Terms | None:
        """What a document says; None where its words are not known. Raises `Malformed` for what is no document."""
        try:
            text = "".join(await self._reader.call(answer.body))
        except (PdfRefused, TooCostly) as error:
            raise Malformed(self.name, f"its document cannot be read: it {str(error).removeprefix('it ')}") from None
        return await asyncio.to_thread(terms_of, text, ticker)

    async def _document_of(self, client: SourceClient, ticker: str) -> tuple[str | None, list[SourceError]]:
        """Where a receipt's document lies, and which lists could not be read; None where no list has it."""
        problems: list[SourceError] = []
        for path in LISTS:
            try:
                documents = await self._listed(client, path)
            except NotAvailable:
                continue
            except SourceError as error:
                problems.append(error)
                continue
            if ticker in documents:
                return documents[ticker], problems
        return None, problems

    async def _listed(self, client: SourceClient, path: str) -> dict[str, str]:
        """Every document of one list, page by page. Raises `SourceError`."""
        found: dict[str, str] = {}
        total: int | None = None
        for page in range(1, PAGES + 1):
            params = {"delta": str(ROWS)} | ({"start": str(page)} if page > 1 else {})
            answer = await client.get(self.name, path, params=params, kind="html", fresh_for=DAY)
            more, total = await self._read(f"{path}?{page}", answer)
            if not more and not found:
                raise Malformed(self.name, f"a list without programmes ({path})")
            if not set(more) - set(found):
                break
            found = {**more, **found}
            if not unlisted(found, total):
                break
        return found

    async def _read(self, key: str, answer: Response) -> tuple[dict[str, str], int | None]:
        """One page, read once per content."""
        known = self._pages.get(key)
        if known is None or known[0] != answer.payload.sha256:
            read = await asyncio.to_thread(documents_in, answer.body, answer.payload.url)
            known = self._pages[key] = (answer.payload.sha256, *read)
        return known[1], known[2]
