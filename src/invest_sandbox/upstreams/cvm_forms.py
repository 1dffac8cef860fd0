"""DFP and ITR of CVM's open data: one CSV per statement and scope, all companies of a year, as the real members are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from invest_sandbox.seeds import number, unit
from invest_sandbox.world import (
    Books,
    Company,
    Period,
    Row,
    World,
    added_value,
    assets,
    cash_flow,
    comprehensive,
    dotted,
    income,
    liabilities,
    parent_only,
    restated,
)

STATEMENTS = ("BPA", "BPP", "DFC_MD", "DFC_MI", "DMPL", "DRA", "DRE", "DVA")
_COMMON = "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;CD_CVM;GRUPO_DFP;MOEDA;ESCALA_MOEDA;ORDEM_EXERC"
_TAIL = "CD_CONTA;DS_CONTA;VL_CONTA;ST_CONTA_FIXA"
HEAD = "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;CD_CVM;CATEG_DOC;ID_DOC;DT_RECEB;LINK_DOC"
CAPITAL = (
    "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;QT_ACAO_ORDIN_CAP_INTEGR;QT_ACAO_PREF_CAP_INTEGR;QT_ACAO_TOTAL_CAP_INTEGR;"
    "QT_ACAO_ORDIN_TESOURO;QT_ACAO_PREF_TESOURO;QT_ACAO_TOTAL_TESOURO"
)
GROUPS = {
    "BPA": "Balanço Patrimonial Ativo",
    "BPP": "Balanço Patrimonial Passivo",
    "DFC_MD": "Demonstração do Fluxo de Caixa (Método Direto)",
    "DFC_MI": "Demonstração do Fluxo de Caixa (Método Indireto)",
    "DMPL": "Demonstração das Mutações do Patrimônio Líquido",
    "DRA": "Demonstração de Resultado Abrangente",
    "DRE": "Demonstração do Resultado",
    "DVA": "Demonstração de Valor Adicionado",
}
Lines = list[str]


def columns(statement: str) -> str:
    """The header of one statement's CSV."""
    if statement in ("BPA", "BPP"):
        return f"{_COMMON};DT_FIM_EXERC;{_TAIL}"
    middle = "DT_INI_EXERC;DT_FIM_EXERC;COLUNA_DF" if statement == "DMPL" else "DT_INI_EXERC;DT_FIM_EXERC"
    return f"{_COMMON};{middle};{_TAIL}"


def _encoded(lines: Lines) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode("latin-1", "replace")


