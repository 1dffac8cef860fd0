"""CVM open data: DFP, ITR, FCA and IPE zips by year and the register of companies, on a file server's manners."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial

from aiohttp import web

from invest_sandbox.context import SHELF, today_of, world_of
from invest_sandbox.seeds import number, stream
from invest_sandbox.static import conditional
from invest_sandbox.upstreams.cvm_forms import FormWriter
from invest_sandbox.world import TEMPLATES, ZONE, Company, Listing, World, display_name, dotted

NAME = re.compile(r"(dfp|itr|ipe|fca)_cia_aberta_(\d{4})\.zip")
REGISTER = (
    "CNPJ_CIA;DENOM_SOCIAL;DENOM_COMERC;DT_REG;DT_CONST;DT_CANCEL;MOTIVO_CANCEL;SIT;DT_INI_SIT;CD_CVM;SETOR_ATIV;TP_MERC;"
    "CATEG_REG;DT_INI_CATEG;SIT_EMISSOR;DT_INI_SIT_EMISSOR;CONTROLE_ACIONARIO;TP_ENDER;LOGRADOURO;COMPL;BAIRRO;MUN;UF;"
    "PAIS;CEP;DDD_TEL;TEL;DDD_FAX;FAX;EMAIL;TP_RESP;RESP;DT_INI_RESP;LOGRADOURO_RESP;COMPL_RESP;BAIRRO_RESP;MUN_RESP;"
    "UF_RESP;PAIS_RESP;CEP_RESP;DDD_TEL_RESP;TEL_RESP;DDD_FAX_RESP;FAX_RESP;EMAIL_RESP;CNPJ_AUDITOR;AUDITOR"
)
FCA_HEAD = "CNPJ_CIA;DT_REFER;VERSAO;DENOM_CIA;CD_CVM;CATEG_DOC;ID_DOC;DT_RECEB;LINK_DOC"
FCA_GENERAL = (
    "CNPJ_Companhia;Data_Referencia;Versao;ID_Documento;Nome_Empresarial;Data_Nome_Empresarial;Nome_Empresarial_Anterior;"
    "Data_Constituicao;Codigo_CVM;Data_Registro_CVM;Categoria_Registro_CVM;Data_Categoria_Registro_CVM;"
    "Situacao_Registro_CVM;Data_Situacao_Registro_CVM;Pais_Origem;Pais_Custodia_Valores_Mobiliarios;Setor_Atividade;"
    "Descricao_Atividade;Situacao_Emissor;Data_Situacao_Emissor;Especie_Controle_Acionario;"
    "Data_Especie_Controle_Acionario;Dia_Encerramento_Exercicio_Social;Mes_Encerramento_Exercicio_Social;"
    "Data_Alteracao_Exercicio_Social;Pagina_Web"
)
FCA_PAPERS = (
    "CNPJ_Companhia;Data_Referencia;Versao;ID_Documento;Nome_Empresarial;Valor_Mobiliario;Sigla_Classe_Acao_Preferencial;"
    "Classe_Acao_Preferencial;Codigo_Negociacao;Composicao_BDR_Unit;Mercado;Sigla_Entidade_Administradora;"
    "Entidade_Administradora;Data_Inicio_Negociacao;Data_Fim_Negociacao;Segmento;Data_Inicio_Listagem;Data_Fim_Listagem"
)
IPE = (
    "CNPJ_Companhia;Nome_Companhia;Codigo_CVM;Data_Referencia;Categoria;Tipo;Especie;Assunto;Data_Entrega;"
    "Tipo_Apresentacao;Protocolo_Entrega;Versao;Link_Download"
)
SEGMENTS = {"NM": "Novo Mercado", "N2": "Nível 2 de Governança Corporativa", "N1": "Nível 1 de Governança Corporativa"}
CATEGORIES = ("Fato Relevante", "Comunicado ao Mercado", "Aviso aos Acionistas", "Dados Econômico-Financeiros")


async def document(request: web.Request) -> web.StreamResponse:
    """``DOC/{form}/DADOS/{form}_cia_aberta_{year}.zip``; 404 as HTML for years that are not there."""
    match = NAME.fullmatch(request.match_info["name"])
    world, today = world_of(request), today_of(request)
    if not match or match[1].upper() != request.match_info["form"]:
        return _missing()
    form, year = match[1], int(match[2])
    if not world.days[0].astype(date).year <= year <= today.year:
        return _missing()
    body = await request.app[SHELF].slow((form, year, today), partial(build, world, form, year, today))
    return conditional(request, body, "application/zip", _rebuilt(today))


async def register(request: web.Request) -> web.StreamResponse:
    """``CAD/DADOS/cad_cia_aberta.csv``."""
    world, today = world_of(request), today_of(request)
    body = await request.app[SHELF].slow(("cad", today), partial(_register, world))
    return conditional(request, body, "text/csv", _rebuilt(today))


def _missing() -> web.Response:
    return web.Response(status=404, text="<html><body><h1>Not Found</h1></body></html>", content_type="text/html")


def _rebuilt(today: date) -> datetime:
    """CVM rebuilds its files at night; the newest morning before `today` ends."""
    return datetime.combine(today, time(6, 12), ZONE)


def build(world: World, form: str, year: int, today: date) -> bytes:
    """One zip."""
    if form in ("dfp", "itr"):
        members = FormWriter(world, form.upper(), year, today).write()
    elif form == "fca":
        members = iter(_cadastral_forms(world, year).items())
    else:
        members = iter([(f"ipe_cia_aberta_{year}.csv", _csv(IPE, _notices(world, year, today)))])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, body in members:
            info = zipfile.ZipInfo(name, (today.year, today.month, today.day, 6, 12, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, body)
    return out.getvalue()


def _csv(header: str, rows: Iterable[str]) -> bytes:
    return ("\r\n".join([header, *rows]) + "\r\n").encode("latin-1", "replace")


def _quoted(text: str) -> str:
    """A field with a semicolon or a quote in it is quoted, as CVM's are."""
    return '"' + text.replace('"', '""') + '"' if ";" in text or '"' in text else text


