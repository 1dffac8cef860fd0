"""What the rows of B3's negociação and of plain tables mean. A layout is known by its header, never by a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from invest.domain.brokerage import listings, movements
from invest.domain.brokerage.reading import Cells, clock
from invest.domain.brokerage.rows import Reader, Reading, Row, booked, code, eight, refused
from invest.domain.filings import plain
from invest.domain.portfolios import Operation

RATIO = re.compile(r"(\d{1,9}(?:[.,]\d{1,9})?) ?(:|/|por|para) ?(\d{1,9}(?:[.,]\d{1,9})?)", re.ASCII)
OPTION = re.compile(r"([A-Z][A-Z0-9]{3})[A-X]\d{1,4}W?\d?E?", re.ASCII)

OPERATIONS = {
    **{str(operation): operation for operation in Operation},
    "compra": Operation.BUY, "c": Operation.BUY, "b": Operation.BUY, "bought": Operation.BUY, "purchase": Operation.BUY,
    "venda": Operation.SELL, "v": Operation.SELL, "s": Operation.SELL, "sold": Operation.SELL, "sale": Operation.SELL,
    "bonificacao": Operation.BONUS, "bonificacao em ativos": Operation.BONUS,
    "dividendo": Operation.DIVIDEND, "dividendos": Operation.DIVIDEND, "dividends": Operation.DIVIDEND,
    "rendimento": Operation.DIVIDEND, "rendimentos": Operation.DIVIDEND, "income": Operation.DIVIDEND,
    "jscp": Operation.JCP, "juros sobre capital proprio": Operation.JCP,
    "desdobro": Operation.SPLIT, "desdobramento": Operation.SPLIT, "grupamento": Operation.SPLIT,
    "reverse split": Operation.SPLIT, "inplit": Operation.SPLIT,
    "taxa": Operation.FEE, "taxas": Operation.FEE, "fees": Operation.FEE, "custo": Operation.FEE,
    "corretagem": Operation.FEE, "emolumentos": Operation.FEE,
    "amortizacao": Operation.AMORTISATION, "amortization": Operation.AMORTISATION,
    "restituicao de capital": Operation.AMORTISATION, "return of capital": Operation.AMORTISATION,
    "subscricao": Operation.SUBSCRIPTION, "aluguel": Operation.LENDING, "estorno": Operation.REVERSAL,
    "saldo inicial": Operation.OPENING, "posicao inicial": Operation.OPENING, "opening balance": Operation.OPENING,
    "delivery (inbound)": Operation.OPENING, "transfer (inbound)": Operation.OPENING,
    "irrf": Operation.TAX, "imposto": Operation.TAX, "taxes": Operation.TAX,
}  # fmt: skip
GROWS = frozenset({"desdobro", "desdobramento"})
SHRINKS = frozenset({"grupamento", "reverse split", "inplit"})
DAY = ("data", "date", "data da operacao", "data operacao", "data do pregao", "data pregao", "trade date", "dia")
TICKER = (
    "ticker", "ativo", "codigo", "papel", "symbol", "codigo do ativo", "codigo de negociacao", "ticker symbol", "code",
    "produto", "asset", "acao",
)  # fmt: skip
OPERATION = (
    "operacao", "operation", "tipo", "tipo de operacao", "tipo operacao", "c/v", "side", "type", "evento", "action",
    "movimentacao", "transaction type",
)  # fmt: skip
QUANTITY = ("quantidade", "quantity", "qtd", "qtde", "qtd.", "qty", "shares", "units")
PRICE = (
    "preco", "price", "preco unitario", "preco medio", "valor unitario", "unit price", "unitprice", "preco (r$)",
    "quote",
)  # fmt: skip
VALUE = (
    "valor", "total", "valor total", "gross amount", "amount", "valor da operacao", "valor (r$)", "value",
    "valor bruto",
)  # fmt: skip
NOTE = ("nota", "note", "notes", "observacao", "obs", "descricao", "comment")
BROKER = ("corretora", "instituicao", "broker", "institution", "account", "conta")
CURRENCY = ("moeda", "currency", "transaction currency")
FEES = (
    "corretagem", "taxas", "taxa", "emolumentos", "fee", "fees", "custos", "custo", "commission", "comissao",
    "taxa de liquidacao", "taxa de registro", "iss", "outros custos", "outras despesas", "despesas", "costs",
    "taxa operacional", "brokerage",
)  # fmt: skip
WITHHELD = ("irrf", "i.r.r.f.", "imposto retido", "taxes")
NAMES = {
    "day": DAY, "ticker": TICKER, "operation": OPERATION, "quantity": QUANTITY, "price": PRICE, "value": VALUE,
    "note": NOTE, "broker": BROKER, "currency": CURRENCY, "fees": FEES, "withheld": WITHHELD,
}  # fmt: skip


MEANINGS = tuple(NAMES)


class Columns:
    """What a user's own headers mean: ``{"Data Op.": "day", "Papel": "ticker"}``, by names of `MEANINGS`."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._names = {plain(header): NAMES[meaning][0] for header, meaning in meanings.items() if meaning in NAMES}

    def named(self, headers: Iterable[str]) -> tuple[str, ...]:
        """Headers under the names that are read."""
        return tuple(self._names.get(header, header) for header in headers)

    def known(self, headers: tuple[str, ...]) -> bool:
        """Whether a header is one of a known layout."""
        return layout_of(self.named(headers)) is not None

    def renamed(self, cells: Cells) -> Cells:
        """A row under the names that are read."""
        if not self._names:
            return cells
        return Cells(cells.line, {self._names.get(k, k): v for k, v in cells.cells.items()}, cells.text)