class FormWriter:
    """Collects the members of one zip: `form` is "DFP" or "ITR", as known on `today`."""

    def __init__(self, world: World, form: str, year: int, today: date) -> None:
        self.world, self.form, self.year, self.today = world, form, year, today
        prefix = f"{form.lower()}_cia_aberta"
        self.names = {(s, scope): f"{prefix}_{s}_{scope}_{year}.csv" for s in STATEMENTS for scope in ("con", "ind")}
        self.members = {name: bytearray(columns(key[0]).encode() + b"\r\n") for key, name in self.names.items()}
        self.index: Lines = [HEAD]
        self.capital: Lines = [CAPITAL]
        self.prefix = prefix

    def write(self) -> Iterator[tuple[str, bytes]]:
        """Every member by name, latin-1 with CRLF; each is freed once it is handed out."""
        for company in self.world.companies:
            books = self.world.books(company.issuer)
            if books:
                for year, quarter in books.filed(self.today):
                    if year == self.year and (quarter == 4) == (self.form == "DFP"):
                        self._form(company, books, quarter)
        yield f"{self.prefix}_{self.year}.csv", _encoded(self.index)
        for name in list(self.members):
            yield name, bytes(self.members.pop(name))
        yield f"{self.prefix}_composicao_capital_{self.year}.csv", _encoded(self.capital)

    def _form(self, company: Company, books: Books, quarter: int) -> None:
        """One filing; some companies handed in a second version, and both are in the file."""
        received = books.filed_on(self.year, quarter)
        twice = unit(self.world.seed, "again", company.issuer, self.year, quarter) < 0.06
        for version in (1, 2) if twice else (1,):
            shown = received if version == 1 else min(self.today, date.fromordinal(received.toordinal() + 20))
            end = books.span(self.year, quarter, quarter).end
            key = number("doc", company.issuer, end, version) % 10**6
            link = f"http://www.rad.cvm.gov.br/ENET/frmDownloadDocumento.aspx?Tela=ext&numSequencia={key}"
            head = f"{dotted(company.cnpj)};{end};{version};{company.name}"
            self.index.append(f"{head};{company.cvm_code:06d};{self.form};{key};{shown};{link}")
            on, pn = self.world.shares_on(company, end)
            self.capital.append(f"{head};{on};{pn};{on + pn};0;0;0")
            scopes = ("con", "ind") if books.consolidated else ("ind",)
            for scope in scopes:
                wrong = version == 1 and twice
                self._statements(company, books, quarter, head, scope, wrong=wrong)

    def _statements(self, company: Company, books: Books, quarter: int, head: str, scope: str, *, wrong: bool) -> None:
        scale = "UNIDADE" if unit(self.world.seed, "scale", company.issuer) < 0.08 else "MIL"
        kind = "Consolidado" if scope == "con" else "Individual"
        for statement, order, period, rows in self._tables(company, books, quarter, scope, wrong=wrong):
            group = f"DF {kind} - {GROUPS[statement]}"
            start = "" if statement in ("BPA", "BPP") else f"{period.start};"
            lead = f"{head};{company.cvm_code:06d};{group};REAL;{scale};{order};{start}{period.end}"
            lead += ";Patrimônio Líquido" if statement == "DMPL" else ""
            times = 1000 if scale == "UNIDADE" else 1
            lines = [
                f"{lead};{r.code};{r.name};{r.value * (1 if r.code.startswith('3.99') else times):.10f};{r.fixed}"
                for r in rows
            ]
            self.members[self.names[statement, scope]] += _encoded(lines)

    def _tables(
        self, company: Company, books: Books, quarter: int, scope: str, *, wrong: bool
    ) -> Iterator[tuple[str, str, Period, list[Row]]]:
        """(statement, ORDEM_EXERC, period, rows): last year beside this, quarter beside year to date."""
        on, pn = self.world.shares_on(company, self.today)
        for order, year in (("PENÚLTIMO", self.year - 1), ("ÚLTIMO", self.year)):
            spans = [(1, quarter)] if quarter in (1, 4) else [(quarter, quarter), (1, quarter)]
            periods = [self._seen(books.span(year, *s), scope, books, wrong=wrong) for s in spans]
            whole = periods[-1]
            closing = whole
            if order == "PENÚLTIMO" and quarter < 4:  # an ITR sets its balance against the end of last year
                closing = self._seen(books.year(year), scope, books, wrong=False)
            both = {"consolidated": scope == "con"}
            yield "BPA", order, closing, assets(closing, company.chart)
            yield "BPP", order, closing, liabilities(closing, company.chart, **both)
            for period in periods:
                yield "DRE", order, period, income(period, company.chart, on + pn, **both)
            direct = unit(self.world.seed, "method", company.issuer) < 0.12
            yield "DFC_MD" if direct else "DFC_MI", order, whole, cash_flow(whole, direct=direct)
            yield "DVA", order, whole, added_value(whole)
            yield "DRA", order, whole, comprehensive(whole)
            yield (
                "DMPL",
                order,
                whole,
                [
                    Row("5.04.06", "Dividendos", whole.flows["paid"]),
                    Row("5.07", "Saldos Finais", whole.equity_parent),
                ],
            )

    @staticmethod
    def _seen(period: Period, scope: str, books: Books, *, wrong: bool) -> Period:
        if scope == "ind" and books.consolidated:
            period = parent_only(period)
        return restated(period) if wrong else period
