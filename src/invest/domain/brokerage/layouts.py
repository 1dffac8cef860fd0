"""Layouts of B3's statements and of plain CSV files, recognised by their header, never by the file's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from pydantic import ValidationError

from invest.domain.brokerage.reading import Cells, day, number
from invest.domain.filings import plain
from invest.domain.market import InvalidTicker, parse_ticker
from invest.domain.portfolios import Operation, Transaction

MONEY = Decimal("1e-8")
RATIO = re.compile(r"(\d{1,9}(?:[.,]\d{1,9})?)\s*(?::|/|por|para)\s*(\d{1,9}(?:[.,]\d{1,9})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One row as read: a transaction, a change of the share count, or the reason why it books nothing."""

    line: int
    text: str
    transaction: Transaction | None = None
    change: Decimal | None = None  # shares added (or, negative, taken) by the split in `transaction`'s place
    ticker: str = ""
    day: date | None = None
    whole_only: bool = False  # a sale that only a fraction of a share may feed
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cells of one file are to be read."""

    thousands: bool
    today: date


Reader = Callable[[Cells, Reading], Row]

# B3, "Movimentação": what each kind of movement does to a position.
TRADES = frozenset({"transferencia - liquidacao", "compra / venda", "compra/venda"})
INCOME = {
    "rendimento": Operation.DIVIDEND,
    "dividendo": Operation.DIVIDEND,
    "juros sobre capital proprio": Operation.JCP,
    "reembolso": Operation.DIVIDEND,
}
NOT_MINE = {
    "amortizacao": "an amortisation gives back capital: lower the cost by hand",
    "restituicao de capital": "a return of capital is no income: lower the cost by hand",
    "atualizacao": "a change of registration moves no shares",
    "transferencia": "a transfer between custodians is no trade",
    "direito de subscricao": "a right is booked when it is exercised",
    "direitos de subscricao": "a right is booked when it is exercised",
    "direito sobras de subscricao": "a right is booked when it is exercised",
    "direitos de subscricao - nao exercido": "a right that lapsed books nothing",
    "cessao de direitos": "a right given away books nothing",
    "cessao de direitos - solicitada": "a right given away books nothing",
    "solicitacao de subscricao": "a subscription is booked when the shares come: book it by hand with its price",
    "recibo de subscricao": "a receipt is booked when the shares come",
    "fracao em ativos": "the fraction is booked by its auction",
    "emprestimo": "lent shares are still held",
    "dividendo - transferido": "income handed on between lender and borrower: book its cash by hand",
    "rendimento - transferido": "income handed on between lender and borrower: book its cash by hand",
    "juros sobre capital proprio - transferido": "income handed on between lender and borrower: book its cash by hand",
    "resgate": "a redemption pays for the shares: book it as a sale by hand",
    "incorporacao": "shares exchanged in a merger: book what went and what came by hand",
    "cisao": "shares of a spin-off: book them by hand with the part of the cost that goes with them",
    "fusao": "shares exchanged in a merger: book what went and what came by hand",
    "pagamento de juros": "interest of a bond: only papers traded at B3 by their code are booked",
    "vencimento": "a bond that ended: only papers traded at B3 by their code are booked",
}

OPERATIONS = {
    "compra": Operation.BUY, "c": Operation.BUY, "buy": Operation.BUY, "b": Operation.BUY, "bonificacao": Operation.BUY,
    "venda": Operation.SELL, "v": Operation.SELL, "sell": Operation.SELL, "s": Operation.SELL,
    "dividendo": Operation.DIVIDEND, "dividendos": Operation.DIVIDEND, "dividend": Operation.DIVIDEND,
    "rendimento": Operation.DIVIDEND, "rendimentos": Operation.DIVIDEND,
    "jcp": Operation.JCP, "jscp": Operation.JCP, "juros sobre capital proprio": Operation.JCP,
    "desdobro": Operation.SPLIT, "desdobramento": Operation.SPLIT, "split": Operation.SPLIT,
    "grupamento": Operation.SPLIT,
    "taxa": Operation.FEE, "taxas": Operation.FEE, "fee": Operation.FEE, "custo": Operation.FEE,
    "corretagem": Operation.FEE, "emolumentos": Operation.FEE,
}  # fmt: skip
DAY = ("data", "date", "data da operacao", "data operacao", "data do pregao", "data pregao", "trade date", "dia")
TICKER = ("ticker", "ativo", "codigo", "papel", "symbol", "codigo do ativo", "codigo de negociacao", "produto", "asset")
OPERATION = ("operacao", "operation", "tipo", "tipo de operacao", "tipo operacao", "c/v", "side", "type", "evento")
QUANTITY = ("quantidade", "quantity", "qtd", "qtde", "qtd.", "qty", "shares")
PRICE = ("preco", "price", "preco unitario", "preco medio", "valor unitario", "unit price", "preco (r$)")
VALUE = ("valor", "total", "valor total", "amount", "valor da operacao", "valor (r$)")
NOTE = ("nota", "note", "observacao", "obs", "descricao", "corretora", "instituicao")


def layout_of(header: Iterable[str]) -> tuple[str, Reader] | None:
    """(name, reader of a row) of the layout whose header this is; None for a header of something else."""
    headers = set(header)
    if {"entrada/saida", "data", "movimentacao", "produto", "quantidade"} <= headers:
        return "movimentacao", read_movement
    if {"data do negocio", "tipo de movimentacao", "codigo de negociacao", "quantidade", "preco"} <= headers:
        return "negociacao", read_trade
    if all(headers & set(names) for names in (DAY, OPERATION, QUANTITY)) and headers & {*PRICE, *VALUE}:
        return "csv", read_plain
    return None


def guarded(read: Reader, cells: Cells, how: Reading) -> Row:
    """`read`, with whatever a cell gets wrong as the row's reason."""
    try:
        return read(cells, how)
    except InvalidTicker as error:
        return Row(cells.line, cells.text, reason=str(error))
    except ValidationError as error:
        problems = "; ".join(f"{e['loc'][-1] if e['loc'] else 'row'}: {e['msg']}" for e in error.errors())
        return Row(cells.line, cells.text, reason=problems)
    except ValueError as error:
        return Row(cells.line, cells.text, reason=str(error))


