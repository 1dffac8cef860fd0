"""Who a company is: CVM's FCA zips (ticker to CNPJ, CVM code, sector) and its register of companies (CAD)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from invest.domain.market import InvalidTicker, TickerChange, parse_ticker
from invest.domain.values import RawPayload
from invest.sources.client import Capped, Response, SourceClient, open_zip
from invest.sources.cvm.format import table
from invest.sources.errors import Malformed, NotAvailable, SourceError
from invest.sources.numerals import cnpj_of, day, digits

DAY = 86_400.0
CAD = "/dados/CIA_ABERTA/CAD/DADOS/cad_cia_aberta.csv"
CAD_BYTES = 32_000_000
COMPANY = "CNPJ_COMPANHIA"  # the column of an FCA file


@dataclass(frozen=True, slots=True)
class Company:
    """One company of the register. `listed`: whether its paper still trades by its own filing.

    `started`, `ended`: first and last day of the paper under this code. `reused`: another company had the code before.
    """

    cnpj: str
    name: str
    cvm_code: int | None = None
    sector: str | None = None
    segment: str | None = None
    active: bool = True
    listed: bool = True
    successor: str | None = None
    started: date | None = None
    ended: date | None = None
    reused: bool = False
    changes: tuple[TickerChange, ...] = ()
    payload: str = ""


@dataclass(slots=True)
class Register:
    """Companies by ticker and by CNPJ, read from the newest FCA files and CAD; renewed once a day."""

    _by_ticker: dict[str, Company] = field(default_factory=dict)
    _by_cnpj: dict[str, Company] = field(default_factory=dict)
    _tickers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _shas: tuple[str, ...] = ()
    payloads: dict[str, RawPayload] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    async def refresh(self, client: SourceClient, today: date) -> None:
        """Read what is new of two years' FCA and of CAD. Raises `SourceError` where nothing is known."""
        await client.flights.join(f"cvm:register:{today}", lambda: self._refresh(client, today))

    async def _refresh(self, client: SourceClient, today: date) -> None:
        forms, cad, errors = await _answers(client, today)
        answers = [*forms, cad] if cad is not None else forms
        shas = tuple(answer.payload.sha256 for answer in answers)
        if shas and shas == self._shas:
            return
        serious = [error for error in errors if not isinstance(error, NotAvailable)]
        if not forms:
            if self._by_ticker:
                return
            raise (serious or errors)[0]
        self.problems = [error.reason for error in serious]
        papers: dict[str, Company] = {}
        for answer in forms:
            assert answer.path is not None  # a zip always lies on disk
            papers = renewed(papers, await asyncio.to_thread(read_fca, answer.path, answer.payload.sha256))
        companies: dict[str, Company] = {}
        if cad is not None:
            companies = await asyncio.to_thread(read_cad, cad.body, cad.payload.sha256)
        self._keep(papers, companies)
        self.payloads = {answer.payload.sha256: answer.payload for answer in answers}
        self._shas = shas

    def _keep(self, papers: Mapping[str, Company], companies: Mapping[str, Company]) -> None:
        """Index what the files say: `papers` by ticker, `companies` of the register by CNPJ."""
        self._by_ticker = {ticker: _merged(company, companies.get(company.cnpj)) for ticker, company in papers.items()}
        self._tickers = {}
        for ticker, company in sorted(self._by_ticker.items()):
            self._tickers[company.cnpj] = (*self._tickers.get(company.cnpj, ()), ticker)
        self._by_cnpj = {**companies, **{company.cnpj: company for company in self._by_ticker.values()}}

    def company(self, ticker: str, cnpj: str | None = None) -> Company | None:
        """The company of `ticker`, else of its known CNPJ."""
        found = self._by_ticker.get(ticker)
        return found or (self._by_cnpj.get(cnpj) if cnpj else None)

    def tickers_by_cnpj(self) -> Mapping[str, tuple[str, ...]]:
        """The tickers of every company that has any."""
        return self._tickers


