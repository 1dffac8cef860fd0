"""Announced events on their days: the last day with rights, the first without, the payment, set or still to be set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from invest.domain.frozen import Frozen
from invest.domain.market.assets import ActionKind, CorporateAction
from invest.domain.market.calendar import next_session

UNPAID_DAYS = 400  # after its last day with rights an event whose payment day is not set is still shown
SILENT = frozenset({ActionKind.PRICE_MOVE})


class Stage(StrEnum):
    """How far an event is."""

    WITH_RIGHTS = "with_rights"  # who buys now still gets it
    AWAITED = "awaited"  # ex, and not paid or credited yet
    DONE = "done"


class AgendaEntry(Frozen):
    """One event of one asset. In Brazil the record date is the last day with rights."""

    ticker: str
    kind: ActionKind
    label: str | None
    approved_on: date | None
    last_date_with: date
    ex_date: date = Field(description="first session without rights")
    payment_date: date | None = Field(description="null: not set yet")
    amount: Decimal | None = Field(description="BRL per share, gross")
    factor: Decimal | None
    instalment: int = Field(description="1 for the first payment of one decision with rights on one day")
    stage: Stage
    source: str


def events_between(actions: Iterable[CorporateAction], since: date, until: date, today: date) -> list[AgendaEntry]:
    """Events whose last day with rights, first day without or payment lies from `since` to `until`, by that day.

    One whose payment is not set is there for 400 days, whenever its rights ended.
    """
    paid: dict[tuple[object, ...], list[tuple[CorporateAction, int]]] = {}
    found = []
    for action in sorted(actions, key=lambda a: (a.ticker, a.last_date_with, a.kind, a.payment_date or date.max)):
        if action.kind in SILENT:
            continue
        decided = paid.setdefault((action.ticker, action.last_date_with, action.kind, action.approved_on), [])
        decided.append((action, _number(action, decided)))
        entry = _entry(action, decided[-1][1], today)
        unset = _pays(action) and action.payment_date is None
        waiting = unset and since - timedelta(days=UNPAID_DAYS) <= action.last_date_with <= until
        days = (entry.last_date_with, entry.ex_date, entry.payment_date)
        if waiting or any(day is not None and since <= day <= until for day in days):
            found.append(entry)
    return sorted(found, key=lambda entry: (_next_day(entry, today), entry.ticker, entry.kind, entry.instalment))


def _number(action: CorporateAction, before: Sequence[tuple[CorporateAction, int]]) -> int:
    """Which instalment it is of what was decided; another amount that is paid on the same day is none of its own."""
    for other, number in before:
        same_day = action.payment_date is not None and other.payment_date == action.payment_date
        if same_day and other.amount != action.amount:
            return number
    return max((number for _, number in before), default=0) + 1


def _pays(action: CorporateAction) -> bool:
    """Whether money is owed: a payment, or a redemption whose price is known."""
    return action.kind.in_cash or (action.kind is ActionKind.REDEMPTION and action.amount is not None)


def _entry(action: CorporateAction, instalment: int, today: date) -> AgendaEntry:
    ex_date = next_session(action.last_date_with)
    paid = action.payment_date
    if today <= action.last_date_with:
        stage = Stage.WITH_RIGHTS
    elif (paid is None and _pays(action)) or (paid is not None and paid > today):
        stage = Stage.AWAITED
    else:
        stage = Stage.DONE
    return AgendaEntry(
        ticker=action.ticker,
        kind=action.kind,
        label=action.label,
        approved_on=action.approved_on,
        last_date_with=action.last_date_with,
        ex_date=ex_date,
        payment_date=paid,
        amount=action.amount,
        factor=action.factor,
        instalment=instalment,
        stage=stage,
        source=action.source,
    )


def _next_day(entry: AgendaEntry, today: date) -> date:
    """The day on which something happens next; of what is done, the last one."""
    if entry.stage is Stage.WITH_RIGHTS:
        return entry.last_date_with
    return entry.payment_date or (date.max if entry.stage is Stage.AWAITED else entry.ex_date)
