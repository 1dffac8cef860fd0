"""Fixed income in B3's statements: rows of movimentação, posição and proventos, and what becomes of them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence, Set
from decimal import Decimal

from invest.domain.brokerage.matching import Pending
from invest.domain.brokerage.reading import Cells
from invest.domain.brokerage.rows import Reading, Row, refused
from invest.domain.filings import plain
from invest.domain.fixed_income import Moved, PaperFact, oversold, paper_of, units_by_day
from invest.domain.portfolios import tidy

BOUGHT = frozenset({"compra", "compra / venda", "compra/venda", "aplicacao", "compra definitiva", "deposito",
                    "transferencia - liquidacao"})  # fmt: skip
SOLD = frozenset({"venda", "compra / venda", "compra/venda", "venda definitiva", "transferencia - liquidacao"})
ENDED = ("resgate", "vencimento", "recompra")  # by either side: the paper goes, the money comes
INTEREST = frozenset({"pagamento de juros", "juros", "rendimento", "rendimentos", "premio"})
STATED_VALUE = ("valor atualizado curva", "valor atualizado", "valor bruto", "valor atualizado mtm", "valor liquido")
AGREES = Decimal("0.01")  # units
OPENS = "opens at its value of that day: what was paid for it is not told"


def is_paper(cells: Cells) -> bool:
    """Whether a row is about a paper of fixed income."""
    return paper_of(cells.first("produto")) is not None


def holds_papers(headers: Set[str]) -> bool:
    """Whether this is the header of B3's sheets "Renda Fixa" and "Tesouro Direto"."""
    return {"produto", "instituicao", "quantidade", "vencimento"} <= headers and bool(headers & set(STATED_VALUE))


def read_movement(cells: Cells, how: Reading) -> Row:
    """One row of the movimentação about a paper."""
    kind, side = plain(cells.first("movimentacao")), plain(cells.first("entrada/saida"))
    if side not in ("credito", "debito"):
        return refused(cells, f"{side!r} is neither Credito nor Debito")
    if kind in INTEREST:
        what = Moved.INTEREST
    elif kind.startswith(ENDED):
        what = Moved.SOLD
    elif kind in BOUGHT and side == "credito":
        what = Moved.BOUGHT
    elif kind in SOLD and side == "debito":
        what = Moved.SOLD
    elif kind == "transferencia":
        return refused(cells, "a transfer between custodians is no trade")
    else:
        return refused(cells, f"movement {kind!r} of fixed income books nothing by itself")
    money = (cells.first("valor da operacao"), cells.first("preco unitario"))
    return _row(cells, how, what, cells.first("data"), money)


def read_income(cells: Cells, how: Reading) -> Row:
    """One row of the proventos recebidos about a paper: interest, after tax."""
    value = cells.first("valor liquido", "valor liquido (r$)", "valor")
    return _row(cells, how, Moved.INTEREST, cells.first("pagamento"), (value, cells.first("preco unitario")))


def read_position(cells: Cells, how: Reading) -> Row:
    """One row of the sheets "Renda Fixa" and "Tesouro Direto" of a posição: what is held, and its value then."""
    if paper_of(cells.first("produto")) is None:
        return refused(cells, "a line of totals")
    values = (how.number(cells.cells.get(name, "")) for name in STATED_VALUE)
    value = next((v for v in values if v), None)
    if value is None:
        return refused(cells, "the value is missing")
    return _row(cells, how, Moved.STATED, how.today.isoformat(), ("", ""), exact=value)


