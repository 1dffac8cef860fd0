"""What a source is asked and what it hands back; the shape every upstream module has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from invest.domain.market import (
    Asset,
    AssetKind,
    BarTable,
    CorporateAction,
    StatementLine,
    TickerChange,
    kind_from_suffix,
)
from invest.domain.values import Basis, EventReading, EventSigns, Harvest, Observation, RawPayload, SourceOutcome
from invest.settings import SourceSettings
from invest.sources.client import SourceClient
from invest.sources.errors import BudgetSpent, Implausible, Malformed, NotAvailable, SourceError, TooLarge

YEARS = 6  # of bars and statements that a first collection asks for
NOTHING = Harvest()
Status = Literal["ok", "not_modified", "empty", "skipped", "rejected", "failed"]


@dataclass(frozen=True, slots=True)
class Want:
    """One asset, and what is known of it already, so that only news is fetched.

    `bars_until`: newest stored session, `official_until`: the newest from the exchange, which may be older where
    another source filled in. `statements_until`: newest stored DT_RECEB; `filed`: the highest stored version of each
    document by form and reference date. `events_read`: when each source's events were last read whole.
    `last_close`, `last_day`: the newest stored close, against which units are checked.
    `total_assets`: of the newest stored balance sheet, BRL, and `payments`: known ones in cash, for the same reason.
    `splits`: known changes of the share count. `force`: ask again also where the known is fresh.
    """

    ticker: str
    now: datetime
    asset: Asset | None = None
    bars_until: date | None = None
    official_until: date | None = None
    statements_until: date | None = None
    filed: Mapping[tuple[str, date], int] = field(default_factory=dict)
    events_read: Mapping[str, EventReading] = field(default_factory=dict)
    last_close: Decimal | None = None
    last_day: date | None = None
    total_assets: Decimal | None = None
    splits: tuple[CorporateAction, ...] = ()
    payments: tuple[CorporateAction, ...] = ()
    force: bool = False

    @property
    def kind(self) -> AssetKind | None:
        """The kind as far as it is known; None for a code ending in 11 seen for the first time."""
        return self.asset.kind if self.asset is not None else kind_from_suffix(self.ticker)


@dataclass(frozen=True, slots=True)
class Identity:
    """Parts of an asset's identity that one source knows; None where it says nothing.

    `since`: first session of its present bearer, where another company had the code before. `changes`: those of codes
    that this one takes part in.
    """

    name: str | None = None
    kind: AssetKind | None = None
    cnpj: str | None = None
    cvm_code: int | None = None
    isin: str | None = None
    sector: str | None = None
    segment: str | None = None
    active: bool | None = None
    successor: str | None = None
    shares_outstanding: Decimal | None = None
    since: date | None = None
    changes: tuple[TickerChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One document a company delivered to CVM: `received_on` is the day the market could first read it."""

    cnpj: str
    cvm_code: int | None
    company: str
    form: str
    reference_date: date
    version: int
    received_on: date | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one source answered in one go: how it went, and what it brought."""

    source: str
    outcome: SourceOutcome
    ticker: str | None = None
    harvest: Harvest = NOTHING
    identity: Identity | None = None
    files: Mapping[str, str] = field(default_factory=dict)  # payload sha256 -> where its body lies, for large files

    @property
    def usable(self) -> bool:
        """Whether it counts as a source of the asset."""
        return self.outcome.status in ("ok", "not_modified")


def failed(source: str, ticker: str | None, error: SourceError) -> Answer:
    """What an error stands for: bytes not believed are rejected, nothing there is empty, the rest failed."""
    status: Status = "failed"
    if isinstance(error, Malformed | Implausible | TooLarge):
        status = "rejected"
    elif isinstance(error, NotAvailable):
        status = "empty"
    elif isinstance(error, BudgetSpent):
        status = "skipped"
    return Answer(source, SourceOutcome(source=source, status=status, reason=error.reason[:500]), ticker=ticker)


@dataclass(slots=True)
class Reading:
    """What a source has read so far of one answer or several; `close` makes it an `Answer`.

    Keeps payloads once each and remarks in order.
    """

    source: str
    conf: SourceSettings
    ticker: str | None = None
    harvest: Harvest = NOTHING
    observations: list[Observation] = field(default_factory=list)
    payloads: dict[str, RawPayload] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    rejected: int = 0
    lacking: bool = False  # whether a part could not be had; a remark names it
    identity: Identity | None = None

    def add(self, part: Harvest) -> None:
        """Add what was read."""
        self.harvest += part

    def keep(self, payload: RawPayload, path: Path | None = None) -> None:
        """Name bytes that something was read from; `path`: where those of a large file lie."""
        self.payloads[payload.sha256] = payload
        if path is not None:
            self.files[payload.sha256] = str(path)

    def observe(
        self,
        field_name: str,
        value: Decimal | None,
        as_of: datetime,
        payload: RawPayload,
        *,
        unit: str = "BRL",
        basis: Basis = Basis.SPOT,
        ticker: str | None = None,
    ) -> None:
        """Add one observation; None is no observation. Raises `ValueError` for a time without a zone."""
        if value is None or not value.is_finite():
            return
        if as_of.tzinfo is None:
            raise ValueError(f"{field_name} of {self.source}: a time without a zone ({as_of})")
        conf, whose = self.conf, ticker or self.ticker or ""
        if whose.startswith("^") and unit == "BRL":
            unit = "points"  # an index is worth no money
        self.observations.append(
            Observation(
                whose, field_name, value, as_of, self.source, payload.sha256, payload.fetched_at, basis, unit,
                conf.official, conf.rank,
            )
        )  # fmt: skip

    def reject(self, reason: str) -> None:
        """Note what was not believed."""
        self.rejected += 1
        self.remark(reason)

    def discard(self, reason: str) -> Answer:
        """The result where nothing of an answer is to be believed: its payloads and the reason, no values."""
        self.harvest, self.identity = NOTHING, None
        self.observations.clear()
        self.reject(reason)
        return self.close("rejected")

    def remark(self, text: str) -> None:
        """Note something a reader of the outcome should know, once."""
        if text not in self.remarks and len(self.remarks) < 5:
            self.remarks.append(text)

    def close(self, status: Status | None = None) -> Answer:
        """The result; its status follows from the contents unless given."""
        if status is None:
            full = self.harvest or self.observations or self.identity is not None
            status = "ok" if full else "rejected" if self.rejected else "empty"
        if status == "empty" and not self.remarks:
            self.remark("its answer holds nothing of it")
        read = Harvest(payloads=tuple(self.payloads.values()), observations=tuple(self.observations))
        outcome = SourceOutcome(
            source=self.source,
            status=status,
            reason="; ".join(self.remarks)[:500] or None,
            lacking=self.lacking,
            observations=len(self.observations),
            bars=self.harvest.bar_count(),
            payloads=tuple(self.payloads),
        )
        return Answer(self.source, outcome, self.ticker, self.harvest + read, self.identity, dict(self.files))


class Source(Protocol):
    """One upstream; what it can do is said by the protocols below that it fits."""

    @property
    def name(self) -> str:
        """Its name in settings.toml."""


@runtime_checkable
class AssetSource(Source, Protocol):
    """Knows single assets."""

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Everything new about one asset. Raises `SourceError`; the facade turns that into an outcome."""


