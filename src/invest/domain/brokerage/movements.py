"""What the rows of B3's movimentação mean: settlements, income, share events, by the day they reached the account."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from invest.domain.brokerage import papers
from invest.domain.brokerage.reading import Cells
from invest.domain.brokerage.rows import Movement, Reading, Row, booked, code, eight, refused
from invest.domain.filings import plain
from invest.domain.market import B3_CODE, parse_ticker
from invest.domain.portfolios import AUCTION, Operation, Transaction

TRADES = frozenset({"transferencia - liquidacao", "compra / venda", "compra/venda"})
INCOME = {
    "rendimento": Operation.DIVIDEND,
    "dividendo": Operation.DIVIDEND,
    "juros sobre capital proprio": Operation.JCP,
    "reembolso": Operation.DIVIDEND,
    "amortizacao": Operation.AMORTISATION,
    "restituicao de capital": Operation.AMORTISATION,
    "reducao de capital": Operation.AMORTISATION,
    "remuneracao de emprestimo": Operation.LENDING,
    "emprestimo - remuneracao": Operation.LENDING,
    "aluguel": Operation.LENDING,
}
EXERCISED = frozenset(
    {"direitos de subscricao - exercido", "direitos de subscricao - excercido", "direito de subscricao - exercido"}
)
GRANTED = frozenset({"direito de subscricao", "direitos de subscricao", "direito sobras de subscricao"})
LAPSED = {
    "direitos de subscricao - nao exercido": "a right that lapsed books nothing",
    "cessao de direitos": "a right given away books nothing",
    "cessao de direitos - solicitada": "a right given away books nothing",
}
JOINED = {
    "atualizacao": "a change of registration moves no shares",
    "incorporacao": "shares exchanged in a merger: book what went and what came by hand (operation conversion)",
    "fusao": "shares exchanged in a merger: book what went and what came by hand (operation conversion)",
    "conversao": "shares converted: book what went and what came by hand (operation conversion)",
    "recibo de subscricao": "a receipt is booked when the shares come",
    "grupamento": "a credited reverse split does not say what was held: book it by hand",
}
NOT_MINE = {
    "transferencia": "a transfer between custodians is no trade",
    "solicitacao de subscricao": "a subscription is booked when the shares come: book it by hand with its price",
    "fracao em ativos": "the fraction is booked by its auction",
    "emprestimo": "lent shares are still held",
    "dividendo - transferido": "income handed on between lender and borrower: book its cash by hand",
    "rendimento - transferido": "income handed on between lender and borrower: book its cash by hand",
    "juros sobre capital proprio - transferido": "income handed on between lender and borrower: book its cash by hand",
    "pagamento de juros": "interest of a bond: only papers traded at B3 by their code are booked",
    "vencimento": "a bond that ended: only papers traded at B3 by their code are booked",
}
SPIN_OFF = "Cisão"  # the note of shares that a spin-off gave
RIGHTS = frozenset({"1", "2", "12"})
RECEIPTS = frozenset({"9", "10", "13", "14", "15"})


def suffix(ticker: str) -> str:
    """The number of a code: what kind of paper it is."""
    match = B3_CODE.fullmatch(ticker)
    return match[2] if match else ""


def read_movement(cells: Cells, how: Reading) -> Row:  # noqa: PLR0911 - one return per kind of movement
    """One row of B3's "Movimentação"."""
    kind, side = plain(cells.first("movimentacao")), plain(cells.first("entrada/saida"))
    if side not in ("credito", "debito"):
        return refused(cells, f"{side!r} is neither Credito nor Debito")
    if papers.is_paper(cells):
        return papers.read_movement(cells, how)
    credit = side == "credito"
    if kind in NOT_MINE:
        return refused(cells, NOT_MINE[kind])
    if kind in JOINED:
        return _joined(cells, how, kind, credit)
    if kind == "cisao":
        return _spun_off(cells, how, credit)
    if kind in ("desdobro", "desdobramento"):
        return _split(cells, how, credit)
    if kind in EXERCISED or kind in GRANTED or kind in LAPSED:
        return _right(cells, how, kind, credit)
    operation = _operation(kind, credit)
    if not isinstance(operation, Operation):
        return refused(cells, operation)
    return _plain(cells, how, operation, kind)


def _operation(kind: str, credit: bool) -> Operation | str:  # noqa: PLR0911 - one return per kind of movement
    """The operation of a movement, or why it is none."""
    if kind in TRADES:
        return Operation.BUY if credit else Operation.SELL
    if kind in ("compra", "venda"):
        return Operation.BUY if kind == "compra" else Operation.SELL
    if kind in INCOME:
        if credit:
            return INCOME[kind]
        back = "capital taken back: delete the row that booked it (invest portfolio delete)"
        return Operation.REVERSAL if INCOME[kind] is not Operation.AMORTISATION else back
    if kind.startswith("bonificacao"):
        return Operation.BONUS if credit else "a bonus taken back: delete the row that booked it"
    if kind == "leilao de fracao":
        return Operation.SELL
    if kind == "resgate":  # shares that the company pays for and cancels
        return "a redemption credited pays in another paper: book it by hand" if credit else Operation.SELL
    return f"movement {kind!r} books nothing by itself" if kind else "the movement is not named"


