"""Which booked rows tell of which known exchange: a row per broker, one row for several exchanges, a part of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations

from invest.domain.portfolios.portfolio import ZERO

NEAR = Decimal("0.02")  # a credit this near to the expected one is the event's
FRACTION = Decimal("0.02")  # a fraction sold at auction is told with few decimals
MANY = 8  # rows of one paper within weeks, of which every group is tried


@dataclass(frozen=True, slots=True)
class Credit:
    """A booked row of papers that came: its place, how many, and whether it can be nothing but the exchange's."""

    place: int
    quantity: Decimal
    certain: bool = True


@dataclass(slots=True)
class Due:
    """The papers that one exchange gives, and the rows that tell of them: (place of the row, papers of it).

    `greedy`: where it is alone, a certain row beyond what is due is its too (the known ratio is not the owner's).
    """

    whole: Decimal
    greedy: bool = False
    rows: list[tuple[int, Decimal]] = field(default_factory=list)
    closed: bool = False

    @property
    def left(self) -> Decimal:
        """What no row tells yet."""
        return ZERO if self.closed else max(ZERO, self.whole - sum((q for _, q in self.rows), ZERO))

    def take(self, place: int, quantity: Decimal) -> None:
        """Note that a row tells of so many of its papers."""
        self.rows.append((place, quantity))
        self.closed = self.closed or not self.open

    @property
    def open(self) -> bool:
        """Whether so much is left that somebody must have missed it."""
        return self.left > slack(self.whole)

    @property
    def missing(self) -> Decimal:
        """What nobody booked: all where no row tells any, however little it is, else what is no rounding."""
        return self.left if self.open or not self.rows else ZERO


def slack(whole: Decimal) -> Decimal:
    """By how much a credit may be off: fractions are not credited."""
    return max(Decimal(1), whole * NEAR)


def allot(rows: Sequence[Credit], dues: Sequence[Due]) -> None:
    """Give each row to the exchange, or to the several ones, that it tells of; what fits none is left alone."""
    whole, booked = sum((due.left for due in dues), ZERO), sum((credit.quantity for credit in rows), ZERO)
    exact = abs(whole - booked) <= 1  # all rows are all exchanges: one that is merely near to one of them is not its
    rest = [credit for credit in rows if not _whole_of_one(credit, dues, exact=exact)]
    group = _making_up(rest, sum((due.left for due in dues), ZERO))
    for credit in group or [credit for credit in rest if credit.certain]:
        _pour(credit, dues, together=bool(group))
    for due in dues if group else ():
        due.closed = True


def spill(credit: Credit, own: Due, others: Sequence[Due]) -> None:
    """Give a row that names its exchange to it, and what is beyond it to others that give the same paper."""
    beyond = credit.quantity - own.left
    open_ones = [due for due in others if due is not own and due.open]
    if own.left > 0 and open_ones and beyond > slack(own.whole):
        _pour(credit, [own, *open_ones])
    else:
        own.take(credit.place, credit.quantity)


def stand_beside(rows: Sequence[Credit], dues: Sequence[Due]) -> None:
    """Close exchanges of which rows, one or several together, tell the papers at a cost of their own: they stay."""
    rest = list(rows)
    for due in dues:
        one = next((credit for credit in rest if abs(due.left - credit.quantity) <= slack(due.whole)), None)
        group = _making_up(rest, due.left) if one is None else [one]
        if due.left > 0 and group:
            rest = [credit for credit in rest if credit not in group]
            due.whole -= due.left
            due.closed = True


def with_auctions(dues: Sequence[Due], auctioned: Sequence[Decimal]) -> None:
    """Add the fraction that was sold at auction to a row that tells of the whole papers alone."""
    lacking = sum((due.whole - sum((q for _, q in due.rows), ZERO) for due in dues if due.rows), ZERO)
    sold = next((q for q in auctioned if ZERO < q < 1 and abs(q - lacking) <= FRACTION), None)
    last = next((due for due in reversed(dues) if due.rows), None)
    if sold is not None and last is not None:
        place, quantity = last.rows[-1]
        last.rows[-1] = (place, quantity + sold)


def _whole_of_one(credit: Credit, dues: Sequence[Due], *, exact: bool) -> bool:
    fitting = [
        due for due in dues
        if due.left > 0 and abs(due.left - credit.quantity) <= (Decimal(1) if exact else slack(due.whole))
    ]  # fmt: skip
    if not fitting:
        return False
    best = min(fitting, key=lambda due: abs(due.left - credit.quantity))
    whole = sum((due.left for due in dues), ZERO)
    if abs(whole - credit.quantity) < abs(best.left - credit.quantity):
        return False  # it is nearer to what all of them give
    best.take(credit.place, credit.quantity)
    best.closed = True
    return True


def _making_up(rows: Sequence[Credit], left: Decimal) -> list[Credit]:
    """The rows that together are what is left, the nearest such group; none where there is no such group."""
    if left <= 0 or len(rows) > MANY:
        return []
    groups = (group for size in range(1, len(rows) + 1) for group in combinations(rows, size))
    sums = [(abs(sum((c.quantity for c in group), ZERO) - left), group) for group in groups]
    off, best = min(sums, key=lambda pair: pair[0], default=(left, ()))
    return list(best) if off <= slack(left) else []


def _pour(credit: Credit, dues: Sequence[Due], *, together: bool = False) -> None:
    """Fill exchanges in their order with the papers of one row; a row beyond all of them is none of theirs.

    `together`: it is one of several that make up all of them; none is full before the last one.
    """
    left = sum((due.left for due in dues), ZERO)
    if not together and credit.quantity > left + slack(left):
        if len(dues) == 1 and dues[0].greedy and not dues[0].rows and left > 0:
            dues[0].take(credit.place, credit.quantity)
        return
    rest, last = credit.quantity, None
    for due in dues:
        part = min(rest, due.left)
        if part > 0:
            due.take(credit.place, part)
            due.closed = due.closed and not together
            rest, last = rest - part, due
    if rest > 0 and last is not None:  # what rounding gave beyond the expected
        place, part = last.rows[-1]
        last.rows[-1] = (place, part + rest)
