"""Events that the owner books by hand, because no source gives them or none gives their terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from invest.domain.frozen import Frozen
from invest.domain.market.adjustment import SHARE_KINDS
from invest.domain.market.assets import ActionKind, CorporateAction, TickerChange
from invest.domain.market.calendar import is_session
from invest.domain.market.tickers import Ticker

OWNER = "owner"  # the source of what was booked by hand; it goes before every other
FIRST_DAY = date(1986, 1, 2)
FACTORS = (Decimal("0.0001"), Decimal(10_000))  # new papers per old one that have been seen, with room to spare
Positive = Annotated[Decimal, Field(gt=0, lt=Decimal(10) ** 9, max_digits=24)]
Document = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=300)]
Part = Annotated[Decimal, Field(gt=0, lt=1, max_digits=24, decimal_places=8)]

PART = "part of what its holders received"  # the label of a spin-off that is part of a merger into several papers

_TERMS = ("amount", "factor", "price_factor", "other", "ratio", "price", "into", "cost_share", "cost_source")
_PAID = ("amount",)
_FIELDS: Mapping[ActionKind, tuple[str, ...]] = {
    ActionKind.DIVIDEND: _PAID, ActionKind.JCP: _PAID, ActionKind.INCOME: _PAID, ActionKind.AMORTISATION: _PAID,
    ActionKind.REDEMPTION: _PAID,
    ActionKind.SPIN_OFF: ("price_factor", "other", "ratio", "into", "cost_share", "cost_source"),
    ActionKind.MERGER: ("other", "ratio", "amount", "into"), ActionKind.SUBSCRIPTION: ("other", "ratio", "price"),
    ActionKind.PRICE_MOVE: (), ActionKind.OTHER: tuple(name for name in _TERMS if not name.startswith("cost_")),
}  # fmt: skip


class Received(Frozen):
    """One of several papers that came for an old one, or beside it."""

    other: Ticker = Field(examples=["RNEW4"])
    ratio: Positive = Field(description="papers of `other` per paper held", examples=["2"])
    cost_share: Part | None = Field(default=None, description="of a spin-off, as the field of the event")


class EventTerms(Frozen):
    """What to book of one event. Which fields a kind takes:

    dividend, jcp, income, amortisation, redemption: `amount` (BRL per share). split, bonus (above 1), reverse_split
    (below 1), ratio_change: `factor`, new papers per old one. spin_off: `price_factor`, the part of the price that
    stayed, or `other` and `ratio`, papers of it per share, from whose first close it is computed, or `into`, where
    several papers came; `cost_share` and `cost_source`, the part of the cost that goes with them as the company
    published it, and where: without it the cost is shared by prices, an estimate. merger: `other` and `ratio`, or
    `into`, where one paper (a unit) became several; `amount` where cash came too. subscription: `ratio` and `price`.
    other: `label`. price_move: nothing, it says that there was no event.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "spin_off", "last_date_with": "2025-03-31", "price_factor": "0.82"}]}
    )

    kind: ActionKind
    last_date_with: date = Field(description="last session with rights, or of the paper under its old code or ratio")
    amount: Positive | None = None
    factor: Positive | None = None
    price_factor: Positive | None = None
    other: Ticker | None = Field(default=None, description="the paper received", examples=["MBRF3"])
    ratio: Positive | None = Field(default=None, description="papers of `other` per share held", examples=["0.8521"])
    into: tuple[Received, ...] = Field(default=(), max_length=6, description="the papers that one became, two or more")
    price: Positive | None = None
    cost_share: Part | None = Field(
        default=None, description="the published part of the cost that goes with `other`: 0.125 for 12.5 %"
    )
    cost_source: Document | None = Field(default=None, description="where it was published: a document's link, its day")
    payment_date: date | None = None
    label: str | None = Field(default=None, min_length=1, max_length=120)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        kind, day = self.kind, self.last_date_with
        self._take(*_FIELDS.get(kind, ("factor",)))
        if day < FIRST_DAY or not is_session(day):
            raise ValueError(f"last_date_with: {day} was no session of B3")
        if kind.in_cash or kind is ActionKind.REDEMPTION:
            self._need("amount")
        elif kind in SHARE_KINDS or kind is ActionKind.RATIO_CHANGE:
            self._need("factor")
            self._check_direction()
        elif kind is ActionKind.SPIN_OFF:
            self._check_spin_off()
        elif kind is ActionKind.MERGER:
            if not self.into:
                self._need("other", "ratio")
            self._check_papers()
            if any(part.cost_share is not None for part in self.into):
                raise ValueError("into: cost_share is a spin-off's; a merger shares its cost by the first closes")
        elif kind is ActionKind.SUBSCRIPTION:
            self._need("ratio", "price")
        elif kind is ActionKind.OTHER:
            self._need("label")
        return self

    def _take(self, *names: str) -> None:
        """Refuse the terms of another kind, and a payment before its rights end."""
        odd = [name for name in _TERMS if name not in names and getattr(self, name) not in (None, ())]
        if odd:
            terms = f"{' and '.join(names)} alone" if names else "no terms"
            raise ValueError(f"{odd[0]}: {self.kind.value} takes {terms}")
        if self.payment_date is not None and self.payment_date < self.last_date_with:
            raise ValueError(f"payment_date: {self.payment_date} lies before the last day with rights")

    def _need(self, *names: str) -> None:
        missing = [name for name in names if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{self.kind.value}: give {' and '.join(missing)}")

    def _check_papers(self) -> None:
        """Refuse papers told as one and as several, one paper told as several, or one twice."""
        if not self.into:
            return
        if self.other is not None or self.ratio is not None:
            raise ValueError("into: give the papers in it, or other and ratio, not both")
        if len({part.other for part in self.into}) < max(2, len(self.into)):
            raise ValueError("into: two or more papers, each once; one alone is other and ratio")

    def _check_spin_off(self) -> None:
        """Refuse a spin-off without papers and price, a whole price that stayed, parts of more than the whole cost."""
        self._check_papers()
        if not self.into and self.price_factor is None and (self.other is None or self.ratio is None):
            raise ValueError("spin_off: give price_factor, or other and ratio")
        if self.price_factor is not None and self.price_factor >= 1:
            raise ValueError("price_factor: after a spin-off less than the whole price stays: a number below 1")
        if self.into and (self.price_factor is not None or self.cost_share is not None):
            name = "price_factor" if self.price_factor is not None else "cost_share"
            raise ValueError(f"{name}: of several papers each has its own; give cost_share in `into`")
        if self.cost_share is not None and (self.other is None or self.ratio is None):
            raise ValueError("cost_share: it goes with a paper: give other and ratio")
        parts = [part for part in (self.cost_share, *(one.cost_share for one in self.into)) if part is not None]
        if sum(parts, Decimal(0)) >= 1:
            raise ValueError(f"into: the parts of the cost sum to {sum(parts):f}; something must stay: less than 1")
        if self.cost_source is not None and not parts:
            raise ValueError("cost_source: it tells where a cost_share was published: give one")

    def _check_direction(self) -> None:
        more = self.kind in (ActionKind.SPLIT, ActionKind.BONUS)
        fewer = self.kind is ActionKind.REVERSE_SPLIT
        factor = self.factor or Decimal(1)
        if (more and factor <= 1) or (fewer and factor >= 1) or factor == 1:
            limit = "above 1 (2 for 1:2)" if more else "below 1 (0.1 for 10:1)" if fewer else "other than 1"
            raise ValueError(f"factor: new papers per old one, {limit}")
        if not FACTORS[0] <= factor <= FACTORS[1]:
            raise ValueError(f"factor: {factor:f} new papers per old one have never been seen")

    def action(self, ticker: str, price_factor: Decimal | None) -> CorporateAction:
        """The event as it is stored of `ticker`."""
        return CorporateAction(
            ticker=ticker,
            kind=self.kind,
            last_date_with=self.last_date_with,
            payment_date=self.payment_date,
            amount=self.amount,
            factor=self.factor,
            source=OWNER,
            payload=OWNER,
            label=self.label,
            other=self.other,
            ratio=self.ratio,
            price=self.price,
            price_factor=price_factor,
            cost_share=self.cost_share,
            cost_source=self.cost_source,
        )

    def each(self) -> list[Self]:
        """The terms of each paper that a spin-off gave."""
        if not self.into:
            return [self]
        source = self.cost_source
        return [
            self.model_copy(
                update={**part.model_dump(), "into": (), "cost_source": source if part.cost_share is not None else None}
            )
            for part in self.into
        ]

    def main_of(self, worths: Sequence[float]) -> tuple[Self, list[tuple[Received, Decimal]]]:
        """(the merger into the most valuable paper of `into`, the others with the part of the price that stayed).

        `worths`: what one old paper gave of each, BRL. The others are spun off before it, one after the other.
        """
        rest, left, at = list[tuple[Received, Decimal]](), sum(worths), max(range(len(worths)), key=worths.__getitem__)
        for place, (part, worth) in enumerate(zip(self.into, worths, strict=True)):
            if place != at:
                rest.append((part, Decimal(f"{1 - worth / left:.8f}")))
                left -= worth
        main = self.into[at]
        return self.model_copy(update={"other": main.other, "ratio": main.ratio, "into": ()}), rest

    def change(self, ticker: str, *, continues: bool) -> TickerChange:
        """The change of code that a merger of `ticker` into `other` is. `continues`: `other` had no history before."""
        assert self.other is not None  # a merger names it, see `_complete`
        return TickerChange(
            old=ticker,
            new=self.other,
            changed_on=self.last_date_with + timedelta(days=1),
            ratio=self.ratio or Decimal(1),
            source=OWNER,
            continues=continues,
        )


def part_that_stayed(before: float, first: float, ratio: Decimal) -> Decimal | None:
    """The part of a price that stays after a spin-off: 1 - ratio x first close of the new paper / last close before.

    BRL both; None where the new papers were worth as much as the share, which no spin-off is.
    """
    stayed = 1 - float(ratio) * first / before if before > 0 else 0.0
    return Decimal(f"{stayed:.6f}") if 0 < stayed < 1 else None
