"""The text of a broker's note as lines that mean something: trades, amounts by their labels, the day.

Copied from a PDF, a note's cells may stand in two columns of one line, or each on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from invest.domain.brokerage.reading import number
from invest.domain.filings import plain

MAX_LINE = 400
MAX_CELLS = 16  # lines that one trade may take where every cell stands on its own
DATE = re.compile(r"\b([0-9]{2}/[0-9]{2}/[0-9]{4})\b")
MONEY = re.compile(r"-?[0-9][0-9.]{0,15},[0-9]{2}(?![0-9])")
FIGURE = re.compile(r"[0-9][0-9.]{0,15}(?:,[0-9]{1,8})?")
MARKET = re.compile(r"^(?:[0-9]{1,2} ?-? ?)?(?:bovespa|b3 rv listado|b3|bm&f)\b")
COSTS = (
    "taxa de liquidacao/ccp", "taxa de liquidacao", "taxa de registro", "taxa de termo/opcoes", "taxa a.n.a.",
    "taxa a.n.a", "taxa ana", "emolumentos", "taxa operacional", "corretagem", "execucao casa", "execucao",
    "taxa de custodia", "iss", "impostos", "outros custos", "outras despesas", "outros", "outras", "clearing",
    "taxa de transferencia de ativos",
)  # fmt: skip
WITHHELD = ("i.r.r.f. day trade", "irrf day trade", "i.r.r.f", "irrf")
SUMS = (
    "vendas a vista", "compras a vista", "opcoes - compras", "opcoes - vendas", "operacoes a termo", "debentures",
    "valor das oper", "valor liquido das operacoes", "valor das operacoes", "total bovespa / soma", "total bovespa",
    "total cblc", "total corretagem / despesas", "total corretagem", "total custos / despesas", "total custos",
    "total das despesas", "resumo dos negocios", "resumo financeiro", "total do dia",
)  # fmt: skip
NET = "liquido para"
LABELS = sorted((*COSTS, *WITHHELD, *SUMS, NET), key=len, reverse=True)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines of a note, cells that stand on lines of their own put together; one with the day starts with \\x01."""
    lines = [(at, raw[:MAX_LINE]) for at, raw in enumerate(text.splitlines(), 1) if raw.strip()]
    at = 0
    while at < len(lines):
        number_, raw = lines[at]
        bare = plain(raw)
        taken = 1
        if "data pregao" in bare or "data do pregao" in bare or "data de pregao" in bare:
            while DATE.search(raw) is None and taken <= 6 and at + taken < len(lines):
                raw = f"{raw} {lines[at + taken][1]}"
                taken += 1
            raw = f"\x01 {raw}"
        elif MARKET.match(bare) and not starts_trade(raw):
            joined, used = _cells(lines, at, _complete)
            if used:
                raw, taken = joined, used
        elif (label := _label_alone(bare)) is not None and _digits_follow(lines, at):
            joined, used = _cells(lines, at, lambda said: amounts_on(plain(said)) != [], most=4)
            if used:
                raw, taken = joined, used
                if label != NET and at + taken < len(lines) and lines[at + taken][1].strip() in ("D", "C"):
                    raw, taken = f"{raw} {lines[at + taken][1].strip()}", taken + 1
        yield number_, raw
        at += taken


def _digits_follow(lines: Sequence[tuple[int, str]], at: int) -> bool:
    return any(any(c.isdigit() for c in line) for _, line in lines[at + 1 : at + 3])


def _cells(
    lines: Sequence[tuple[int, str]], at: int, complete: Callable[[str], bool], most: int = MAX_CELLS
) -> tuple[str, int]:
    """The shortest run of lines from `at` that is complete; ("", 0) where none is."""
    said = ""
    for taken in range(1, most + 1):
        if at + taken > len(lines):
            break
        said = f"{said} {lines[at + taken - 1][1].strip()}".strip()
        if taken > 1 and complete(said):
            return said, taken
    return "", 0


def _complete(said: str) -> bool:
    return starts_trade(said) and said.rsplit(maxsplit=1)[-1].upper() in ("D", "C")


def _label_alone(bare: str) -> str | None:
    """The label that a line consists of; None where it says more."""
    rest = DATE.sub("", bare).strip(" :")
    return (
        next((label for label in LABELS if rest == label or (label == NET and rest.startswith(NET))), None)
        if (rest and MONEY.search(rest) is None)
        else None
    )


def amounts_on(bare: str) -> list[tuple[str, Decimal, str]]:
    """(label, amount, its words) of every label of costs, tax and sums on a (plain) line, in either column.

    Of several figures behind a label the last before its D or C counts: what stands before it is what it was taken of.
    A cost given back (C) is negative.
    """
    if MONEY.search(bare) is None:
        return []
    at: list[tuple[int, str]] = []
    taken: list[tuple[int, int]] = []
    for label in LABELS:
        start = bare.find(label)
        while start >= 0:
            end = start + len(label)
            edge = (start == 0 or not bare[start - 1].isalnum()) and (end == len(bare) or not bare[end].isalpha())
            if edge and not any(a < end and start < b for a, b in taken):
                taken.append((start, end))
                at.append((start, label))
            start = bare.find(label, end)
    at.sort()
    found = []
    for place, (start, label) in enumerate(at):
        end = at[place + 1][0] if place + 1 < len(at) else len(bare)
        amount, mark = _amount(DATE.sub("", bare[start:end]))
        if amount is not None:
            back = (label == NET and mark == "d") or (label in COSTS and mark == "c")
            found.append((label, -amount if back else amount, bare[start:end][:60].strip()))
    return found


def _amount(segment: str) -> tuple[Decimal | None, str]:
    """The last figure before the segment's first D or C, and which of the two it is."""
    amount: Decimal | None = None
    for word in segment.split():
        mark = word[-1] if word[-1] in "cd" and (len(word) == 1 or word[-2].isdigit()) else ""
        figure = MONEY.fullmatch(word.removesuffix(mark).removeprefix("r$"))
        if figure:
            amount = number(figure[0])
        if mark and amount is not None:
            return amount, mark
    return amount, ""


def starts_trade(raw: str) -> bool:
    """Whether a line begins as a trade does and ends in three figures."""
    bare = plain(raw[:MAX_LINE])
    head = MARKET.match(bare)
    if head is None:
        return False
    words = bare[head.end() :].split()
    while words and words[0].isdigit():
        words = words[1:]
    return len(words) > 3 and words[0] in ("c", "v") and len([w for w in words if FIGURE.fullmatch(w)]) >= 2
