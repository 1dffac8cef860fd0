"""The monthly assessment: exemption, losses carried, tax by bucket, credits, and the DARF with its due date."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from invest.domain.market import previous_session
from invest.domain.portfolios import CENT, ZERO
from invest.domain.taxes.lines import Facts, custody_fees
from invest.domain.taxes.models import BucketMonth, Darf, Flag, MonthTax, State, TaxLine, TaxOpening
from invest.domain.taxes.rules import Bucket, rule
from invest.domain.taxes.withheld import Withheld, withheld_by_month

DECEMBER = 12


@dataclass(slots=True)
class Carried:
    """What goes from month to month: losses without limit, credits to December, a DARF until it reaches the minimum."""

    losses: dict[Bucket, Decimal] = field(default_factory=lambda: dict.fromkeys(Bucket, ZERO))
    credits: dict[Bucket, Decimal] = field(default_factory=lambda: dict.fromkeys(Bucket, ZERO))
    below: Decimal = ZERO
    lost: dict[Bucket, Decimal] = field(default_factory=lambda: dict.fromkeys(Bucket, ZERO))


def assess(
    facts: Facts, lines: Sequence[TaxLine], flags: Sequence[Flag], last: tuple[int, int]
) -> tuple[list[MonthTax], Carried]:
    """Every month from the first taxed one (or the opening's) to `last` = (year, month), and what is carried on."""
    opening, today = facts.given.opening, facts.given.today
    by_month: dict[str, list[TaxLine]] = defaultdict(list)
    for line in lines:
        by_month[f"{line.day:%Y-%m}"].append(line)
    flagged: dict[str, list[Flag]] = defaultdict(list)
    for flag in flags:
        if flag.day is not None:
            flagged[f"{flag.day:%Y-%m}"].append(flag)
    held_back = withheld_by_month(facts, lines)
    custody = custody_fees(facts)
    starts = [min([*by_month, *flagged, *held_back, *custody], default=f"{last[0]}-01"), f"{last[0]}-01"]
    if opening.day is not None and _after(opening.day) <= f"{last[0]}-{last[1]:02d}":
        starts.append(_after(opening.day))
    state = _opened(opening) if opening.day is None else Carried()  # without a day it stood before everything booked
    months: list[MonthTax] = []
    for year, month in _months(min(starts), last):
        label = f"{year}-{month:02d}"
        if opening.day is not None and label == _after(opening.day):
            state = _opened(opening)
        if month == 1:
            _new_year(state, opening, year)
        months.append(
            _month(label, (by_month[label], flagged[label]), held_back.get(label), custody.get(label, ZERO), state)
        )
        months[-1] = _settled_state(months[-1], opening, today)
    return months, state


def _months(first: str, last: tuple[int, int]) -> Iterator[tuple[int, int]]:
    year, month = (int(part) for part in first.split("-"))
    while (year, month) <= last:
        yield year, month
        year, month = (year, month + 1) if month < DECEMBER else (year + 1, 1)


def _after(day: date) -> str:
    following = day.replace(day=1) + timedelta(days=32)
    return f"{following:%Y-%m}"


def _opened(opening: TaxOpening) -> Carried:
    state = Carried()
    state.losses |= opening.losses
    state.credits |= opening.credits
    state.below = opening.darf_below_minimum
    return state


def _new_year(state: Carried, opening: TaxOpening, year: int) -> None:
    """No IRRF crosses into January; what is left belongs to the annual return."""
    if opening.day is not None and opening.day >= date(year, 1, 1):
        return
    state.lost = dict(state.credits)
    state.credits = dict.fromkeys(Bucket, ZERO)


def _month(
    label: str,
    lines_and_flags: tuple[Sequence[TaxLine], Sequence[Flag]],
    held_back: Withheld | None,
    custody: Decimal,
    state: Carried,
) -> MonthTax:
    """One month from its lines and flags; `state` moves on."""
    lines, flags = lines_and_flags
    day = date.fromisoformat(f"{label}-01")
    shares = [line for line in lines if line.exempt_asset]
    sales = sum((line.gross for line in shares), ZERO)
    gained = sum((line.result for line in shares), ZERO)
    exempt = gained > 0 and sales <= rule("exempt.shares", day).value
    results = {b: sum((line.result for line in lines if line.bucket is b), ZERO) for b in Bucket}
    results[Bucket.COMMON] -= (gained if exempt else ZERO) + custody
    withheld = held_back or Withheld()
    buckets = {b: _bucket(b, _cents(results[b]), withheld, day, state) for b in Bucket}
    due = sum((b.due for b in buckets.values()), ZERO)
    darf, carried = _darf(label, due, state)
    made = MonthTax(
        month=label,
        state=State.NO_MOVEMENT,
        sales=_cents(sales),
        exempt_gain=_cents(gained) if exempt else ZERO,
        buckets=buckets,
        tax=sum((b.tax for b in buckets.values()), ZERO),
        due=due,
        carried=carried,
        darf=darf,
        lines=list(lines),
        flags=list(flags),
    )
    return made.model_copy(update={"state": _state(made)})


def _bucket(bucket: Bucket, result: Decimal, withheld: Withheld, day: date, state: Carried) -> BucketMonth:
    """Result, less carried losses, times the rate, less credits; the state moves on."""
    before, rate = state.losses[bucket], rule(f"rate.{bucket}", day).value
    used = min(before, max(result, ZERO))
    after = before - used + max(-result, ZERO)
    base = max(result, ZERO) - used
    tax = _cents(base * rate)
    credit = state.credits[bucket] + withheld.amounts[bucket]
    taken = min(credit, tax)
    state.losses[bucket], state.credits[bucket] = after, credit - taken
    return BucketMonth(
        result=result,
        loss_before=before,
        loss_used=used,
        loss_after=after,
        base=base,
        rate=rate,
        tax=tax,
        withheld=withheld.amounts[bucket],
        withheld_estimated=bucket in withheld.estimated,
        credit_used=taken,
        credit_after=credit - taken,
        due=tax - taken,
    )


def _darf(label: str, due: Decimal, state: Carried) -> tuple[Darf | None, Decimal]:
    """The DARF of a month with what was below the minimum before; else what is carried on."""
    before, whole = state.below, state.below + due
    day = date.fromisoformat(f"{label}-01")
    if due > 0 and whole >= rule("darf.least", day).value:
        state.below = ZERO
        return Darf(period=label, amount=whole, carried=before, due=due_day(label)), ZERO
    state.below = whole
    return None, whole


def due_day(month: str) -> date:
    """The last banking day of the month after `month`; 31 December is none."""
    year, number = (int(part) for part in month.split("-"))
    year, number = (year, number + 1) if number < DECEMBER else (year + 1, 1)
    last = date(year, number, monthrange(year, number)[1])
    return previous_session(last + timedelta(days=0 if (number, last.day) == (DECEMBER, 31) else 1))


def _state(month: MonthTax) -> State:  # noqa: PLR0911 - one return per state
    if any(flag.blocks for flag in month.flags):
        return State.INCOMPLETE
    if month.darf is not None:
        return State.DUE
    if month.due > 0:
        return State.BELOW_MINIMUM
    if not month.lines:
        return State.NO_MOVEMENT
    if any(b.loss_used > 0 or b.credit_used > 0 for b in month.buckets.values()):
        return State.OFFSET
    if any(b.result < 0 for b in month.buckets.values()):
        return State.LOSS
    return State.EXEMPT if month.exempt_gain > 0 else State.NO_MOVEMENT


def _settled_state(month: MonthTax, opening: TaxOpening, today: date) -> MonthTax:
    """Paid, late or due; a paid month keeps what was paid and shows the difference."""
    paid = [p.amount for p in opening.paid if p.period == month.month]
    owed = month.darf.amount if month.darf else ZERO
    if paid:
        whole = sum(paid, ZERO)
        state = State.PAID if month.state is not State.INCOMPLETE else State.INCOMPLETE
        return month.model_copy(update={"paid": whole, "difference": owed - whole, "state": state})
    if month.state is State.DUE and month.darf is not None and month.darf.due < today:
        return month.model_copy(update={"state": State.LATE})
    return month


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
