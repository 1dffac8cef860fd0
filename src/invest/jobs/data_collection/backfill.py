"""History on demand: B3's quotes by year and companies' yearly reports, each file once however many assets."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from invest.domain.market import Market, market_day
from invest.errors import ConfigError
from invest.settings import Settings
from invest.sources import SourceError, Sources
from invest.store import Store

FIRST_QUOTES, FIRST_REPORTS = 1986, 2010
TABLE_ROWS = 100_000  # bars stored in one transaction
LINES = 50_000  # lines of statements stored in one transaction


@dataclass(frozen=True, slots=True)
class Step:
    """One file of one year. `scope` names its kind and the assets it is read for."""

    kind: str
    year: int
    scope: str


@dataclass(frozen=True, slots=True)
class Done:
    """How one step went: `rows` that were new, or why it could not be read. `left`: seconds that the rest may take."""

    step: Step
    rows: int
    seconds: float
    problem: str | None
    number: int
    of: int
    left: float


async def read_history(
    store: Store,
    sources: Sources,
    settings: Settings,
    since: int,
    tell: Callable[[Done], Awaitable[None]],
    *,
    market: Market | None = None,
    again: bool = False,
) -> list[Done]:
    """Read the years from `since` on that were not read yet for these assets (`again`: those too, for a file may have
    been corrected since); the running year is read every time.

    Without a market: every asset that was collected. A step that fails is reported and left for the next run.
    Raises `ConfigError` where there is nothing to read for.
    """
    tickers, companies = await _assets(store, market)
    if not tickers:
        raise ConfigError("no asset to read history for: invest enqueue discover --wait, or collect some first")
    running = market_day(settings.now()).year
    if not FIRST_QUOTES <= since <= running:
        raise ConfigError(f"--since: a year from {FIRST_QUOTES} to {running}, not {since}")
    steps = await _open_steps(store, tickers, companies, range(running, since - 1, -1), again=again)
    results: list[Done] = []
    for number, step in enumerate(steps, 1):
        started, problem, rows = time.monotonic(), None, 0
        try:
            rows = await (_quotes if step.kind == "quotes" else _reports)(
                store, sources, step.year, tickers if step.kind == "quotes" else companies
            )
        except SourceError as error:
            problem = error.reason
        except ValueError as error:  # a row that the database refuses: the other years are read all the same
            problem = str(error)
        seconds = time.monotonic() - started
        if problem is None and step.year < running:
            await store.backfills.mark(step.scope, step.year, rows, seconds)
        mean = (sum(done.seconds for done in results) + seconds) / number
        results.append(Done(step, rows, seconds, problem, number, len(steps), mean * (len(steps) - number)))
        await tell(results[-1])
    return results


async def _assets(store: Store, market: Market | None) -> tuple[list[str], list[str]]:
    """Codes (those they had before included) and companies to read for."""
    assets = await store.assets.list(market=market, active=None, limit=100_000)
    if market is None:
        collected = await store.bars.last_days()
        assets = [asset for asset in assets if asset.ticker in collected]
    lineages = await store.assets.lineages()
    codes = {span.ticker for asset in assets for span in lineages.spans(asset.ticker)}
    return sorted(codes), sorted({asset.cnpj for asset in assets if asset.cnpj})


async def _open_steps(
    store: Store, tickers: Sequence[str], companies: Sequence[str], years: Iterable[int], *, again: bool
) -> list[Step]:
    """What is not done of `years`, newest years first: they are wanted most."""
    steps, wanted = [], list(years)
    for kind, names, first in (("quotes", tickers, FIRST_QUOTES), ("reports", companies, FIRST_REPORTS)):
        scope = f"{kind}:{_digest(names)}"
        done = set() if again else await store.backfills.done(scope)
        steps += [Step(kind, year, scope) for year in wanted if names and year >= first and year not in done]
    return sorted(steps, key=lambda step: (-step.year, step.kind))


def _digest(names: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


async def _quotes(store: Store, sources: Sources, year: int, tickers: Sequence[str]) -> int:
    """Store a year of quotes; returns how many bars were new or changed."""
    return sum([await store.bars.save_table(table) async for table in sources.quotes_of(year, tickers, TABLE_ROWS)])


async def _reports(store: Store, sources: Sources, year: int, companies: Sequence[str]) -> int:
    """Store a year of yearly reports; returns how many lines were new or corrected."""
    return sum([await store.statements.upsert(lines) async for lines in sources.reports_of(year, companies, LINES)])