def read_trade(cells: Cells, how: Reading) -> Row:
    """B3, "Negociação": one row per asset, side and price of a session."""
    side = plain(cells.first("tipo de movimentacao"))
    operation = OPERATIONS.get(side)
    if operation not in (Operation.BUY, Operation.SELL):
        return Row(cells.line, cells.text, reason=f"{side!r} is neither Compra nor Venda")
    market = plain(cells.first("mercado"))
    if market and "vista" not in market and "fracion" not in market:
        return Row(cells.line, cells.text, reason=f"market {market!r}: only the cash market is booked")
    return _booked(
        cells,
        how,
        when=cells.first("data do negocio"),
        ticker=cells.first("codigo de negociacao"),
        operation=operation,
        price=cells.first("preco"),
        value=cells.first("valor"),
        origin="negociacao",
    )


def read_movement(cells: Cells, how: Reading) -> Row:
    """B3, "Movimentação": settlements, income and share changes, by the day they reached the account."""
    kind, side = plain(cells.first("movimentacao")), plain(cells.first("entrada/saida"))
    if side not in ("credito", "debito"):
        return Row(cells.line, cells.text, reason=f"{side!r} is neither Credito nor Debito")
    credit = side == "credito"
    if kind in NOT_MINE:
        return Row(cells.line, cells.text, reason=NOT_MINE[kind])
    if kind in ("desdobro", "desdobramento", "grupamento"):
        return _share_change(cells, how, kind, credit)
    whole_only = kind == "leilao de fracao"
    operation = _movement(kind, credit)
    if not isinstance(operation, Operation):
        return Row(cells.line, cells.text, reason=operation)
    price = cells.first("preco unitario")
    free = kind.startswith("bonificacao") and number(price or "-", thousands=how.thousands) is None
    row = _booked(
        cells,
        how,
        when=cells.first("data"),
        ticker=_code(cells.first("produto")),
        operation=operation,
        price="0" if free else price,
        value="" if free else cells.first("valor da operacao"),
        origin="movimentacao",
        note="" if kind in TRADES else cells.first("movimentacao"),
    )
    return replace(row, whole_only=whole_only)


def _movement(kind: str, credit: bool) -> Operation | str:
    """The operation of a movement, or why it is none."""
    if kind in TRADES:
        return Operation.BUY if credit else Operation.SELL
    if kind in ("compra", "venda"):
        return OPERATIONS[kind]
    if kind in INCOME:
        return INCOME[kind] if credit else "income taken back: delete the row that booked it"
    if kind.startswith("bonificacao"):
        return Operation.BUY if credit else "a bonus taken back: book it by hand"
    if kind == "leilao de fracao":
        return Operation.SELL
    return f"movement {kind!r} books nothing by itself" if kind else "the movement is not named"


