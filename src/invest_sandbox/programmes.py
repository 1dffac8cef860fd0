"""Banco B3's programmes of receipts: the list as a page of tables, and a PDF about each programme."""

from __future__ import annotations

import html
import zlib
from collections.abc import Iterator, Sequence

from aiohttp import web

from invest_sandbox.context import SHELF, world_of
from invest_sandbox.seeds import number, token
from invest_sandbox.upstreams.yahoo import HOMES
from invest_sandbox.world import Listing, World, isin

SHARES, ETFS = "bdr-nao-patrocinado/programas", "bdr-de-etf/programa"
EXCHANGES = ("NYSE", "NASDAQ")
MOST_ROWS = 1000
ETF_SUFFIX = "39"


def _programmes(world: World, path: str) -> list[Listing]:
    """The receipts of one list; sponsored ones (31 to 33) have another depositary."""
    found = [x for x in world.listings if x.kind == "bdr" and x.ticker[-2:] in ("34", "35", ETF_SUFFIX)]
    return sorted((x for x in found if (x.ticker[-2:] == ETF_SUFFIX) == (path == ETFS)), key=lambda x: x.ticker)


def parity_of(ticker: str) -> tuple[str, int, int]:
    """The paper at home, and how many receipts stand for how many of it."""
    known = next(((symbol, each) for symbol, (code, each) in HOMES.items() if code == ticker), None)
    if known is not None:
        return known[0], known[1], 1
    drawn = number("parity", ticker)
    return ticker[:4], 1 + drawn % 60, 2 if drawn % 50 == 0 else 1


def _address(paper: Listing) -> str:
    """Where a programme's document lies; another one where its contents changed."""
    name, mark = f"Programa_{paper.isin}.pdf", token(12, "document", paper.ticker).lower()
    return f"/documents/823983/1006460/{name}/{mark}?version=1.0&t=17177634{number(paper.ticker) % 100000:05d}"


def _row(base: str, paper: Listing) -> str:
    site = f"https://www.{paper.issuer.lower()}.example"
    return (
        f'<tr><td class="table-bdr__result-one">{html.escape(paper.name)}</td>'
        f'<td class="table-bdr__result-two">{paper.ticker}</td>'
        f'<td class="table-bdr__result-three"><a href="{site}">Ir para o Site</a></td>'
        f'<td class="table-bdr__result-four"><a class="table-bdr__result-four-text" '
        f'href="{html.escape(base + _address(paper))}">Visualizar arquivo</a></td></tr>'
    )


async def listed(request: web.Request) -> web.Response:
    """A page of programmes: ``delta`` rows of it, from page ``start`` on."""
    world, path = world_of(request), request.match_info["path"]
    if path not in (SHARES, ETFS):
        return web.Response(status=404, text="<html><body><h1>Not Found</h1></body></html>", content_type="text/html")
    found = _programmes(world, path)
    size = min(MOST_ROWS, max(1, int(request.query.get("delta", "20"))))
    first = (max(1, int(request.query.get("start", "1"))) - 1) * size
    base = request.path.removesuffix("/" + path)
    rows = "".join(_row(base, paper) for paper in found[first : first + size])
    shown = f"Exibindo {first + 1} - {min(first + size, len(found))} de {len(found)} resultados."
    page = (
        '<!DOCTYPE html><html lang="pt-BR"><head><meta charset="utf-8"><title>Programas</title></head><body>'
        "<h1>Programas disponíveis</h1><table><thead><tr><th>Empresa</th><th>Código de Negociação</th><th>Site</th>"
        f"<th>Arquivo</th></tr></thead><tbody>{rows}</tbody></table><p>{shown}</p></body></html>"
    )
    return web.Response(text=page, content_type="text/html", charset="utf-8")


async def document(request: web.Request) -> web.Response:
    """The PDF of one programme."""
    world, name = world_of(request), request.match_info["name"]
    paper = next((x for x in world.listings if x.kind == "bdr" and name == f"Programa_{x.isin}.pdf"), None)
    if paper is None:
        return web.Response(status=404, text="<html><body><h1>Not Found</h1></body></html>", content_type="text/html")
    body = request.app[SHELF].quick(("b3_programmes", paper.ticker), lambda: pdf_of(list(_lines(paper))))
    return web.Response(body=body, content_type="application/pdf")


def _lines(paper: Listing) -> Iterator[str]:
    symbol, receipts, papers = parity_of(paper.ticker)
    yield "DESCRITIVO OPERACIONAL DO PROGRAMA DE BDR NÍVEL I NÃO PATROCINADO"
    yield f"Empresa: {paper.name}"
    yield "INFORMAÇÕES SOBRE O BDR"
    yield f"Código de Negociação: {paper.ticker}"
    yield f"Código ISIN: {paper.isin}"
    yield "Instituição Depositária: Banco B3 S.A."
    yield "INFORMAÇÕES SOBRE A AÇÃO REPRESENTADA"
    yield f"Código da Ação Representada: {symbol}"
    yield f"ISIN da Ação Representada: {isin('US' + token(9, 'home', paper.ticker).upper())}"
    yield f"Bolsa de Valores da Ação Representada: {EXCHANGES[number('exchange', paper.ticker) % 2]}"
    yield f"Relação BDR x Ação Lastro: {receipts}:{papers}"


def pdf_of(lines: Sequence[str]) -> bytes:
    """One page of text in Helvetica, as small as a PDF can be."""
    shown = []
    for at, line in enumerate(lines):
        escaped = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        shown.append(f"BT /F1 10 Tf 56 {780 - 18 * at} Td ({escaped}) Tj ET")
    stream = zlib.compress("\n".join(shown).encode("cp1252", "replace"), 1)
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
        font,
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for n, each in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [
        web.get("/documents/{site}/{folder}/{name}/{mark}", document),
        web.get("/{path:bdr-[a-z-]+/[a-z]+}", listed),
    ]
