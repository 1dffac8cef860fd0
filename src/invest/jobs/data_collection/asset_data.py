"""Collecting one asset: what is known -> what is wanted -> every source at once -> one transaction -> consensus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import numpy as np

from invest.domain.market import (
    Asset,
    AssetKind,
    CorporateAction,
    TickerChange,
    kind_of,
    known_changes,
    last_closed_session,
    market_day,
    session_hours,
    session_open,
)
from invest.domain.values import AssetData, Consensus, EventReading, Harvest, Observation, SourceOutcome, choose_all
from invest.engine import GiveUp
from invest.errors import Unreachable
from invest.settings import Settings
from invest.sources import Answer, Identity, Sources, Want
from invest.store import Filed, Saved, Store

FRESH_INTRADAY = timedelta(minutes=15)


NOTHING_FILED = Filed({}, None, None)
CUT_AT = (11, 12)  # characters of a name on the exchange that was cut, in a word or behind one
MAX_KEPT = 16_000_000  # bytes of one upstream file kept in the database


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of one asset before it is asked for again."""

    asset: Asset | None
    latest: Mapping[str, Consensus]
    bars_until: date | None
    statements_until: date | None
    actions: Sequence[CorporateAction]
    total_assets: Decimal | None = None
    filed: Mapping[tuple[str, date], int] = field(default_factory=dict)
    events_read: Mapping[str, EventReading] = field(default_factory=dict)
    official_until: date | None = None

    def want(self, ticker: str, now: datetime, *, force: bool) -> Want:
        """What to ask for."""
        close = self.latest.get("close")
        return Want(
            ticker=ticker,
            now=now,
            asset=self.asset,
            bars_until=self.bars_until,
            official_until=self.official_until,
            statements_until=self.statements_until,
            filed=self.filed,
            events_read=self.events_read,
            last_close=close.value if close else None,
            last_day=market_day(close.as_of) if close else None,
            total_assets=self.total_assets,
            splits=tuple(a for a in self.actions if a.factor is not None),
            payments=tuple(a for a in self.actions if a.amount is not None),
            force=force,
        )


async def known_of(store: Store, ticker: str) -> Known:
    """Read what is stored of one asset, together with those that others ask for meanwhile."""
    stored = await store.asset_reads.stored(ticker)
    filed = stored.filed or NOTHING_FILED
    return Known(
        stored.asset,
        stored.latest,
        stored.bars_until,
        filed.newest,
        stored.actions,
        filed.total_assets,
        filed.versions,
        stored.readings,
        stored.official_until,
    )


async def collect(
    store: Store,
    sources: Sources,
    settings: Settings,
    ticker: str,
    *,
    force: bool = False,
    known: Known | None = None,
) -> AssetData:
    """Ask every source for one asset, choose the values in force, and store all of it in one transaction.

    `known`: what is stored of it, where that was just read. Raises `GiveUp` when every source answered and none knows
    the ticker, `Unreachable` when none could answer.
    """
    known = known or await known_of(store, ticker)
    if force or known.bars_until is None:
        async with sources.whole_histories:
            return await _collect(store, sources, settings, ticker, known, force=force)
    return await _collect(store, sources, settings, ticker, known, force=force)


async def _collect(
    store: Store, sources: Sources, settings: Settings, ticker: str, known: Known, *, force: bool
) -> AssetData:
    now = settings.now()
    answers = await sources.collect(known.want(ticker, now, force=force))
    usable = [g for g in answers if g.usable]
    if not usable:
        refuse(ticker, answers, known=known.asset is not None)
    answers = own_days(answers)
    asset = merge_identity(ticker, known.asset, answers)
    chosen = await choose_values(store, answers, known, ticker, now)
    saved = await save(store, asset, answers, chosen)
    await follow_changes(store, sources, asset, answers, now)
    latest, until = await store.asset_reads.in_force(ticker)
    return AssetData(
        ticker=ticker,
        asset=asset,
        sources_count=len(usable),
        sources=tuple(g.outcome for g in answers),
        data=latest,
        bars_stored=saved.bars,
        bars_until=until.isoformat() if until else None,
        statements_stored=saved.statements,
        actions_stored=saved.actions,
        news_stored=saved.news,
        collected_at=datetime.now(UTC),
        sandbox=settings.sandbox,
    )


