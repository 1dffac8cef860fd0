"""What sources brought, in one parcel: every kind of data is declared here once, and parcels add up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any

from invest.domain.market import (
    Asset,
    Bar,
    BarTable,
    CorporateAction,
    FundPortfolio,
    MacroPoint,
    NewsItem,
    Programme,
    StatementLine,
    TickerChange,
)
from invest.domain.values.event_readings import EventReading
from invest.domain.values.observations import Consensus, Observation, RawPayload

ROW_BYTES = 200  # of one row, roughly, on its way to the database


@dataclass(frozen=True, slots=True)
class Harvest:
    """Everything that was read, typed; each item names the payload it was read from. Every part may be empty.

    A new kind of data is one more part here, and one more line where the store writes it.
    """

    assets: Sequence[Asset] = ()
    changes: Sequence[TickerChange] = ()
    payloads: Sequence[RawPayload] = ()
    observations: Sequence[Observation] = ()
    consensus: Sequence[Consensus] = ()
    bars: Sequence[Bar] = ()
    tables: Sequence[BarTable] = ()  # bars as columns: a first history is thousands of rows
    actions: Sequence[CorporateAction] = ()
    statements: Sequence[StatementLine] = ()
    news: Sequence[NewsItem] = ()
    macro: Sequence[MacroPoint] = ()
    portfolios: Sequence[FundPortfolio] = ()
    programmes: Sequence[Programme] = ()
    readings: Sequence[EventReading] = ()

    def __add__(self, other: Harvest) -> Harvest:
        """Both parcels as one, part by part, in that order."""
        return Harvest.sum((self, other))

    @classmethod
    def sum(cls, harvests: Iterable[Harvest]) -> Harvest:
        """All parcels as one; a part that only one of them has is not copied."""
        every = list(harvests)
        parts: dict[str, Any] = {}
        for part in PARTS:
            full = [items for harvest in every if (items := getattr(harvest, part))]
            parts[part] = full[0] if len(full) == 1 else tuple(chain.from_iterable(full))
        return cls(**parts)

    def __bool__(self) -> bool:
        """Whether it holds more than the payloads it was read from and the notes that they were."""
        return any(getattr(self, part) for part in PARTS if part not in ("payloads", "readings"))

    def bar_count(self) -> int:
        """How many bars there are, those of the tables included."""
        return len(self.bars) + sum(map(len, self.tables))

    def subjects(self) -> set[str]:
        """What it is about, payloads aside: tickers, CNPJs, items of news, series."""
        values: Iterable[Asset | Observation | Consensus | CorporateAction | FundPortfolio | Programme | EventReading]
        values = chain(
            self.assets, self.observations, self.consensus, self.actions, self.portfolios, self.programmes,
            self.readings,
        )  # fmt: skip
        return {
            *(value.ticker for value in values),
            *(ticker for change in self.changes for ticker in (change.old, change.new)),
            *(bar[0] for bar in self.bars),
            *(ticker for table in self.tables for ticker in table.codes()),
            *(line.cnpj for line in self.statements),
            *(item.id for item in self.news),
            *(point.series for point in self.macro),
        }

    def weight(self) -> int:
        """About how many bytes it takes to write."""
        parts = (part for part in PARTS if part not in ("assets", "changes", "payloads", "news", "tables"))
        rows = sum(len(getattr(self, part)) for part in parts) + sum(map(len, self.tables))
        return rows * ROW_BYTES + sum(len(p.body) for p in self.payloads if p.body is not None)


PARTS = tuple(part.name for part in fields(Harvest))