def _plain(cells: Cells, how: Reading, operation: Operation, kind: str) -> Row:
    price, value = cells.first("preco unitario"), cells.first("valor da operacao")
    free = operation is Operation.BONUS and how.number(price) is None and how.number(value) is None
    label = AUCTION if kind == "leilao de fracao" else cells.first("movimentacao")
    row = booked(
        cells,
        how,
        when=cells.first("data"),
        ticker=code(cells.first("produto")),
        operation=operation,
        quantity=how.number(cells.first("quantidade")),
        price="0" if free else price,
        value="" if free else value,
        origin="movimentacao",
        note="" if kind in TRADES else label,
        broker=cells.first("instituicao"),
    )
    if free and row.transaction is not None:
        note = f"{label}: the declared cost is not told, so it counts as nothing"
        return replace(row, transaction=row.transaction.model_copy(update={"note": note}))
    return row


def _spun_off(cells: Cells, how: Reading, credit: bool) -> Row:
    """Shares of a spin-off, without the part of the cost that goes with them: only the known event tells it."""
    if not credit:
        return refused(cells, "shares that a spin-off took: it takes none, its cost goes with what came")
    row = booked(
        cells,
        how,
        when=cells.first("data"),
        ticker=code(cells.first("produto")),
        operation=Operation.BONUS,
        quantity=how.number(cells.first("quantidade")),
        price="0",
        value="",
        origin="movimentacao",
        note=SPIN_OFF,
        broker=cells.first("instituicao"),
    )
    question = (
        "shares of a spin-off whose terms are not known: yes books them at no cost; or book it by hand with the part"
    )
    return replace(row, question=f"{question} of the cost that goes with them (operation spin_off)")


def _split(cells: Cells, how: Reading, credit: bool) -> Row:
    """A split tells how many shares came; its ratio follows from the position on that day."""
    if not credit:
        return refused(cells, "a split that takes shares away: book it by hand, or delete the row that it cancels")
    quantity = how.number(cells.first("quantidade"))
    if quantity is None or quantity <= 0:
        return refused(cells, "the quantity is missing")
    return Row(cells.line, cells.text, share_event(cells, how, quantity))


def share_event(cells: Cells, how: Reading, shares: Decimal) -> Transaction:
    """Shares that came (or, negative, went) by a split; the ratio follows from the position later."""
    return Transaction(
        date=how.day(cells.first("data")),
        ticker=parse_ticker(code(cells.first("produto"))),
        operation=Operation.SPLIT,
        quantity=Decimal(1),
        price=Decimal(0),
        shares=shares,
        note=f"{shares:f} shares by a split",
        origin="movimentacao",
        broker=cells.first("instituicao")[:100],
    )


def _right(cells: Cells, how: Reading, kind: str, credit: bool) -> Row:
    """Rights: granted for nothing, used up when exercised, lapsed or given away."""
    ticker = parse_ticker(code(cells.first("produto")))
    if suffix(ticker) not in RIGHTS:
        return refused(cells, LAPSED.get(kind, "a right is booked when it is exercised"))
    if credit:
        operation = Operation.BONUS
    elif kind in EXERCISED:
        operation = Operation.EXERCISE
    elif kind in LAPSED:
        operation = Operation.SELL
    else:
        return refused(cells, "a right taken back: delete the row that booked it")
    return booked(
        cells,
        how,
        when=cells.first("data"),
        ticker=ticker,
        operation=operation,
        quantity=how.number(cells.first("quantidade")),
        price="0" if operation is not Operation.EXERCISE else cells.first("preco unitario") or "0",
        value="" if operation is not Operation.EXERCISE else cells.first("valor da operacao"),
        origin="movimentacao",
        note=cells.first("movimentacao"),
        broker=cells.first("instituicao"),
    )


def _joined(cells: Cells, how: Reading, kind: str, credit: bool) -> Row:
    """A row that has a meaning beside another alone: kept with its parts until the file is read."""
    quantity = how.number(cells.first("quantidade"))
    if quantity is None or quantity <= 0:
        return refused(cells, "the quantity is missing")
    price, value = how.number(cells.first("preco unitario")), how.number(cells.first("valor da operacao"))
    if value is not None:
        price = eight(value / quantity)
    made = Movement(
        kind,
        credit,
        parse_ticker(code(cells.first("produto"))),
        how.day(cells.first("data")),
        quantity,
        price,
        cells.first("instituicao")[:100],
    )
    # Whatever the row becomes beside others has these figures: they are checked where the row can be named.
    given = {"date": made.day, "ticker": made.ticker, "quantity": quantity, "price": price or Decimal(0)}
    Transaction.model_validate({**given, "operation": Operation.SUBSCRIPTION})
    return Row(cells.line, cells.text, movement=made)