def _register(world: World) -> bytes:
    rows = []
    for c in world.companies:
        since = date(1995, 1, 1) + timedelta(number("since", c.issuer) % 9000)
        registered = [dotted(c.cnpj), c.name, c.trading, since, since - timedelta(3000), "", "", "ATIVO", since]
        kind = [c.cvm_code, c.sector, "BOLSA", "Categoria A", since, "FASE OPERACIONAL", since, "PRIVADO"]
        seat = ["SEDE", "Rua do Sandbox, 1", "", "Centro", "SÃO PAULO", "SP", "BRASIL", "01000000", *[""] * 5]
        fields = [*registered, *kind, *seat, "DIRETOR DE RELAÇÕES COM INVESTIDORES", *[""] * 16]
        rows.append(";".join(_quoted(str(f)) for f in fields))
    gone = "11.222.333/0001-81;ANTIGA COMPANHIA S.A.;ANTIGA;1998-01-02;1990-01-02;2019-05-06;Cancelamento Voluntário;"
    rows.append(gone + "CANCELADA;2019-05-06;99990;Bancos" + ";" * 36)
    return _csv(REGISTER, rows)


def _cadastral_forms(world: World, year: int) -> dict[str, bytes]:
    """FCA: who filed, what the company is, and which codes its papers trade under."""
    head, general, papers = [], [], []
    for c in world.companies:
        reference, key = f"{year}-01-01", number("fca", c.issuer, year) % 10**6
        cnpj, link = dotted(c.cnpj), f"http://www.rad.cvm.gov.br/ENET/frmDownloadDocumento.aspx?numSequencia={key}"
        head.append(f"{cnpj};{reference};1;{c.name};{c.cvm_code:06d};FCA;{key};{year}-05-20;{link}")
        lead = f"{cnpj};{reference};1;{key};{c.name}"
        general.append(
            f"{lead};;;1995-01-01;{c.cvm_code};1998-01-01;Categoria A;2010-01-01;Ativo;1998-01-01;Brasil;Brasil;"
            f"{_quoted(c.sector)};;Fase Operacional;1998-01-01;Privado;;31;12;;https://ri.{c.issuer.lower()}.invalid"
        )
        papers += [f"{lead};{row}" for x in world.by_issuer[c.issuer] for row in _codes_of(world, x)]
        if len(world.by_issuer[c.issuer]) == 1:
            papers.append(f"{lead};Debêntures;;;;;Balcão Organizado;CETIP;CETIP;2015-06-01;;;2015-06-01;")
    return {
        f"fca_cia_aberta_{year}.csv": _csv(FCA_HEAD, head),
        f"fca_cia_aberta_geral_{year}.csv": _csv(FCA_GENERAL, general),
        f"fca_cia_aberta_valor_mobiliario_{year}.csv": _csv(FCA_PAPERS, papers),
    }