def _share_change(cells: Cells, how: Reading, kind: str, credit: bool) -> Row:
    """A split tells how many shares came or went; its ratio follows from the position on that day."""
    if kind == "grupamento" and credit:
        return Row(
            cells.line, cells.text, reason="a credited reverse split does not say what was held: book it by hand"
        )
    quantity = number(cells.first("quantidade"), thousands=how.thousands)
    if quantity is None or quantity <= 0:
        return Row(cells.line, cells.text, reason="the quantity is missing")
    ticker, when = parse_ticker(_code(cells.first("produto"))), day(cells.first("data"), how.today)
    return Row(cells.line, cells.text, change=quantity if credit else -quantity, ticker=ticker, day=when)


def read_plain(cells: Cells, how: Reading) -> Row:
    """A plain CSV: date, ticker, operation, quantity, price (or value), with Portuguese or English headers.

    For a split the quantity is the number of new shares per old one, ``2`` or ``2:1``.
    """
    word = plain(cells.first(*OPERATION))
    operation = OPERATIONS.get(word)
    if operation is None:
        return Row(cells.line, cells.text, reason=f"{word!r} is no operation: {', '.join(Operation)}")
    return _booked(
        cells,
        how,
        when=cells.first(*DAY),
        ticker=_code(cells.first(*TICKER)),
        operation=operation,
        price=cells.first(*PRICE),
        value=cells.first(*VALUE),
        origin="csv",
        note=cells.first(*NOTE),
    )


def _booked(
    cells: Cells,
    how: Reading,
    *,
    when: str,
    ticker: str,
    operation: Operation,
    price: str,
    value: str,
    origin: str,
    note: str = "",
) -> Row:
    quantity = _quantity(cells, how, operation)
    unit, total = number(price or "-", thousands=how.thousands), number(value or "-", thousands=how.thousands)
    if quantity is None or quantity <= 0:
        return Row(cells.line, cells.text, reason="the quantity is missing or not above zero")
    if (unit is not None and unit < 0) or (total is not None and total < 0):
        return Row(cells.line, cells.text, reason="the price or value is negative")
    if not ticker and operation is not Operation.FEE:
        return Row(cells.line, cells.text, reason="the ticker is missing")
    transaction = Transaction(
        date=day(when, how.today),
        ticker=parse_ticker(ticker) if ticker else None,
        operation=operation,
        quantity=quantity,
        price=Decimal(0) if operation is Operation.SPLIT else _price(operation, quantity, unit, total, price),
        note=note[:500],
        origin=origin,
    )
    return Row(cells.line, cells.text, transaction)


def _quantity(cells: Cells, how: Reading, operation: Operation) -> Decimal | None:
    text = cells.first(*QUANTITY)
    ratio = RATIO.fullmatch(text)
    if operation is Operation.SPLIT and ratio:
        new, old = (Decimal(part.replace(",", ".")) for part in ratio.groups())
        return (new / old).quantize(MONEY) if old else None
    quantity = number(text, thousands=how.thousands)
    return Decimal(1) if quantity is None and operation is Operation.FEE else quantity


def _price(
    operation: Operation, quantity: Decimal, unit: Decimal | None, total: Decimal | None, written: str
) -> Decimal:
    """BRL per share. Of income the value received counts, since the price beside it is rounded or gross.

    Raises `ValueError` where there is neither, or where price and value contradict each other in a trade.
    """
    if unit is None and total is None:
        raise ValueError("neither price nor value is given")
    if total is None:
        assert unit is not None
        return unit
    if unit is None or operation in (Operation.DIVIDEND, Operation.JCP):
        return (total / quantity).quantize(MONEY)
    decimals = len(written.rsplit(",", 1)[1].strip()) if "," in written else 2
    slack = quantity * Decimal(10) ** -decimals + Decimal("0.01")
    if abs(quantity * unit - total) > slack:
        raise ValueError(f"quantity x price is {quantity * unit:f}, but the value says {total:f}")
    return unit


def _code(product: str) -> str:
    """``PETR4 - PETROLEO BRASILEIRO`` -> ``PETR4``."""
    return product.split(" - ", 1)[0].strip()
