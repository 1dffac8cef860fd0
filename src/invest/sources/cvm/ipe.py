"""Material facts and notices that companies deliver to CVM (IPE), read as news: the official word, about weekly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from pathlib import Path

import orjson

from invest.domain.market import NewsItem
from invest.domain.news import sentiment
from invest.domain.values import RawPayload
from invest.sources.b3 import plain
from invest.sources.client import Capped, Shelf, Shelved, Shelves, SourceClient, open_zip
from invest.sources.cvm.format import table
from invest.sources.errors import Malformed, NotAvailable, SourceError
from invest.sources.feeds import clean, identifier, safe_link
from invest.sources.numerals import SAO_PAULO, cnpj_of, day

CATEGORIES = ("FATO RELEVANTE", "COMUNICADO AO MERCADO", "AVISO AOS ACIONISTAS", "CALENDARIO DE EVENTOS CORPORATIVOS")
# Documents that tell of no dividend, split or meeting; what is of none of these kinds may.
NO_EVENTS = (
    "DADOS ECONOMICO-FINANCEIROS", "VALORES MOBILIARIOS NEGOCIADOS", "POLITICA", "CODIGO", "REGIMENTO", "INFORME",
    "RELATORIO", "ACORDO DE ACIONISTAS", "ESCRITURA", "DOCUMENTOS DE OFERTA", "CARTA ANUAL",
)  # fmt: skip
NEWEST = "newest"
DELIVERED = "delivered"  # the newest day of a document that may tell of an event, by CNPJ
NEWEST_LINES = 500
HOUR = 3_600.0
KEPT_DAYS = 365
KEPT_FILES = 4
Notice = tuple[NewsItem, RawPayload]


class Notices:
    """IPE files of this year and, in its first months, the last one."""

    def __init__(self) -> None:
        self._shelves = Shelves("deliveries", cut)
        self._days: dict[str, Mapping[str, str]] = {}  # by payload

    async def of(self, client: SourceClient, cnpj: str, today: date, tickers: tuple[str, ...]) -> list[Notice]:
        """Notices of one company within a year. Raises `SourceError`."""
        files = await self._files(client, today)
        return list(_notices(files, cnpj, today, {cnpj: tickers}))

    async def last_delivery(self, client: SourceClient, cnpj: str, today: date) -> date | None:
        """The day of a company's newest document that may tell of an event. Raises `SourceError`, also for a part."""
        files = await self._files(client, today, whole=True)
        days = [day(self._delivered(shelved).get(cnpj)) for shelved in files]
        return max((when for when in days if when is not None and when <= today), default=None)

    def _delivered(self, shelved: Shelved) -> Mapping[str, str]:
        sha256 = shelved.payload.sha256
        if sha256 not in self._days:
            while len(self._days) >= KEPT_FILES:
                self._days.pop(next(iter(self._days)))
            self._days[sha256] = orjson.loads(shelved.shelf.get(DELIVERED) or b"{}")
        return self._days[sha256]

    async def newest(
        self, client: SourceClient, today: date, tickers: Mapping[str, tuple[str, ...]], limit: int
    ) -> list[Notice]:
        """The newest notices of all companies, `tickers` by CNPJ. Raises `SourceError`."""
        found = list(_notices(await self._files(client, today), NEWEST, today, tickers))
        found.sort(key=lambda notice: (notice[0].published_at or notice[0].fetched_at, notice[0].id), reverse=True)
        return found[:limit]

    async def _files(self, client: SourceClient, today: date, *, whole: bool = False) -> list[Shelved]:
        """Those that came; `whole`: all, but for one that is not there yet. Raises `SourceError`."""
        years = [today.year] if today.month > 2 else [today.year - 1, today.year]
        paths = [f"/dados/CIA_ABERTA/DOC/IPE/DADOS/ipe_cia_aberta_{year}.zip" for year in years]
        fetched = await asyncio.gather(
            *(self._shelves.fetch(client, "cvm", path, fresh_for=HOUR) for path in paths), return_exceptions=True
        )
        problems = [one for one in fetched if isinstance(one, BaseException)]
        unexpected = [one for one in problems if not isinstance(one, SourceError)]
        away = [one for one in problems if whole and not isinstance(one, NotAvailable)]
        if unexpected or away or len(problems) == len(fetched):
            raise (unexpected or away or problems)[0]
        return [one for one in fetched if isinstance(one, Shelved)]


def cut(source: Path, shelf: Path) -> None:
    """Notices of a zip by CNPJ, and the newest ones of all. Raises `Malformed`."""
    with open_zip("cvm", source) as archive:
        entries = [e for e in archive.infolist() if e.filename.lower().endswith(".csv")]
        if not entries:
            raise Malformed("cvm", "an IPE zip without a table")
        with archive.open(entries[0]) as stream:
            rows, delivered = list[dict[str, str]](), dict[str, str]()
            for row in table(Capped("cvm", stream, entries[0].file_size).lines()):
                cnpj, category = cnpj_of(row.get("CNPJ_COMPANHIA")), plain(row.get("CATEGORIA", ""))
                when = day(row.get("DATA_ENTREGA"))
                if cnpj is not None and when is not None and not category.startswith(NO_EVENTS):
                    delivered[cnpj] = max(delivered.get(cnpj, ""), when.isoformat())
                if cnpj is not None and category.startswith(CATEGORIES):
                    rows.append(row)
    Shelf.write(shelf, [*_blocks(rows), (DELIVERED, orjson.dumps(delivered))])


def _blocks(rows: list[dict[str, str]]) -> Iterator[tuple[str, bytes]]:
    companies: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        companies.setdefault(cnpj_of(row["CNPJ_COMPANHIA"]) or "", []).append(row)
    for cnpj, mine in companies.items():
        yield cnpj, orjson.dumps(mine)
    newest = sorted(rows, key=lambda row: row.get("DATA_ENTREGA", ""), reverse=True)[:NEWEST_LINES]
    yield NEWEST, orjson.dumps(newest)


def _notices(
    files: Iterable[Shelved], key: str, today: date, tickers: Mapping[str, tuple[str, ...]]
) -> Iterator[Notice]:
    for shelved in files:
        block = shelved.shelf.get(key)
        for row in orjson.loads(block) if block else ():
            delivered = day(row.get("DATA_ENTREGA"))
            if delivered is None or delivered > today or (today - delivered).days > KEPT_DAYS:
                continue
            yield _item(row, delivered, shelved.payload, tickers), shelved.payload


def _item(
    row: Mapping[str, str], delivered: date, payload: RawPayload, tickers: Mapping[str, tuple[str, ...]]
) -> NewsItem:
    company, category = row.get("NOME_COMPANHIA", ""), row.get("CATEGORIA", "")
    subject = row.get("ASSUNTO") or row.get("ESPECIE") or row.get("TIPO") or category
    title = clean(f"{company}: {subject}", 500)
    link = safe_link(row.get("LINK_DOWNLOAD", ""))
    return NewsItem(
        id=identifier(link, "CVM", f"{row.get('PROTOCOLO_ENTREGA', '')} {title}"),
        title=title,
        link=link,
        outlet="CVM",
        summary=clean(category, 200),
        published_at=datetime.combine(delivered, time(12), SAO_PAULO),
        fetched_at=payload.fetched_at,
        source="cvm",
        payload=payload.sha256,
        tickers=tickers.get(cnpj_of(row.get("CNPJ_COMPANHIA")) or "", ()),
        sentiment=sentiment(subject),
    )