def _codes_of(world: World, x: Listing) -> Iterator[str]:
    """A row for the code a paper has and one for the code it had."""
    former = world.former.get(x.ticker)
    if former is None:
        yield _paper(x, x.ticker)
    else:
        yield _paper(x, former.ticker, end=f"{former.until - timedelta(1)}")
        yield _paper(x, x.ticker, start=f"{former.until}")


def _paper(x: Listing, code: str, start: str = "2007-01-02", end: str = "") -> str:
    """The rest of a row of valor_mobiliario; `start` and `end` are of the trading under `code`."""
    kinds = {"3": ("Ações Ordinárias", "", ""), "4": ("Ações Preferenciais", "PN", "Preferencial")}
    kinds |= {"5": ("Ações Preferenciais", "PNA", "Preferencial Classe A")}
    name, letters, group = kinds.get(x.ticker[4:], ("Units", "", ""))
    bundle = f"1 {x.issuer}3 e {x.unit_of - 1} {x.issuer}4" if name == "Units" else ""
    segment = SEGMENTS.get(x.company.segment if x.company else "", "")
    market = "Bolsa;BVMF;B3 S.A. - Brasil, Bolsa, Balcão"
    return f"{name};{letters};{group};{code};{bundle};{market};{start};{end};{segment};2007-01-02;"


def _notices(world: World, year: int, today: date) -> list[str]:
    """IPE: a handful of notices a year and company, up to last Sunday (the file is rebuilt about weekly)."""
    last = min(date(year, 12, 31), today - timedelta(today.isoweekday() % 7))
    rows: list[tuple[date, str]] = []
    for c in world.companies:
        rng = stream(world.seed, "ipe", c.issuer, year)
        for i in range(int(rng.integers(5, 12))):
            day = date(year, 1, 1) + timedelta(int(rng.integers(0, 365)))
            title = TEMPLATES[int(rng.integers(0, len(TEMPLATES)))][0]
            category = CATEGORIES[int(rng.integers(0, len(CATEGORIES)))]
            if day <= last:
                rows.append((day, _notice(c, day, category, title, i)))
    return [row for _, row in sorted(rows)]


def _notice(c: Company, day: date, category: str, title: str, i: int) -> str:
    subject = _quoted(title.format(name=display_name(c.name), ticker=c.issuer))
    protocol = f"{c.cvm_code:06d}IPE{day:%d%m%Y}01{number(c.issuer, day, i) % 10**8:08d}-{i:02d}"
    link = f"https://www.rad.cvm.gov.br/ENET/frmDownloadDocumento.aspx?Tela=ext&descTipo=IPE&numProtocolo={protocol[-11:-3]}"
    kind = "Resultado" if category.startswith("Dados") else ""
    return (
        f"{dotted(c.cnpj)};{c.name};{c.cvm_code};{day};{category};{kind};;{subject};{day};AP - Apresentação;"
        f"{protocol};1;{link}"
    )


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [
        web.get("/dados/CIA_ABERTA/DOC/{form}/DADOS/{name}", document),
        web.get("/dados/CIA_ABERTA/CAD/DADOS/cad_cia_aberta.csv", register),
    ]