async def _answers(client: SourceClient, today: date) -> tuple[list[Response], Response | None, list[SourceError]]:
    """The FCA files of two years that came, oldest first, the register (CAD) if it came, and what went wrong."""
    paths = [f"/dados/CIA_ABERTA/DOC/FCA/DADOS/fca_cia_aberta_{year}.zip" for year in (today.year - 1, today.year)]
    *forms, cad = await asyncio.gather(
        *(client.get("cvm", path, kind="zip", fresh_for=DAY) for path in paths),
        client.get("cvm", CAD, kind="csv", fresh_for=DAY, max_bytes=CAD_BYTES),
        return_exceptions=True,
    )
    problems = [answer for answer in (*forms, cad) if isinstance(answer, BaseException)]
    errors = [problem for problem in problems if isinstance(problem, SourceError)]
    if len(errors) < len(problems):
        raise next(problem for problem in problems if not isinstance(problem, SourceError))
    came = [answer for answer in forms if not isinstance(answer, BaseException)]
    return came, None if isinstance(cad, BaseException) else cad, errors


def _merged(company: Company, registered: Company | None) -> Company:
    if registered is None:
        return company
    return replace(
        company,
        sector=company.sector or registered.sector,
        cvm_code=company.cvm_code or registered.cvm_code,
        active=company.active and registered.active,
    )


def read_fca(path: Path, payload: str) -> dict[str, Company]:
    """Companies by ticker from one FCA zip, each as its newest document says it: highest date, then highest version.

    A document counts whole: a code that the newest one ends, or lists no more, is what that one makes of it.
    """
    general: list[dict[str, str]] = []
    listed: list[dict[str, str]] = []
    with open_zip("cvm", path) as archive:
        for entry in archive.infolist():
            name = entry.filename.lower()
            if "_geral_" not in name and "_valor_mobiliario_" not in name:
                continue
            with archive.open(entry) as stream:
                rows = list(table(Capped("cvm", stream, entry.file_size).lines()))
            if "_geral_" in name:
                general += _identified(rows)
            else:
                listed += _identified(rows)
    about = {row[COMPANY]: row for row in _newest_documents(general)}
    bearers: dict[str, set[str]] = {}
    for row in listed:
        bearers.setdefault(_code(row), set()).add(row[COMPANY])
    papers: dict[str, dict[str, str]] = {}
    for row in _newest_documents(listed, general):
        code = _code(row)
        if code and (code not in papers or _age(row) >= _age(papers[code])):
            papers[code] = row
    if not papers:
        raise Malformed("cvm", "FCA without securities")
    found = {}
    for code, row in papers.items():
        ticker = _ticker(code)
        if ticker is not None:
            found[ticker] = _company(row, about.get(row[COMPANY], {}), payload, reused=len(bearers[code]) > 1)
    return _with_successors(found)


def renewed(older: Mapping[str, Company], newer: Mapping[str, Company]) -> dict[str, Company]:
    """Companies by ticker of two years' files: what a company's newer form lists no more has ended.

    Where the newer form has one open code of the same class that the older had not, that one follows.
    """
    filed = {company.cnpj for company in newer.values()}
    closed = {}
    for ticker, company in older.items():
        if ticker in newer or company.cnpj not in filed or not company.listed:
            continue
        heirs = [
            code
            for code, other in newer.items()
            if other.cnpj == company.cnpj and other.listed and code[4:] == ticker[4:] and code not in older
        ]
        closed[ticker] = replace(company, listed=False, successor=heirs[0] if len(heirs) == 1 else None)
    return {**older, **closed, **newer}


def _company(row: Mapping[str, str], about: Mapping[str, str], payload: str, *, reused: bool) -> Company:
    """The company behind one listed paper."""
    cvm_code = digits(about.get("CODIGO_CVM"), 7)
    return Company(
        cnpj=row[COMPANY],
        name=row.get("NOME_EMPRESARIAL") or about.get("NOME_EMPRESARIAL") or "",
        cvm_code=int(cvm_code) if cvm_code else None,
        sector=about.get("SETOR_ATIVIDADE") or None,
        segment=row.get("SEGMENTO") or None,
        listed=not (row.get("DATA_FIM_NEGOCIACAO") or row.get("DATA_FIM_LISTAGEM")),
        started=day(row.get("DATA_INICIO_NEGOCIACAO")),
        ended=day(row.get("DATA_FIM_NEGOCIACAO")) or day(row.get("DATA_FIM_LISTAGEM")),
        reused=reused,
        payload=payload,
    )


