"""CVM open data of real-estate funds: monthly and quarterly reports as zips by year."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial

from aiohttp import web

from invest_sandbox.context import SHELF, today_of, world_of
from invest_sandbox.seeds import number
from invest_sandbox.static import conditional
from invest_sandbox.world import ZONE, Listing, World, dotted, is_fiagro

NAME = re.compile(r"inf_(mensal|trimestral)_fii_(\d{4})\.zip")
GENERAL = (
    "Tipo_Fundo_Classe;CNPJ_Fundo_Classe;Data_Referencia;Versao;Data_Entrega;Nome_Fundo_Classe;Data_Funcionamento;"
    "Publico_Alvo;Codigo_ISIN;Quantidade_Cotas_Emitidas;Fundo_Exclusivo;Cotistas_Vinculo_Familiar;Mandato;"
    "Segmento_Atuacao;Tipo_Gestao;Prazo_Duracao"
)
COMPLEMENT = (
    "CNPJ_Fundo_Classe;Data_Referencia;Versao;Data_Informacao_Numero_Cotistas;Total_Numero_Cotistas;"
    "Numero_Cotistas_Pessoa_Fisica;Valor_Ativo;Patrimonio_Liquido;Cotas_Emitidas;Valor_Patrimonial_Cotas;"
    "Percentual_Despesas_Taxa_Administracao;Percentual_Despesas_Agente_Custodiante;Percentual_Rentabilidade_Efetiva_Mes;"
    "Percentual_Rentabilidade_Patrimonial_Mes;Percentual_Dividend_Yield_Mes;Percentual_Amortizacao_Cotas_Mes"
)
BALANCE = (
    "CNPJ_Fundo_Classe;Data_Referencia;Versao;Total_Necessidades_Liquidez;Disponibilidades;Total_Investido;"
    "Direitos_Bens_Imoveis;CRI;FII;Rendimentos_Distribuir;Taxa_Administracao_Pagar;Total_Passivo"
)
BUILDINGS = (
    "CNPJ_Fundo_Classe;Data_Referencia;Versao;Classe;Nome_Imovel;Endereco;Area;Numero_Unidades;"
    "Outras_Caracteristicas_Relevantes;Percentual_Vacancia;Percentual_Inadimplencia;Percentual_Receitas_FII;"
    "Percentual_Locado;Percentual_Vendido"
)
PAPERS = (
    "CNPJ_Fundo_Classe;Data_Referencia;Versao;Tipo;Emissor;CNPJ_Emissor;Emissao;Serie;Codigo_Acao;Nome_Ativo;"
    "Data_Vencimento;Quantidade;Valor"
)
FIAGROS = (
    "CNPJ_Classe;Nome_Classe;Data_Referencia;Versao;Data_Entrega;Codigo_ISIN;Publico_Alvo;Patrimonio_Liquido;"
    "Numero_Cotas;Valor_Patrimonial_Cota;Numero_Cotistas;Total_Ativo"
)
FIAGRO_NAME = re.compile(r"inf_mensal_fiagro_(\d{4})(\d{2})\.zip")
FIRST_FIAGRO = date(2025, 5, 1)
APPRAISED = 250  # sessions that an appraisal looks back on
PAPER_FUND = "Títulos e Val. Mob."
# Of funds whose business everybody knows; the others' is drawn.
KNOWN_SEGMENTS = {
    "HGLG11": "Logística", "XPLG11": "Logística", "VISC11": "Shoppings", "KNRI11": "Híbrido",
    "MXRF11": PAPER_FUND,
}  # fmt: skip
SEGMENTS = ("Logística", "Shoppings", "Lajes Corporativas", PAPER_FUND, "Híbrido")
DELIVERED = timedelta(days=14)  # after the end of the month


def worth_of(world: World, paper: Listing, at: int) -> float:
    """Net worth per unit on a session, as brapi's book value has it: appraisals follow prices slowly."""
    closes = world.series(paper.ticker).close[max(0, at - APPRAISED) : at + 1]
    return float(closes.mean() / world.profile(paper.issuer).beta ** 0.3)