def layout_of(header: Iterable[str]) -> tuple[str, Reader] | None:
    """(name, reader of a row) of the layout whose header this is; None for a header of something else."""
    headers = set(header)
    if {"entrada/saida", "data", "movimentacao", "produto", "quantidade"} <= headers:
        return "movimentacao", movements.read_movement
    if {"data do negocio", "tipo de movimentacao", "codigo de negociacao", "quantidade", "preco"} <= headers:
        return "negociacao", read_trade
    if found := listings.layout_of(headers):
        return found
    if all(headers & set(names) for names in (DAY, OPERATION, QUANTITY)) and headers & {*PRICE, *VALUE}:
        return "csv", read_plain
    return None


def read_trade(cells: Cells, how: Reading) -> Row:
    """B3, "Negociação": one row per asset, side and price of a session."""
    side = plain(cells.first("tipo de movimentacao"))
    operation = OPERATIONS.get(side)
    if operation not in (Operation.BUY, Operation.SELL):
        return refused(cells, f"{side!r} is neither Compra nor Venda")
    market = plain(cells.first("mercado"))
    ticker = cells.first("codigo de negociacao")
    option = OPTION.fullmatch(ticker.upper()) if market.startswith("exerc") else None
    if market and "vista" not in market and "fracion" not in market and not option:
        return refused(cells, f"market {market!r}: only the cash market is booked")
    row = booked(
        cells,
        how,
        when=cells.first("data do negocio"),
        ticker=f"{option[1]}3" if option else ticker,
        operation=operation,
        quantity=how.number(cells.first("quantidade")),
        price=cells.first("preco"),
        value=cells.first("valor"),
        origin="negociacao",
        broker=cells.first("instituicao"),
        note=f"exercise of {ticker}" if option else "",
    )
    return Row(row.line, row.text, row.transaction, row.reason, option=option[1]) if option else row