def _with_successors(found: dict[str, Company]) -> dict[str, Company]:
    """A code that ended where its company has one open code of the same class was changed into that one."""
    open_codes: dict[tuple[str, str], list[str]] = {}
    for ticker, company in found.items():
        if company.listed:
            open_codes.setdefault((company.cnpj, ticker[4:]), []).append(ticker)
    for ticker, company in found.items():
        heirs = open_codes.get((company.cnpj, ticker[4:]), [])
        if not company.listed and len(heirs) == 1:
            found[ticker] = replace(company, successor=heirs[0])
            _note_change(found, ticker, heirs[0])
    return found


def _note_change(found: dict[str, Company], old: str, new: str) -> None:
    """Tell both codes of the change; its day is the new one's first, or the one after the old one's last."""
    before, after = found[old], found[new]
    if before.ended is None:
        return
    following = before.ended + timedelta(days=1)
    changed_on = max(following, after.started) if after.started else following
    change = TickerChange(old=old, new=new, changed_on=changed_on, source="cvm")
    for code in (old, new):
        found[code] = replace(found[code], changes=(*found[code].changes, change))


def _identified(rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """The rows that name a company, its CNPJ written in one way whatever its punctuation and case."""
    return [row | {COMPANY: cnpj} for row in rows if (cnpj := cnpj_of(row.get(COMPANY)))]


def _code(row: Mapping[str, str]) -> str:
    return row.get("CODIGO_NEGOCIACAO", "").strip().upper()


def _newest_documents(rows: Iterable[dict[str, str]], others: Iterable[dict[str, str]] = ()) -> list[dict[str, str]]:
    """The rows of each company's newest document, as they and the `others` of the same documents name it.

    Others: the newest document may have no row of this kind any more.
    """
    newest: dict[str, tuple[date, int]] = {}
    kept = list(rows)
    for row in (*kept, *others):
        company = row[COMPANY]
        newest[company] = max(newest.get(company, _document(row)), _document(row))
    return [row for row in kept if _document(row) == newest[row[COMPANY]]]


def _document(row: Mapping[str, str]) -> tuple[date, int]:
    version = row.get("VERSAO", "")
    return day(row.get("DATA_REFERENCIA")) or date.min, int(version) if version.isascii() and version.isdigit() else 0


def _age(row: Mapping[str, str]) -> tuple[bool, date, int]:
    """Of one code that two companies file (a reused one), the row whose paper still trades, then the newer, wins."""
    return (not row.get("DATA_FIM_NEGOCIACAO"), *_document(row))


def _ticker(code: str) -> str | None:
    try:
        return parse_ticker(code)
    except InvalidTicker:
        return None


def read_cad(body: bytes, payload: str) -> dict[str, Company]:
    """Companies by CNPJ from the register; of several registrations the active one, else the newest."""
    best: dict[str, tuple[bool, date, Company]] = {}
    for row in table(body.replace(b"\r\n", b"\n").split(b"\n")):
        cnpj, code = cnpj_of(row.get("CNPJ_CIA")), digits(row.get("CD_CVM"), 7)
        if cnpj is None:
            continue
        active = row.get("SIT", "").upper().startswith("ATIVO")
        name = row.get("DENOM_SOCIAL", "")
        company = Company(
            cnpj, name, int(code) if code else None, row.get("SETOR_ATIV") or None, active=active, payload=payload
        )
        entry = (active, day(row.get("DT_REG")) or date.min, company)
        if cnpj not in best or entry[:2] >= best[cnpj][:2]:
            best[cnpj] = entry
    return {cnpj: entry[2] for cnpj, entry in best.items()}
