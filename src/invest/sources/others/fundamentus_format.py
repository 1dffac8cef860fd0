"""Fundamentus' pages, read by their labels: pt-BR numbers, latin-1 or not, "not found" with status 200."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from invest.domain.filings import newest_due
from invest.domain.market import CorporateAction
from invest.domain.values import Basis
from invest.sources.b3 import cash_kind, plain
from invest.sources.errors import Malformed, NotAvailable
from invest.sources.numerals import day, number, positive

# label, folded: field, unit, basis. Both pages call most of them alike; the older header texts are kept beside.
FIGURES: Mapping[str, tuple[str, str, Basis]] = {
    "COTACAO": ("close", "BRL", Basis.RAW),
    "P/L": ("p_l", "x", Basis.TTM),
    "P/VP": ("p_vp", "x", Basis.SPOT),
    "P/VPA": ("p_vp", "x", Basis.SPOT),
    "PSR": ("p_sr", "x", Basis.TTM),
    "P/EBIT": ("p_ebit", "x", Basis.TTM),
    "EV/EBIT": ("ev_ebit", "x", Basis.TTM),
    "EV / EBIT": ("ev_ebit", "x", Basis.TTM),
    "EV/EBITDA": ("ev_ebitda", "x", Basis.TTM),
    "EV / EBITDA": ("ev_ebitda", "x", Basis.TTM),
    "DIV.YIELD": ("dividend_yield", "fraction", Basis.TTM),
    "DIV. YIELD": ("dividend_yield", "fraction", Basis.TTM),
    "MRG EBIT": ("ebit_margin", "fraction", Basis.TTM),
    "MARG. EBIT": ("ebit_margin", "fraction", Basis.TTM),
    "MRG. LIQ.": ("net_margin", "fraction", Basis.TTM),
    "MARG. LIQUIDA": ("net_margin", "fraction", Basis.TTM),
    "MARG. BRUTA": ("gross_margin", "fraction", Basis.TTM),
    "ROIC": ("roic", "fraction", Basis.TTM),
    "ROE": ("roe", "fraction", Basis.TTM),
    "LIQ. CORR.": ("current_ratio", "x", Basis.SPOT),
    "LIQUIDEZ CORR": ("current_ratio", "x", Basis.SPOT),
    "LPA": ("eps", "BRL", Basis.TTM),
    "VPA": ("bvps", "BRL", Basis.SPOT),
    "VALOR DE MERCADO": ("market_cap", "BRL", Basis.SPOT),
    "VALOR DA FIRMA": ("enterprise_value", "BRL", Basis.SPOT),
    "NRO. ACOES": ("shares_outstanding", "count", Basis.SPOT),
}
FILED = frozenset(  # of the newest statements the site has read, whatever the price does
    {"ebit_margin", "net_margin", "gross_margin", "roic", "roe", "current_ratio", "eps", "bvps"}
)
NEEDED = frozenset({"PAPEL", "COTACAO", "P/L", "P/VP", "ROE"})  # headers without which the table is another one


def page(body: bytes) -> LexborHTMLParser:
    """The page's tree; its bytes decide the encoding, since its meta tag has been seen to lie. Raises `Malformed`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    if "</html" not in text[-2000:].lower():
        raise Malformed("fundamentus", "a page cut short")
    return LexborHTMLParser(text)


def label(text: str) -> str:
    """A label as it is looked up: upper case, no accents, one blank at most, without its help mark."""
    return " ".join(plain(text.replace("?", " ")).split())


def details(body: bytes) -> dict[str, str]:
    """Labels and values of a ``detalhes.php`` page; the first of equal labels counts (twelve months before three).

    Raises `NotAvailable` for a code it does not know, `Malformed` for a page without the labels it must have.
    """
    tree = page(body)
    if "NENHUM PAPEL ENCONTRADO" in label(" ".join(node.text() for node in tree.css("h1"))):
        raise NotAvailable("fundamentus", "it knows no such paper")
    found: dict[str, str] = {}
    for cell in tree.css("td.label"):
        value = _next_cell(cell)
        name = label(_text(cell))
        if value is not None and name:
            found.setdefault(name, _text(value))
    if not {"PAPEL", "COTACAO"} <= found.keys():
        raise Malformed("fundamentus", "a page without Papel and Cotação")
    return found


def _next_cell(cell: LexborNode) -> LexborNode | None:
    node = cell.next
    while node is not None and node.tag != "td":
        node = node.next
    return node if node is not None and "data" in (node.attributes.get("class") or "").split() else None


def _text(node: LexborNode) -> str:
    inner = node.css_first("span.txt")
    return " ".join((inner or node).text(separator=" ").split())


def screen(body: bytes) -> dict[str, dict[str, str]]:
    """The table of ``resultado.php``: by ticker the values by header. Raises `Malformed` where headers have changed."""
    tree = page(body)
    for grid in tree.css("table"):
        headers = [label(cell.text()) for cell in grid.css("tr th")]
        if not set(headers) >= NEEDED:
            continue
        rows = ([" ".join(cell.text().split()) for cell in row.css("td")] for row in grid.css("tr"))
        full = [dict(zip(headers, row, strict=False)) for row in rows if len(row) == len(headers)]
        return {row["PAPEL"].upper(): row for row in full if row["PAPEL"]}
    raise Malformed("fundamentus", f"no table with the columns {', '.join(sorted(NEEDED))}")


def figures(values: Mapping[str, str]) -> Iterator[tuple[str, Decimal, str, Basis]]:
    """Field, value, unit and basis of what a page says. 0 means missing here (banks have no EBIT)."""
    seen = set()
    for name, text in values.items():
        known = FIGURES.get(name)
        value = number(text, pt=True)
        if known is None or value is None or value == 0 or known[0] in seen:
            continue
        field, unit, basis = known
        seen.add(field)
        yield field, value / 100 if unit == "fraction" else value, unit, basis


def filed_until(values: Mapping[str, str], traded: date) -> date:
    """The end of the period that `FILED` figures are of.

    The table of all stocks does not say it: the newest one whose filing was due then is assumed. As of the day they
    would displace a filing of a quarter before, which may be the very one they were read from.
    """
    return day(values.get("ULT BALANCO PROCESSADO")) or newest_due(traded)


def dividends(body: bytes, ticker: str, payload: str) -> list[CorporateAction]:
    """Payments of a ``proventos.php`` page; several of equal amount on one day are several."""
    found = []
    for grid in page(body).css("table#resultado, table#resultado-anual"):
        headers = [label(cell.text()) for cell in grid.css("th")]
        if not {"DATA", "VALOR", "TIPO"} <= set(headers):
            continue
        for row in grid.css("tr"):
            cells = [" ".join(cell.text().split()) for cell in row.css("td")]
            values = dict(zip(headers, cells, strict=False))
            action = _dividend(values, ticker, payload)
            if action is not None:
                found.append(action)
    return found


def _dividend(values: Mapping[str, str], ticker: str, payload: str) -> CorporateAction | None:
    kind, last = cash_kind(values.get("TIPO", "")), day(values.get("DATA"))
    amount = number(values.get("VALOR"), pt=True)
    lot = positive(values.get("POR QUANTAS ACOES"), pt=True) or Decimal(1)
    if kind is None or last is None or not amount or amount <= 0:
        return None
    return CorporateAction(
        ticker=ticker,
        kind=kind,
        last_date_with=last,
        payment_date=day(values.get("DATA DE PAGAMENTO")),
        amount=amount / lot,
        source="fundamentus",
        payload=payload,
    )