async def save(store: Store, asset: Asset | None, answers: Sequence[Answer], chosen: Iterable[Consensus] = ()) -> Saved:
    """Store what several sources brought in one transaction; market-wide files, which others bring too, before it."""
    await keep_files(store, answers)
    brought = Harvest.sum([*(answer.harvest for answer in answers), Harvest(consensus=list(chosen))])
    if asset is not None:
        brought += Harvest(assets=[asset], changes=changes_of(asset.ticker, answers))
    return await store.save_harvest(brought)


async def keep_files(store: Store, answers: Sequence[Answer]) -> None:
    """Store the bytes of market-wide files, which are on disk, unless they are stored yet: each once, singly.

    Files above `MAX_KEPT` stay on disk under their hash: a year of quotes is fetched again sooner than kept twice.
    """
    files = {sha: Path(path) for g in answers for sha, path in g.files.items()}
    payloads = {p.sha256: p for g in answers for p in g.harvest.payloads if p.body is None and p.size <= MAX_KEPT}
    lying = sorted(files.keys() & payloads.keys())
    absent = set(lying) - await store.asset_reads.kept(lying) if lying else set()
    for sha in sorted(absent):
        await store.payloads.put_file(payloads[sha], files[sha])


def changes_of(ticker: str, answers: Iterable[Answer]) -> list[TickerChange]:
    """The changes of codes that `ticker` takes part in, as the sources give them."""
    return known_changes(ticker, (c for g in answers if g.identity for c in g.identity.changes))


def own_days(answers: Sequence[Answer]) -> list[Answer]:
    """The answers, without bars from when another company had the code."""
    since = max((g.identity.since for g in answers if g.identity and g.identity.since), default=None)
    if since is None:
        return list(answers)
    return [
        replace(
            g,
            harvest=replace(
                g.harvest,
                bars=[bar for bar in g.harvest.bars if bar.day >= since],
                tables=[table.take(table.days >= np.datetime64(since, "D")) for table in g.harvest.tables],
            ),
        )
        for g in answers
    ]


async def follow_changes(
    store: Store, sources: Sources, asset: Asset, answers: Sequence[Answer], now: datetime
) -> None:
    """Keep up with changes of codes: the bars of the code before are fetched once, a code traded again is active."""
    before = [change.old for change in changes_of(asset.ticker, answers) if change.new == asset.ticker]
    stored = await store.bars.last_days(before) if before else {}
    for old in sorted(set(before) - set(stored)):
        past = await sources.collect(Want(ticker=old, now=now), only=("cotahist",))
        former = merge_identity(old, await store.assets.get(old), past)
        gone = former.model_copy(update={"active": False, "successor": asset.ticker, "cnpj": asset.cnpj})
        await save(store, gone, past)
    states = [g.identity.active for g in answers if g.identity is not None]
    if not asset.active and True in states and False not in states:
        await store.assets.activate(asset.ticker)


async def choose_values(
    store: Store, answers: Sequence[Answer], known: Known, ticker: str, now: datetime
) -> list[Consensus]:
    """Choose each field's value from the newest observation of every source, those stored before included."""
    newest: dict[tuple[object, ...], Observation] = {}
    for o in (o for g in answers for o in g.harvest.observations if o.ticker == ticker):
        key = (o.field, o.basis, o.source)
        if key not in newest or newest[key].as_of <= o.as_of:
            newest[key] = o  # the months before it are kept as history
    brought = list(newest.values())
    held = await store.asset_reads.newest(ticker)
    splits = [a for a in [*known.actions, *(a for g in answers for a in g.harvest.actions)] if a.factor is not None]
    return list(choose_all([*brought, *held], now, last_known=known.latest, splits=splits).values())