def read_plain(cells: Cells, how: Reading) -> Row:
    """A plain table: date, ticker, operation, quantity, price (or value), with Portuguese or English headers.

    For a split the quantity is the number of new shares per old one, ``2`` or ``2:1``; for a grupamento ``10`` and
    ``10:1`` both mean that ten shares become one. Columns of costs are part of the trade's cost.
    """
    word = plain(cells.first(*OPERATION))
    operation = OPERATIONS.get(word)
    if operation is None:
        return refused(cells, f"{word!r} is no operation: {', '.join(Operation)}")
    currency = cells.first(*CURRENCY).strip().upper()
    if currency not in ("", "BRL", "R$", "REAL", "REAIS"):
        return refused(cells, f"it is in {currency[:10]}: only reais are booked, convert it at the day's PTAX")
    quantity = how.number(cells.first(*QUANTITY)) if operation is not Operation.SPLIT else _ratio(cells, how, word)
    if quantity is None and operation in (Operation.FEE, Operation.TAX):
        quantity = Decimal(1)
    trade = operation in (Operation.BUY, Operation.SELL, Operation.SUBSCRIPTION)
    fees = _sum(cells, how, FEES) if trade else Decimal(0)
    row = booked(
        cells,
        how,
        when=cells.first(*DAY),
        ticker=cells.first(*TICKER),
        operation=operation,
        quantity=quantity,
        price=cells.first(*PRICE),
        value=_without_costs(cells, how, operation, fees),
        origin="csv",
        note=cells.first(*NOTE),
        broker=cells.first(*BROKER),
        fees=fees,
        place=clock(cells.first(*DAY)),
    )
    withheld = _sum(cells, how, WITHHELD) if operation is Operation.SELL else Decimal(0)
    return _with_tax(row, withheld) if withheld and row.transaction else row


def _without_costs(cells: Cells, how: Reading, operation: Operation, fees: Decimal) -> str:
    """The value of a row as written; Portfolio Performance's holds the costs as well, which are taken out."""
    written = cells.first(*VALUE)
    value = how.number(written)
    if not fees or value is None or "transaction currency" not in cells.cells or "value" not in cells.cells:
        return written
    bare = f"{value - fees if operation is not Operation.SELL else value + fees:f}"
    return bare.replace(".", ",") if how.thousands else bare


def _sum(cells: Cells, how: Reading, names: tuple[str, ...]) -> Decimal:
    """The costs that a row's columns hold, as amounts however signed."""
    found = [how.number(cells.cells[name]) for name in names if cells.cells.get(name, "").strip()]
    return sum((abs(amount) for amount in found if amount), Decimal(0))


def _with_tax(row: Row, amount: Decimal) -> Row:
    assert row.transaction is not None
    tax = row.transaction.model_copy(
        update={"operation": Operation.TAX, "quantity": Decimal(1), "price": amount, "fees": Decimal(0), "note": "IRRF"}
    )
    return Row(row.line, row.text, row.transaction, more=(tax,))


def _ratio(cells: Cells, how: Reading, word: str) -> Decimal | None:
    """New shares per old one. Raises `ValueError` for a split that shrinks or a reverse split that grows."""
    text = " ".join(cells.first(*QUANTITY).split())
    match = RATIO.fullmatch(text)
    if match:
        one, other = (Decimal(match[i].replace(",", ".")) for i in (1, 3))
        old_first = match[2] == "para"
        ratio = None if not one or not other else eight(other / one if old_first else one / other)
    else:
        ratio = how.number(text)
    if ratio is None or ratio <= 0:
        return None
    if word in SHRINKS and ratio > 1 and (not match or match[2] != "para"):
        return eight(1 / ratio)  # "10" and "10:1": ten become one
    if word in SHRINKS and ratio >= 1:
        raise ValueError(f"a {word} of {text} would not shrink the position: write 10 where ten shares became one")
    if word in GROWS and ratio <= 1:
        raise ValueError(f"a {word} of {text} would not grow the position: write 2 where one share became two")
    return ratio


__all__ = ["MEANINGS", "NAMES", "OPERATIONS", "Columns", "code", "layout_of", "read_plain", "read_trade"]