@runtime_checkable
class PriceSource(Source, Protocol):
    """Gives current prices of many assets at once."""

    async def prices(self, client: SourceClient, wants: Sequence[Want]) -> list[Answer]:
        """One answer per asset, in as few requests as the plan allows."""


@runtime_checkable
class NewsSource(Source, Protocol):
    """Has news of the whole market."""

    async def news(self, client: SourceClient, limit: int) -> list[Answer]:
        """The newest items, `limit` at most. Raises `SourceError`."""


@runtime_checkable
class MacroSource(Source, Protocol):
    """Has series of the economy."""

    async def macro(self, client: SourceClient, want: Want, since: Mapping[str, date]) -> Answer:
        """Each series from its newest known day on (`since`, by series). `want` only tells the time."""


@runtime_checkable
class EventWitness(Source, Protocol):
    """Has files of the whole market that tell of which papers there may be a new event."""

    async def event_signs(self, client: SourceClient, want: Want) -> EventSigns:
        """What they say of one paper. Raises `SourceError`."""


@runtime_checkable
class Listing(Source, Protocol):
    """Knows which papers are listed."""

    async def listed(self, client: SourceClient, now: datetime) -> list[Asset]:
        """Every paper of the newest session. Raises `SourceError`."""


@runtime_checkable
class QuoteArchive(Source, Protocol):
    """Has every paper's quotes of past years, a file per year."""

    def quotes_of(
        self, client: SourceClient, year: int, tickers: Collection[str], rows: int
    ) -> AsyncIterator[BarTable]:
        """The bars of `tickers` in one year, at most about `rows` at a time. Raises `SourceError`."""


@runtime_checkable
class FilingIndex(Source, Protocol):
    """Knows which documents companies delivered, and has those of past years."""

    def reports_of(
        self, client: SourceClient, year: int, companies: Collection[str], lines: int
    ) -> AsyncIterator[list[StatementLine]]:
        """Lines of the yearly reports of `companies` (CNPJs), about `lines` at a time. Raises `SourceError`."""

    async def filings(self, client: SourceClient, since: date, today: date) -> list[Delivery]:
        """Every document received on or after `since`. Raises `SourceError`."""