def refuse(ticker: str, answers: Sequence[Answer], *, known: bool) -> NoReturn:
    """End a collection that no source gave anything to: for good if nobody knows the code, else for now."""
    message = "; ".join(describe(g.outcome) for g in answers) or "no source is enabled"
    if any(g.outcome.status in ("failed", "rejected") for g in answers):
        raise Unreachable(f"{ticker}: no source could answer ({message})")
    if known:
        raise Unreachable(f"{ticker}: no source has it today ({message})")
    raise GiveUp(f"{ticker}: no source knows this ticker ({message})")


def describe(outcome: SourceOutcome) -> str:
    """One outcome in a few words."""
    return f"{outcome.source} {outcome.status}" + (f": {outcome.reason}" if outcome.reason else "")


def merge_identity(ticker: str, known: Asset | None, answers: Iterable[Answer]) -> Asset:
    """The identity from all sources: official ones first, what is known already where none says anything.

    A name that B3 cut to twelve characters ("FII JABATA R", "ISHARES S&P ") gives way to a whole one of another source.
    """
    base = known or Asset(ticker=ticker, kind=kind_of(ticker))
    update: dict[str, object] = {}
    identities = [found.identity or Identity() for found in answers]
    names = [identity.name for identity in identities if identity.name]
    if names and len(names[0]) in CUT_AT:
        longer = (name for name in names if len(name) > max(CUT_AT))
        shorter = (name for name in names if len(name) < min(CUT_AT) and not names[0].startswith(name))
        update["name"] = next(longer, None) or next(shorter, names[0])  # "XP LOG FII" for "FII XP LOG F"
    for identity in identities:
        for name in ("name", "cnpj", "cvm_code", "isin", "sector", "segment", "successor", "shares_outstanding"):
            value = getattr(identity, name)
            if value is not None:
                update.setdefault(name, value)
        if identity.kind is not None and base.kind is AssetKind.OTHER:
            update.setdefault("kind", identity.kind)
        if identity.active is False:
            update["active"] = False
    return base.model_copy(update=update)


def oldest_fresh(now: datetime) -> datetime:
    """The oldest moment a price may be of and still be fresh at `now`."""
    if session_open(now):
        return now - FRESH_INTRADAY
    hours = session_hours(last_closed_session(now))
    assert hours is not None  # a closed session had hours
    return hours[0]


def is_fresh(known: Known, settings: Settings, now: datetime) -> bool:
    """Whether everything of an asset is as new as it can be, not its price alone, which the price job renews by itself.

    The price is of the last session (within 15 minutes while one is on), and the bars reach the last closed session:
    only a collection brings them, and with them events, statements and news. After the close the price must be the
    official one; coins trade always and are never fresh.
    """
    price, asset = known.latest.get("close"), known.asset
    if price is None or asset is None or asset.kind is AssetKind.CRYPTO:
        return False
    if price.as_of < oldest_fresh(now) or price.divergent or price.quarantined:
        return False
    if known.bars_until is None or known.bars_until < last_closed_session(now):
        return False
    official = price.source is not None and settings.source(price.source).official
    return official or session_open(now) or asset.kind is AssetKind.INDEX


def is_over(known: Known) -> bool:
    """Whether a paper trades no more and its past is stored: nothing new comes of it, unless it is listed again."""
    asset = known.asset
    return asset is not None and not asset.active and asset.successor is None and known.bars_until is not None


def still_fresh(known: Known, settings: Settings, ticker: str) -> AssetData | None:
    """What is stored, where a collection could bring nothing new; None where it could (`is_fresh`, `is_over`)."""
    data, asset, now = dict(known.latest), known.asset, settings.now()
    if asset is None or not (is_over(known) or is_fresh(known, settings, now)):
        return None
    return AssetData(
        ticker=ticker,
        asset=asset,
        sources_count=len({s for c in data.values() for s in c.sources}),
        sources=(),
        data=data,
        bars_stored=0,
        bars_until=known.bars_until.isoformat() if known.bars_until else None,
        statements_stored=0,
        actions_stored=0,
        news_stored=0,
        collected_at=datetime.now(UTC),
        skipped_fresh=True,
        sandbox=settings.sandbox,
    )
