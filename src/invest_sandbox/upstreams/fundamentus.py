"""Fundamentus: one table of all shares and one page per share, latin-1, pt-BR numbers, 0 where a bank has no figure."""

from __future__ import annotations

from datetime import date
from functools import partial

import numpy as np
from aiohttp import web

from invest_sandbox.context import SHELF, today_of, world_of
from invest_sandbox.upstreams.b3 import brazilian
from invest_sandbox.world import Listing, World

HEADERS = (
    "Papel", "Cotação", "P/L", "P/VP", "PSR", "Div.Yield", "P/Ativo", "P/Cap.Giro", "P/EBIT", "P/Ativ Circ.Liq",
    "EV/EBIT", "EV/EBITDA", "Mrg Ebit", "Mrg. Líq.", "Liq. Corr.", "ROIC", "ROE", "Liq.2meses", "Patrim. Líq",
    "Dív.Brut/ Patrim.", "Cresc. Rec.5a",
)  # fmt: skip
PERCENT = frozenset({"Div.Yield", "Mrg Ebit", "Mrg. Líq.", "ROIC", "ROE", "Cresc. Rec.5a"})
PAGE = (
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">\n<html lang="pt-br">\n'
    '<head><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">\n'
    "<title>FUNDAMENTUS - {title} - Invista consciente</title></head>\n<body>{body}</body>\n</html>\n"
)


def figures(world: World, x: Listing, today: date) -> dict[str, float]:
    """The table's figures of one share; 0 for what does not exist, as the site prints it."""
    s = world.series(x.ticker)
    n = s.upto(today)
    price = float(s.close[n - 1])
    out = dict.fromkeys(HEADERS[1:], 0.0) | {"Cotação": price}
    paid = sum(a.amount for a in s.actions if a.in_cash and 0 < (today - a.last_with).days <= 365)
    out["Div.Yield"] = paid / price
    out["Liq.2meses"] = float(np.mean((s.average * s.volume)[max(0, n - 42) : n]))
    books = world.books(x.issuer)
    found = books.trailing(today) if books else None
    if not books or not found:
        return out
    p, worth = found[0], price * x.shares / 1000
    revenue, equity = p.income["revenue"], p.equity_parent
    out |= {"P/L": worth / p.net_parent, "P/VP": worth / equity, "P/Ativo": worth / p.assets}
    out |= {"ROE": p.net_parent / equity, "Patrim. Líq": equity * 1000.0, "Dív.Brut/ Patrim.": p.debt / equity}
    if books.company.chart == "bank":
        return out
    net_debt = p.debt - p.balance["cash"] - p.balance["placements"]
    current = sum(p.balance[k] for k in ("cash", "placements", "receivables", "inventory", "other_current"))
    short = sum(p.balance[k] for k in ("suppliers", "debt_short", "taxes", "other_short"))
    first = books.earnings[books.last - 5][0] if books.last - 5 in books.earnings else revenue
    return out | {
        "PSR": worth / revenue,
        "P/Cap.Giro": worth / (current - short) if current != short else 0.0,
        "P/EBIT": worth / p.ebit,
        "P/Ativ Circ.Liq": worth / (current - p.liabilities) if current != p.liabilities else 0.0,
        "EV/EBIT": (worth + net_debt) / p.ebit,
        "EV/EBITDA": (worth + net_debt) / (p.ebit + p.flows["depreciation"]),
        "Mrg Ebit": p.ebit / revenue,
        "Mrg. Líq.": p.net / revenue,
        "Liq. Corr.": current / short,
        "ROIC": p.ebit / (p.assets - p.balance["suppliers"] - p.balance["cash"]),
        "Cresc. Rec.5a": (revenue / first) ** 0.2 - 1,
    }


def _shown(name: str, value: float) -> str:
    if name in PERCENT:
        return brazilian(value * 100, 2) + "%"
    return brazilian(value, 0 if name in ("Patrim. Líq", "Liq.2meses") else 2)


def _table(world: World, today: date) -> bytes:
    head = "".join(f"<th><a>{h}</a></th>" for h in HEADERS)
    rows = []
    for x in sorted(world.listings, key=lambda x: x.ticker):
        if x.company:
            values = figures(world, x, today)
            cells = "".join(f"<td>{_shown(h, values[h])}</td>" for h in HEADERS[1:])
            link = f'<a href="detalhes.php?papel={x.ticker}">{x.ticker}</a>'
            rows.append(f'<tr class="par"><td class="res_papel"><span class="tips">{link}</span></td>{cells}</tr>')
    body = f'<table id="resultado"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return PAGE.format(title="Resultado", body=body).encode("latin-1", "replace")


async def table(request: web.Request) -> web.Response:
    """``/resultado.php``: every share in one table."""
    world, today = world_of(request), today_of(request)
    body = await request.app[SHELF].slow(("fundamentus", today), partial(_table, world, today))
    return web.Response(body=body, content_type="text/html", charset="iso-8859-1")


async def details(request: web.Request) -> web.Response:
    """``/detalhes.php?papel=``: label and data cells; an unknown code is a page saying so, with 200."""
    code = request.query.get("papel", "").upper()
    world, today = world_of(request), today_of(request)
    listing = world.by_ticker.get(code)
    body = "<h1>Nenhum papel encontrado</h1>"
    if listing and listing.company:
        body = _details(world, listing, today)
    page = PAGE.format(title=code[:15], body=body).encode("latin-1", "replace")
    return web.Response(body=page, content_type="text/html", charset="iso-8859-1")


_LABELS = {
    "Marg. EBIT": "Mrg Ebit",
    "Marg. Líquida": "Mrg. Líq.",
    "EV / EBIT": "EV/EBIT",
    "EV / EBITDA": "EV/EBITDA",
    "Liquidez Corr": "Liq. Corr.",
    "Cres. Rec (5a)": "Cresc. Rec.5a",
    "Div Br/ Patrim": "Dív.Brut/ Patrim.",
    "Div. Yield": "Div.Yield",
    "Vol $ méd (2m)": "Liq.2meses",
    "Patrim. Líq": "Patrim. Líq",
}


def _details(world: World, x: Listing, today: date) -> str:
    values, s = figures(world, x, today), world.series(x.ticker)
    last = s.days[s.upto(today) - 1].astype(date)
    cells = {"Papel": x.ticker, "Cotação": _shown("Cotação", values["Cotação"]), "Tipo": x.especi}
    cells |= {"Data últ cot": f"{last:%d/%m/%Y}", "Empresa": f"{x.trading} {x.especi}"}
    cells |= {"Valor de mercado": brazilian(values["Cotação"] * x.shares, 0), "Nro. Ações": brazilian(x.shares, 0)}
    books = world.books(x.issuer)
    found = books.trailing(today) if books else None
    if found:
        cells["Últ balanço processado"] = f"{found[0].end:%d/%m/%Y}"
    cells |= {name: _shown(name, values[name]) for name in ("P/L", "P/VP", "PSR", "P/EBIT", "ROE", "ROIC")}
    cells |= {label: _shown(name, values[name]) for label, name in _LABELS.items()}
    pair = '<td class="label"><span class="help tips">?</span><span class="txt">{}</span></td>'
    pair += '<td class="data"><span class="txt">{}</span></td>'
    rows = "".join(f"<tr>{pair.format(k, v)}</tr>" for k, v in cells.items())
    return f'<table class="w728">{rows}</table>'


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [web.get("/resultado.php", table), web.get("/detalhes.php", details)]
