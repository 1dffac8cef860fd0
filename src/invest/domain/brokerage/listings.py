"""B3's other files: the posição (what is held), the proventos recebidos, and the negociação of the CEI before 2021."""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import replace
from decimal import Decimal

from invest.domain.brokerage import papers
from invest.domain.brokerage.movements import INCOME
from invest.domain.brokerage.reading import Cells, Signs, StatementRefused, Table
from invest.domain.brokerage.rows import Reader, Reading, Row, booked, code, refused
from invest.domain.filings import plain
from invest.domain.portfolios import Operation

GHOSTFOLIO = ("date", "ticker", "operation", "quantity", "price", "fee", "currency", "note")
GHOSTFOLIO_KEYS = ("date", "symbol", "type", "quantity", "unitPrice", "fee", "currency", "comment")
CLOSING = ("preco de fechamento", "preco fechamento", "preco")
NET = ("valor liquido", "valor liquido (r$)", "valor")
EVENT = ("tipo de evento", "tipo do evento", "evento")
CEI_DAY = ("data negocio", "data do negocio")
CEI_CODE = ("codigo negociacao", "codigo de negociacao", "codigo")
CEI_SIDE = ("c/v", "compra/venda")
CEI_PRICE = ("preco (r$)", "preco", "preco unitario")
CEI_VALUE = ("valor total (r$)", "valor total", "valor/ajuste", "valor")
CEI_FACTOR = ("fator cotacao", "fator de cotacao")
PAID_AS = {
    **INCOME,
    "rendimentos": Operation.DIVIDEND,
    "dividendos": Operation.DIVIDEND,
    "jcp": Operation.JCP,
    "jscp": Operation.JCP,
}
NO_COST = "the cost is not told by a posição: its closing price stands for it until you give the cost"


def layout_of(headers: Set[str]) -> tuple[str, Reader] | None:
    """(name, reader) of the layout whose header this is, or None."""
    if {"produto", "instituicao", "quantidade"} <= headers and headers & set(CLOSING) and "valor atualizado" in headers:
        return "posicao", read_holding
    if papers.holds_papers(headers):
        return "posicao", papers.read_position
    if {"produto", "pagamento", "quantidade"} <= headers and headers & set(EVENT) and headers & set(NET):
        return "proventos", read_income
    if headers & set(CEI_DAY) and headers & set(CEI_SIDE) and headers & set(CEI_CODE) and "quantidade" in headers:
        return "cei", read_cei
    return None


def ghostfolio(text: str) -> Table | None:
    """The activities of a Ghostfolio export (JSON) as a table; None for anything else.

    Raises `StatementRefused` for JSON that is none.
    """
    if not text.lstrip().startswith("{") or '"activities"' not in text:
        return None
    try:
        activities = json.loads(text)["activities"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StatementRefused("the file is JSON but no export of Ghostfolio: export its activities again") from None
    if not isinstance(activities, list):
        raise StatementRefused("the file is JSON but no export of Ghostfolio: its activities are no list")
    rows = [_activity(line, entry) for line, entry in enumerate(activities, 1) if isinstance(entry, dict)]
    return Table(GHOSTFOLIO, tuple(rows), ",", Signs(thousands=False))


def _activity(line: int, entry: dict[str, object]) -> Cells:
    cells = {name: _shown(entry.get(key)) for name, key in zip(GHOSTFOLIO, GHOSTFOLIO_KEYS, strict=True)}
    cells["date"] = cells["date"][:10]
    return Cells(line, cells, " ".join(cells.values())[:200])


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return str(value)[:200]


def read_holding(cells: Cells, how: Reading) -> Row:
    """B3, "Posição": what is held at one institution; an opening position where nothing is booked, else a check."""
    product = cells.first("codigo de negociacao") or code(cells.first("produto"))
    if plain(cells.first("produto")).startswith("total") or not product:
        return refused(cells, "a line of totals")
    if plain(cells.first("natureza")).startswith("tomador"):
        return refused(cells, "borrowed shares are somebody else's")
    row = booked(
        cells,
        how,
        when=how.today.isoformat(),
        ticker=product,
        operation=Operation.OPENING,
        quantity=how.number(cells.first("quantidade")),
        price=cells.first(*CLOSING) or "0",
        value="",
        origin="posicao",
        note=NO_COST,
        broker=cells.first("instituicao"),
    )
    return replace(row, transaction=None, holding=row.transaction)


def read_income(cells: Cells, how: Reading) -> Row:
    """B3, "Proventos recebidos": cash from shares by the day it was paid, after tax."""
    kind = plain(cells.first(*EVENT))
    if papers.is_paper(cells):
        return papers.read_income(cells, how)
    operation = PAID_AS.get(kind)
    if operation is None:
        return refused(cells, f"{kind!r} is no kind of income" if kind else "a line of totals")
    return booked(
        cells,
        how,
        when=cells.first("pagamento"),
        ticker=cells.first("produto"),
        operation=operation,
        quantity=how.number(cells.first("quantidade")),
        price=cells.first("preco unitario"),
        value=cells.first(*NET),
        origin="proventos",
        note=cells.first(*EVENT),
        broker=cells.first("instituicao"),
    )


def read_cei(cells: Cells, how: Reading) -> Row:
    """The negociação that the CEI gave until 2021: the price is for as many shares as "Fator Cotação" says."""
    side = plain(cells.first(*CEI_SIDE))
    if side not in ("c", "v", "compra", "venda"):
        return refused(cells, f"{side!r} is neither C nor V" if side else "a line of totals")
    market = plain(cells.first("mercado"))
    if market and "vista" not in market and "fracion" not in market:
        return refused(cells, f"market {market!r}: only the cash market is booked")
    factor = how.number(cells.first(*CEI_FACTOR)) or Decimal(1)
    return booked(
        cells,
        how,
        when=cells.first(*CEI_DAY),
        ticker=cells.first(*CEI_CODE),
        operation=Operation.BUY if side[0] == "c" else Operation.SELL,
        quantity=how.number(cells.first("quantidade")),
        price=cells.first(*CEI_PRICE),
        value=cells.first(*CEI_VALUE),
        origin="cei",
        broker=cells.first("instituicao", "corretora", "agente de custodia"),
        factor=factor if factor > 0 else Decimal(1),
    )