def _row(
    cells: Cells, how: Reading, what: Moved, when: str, money: tuple[str, str], *, exact: Decimal | None = None
) -> Row:
    """A row as a fact; `money` are its value and its price as written, `exact` the value where it is read already."""
    found = paper_of(cells.first("produto"))
    assert found is not None
    units = how.number(cells.first("quantidade"))
    amount, unit = exact if exact is not None else how.number(money[0]), how.number(money[1])
    if what is Moved.INTEREST and (units is None or units <= 0):
        units = Decimal(1)
    if units is None or units <= 0:
        return refused(cells, "the quantity is missing or not above zero")
    if amount is None:
        amount = units * unit if unit is not None else None
    if amount is None or amount <= 0:
        return refused(cells, "neither price nor value is given, or it is not above zero")
    slack = max(Decimal("0.05"), amount / 100)  # Tesouro cuts units to hundredths
    if what in (Moved.BOUGHT, Moved.SOLD) and unit is not None and abs(units * unit - amount) > slack:
        raise ValueError(f"quantity x price is {units * unit:f}, but the value says {amount:f}")
    end = cells.first("vencimento")
    fact = PaperFact(
        day=how.day(when),
        paper=found[0],
        name=found[1],
        kind=found[2],
        what=what,
        units=units,
        amount=amount,
        institution=cells.first("instituicao")[:100],
        matures_on=how.later_day(end) if end and end != "-" else None,
    )
    return Row(cells.line, cells.text, paper=fact)


def plan_papers(existing: Sequence[PaperFact], pendings: Sequence[Pending], *, accepted: Set[int] | None) -> None:
    """Hold rows about papers against what is booked: told twice, more redeemed than held, positions that differ.

    `accepted`: lines whose questions are answered with yes; None for all.
    """
    mine = [p for p in pendings if p.paper is not None and p.status == "booked"]
    repeats = Counter(fact.key for fact in existing)
    for pending in mine:
        assert pending.paper is not None
        if repeats[pending.paper.key] > 0:
            repeats[pending.paper.key] -= 1
            pending.skip("booked already")
    _check_positions(existing, mine, accepted)
    moving = [p for p in mine if p.status == "booked" and p.paper is not None]
    before = {id(fact) for fact, _ in oversold(existing)}
    over = oversold([*existing, *(p.paper for p in moving if p.paper is not None)])
    there = {id(fact) for fact in existing}
    harmed = {fact.bond_id for fact, _ in over if id(fact) in there and id(fact) not in before}
    lacking = {id(fact): units for fact, units in over}
    for pending in moving:
        fact = pending.paper
        assert fact is not None
        held = lacking.get(id(fact))
        if held is not None or (fact.what is Moved.SOLD and fact.bond_id in harmed):
            reason = f"redeems {tidy(fact.units)} of {fact.name} on {fact.day}"
            reason += f", but only {tidy(held or Decimal(0))} are held then"
            pending.refuse(
                reason, "import the statement that holds the purchase, or the posição of the day before first"
            )


def _check_positions(existing: Sequence[PaperFact], mine: Sequence[Pending], accepted: Set[int] | None) -> None:
    """Turn stated positions into openings, prices of a day, or questions."""
    moves = [p.paper for p in mine if p.paper is not None and p.paper.what is not Moved.STATED and p.status == "booked"]
    known = units_by_day([*existing, *moves])
    for pending in mine:
        fact = pending.paper
        if fact is None or fact.what is not Moved.STATED or pending.status != "booked":
            continue
        days, units = known.get(fact.bond_id, ([], []))
        at = bisect_right(days, fact.day)
        if not at:
            pending.paper, pending.reason = fact.model_copy(update={"what": Moved.BOUGHT}), OPENS
            continue
        held = units[at - 1]
        if abs(held - fact.units) <= AGREES:
            pending.reason = "agrees; its value of that day counts"
            continue
        _differ(pending, fact, held, accepted)


def _differ(pending: Pending, fact: PaperFact, held: Decimal, accepted: Set[int] | None) -> None:
    difference = f"the posição says {tidy(fact.units)} of {fact.name}, {tidy(held)} are booked"
    if fact.units < held:
        pending.ask(f"{difference}: a redemption is not imported, or a purchase was booked twice")
        pending.advice = "import the movimentação that holds the redemption, or undo the import that booked it twice"
        return
    missing = fact.units - held
    part = (fact.amount * missing / fact.units).quantize(Decimal("1e-8"))
    if accepted is None or pending.row.line in accepted:
        pending.paper = fact.model_copy(update={"what": Moved.BOUGHT, "units": missing, "amount": part})
        pending.reason = OPENS
    else:
        pending.ask(f"{difference}: a purchase is not imported; yes books it at its value of that day")
