"""BCB: SGS series with its own habits about errors, and Olinda's Focus expectations."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from invest_sandbox.context import today_of, world_of
from invest_sandbox.seeds import stream
from invest_sandbox.world import DAILY, target

NOT_FOUND = "Value(s) not found"
UNKNOWN = (
    '<?xml version="1.0" encoding="pt-br"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"\n'
    '  "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\n'
    '<html xmlns="http://www.w3.org/1999/xhtml" lang="pt-br" xml:lang="pt-br">\n'
    "<head>\n<title>Requisição inválida!</title>\n</head>\n<body><h1>Requisição inválida!</h1></body>\n</html>\n"
)
TOO_WIDE = {
    "error": "O sistema aceita uma janela de consulta de, no máximo, 10 anos em séries de periodicidade diária",
    "message": "Para acessar uma série de periodicidade diária, é necessário informar a dataInicial - parâmetro "
    "textual que representa a data de início da consulta, no formato dd/mm/aaaa. Pode-se também especificar a "
    "dataFinal (opcional) - parâmetro textual que representa a data final da consulta, no formato dd/mm/aaaa",
}
DECADE = timedelta(3653)


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(data), content_type="application/json", charset="utf-8")


def _date(text: str) -> date:
    return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=UTC).date()


def _points(request: web.Request) -> list[tuple[date, str]] | None:
    """The series asked for, as far as known today (432 runs ahead); None for one that does not exist."""
    world, today = world_of(request), today_of(request)
    try:
        points = world.macro.series(int(request.match_info["code"]))
    except (KeyError, ValueError):
        return None
    ahead = timedelta(40) if request.match_info["code"] == "432" else timedelta(0)
    return [p for p in points if p[0] <= today + ahead]


def _answer(request: web.Request, points: list[tuple[date, str]]) -> web.Response:
    """JSON, or CSV where ``formato=csv``."""
    if request.query.get("formato") == "csv":
        rows = ['"data";"valor"', *(f'"{d:%d/%m/%Y}";"{v.replace(".", ",")}"' for d, v in points)]
        return web.Response(text="\r\n".join(rows) + "\r\n", content_type="text/csv", charset="utf-8")
    return _json([{"data": f"{d:%d/%m/%Y}", "valor": v} for d, v in points])


def _unknown() -> web.Response:
    return web.Response(body=UNKNOWN.encode(), content_type="text/html")


async def window(request: web.Request) -> web.Response:
    """``/dados``: all, or dataInicial..dataFinal; 404 for an empty window, 406 for more than ten years of days."""
    points = _points(request)
    if points is None:
        return _unknown()
    start, end = request.query.get("dataInicial"), request.query.get("dataFinal")
    try:
        first = _date(start) if start else date.min
        last = _date(end) if end else today_of(request)
    except ValueError:
        return _json({"erro": {"codigo": 400, "mensagem": "Data inválida", "detalhe": "formato dd/MM/yyyy"}}, 400)
    daily = int(request.match_info["code"]) in DAILY
    if daily and (not start or last - first > DECADE):
        return _json(TOO_WIDE, 406)
    chosen = [p for p in points if first <= p[0] <= last]
    if not chosen:
        return _json({"error": NOT_FOUND}, 404)
    return _answer(request, chosen)


async def newest(request: web.Request) -> web.Response:
    """``/dados/ultimos/{n}``: the newest n, at most 20 of a daily series as the real host allows."""
    points = _points(request)
    if points is None:
        return _unknown()
    count = int(request.match_info["n"])
    if not 1 <= count <= 20:
        detail = "br.gov.bcb.pec.sgs.casosdeuso.comum.excecoes.SGSNegocioException: "
        detail += "A quantidade máxima de valores deve ser 20"
        return _json({"erro": {"statusCode": 400, "detail": detail}}, 400)
    return _answer(request, points[-count:])


_CLAUSE = re.compile(r"(\w+)\s+(eq|ge|gt|le|lt)\s+(?:'([^']*)'|(\d+))")
_CHECKS = {
    "eq": lambda a, b: a == b,
    "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
}
INDICATORS = {
    "IPCA": (3.9, 0.25),
    "Selic": (0.0, 0.3),
    "PIB Total": (1.9, 0.3),
    "Câmbio": (5.5, 0.12),
    "IGP-M": (4.1, 0.6),
}
CONTEXT = (
    "https://was-p.bcnet.bcb.gov.br/olinda/servico/Expectativas/versao/v1/odata$metadata#ExpectativasMercadoAnuais"
)


def expectations(seed: int, today: date) -> list[dict[str, Any]]:
    """Focus medians of the last 40 Fridays for this year and the next four, newest first; base 0 and 1."""
    rows = []
    friday = today - timedelta((today.weekday() - 4) % 7)
    for week in range(40):
        day = friday - timedelta(7 * week)
        for name, (level, spread) in INDICATORS.items():
            for year in range(day.year, day.year + 5):
                centre = (target(day) - 1.25 * (year - day.year)) if name == "Selic" else level
                for base in (0, 1):
                    rng = stream(seed, "focus", name, day, year, base)
                    median = max(0.3, centre + float(rng.normal(0, spread / 3)))
                    sd = spread * float(rng.uniform(0.6, 1.2))
                    rows.append(
                        {
                            "Indicador": name,
                            "IndicadorDetalhe": None,
                            "Data": str(day),
                            "DataReferencia": str(year),
                            "Media": round(median + float(rng.normal(0, 0.02)), 4),
                            "Mediana": round(median, 4),
                            "DesvioPadrao": round(sd, 4),
                            "Minimo": round(median - 2.4 * sd, 4),
                            "Maximo": round(median + 2.8 * sd, 4),
                            "numeroRespondentes": int(rng.integers(25, 155)),
                            "baseCalculo": base,
                        }
                    )
    return rows


async def olinda(request: web.Request) -> web.Response:
    """``ExpectativasMercadoAnuais`` with $filter (clauses joined by and), $top, $skip, $orderby, $select."""
    query = {k.lstrip("$"): v for k, v in request.query.items()}
    rows = expectations(world_of(request).seed, today_of(request))
    clauses = [c for c in re.split(r"\s+and\s+", query.get("filter", "")) if c]
    for clause in clauses:
        match = _CLAUSE.fullmatch(clause.strip())
        if not match or match[1] not in rows[0]:
            message = {"codigo": 400, "mensagem": f"Invalid filter: {clause}"}
            return _json(message)  # an error object with HTTP 200, as has been reported of the real host
        wanted: Any = match[3] if match[3] is not None else int(match[4])
        rows = [r for r in rows if _CHECKS[match[2]](r[match[1]], wanted)]
        if not rows:
            break
    if order := query.get("orderby", "").split():
        rows.sort(key=lambda r: r[order[0]], reverse=order[-1].lower() == "desc")
    skip = int(query.get("skip", 0))
    rows = rows[skip : skip + int(query.get("top", 10_000))]
    if names := [n for n in query.get("select", "").split(",") if n]:
        rows = [{n: r[n] for n in names if n in r} for r in rows]
    return _json({"@odata.context": CONTEXT, "value": rows})


def routes() -> list[web.RouteDef]:
    """SGS's paths."""
    base = r"/dados/serie/bcdata.sgs.{code:\d+}/dados"
    return [web.get(base, window), web.get(base + r"/ultimos/{n:\d+}", newest)]


def olinda_routes() -> list[web.RouteDef]:
    """Olinda's path."""
    return [web.get("/olinda/servico/Expectativas/versao/v1/odata/ExpectativasMercadoAnuais", olinda)]