def segment_of(paper: Listing) -> str:
    """A fund's line of business, as CVM's form names it."""
    drawn = SEGMENTS[number("segment", paper.ticker) % len(SEGMENTS)]
    return KNOWN_SEGMENTS.get(paper.ticker, drawn)


async def document(request: web.Request) -> web.StreamResponse:
    """``DOC/{form}/DADOS/inf_{form}_fii_{year}.zip``; 404 as HTML for years that are not there."""
    match = NAME.fullmatch(request.match_info["name"])
    world, today = world_of(request), today_of(request)
    if match is None or not world.days[0].astype(date).year <= int(match[2]) <= today.year:
        return web.Response(status=404, text="<html><body><h1>Not Found</h1></body></html>", content_type="text/html")
    make = _monthly if match[1] == "mensal" else _quarterly
    body = await request.app[SHELF].slow((match[0], today), partial(make, world, int(match[2]), today))
    return conditional(request, body, "application/zip", datetime.combine(today, time(6, 12), ZONE))


def _zip(members: dict[str, list[str]], today: date) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, lines in members.items():
            info = zipfile.ZipInfo(name, (today.year, today.month, today.day, 6, 12, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, ("\r\n".join(lines) + "\r\n").encode("latin-1", "replace"))
    return out.getvalue()


def _monthly(world: World, year: int, today: date) -> bytes:
    general, complement, balance = [GENERAL], [COMPLEMENT], [BALANCE]
    for paper in (x for x in world.listings if x.kind == "fii" and not is_fiagro(x)):
        for first, last in _months(year, today):
            key, series = f"{dotted(paper.cnpj)};{first};1", world.series(paper.ticker)
            at = series.upto(last) - 1
            if at < 0:
                continue
            units, per_unit = paper.shares, worth_of(world, paper, at)
            paid = sum(a.amount for a in series.actions if a.in_cash and first <= a.last_with <= last)
            net = units * per_unit
            segment = segment_of(paper)
            general.append(
                f"Fundo;{key};{last + DELIVERED};{paper.name};2012-05-03;INVESTIDORES EM GERAL;{paper.isin};{units};"
                f"N;N;Renda;{segment};Ativa;Indeterminado"
            )
            holders = 1_000 + number("holders", paper.ticker) % 200_000
            complement.append(
                f"{key};{last};{holders};{holders - 12};{net * 1.08:.2f};{net:.2f};{units};{per_unit:.12f};0.000833;"
                f"0.00001;0.0081;0.0012;{paid / per_unit:.6f};0"
            )
            balance.append(
                f"{key};{net * 0.03:.2f};{net * 0.01:.2f};{net:.2f};{net * 0.9:.2f};0;0;{paid * units:.2f};0;"
                f"{net * 0.08:.2f}"
            )
    names = (("geral", general), ("complemento", complement), ("ativo_passivo", balance))
    return _zip({f"inf_mensal_fii_{name}_{year}.csv": lines for name, lines in names}, today)


def _quarterly(world: World, year: int, today: date) -> bytes:
    lines, papers = [BUILDINGS], [PAPERS]
    for paper in (x for x in world.listings if x.kind == "fii" and not is_fiagro(x)):
        for _, last in _months(year, today - timedelta(days=31)):
            if last.month % 3:
                continue
            for n in range(0 if segment_of(paper) == PAPER_FUND else 1 + number("buildings", paper.ticker) % 4):
                area = 5_000 + number("area", paper.ticker, n) % 60_000
                empty = number("empty", paper.ticker, n) % 25 / 100
                lines.append(
                    f"{dotted(paper.cnpj)};{last};1;Imóveis para renda acabados;Edifício {n + 1};Rua do Sandbox, 1;"
                    f"{area};{1 + n};;{empty:.4f};0.0150;{0.48 / 2**n:.6f};;"
                )
            at = world.series(paper.ticker).upto(last) - 1
            if at >= 0:
                papers += _papers(paper, last, paper.shares * worth_of(world, paper, at))
    members = {f"inf_trimestral_fii_imovel_{year}.csv": lines, f"inf_trimestral_fii_ativo_{year}.csv": papers}
    members[f"inf_trimestral_fii_ativo_garantia_rentabilidade_{year}.csv"] = ["CNPJ_Fundo_Classe;Data_Referencia"]
    return _zip(members, today)


def _papers(paper: Listing, last: date, worth: float) -> Iterator[str]:
    """Receivables and units of other funds that a fund holds: nearly all of a fund of papers, little of another."""
    whole = segment_of(paper) == PAPER_FUND
    count = 8 + number("papers", paper.ticker) % 5 if whole else number("papers", paper.ticker) % 5
    weights = [10 + number("value", paper.ticker, n) % 90 for n in range(count)]
    for n, weight in enumerate(weights):
        value = worth * (0.93 if whole else 0.04) * weight / sum(weights)
        kind, name = ("CRI", f"CRI Série {n + 1}") if n % 2 else ("FII", f"Fundo do Sandbox {n + 1}")
        due = f"{last.year + 3 + n}-06-15" if n % 2 else ""
        yield (
            f"{dotted(paper.cnpj)};{last};1;{kind};Emissora {n + 1} S.A.;11.222.333/0001-81;{n + 1};1;;{name};{due};"
            f"{1_000 + n};{value:.2f}"
        )


def _fiagros(world: World, month: date, today: date) -> bytes:
    """A month's report of all Fiagros; not there before its delivery."""
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    lines = [FIAGROS]
    for paper in (x for x in world.listings if is_fiagro(x)):
        series = world.series(paper.ticker)
        at = series.upto(last) - 1
        if at < 0 or last + DELIVERED > today:
            continue
        per_unit = worth_of(world, paper, at)
        lines.append(
            f"{dotted(paper.cnpj)};{paper.name};{month};1;{last + DELIVERED};{paper.isin};INVESTIDORES EM GERAL;"
            f"{paper.shares * per_unit:.2f};{paper.shares};{per_unit:.8f};"
            f"{500 + number('holders', paper.ticker) % 90_000};"
            f"{paper.shares * per_unit * 1.05:.2f}"
        )
    return _zip({f"inf_mensal_fiagro_{month:%Y%m}.csv": lines}, today)


async def fiagro_document(request: web.Request) -> web.StreamResponse:
    """``inf_mensal_fiagro_{month}.zip``, since May 2025; 404 as HTML for months that are not there."""
    match = FIAGRO_NAME.fullmatch(request.match_info["name"])
    world, today = world_of(request), today_of(request)
    month = date(int(match[1]), int(match[2]), 1) if match and 1 <= int(match[2]) <= 12 else None
    if month is None or month < FIRST_FIAGRO or month + timedelta(days=31) + DELIVERED > today:
        return web.Response(status=404, text="<html><body><h1>Not Found</h1></body></html>", content_type="text/html")
    body = await request.app[SHELF].slow((match and match[0], today), partial(_fiagros, world, month, today))
    return conditional(request, body, "application/zip", datetime.combine(today, time(6, 12), ZONE))


def _months(year: int, today: date) -> Iterator[tuple[date, date]]:
    """First and last day of each month of `year` whose report was delivered by `today`."""
    for month in range(1, 13):
        first = date(year, month, 1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        if last + DELIVERED <= today:
            yield first, last


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [
        web.get("/dados/FII/DOC/{form}/DADOS/{name}", document),
        web.get("/dados/FIAGRO/DOC/INF_MENSAL/DADOS/{name}", fiagro_document),
    ]
