"""CVM open data of index funds: the register, the old one with the fees, and the daily reports of a month."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from functools import partial

from aiohttp import web

from invest_sandbox.context import SHELF, today_of, world_of
from invest_sandbox.seeds import number
from invest_sandbox.static import conditional
from invest_sandbox.world import ZONE, Listing, World, dotted

INDEX_OF = {
    "IVVB11": "S&P 500", "SMAL11": "Índice Small Cap", "DIVO11": "IDIV", "XFIX11": "IFIX",
    "HASH11": "Nasdaq Crypto Index", "IMAB11": "IMA-B", "FIXA11": "S&P/BM&F Futuro de Taxa de Juros",
}  # fmt: skip
DAILY = re.compile(r"inf_diario_fi_(\d{4})(\d{2})\.zip")
FUNDS = "ID_Registro_Fundo;CNPJ_Fundo;Codigo_CVM;Tipo_Fundo;Denominacao_Social;Situacao;Administrador;Gestor"
CLASSES = (
    "ID_Registro_Classe;ID_Registro_Fundo;CNPJ_Classe;Codigo_CVM;Tipo_Classe;Denominacao_Social;Situacao;Classificacao;"
    "Indicador_Desempenho;Classe_Cotas"
)
OLD = (
    "TP_FUNDO;CNPJ_FUNDO;DENOM_SOCIAL;DT_REG;DT_CONST;CD_CVM;DT_CANCEL;SIT;DT_INI_SIT;CLASSE;RENTAB_FUNDO;CONDOM;"
    "TAXA_PERFM;INF_TAXA_PERFM;TAXA_ADM;INF_TAXA_ADM;VL_PATRIM_LIQ;DT_PATRIM_LIQ"
)
REPORT = (
    "TP_FUNDO_CLASSE;CNPJ_FUNDO_CLASSE;ID_SUBCLASSE;DT_COMPTC;VL_TOTAL;VL_QUOTA;VL_PATRIM_LIQ;CAPTC_DIA;RESG_DIA;"
    "NR_COTST"
)


def _etfs(world: World) -> Iterator[tuple[int, Listing]]:
    return enumerate((x for x in world.listings if x.kind == "etf"), start=1)


def fee_of(paper: Listing) -> float:
    """Percent a year."""
    return (10 + number("fee", paper.ticker) % 60) / 100


def _zip(members: dict[str, list[str]], today: date) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, lines in members.items():
            info = zipfile.ZipInfo(name, (today.year, today.month, today.day, 6, 12, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, ("\r\n".join(lines) + "\r\n").encode("latin-1", "replace"))
    return out.getvalue()


def _index(paper: Listing) -> str:
    """The index that an ETF follows, in the register's words."""
    return INDEX_OF.get(paper.ticker, "Ibovespa")


def _register(world: World, today: date) -> bytes:
    funds, classes = [FUNDS], [CLASSES]
    for n, paper in _etfs(world):
        digits = "".join(c for c in paper.cnpj if c.isalnum())
        funds.append(f"{n};{digits};{n};FII;{paper.name};Em Funcionamento Normal;SANDBOX DTVM;SANDBOX GESTORA")
        classes.append(
            f"{n};{n};{digits};{n};Classes de Cotas de Fundos FIF;{paper.name};Em Funcionamento Normal;Ações;"
            f"{_index(paper)};S"
        )
    return _zip({"registro_fundo.csv": funds, "registro_classe.csv": classes}, today)


def _old(world: World, today: date) -> bytes:
    lines = [OLD]
    for n, paper in _etfs(world):
        lines.append(
            f"FDO ÍNDICE;{dotted(paper.cnpj)};{paper.name};2010-01-04;2010-01-04;{n};;EM FUNCIONAMENTO NORMAL;"
            f"2010-01-04;Ações;{_index(paper)};Aberto;;;{fee_of(paper):.2f};;1000000.00;{today}"
        )
    return ("\r\n".join(lines) + "\r\n").encode("latin-1", "replace")


def _daily(world: World, first: date, today: date) -> bytes:
    """A day's worth of a unit is its price without what the market pays more or less: its close, as it was adjusted."""
    lines = [REPORT]
    end = min(today, date(first.year + first.month // 12, first.month % 12 + 1, 1))
    for _, paper in _etfs(world):
        series = world.series(paper.ticker)
        rows = series.span(first, end)
        for day, close, factor in zip(series.days[rows], series.close[rows], series.factor[rows], strict=True):
            when = day.astype(date)
            if when.month == first.month and when < today:  # reports come a day later
                unit = float(close) * float(factor)
                holders = 100 + number("holders", paper.ticker) % 90_000
                lines.append(
                    f"FUNDO DE INDICE;{dotted(paper.cnpj)};;{when};{unit * paper.shares:.2f};{unit:.12f};"
                    f"{unit * paper.shares:.2f};0.00;0.00;{holders}"
                )
    return _zip({f"inf_diario_fi_{first:%Y%m}.csv": lines}, today)


async def document(request: web.Request) -> web.StreamResponse:
    """A file of the register or a month of daily reports; 404 as HTML for what is not there."""
    name, world, today = request.match_info["name"], world_of(request), today_of(request)
    match = DAILY.fullmatch(name)
    make: Callable[[], bytes] | None = None
    if name == "registro_fundo_classe.zip":
        make = partial(_register, world, today)
    elif name == "cad_fi.csv":
        make = partial(_old, world, today)
    elif (
        match
        and 1 <= int(match[2]) <= 12
        and world.days[0].astype(date) <= date(int(match[1]), int(match[2]), 1) < today
    ):
        make = partial(_daily, world, date(int(match[1]), int(match[2]), 1), today)
    if make is None:
        return web.Response(status=404, text="<html><body><h1>Not Found</h1></body></html>", content_type="text/html")
    body = await request.app[SHELF].slow((name, today), make)
    kind = "text/csv" if name.endswith(".csv") else "application/zip"
    return conditional(request, body, kind, datetime.combine(today, time(6, 12), ZONE))


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [
        web.get("/dados/FI/CAD/DADOS/{name}", document),
        web.get("/dados/FI/DOC/INF_DIARIO/DADOS/{name}", document),
    ]
