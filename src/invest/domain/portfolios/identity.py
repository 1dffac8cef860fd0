"""What makes two transactions the same fact, and two names the same institution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256

from invest.domain.portfolios.portfolio import Operation, Transaction


def natural_key(transaction: Transaction) -> str:
    """What makes two transactions the same fact, however their figures were written: ``30,00`` is ``30``.

    Shares that a split brought are one fact, whether booked as a ratio, as a number or as a purchase for nothing.
    """
    t = transaction
    head = f"{t.date}|{t.ticker or ''}"
    tail = f"|{broker_key(t.broker)}" if t.broker else ""
    if t.shares is not None and t.operation in (Operation.SPLIT, Operation.BUY):
        return f"{head}|shares|{t.shares.normalize():f}{tail}"
    if t.operation is Operation.BUY and not t.price:
        return f"{head}|shares|{t.quantity.normalize():f}{tail}"
    other = f"|{t.other}" if t.other else ""
    return f"{head}|{t.operation}|{t.quantity.normalize():f}|{t.price.normalize():f}{other}{tail}"


def row_hashes(transactions: Sequence[Transaction], taken: Iterable[str] = ()) -> list[str]:
    """A hash per transaction; equal ones count up, so that two equal purchases are two, and a repeated file adds none.

    `taken`: hashes that are in use and must not be given again (for adding the same fact once more on purpose).
    """
    used = set(taken)
    seen: Counter[str] = Counter()
    hashes = []
    for transaction in transactions:
        key = natural_key(transaction)
        while True:
            seen[key] += 1
            digest = sha256(f"{key}|{seen[key]}".encode()).hexdigest()
            if digest not in used:
                break
        hashes.append(digest)
    return hashes


def same_broker(one: str, other: str) -> bool:
    """Whether two names may mean one institution; an unnamed one may be any."""
    if not one or not other or one == other:
        return True
    mine, theirs = broker_key(one), broker_key(other)
    return not mine or not theirs or mine == theirs or mine.startswith(f"{theirs} ") or theirs.startswith(f"{mine} ")


LEGAL = frozenset(
    [
        "SA",
        "S",
        "A",
        "CCTVM",
        "CTVM",
        "DTVM",
        "CCVM",
        "CVM",
        "LTDA",
        "CORRETORA",
        "DISTRIBUIDORA",
        "INVESTIMENTOS",
        "DE",
        "DO",
        "DA",
        "E",
        "TITULOS",
        "VALORES",
        "MOBILIARIOS",
        "CAMBIO",
        "BANCO",
    ]
)
_keys: dict[str, str] = {}


def broker_key(name: str) -> str:
    """The words that tell an institution from another, upper case: legal forms left out."""
    known = _keys.get(name)
    if known is None:
        bare = "".join(letter if letter.isalnum() else " " for letter in name.upper())
        words = bare.split()
        known = " ".join(w for w in words if w not in LEGAL) or " ".join(words)
        if len(_keys) > 10_000:
            _keys.clear()
        _keys[name] = known
    return known
