"""The text of a broker's note as lines that mean something: trades, amounts by their labels, the day.

Copied from a PDF, a note's cells may stand in two columns of one line, or each on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import islice

from invest.domain.brokerage.reading import StatementRefused, number
from invest.domain.filings import plain

MAX_LINE = 400
MAX_CHARACTERS = 2_000_000  # of a text: some four hundred notes
MAX_LINES = 20_000  # that hold something
MAX_CELLS = 16  # lines that one trade may take where every cell stands on its own
DATE = re.compile(r"\b([0-9]{2}/[0-9]{2}/[0-9]{4})\b")
MONEY = re.compile(r"-?[0-9][0-9.]{0,15},[0-9]{2}(?![0-9])")
FIGURE = re.compile(r"[0-9][0-9.]{0,15}(?:,[0-9]{1,8})?")
DIGIT = re.compile(r"[0-9]")
MENTION = re.compile(r"bovespa|b3|bm&f", re.IGNORECASE)
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
LABEL = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, LABELS))})(?![a-z])")
MAX_LABELS = 16  # of one line: two columns of a note have two
MAX_UNENDED = 5_000  # lines that name a market and begin no trade: the heads of a thousand pages

Line = tuple[int, str, str]  # its number from 1, as written without outer blanks, and made plain


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines of a note, cells that stand on lines of their own put together; one with the day starts with \\x01."""
    lines = _lines(text)
    at = unended = 0
    while at < len(lines):
        number_, raw, bare = lines[at]
        taken = 1
        if "data pregao" in bare or "data do pregao" in bare or "data de pregao" in bare:
            while DATE.search(raw) is None and taken <= 6 and at + taken < len(lines):
                raw = f"{raw} {lines[at + taken][1]}"
                taken += 1
            raw = f"\x01 {raw}"
        elif MARKET.match(bare) and not starts_trade(bare):
            joined, used = _cells(lines, at, _complete)
            unended += not used
            if unended > MAX_UNENDED:
                raise StatementRefused(
                    f"more than {MAX_UNENDED:,} lines begin a trade that no line ends: split the text"
                )
            if used:
                raw, taken = joined, used
        elif (label := _label_alone(bare)) is not None and _digits_follow(lines, at):
            joined, used = _cells(lines, at, _has_amounts, most=4)
            if used:
                raw, taken = joined, used
                if label != NET and at + taken < len(lines) and lines[at + taken][1].strip() in ("D", "C"):
                    raw, taken = f"{raw} {lines[at + taken][1].strip()}", taken + 1
        yield number_, raw
        at += taken


def _lines(text: str) -> list[Line]:
    """The lines that hold something. Raises `StatementRefused` for a text longer than any year of notes."""
    if len(text) > MAX_CHARACTERS:
        message = f"{len(text):,} characters, at most {MAX_CHARACTERS:,} are read"
        raise StatementRefused(f"the text of the broker's notes has {message}: split it by year")
    lines = [(at, raw) for at, line in enumerate(text.splitlines(), 1) if (raw := line[:MAX_LINE].strip())]
    if len(lines) > MAX_LINES:
        message = f"{len(lines):,} lines, at most {MAX_LINES:,} are read"
        raise StatementRefused(f"the text of the broker's notes has {message}: split it by year")
    return [(at, raw, plain(raw)) for at, raw in lines]


def _digits_follow(lines: Sequence[Line], at: int) -> bool:
    return any(DIGIT.search(line[2]) for line in lines[at + 1 : at + 3])


def _cells(lines: Sequence[Line], at: int, complete: Callable[[str], bool], most: int = MAX_CELLS) -> tuple[str, int]:
    """The shortest run of lines from `at` that, put together and made plain, is complete; ("", 0) where none is."""
    run = lines[at : at + most]
    bare = run[0][2]
    for taken, (_, _, more) in enumerate(run[1:], 2):
        bare = f"{bare} {more}"
        if len(bare) > MAX_LINE:
            break
        if complete(bare):
            return " ".join(raw for _, raw, _ in run[:taken]), taken
    return "", 0


def _complete(bare: str) -> bool:
    return bare.endswith((" d", " c")) and starts_trade(bare)


def _label_alone(bare: str) -> str | None:
    """The label that a line consists of; None where it says more."""
    rest = DATE.sub("", bare).strip(" :")
    return (
        next((label for label in LABELS if rest == label or (label == NET and rest.startswith(NET))), None)
        if (rest and MONEY.search(rest) is None)
        else None
    )


def _has_amounts(bare: str) -> bool:
    try:
        return amounts_on(bare) != []
    except ValueError:
        return True  # whoever reads the line names what is wrong with it


def amounts_on(bare: str) -> list[tuple[str, Decimal, str]]:
    """(label, amount, its words) of every label of costs, tax and sums on a (plain) line, in either column.

    Of several figures behind a label the last before its D or C counts: what stands before it is what it was taken of.
    A cost given back (C) is negative. Raises `ValueError` for a figure that is no number.
    """
    if MONEY.search(bare) is None:
        return []
    at = [(match.start(), match[0]) for match in islice(LABEL.finditer(bare), MAX_LABELS)]
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


def tells_trade(text: str) -> bool:
    """Whether a line of a text, as far as notes are read, is a trade."""
    begun = text[:MAX_CHARACTERS]
    if MENTION.search(begun) is None:
        return False
    lines = (line[:MAX_LINE] for line in begun.splitlines()[:MAX_LINES])
    return any(starts_trade(plain(line)) for line in lines if MENTION.search(line))


def starts_trade(bare: str) -> bool:
    """Whether a (plain) line begins as a trade does and holds two figures."""
    head = MARKET.match(bare)
    if head is None:
        return False
    words = bare[head.end() :].split()
    side = next((at for at, word in enumerate(words) if not word.isdigit()), len(words))
    if len(words) - side <= 3 or words[side] not in ("c", "v"):
        return False
    figures = (word for word in reversed(words) if FIGURE.fullmatch(word))
    return len(list(islice(figures, 2))) == 2
