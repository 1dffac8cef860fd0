"""The analysts of this configuration, asked all at the same time; a failure of one is its abstention."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from statistics import fmean, stdev
from uuid import uuid4

import aiohttp
import structlog

from invest.ai.analyst import LlmAnalyst
from invest.ai.answers import data_hash, digest, dump_schema, opinion_prompt, prompt_language, render
from invest.ai.calls import (
    Ahead,
    Budget,
    Caller,
    Ledger,
    Lessons,
    Limiter,
    LocalLimiter,
    MemoryBudget,
    MemoryCache,
    MemoryLedger,
    MemoryLessons,
    MemoryPrepaid,
    OpenBatch,
    OpinionCache,
    Prepaid,
    Purse,
    Shared,
    open_session,
)
from invest.ai.errors import AnswerInvalid, BudgetSpent, CallFailed, PriceUnknown
from invest.ai.objection import choose, object_to
from invest.ai.providers import Missing, missing, terms_of, vendor_of
from invest.ai.rules import RulesAnalyst
from invest.domain.opinions import AiConsensus, Objection, Opinion, OpinionStatus, Snapshot
from invest.errors import NotFound
from invest.settings import Settings

# Outcomes that were paid for and would come out the same; a failed call is asked again instead.
KEPT = frozenset({OpinionStatus.OK, OpinionStatus.ABSTAINED, OpinionStatus.REFUSED, OpinionStatus.UNFAITHFUL})
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Noise:
    """An AI's own noise: mean and standard deviation of p180 over `answered` repeats of one question."""

    provider: str
    answered: int
    mean: float | None
    deviation: float | None


class Analysts:
    """Built by `Analysts.open`. Safe to share by every job of a process."""

    def __init__(
        self,
        settings: Settings,
        session: aiohttp.ClientSession,
        *,
        cache: OpinionCache,
        budget: Budget,
        limiter: Limiter,
        ledger: Ledger,
        lessons: Lessons,
        prepaid: Prepaid,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._now = now
        self._cache = cache
        purse = Purse(budget, Decimal(str(settings.ai.daily_budget_usd)))
        shared = Shared(session, limiter, purse, ledger, lessons, prepaid, now)
        self._missing: dict[str, Missing] = {}
        self._analysts: dict[str, LlmAnalyst] = {}
        self._rules: dict[str, RulesAnalyst] = {}
        self._ahead: dict[str, Ahead] = {}
        self._asking: dict[str, asyncio.Task[Opinion]] = {}
        for name in settings.ai.providers:
            provider = settings.provider(name)
            if gone := missing(name, provider):
                self._missing[name] = gone
            elif provider.kind == "rules":
                self._rules[name] = RulesAnalyst(name, now, sandbox=settings.sandbox)
            else:
                caller = Caller(terms_of(settings, name), shared)
                self._analysts[name] = LlmAnalyst(caller)
                if provider.batch:
                    self._ahead[name] = Ahead(caller)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        *,
        cache: OpinionCache | None = None,
        budget: Budget | None = None,
        limiter: Limiter | None = None,
        ledger: Ledger | None = None,
        lessons: Lessons | None = None,
        prepaid: Prepaid | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> AsyncIterator[Analysts]:
        """The analysts of `settings.ai.providers`; what is kept and counted is this process's own unless given."""
        await asyncio.to_thread(_warm)
        connections = settings.ai.concurrency * max(len(settings.ai.providers), 1)
        async with open_session(connections) as session:
            analysts = cls(
                settings,
                session,
                cache=cache or MemoryCache(),
                budget=budget or MemoryBudget(),
                limiter=limiter or LocalLimiter(settings.ai.concurrency, per_minute=per_minute(settings)),
                ledger=ledger or MemoryLedger(),
                lessons=lessons or MemoryLessons(),
                prepaid=prepaid or MemoryPrepaid(),
                now=now,
            )
            try:
                yield analysts
            finally:
                await analysts._stop()

    @property
    def names(self) -> tuple[str, ...]:
        """The providers that are asked when none is named: those enabled, with a key or not."""
        return tuple(name for name, given in self._settings.ai.providers.items() if given.enabled)

    @property
    def unavailable(self) -> dict[str, str]:
        """Enabled providers that cannot be asked, and why: "no key (OPENAI_API_KEY)"."""
        return {name: self._missing[name].reason for name in self.names if name in self._missing}

    async def benchmark(self, snapshot: Snapshot, language: str | None = None) -> Opinion | None:
        """What the local rules make of the same facts: shown beside the AIs, never a vote; None where they are off."""
        tongue = prompt_language(language or snapshot.language)
        rules = next(iter(self._rules.values()), None)
        return await rules.ask(snapshot, tongue) if rules else None

    async def ask(
        self, snapshot: Snapshot, providers: Sequence[str] | None = None, language: str | None = None
    ) -> list[Opinion]:
        """One opinion per provider, in their order, all asked at the same time; failures are abstentions.

        Raises `NotFound` for a provider that the settings do not have.
        """
        names = list(dict.fromkeys(self.names if providers is None else providers))
        for name in names:
            self._known(name)
        return list(await asyncio.gather(*(self.ask_one(name, snapshot, language) for name in names)))

    async def ask_one(self, name: str, snapshot: Snapshot, language: str | None = None) -> Opinion:
        """The opinion of one provider. The same question in flight or in the cache is not paid for again."""
        self._known(name)
        tongue = prompt_language(language or snapshot.language)
        if name in self._rules:
            return await self._rules[name].ask(snapshot, tongue)
        analyst = self._analysts.get(name)
        if analyst is None:
            return self._absent(name, snapshot, tongue)
        blind_key = self._key(name, snapshot.model_copy(update={"news": ()}), tongue)
        key = self._key(name, snapshot, tongue) if analyst.reads_news(snapshot) else blind_key
        if kept := await self._recall(key):
            return kept.model_copy(update={"cached": True, "cost_usd": Decimal(0)})
        if (task := self._asking.get(key)) is None:
            task = asyncio.create_task(self._ask_and_keep((key, blind_key), analyst, snapshot, tongue))
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
            return await self._joined(task)
        return (await self._joined(task)).model_copy(update={"cached": True, "cost_usd": Decimal(0)})

    @property
    def batching(self) -> tuple[str, ...]:
        """The providers whose questions may be asked ahead, in batches."""
        return tuple(self._ahead)

    async def ask_ahead(self, snapshots: Sequence[Snapshot], language: str) -> list[OpenBatch]:
        """Send the questions on `snapshots` to every vendor that takes batches; one that refuses is asked directly.

        An opinion that the cache still has is not asked for.
        """
        tongue = prompt_language(language)
        begun = []
        for name, ahead in self._ahead.items():
            analyst = self._analysts[name]
            questions = []
            for snapshot in snapshots:
                if not await self._recall(self._key(name, snapshot, tongue)):
                    questions += analyst.questions(snapshot, tongue)
            try:
                batch = await ahead.submit(questions)
            except CallFailed as error:
                log.warning("no batch was begun", provider=name, reason=error.reason)
                continue
            begun += [batch] if batch is not None else []
        return begun

    async def collect(self, batch: OpenBatch, *, late: bool = False, lost: bool = False) -> int | None:
        """Keep the answers of a batch; how many, None while it runs. Raises `CallFailed` where the vendor is away.

        `late`: the vendor is asked to end it, its answers are kept when it does. `lost`: it is waited for no longer
        and booked at its most.
        """
        ahead = self._ahead.get(batch.provider)
        if ahead is None:
            return 0  # batches were switched off since: what was reserved counts as spent
        found = None
        try:
            found = await ahead.collect(batch)
            if found is None and late:
                await ahead.cancel(batch)
                found = await ahead.collect(batch)
        except CallFailed:
            if not lost:
                raise
        if found is None and lost:
            await ahead.give_up(batch)
            return 0
        return found

    async def noise(self, name: str, snapshot: Snapshot, repeats: int = 3) -> Noise:
        """How far one provider's p180 wanders on the very same question, asked `repeats` times past the cache."""
        self._known(name)
        analyst = self._analysts.get(name)
        if analyst is None:
            return Noise(name, 0, None, None)
        tongue = prompt_language(snapshot.language)
        opinions = await asyncio.gather(*(analyst.ask(snapshot, tongue) for _ in range(repeats)))
        probabilities = [o.p_beat_180d_blind for o in opinions if o.valid and o.p_beat_180d_blind is not None]
        return Noise(
            name,
            len(probabilities),
            fmean(probabilities) if probabilities else None,
            stdev(probabilities) if len(probabilities) > 1 else None,
        )

    async def object(
        self, snapshot: Snapshot, consensus: AiConsensus, opinions: Sequence[Opinion], language: str | None = None
    ) -> Objection | None:
        """The strongest objection to the verdict, by the AI furthest from it; None where there is none to be had."""
        name = choose(consensus, opinions)
        analyst = self._analysts.get(name or "")
        if name is None or analyst is None:
            return None
        try:
            tongue = prompt_language(language or snapshot.language)
            return await object_to(analyst, name, snapshot, consensus, tongue)
        except (CallFailed, AnswerInvalid, BudgetSpent, PriceUnknown, TimeoutError) as error:
            log.info("no objection", provider=name, reason=str(error) or "timeout")
            return None

    async def _joined(self, task: asyncio.Task[Opinion]) -> Opinion:
        """The task's result. One that waits and is cancelled leaves the call to the others who wait for it."""
        return await asyncio.shield(task)

    async def _ask_and_keep(
        self, keys: tuple[str, str], analyst: LlmAnalyst, snapshot: Snapshot, language: str
    ) -> Opinion:
        """Ask and keep what was paid for; where only the news are new, the blind run is not paid again."""
        key, blind_key = keys
        blind = await self._recall(blind_key) if key != blind_key else None
        opinion = await analyst.ask(
            snapshot,
            language,
            blind if blind is not None and blind.valid else None,
            keep=lambda opinion: self._put(blind_key, opinion),
        )
        if opinion.status not in KEPT:
            log.info("analyst abstained", provider=opinion.provider, status=opinion.status, reason=opinion.reason)
            return opinion
        await self._put(key, opinion)
        return opinion

    async def _put(self, key: str, opinion: Opinion) -> None:
        try:
            await self._cache.put(key, opinion, self._settings.ai.cache_hours * 3600)
        except Exception as error:  # an answer that was paid for is worth more than its copy
            log.warning("opinion not cached", provider=opinion.provider, exc_info=error)

    async def _recall(self, key: str) -> Opinion | None:
        try:
            return await self._cache.get(key) if self._settings.ai.cache_hours else None
        except Exception as error:  # without its cache a panel is dearer, not broken
            log.warning("opinion cache unreadable", exc_info=error)
            return None

    async def _stop(self) -> None:
        for task in (tasks := list(self._asking.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _known(self, name: str) -> None:
        if name not in self._settings.ai.providers:
            there_are = ", ".join(self._settings.ai.providers) or "none"
            raise NotFound(f"no AI named {name[:40]!r}; there are: {there_are}")

    def _key(self, name: str, snapshot: Snapshot, language: str) -> str:
        """Hash of everything that decides the answer: who is asked, how, and what. No date in it."""
        given = self._settings.provider(name)
        prompt = opinion_prompt(snapshot, language, with_news=True)
        how = json.dumps([given.effort, given.extra_body], sort_keys=True, default=str)
        asked = (name, given.kind, given.model, given.base_url or "", how, str(self._settings.ai.blind_run))
        return digest(*asked, prompt.hash, data_hash(snapshot, language))

    def _absent(self, name: str, snapshot: Snapshot, language: str) -> Opinion:
        given = self._settings.ai.providers[name]
        return Opinion(
            opinion_id=uuid4().hex,
            ticker=snapshot.ticker,
            provider=name,
            vendor=vendor_of(name, given),
            model=given.model,
            model_asked=given.model,
            status=OpinionStatus.UNAVAILABLE,
            reason=self._missing[name].reason,
            reason_code=self._missing[name].code,
            reason_values={"provider": name, "model": given.model, "setting": self._missing[name].setting},
            prompt_hash="",
            data_hash=data_hash(snapshot, language),
            language=language,
            index_label=snapshot.index_label,
            asked_at=self._now(),
            seconds=0.0,
            sandbox=snapshot.sandbox or self._settings.sandbox,
        )


def _warm() -> None:
    """Load prices, templates and the schema now, off the loop: the first question must not wait for them."""
    import genai_prices

    with suppress(LookupError, ValueError):
        genai_prices.calc_price(genai_prices.Usage(input_tokens=1, output_tokens=1), "-", provider_id="openai")
    for language in ("pt-BR", "en"):
        render("system", language, index="IBOV")
    dump_schema()


def per_minute(settings: Settings) -> dict[str, float]:
    """Requests per minute of the providers that set them."""
    rates = ((name, given.requests_per_minute) for name, given in settings.ai.providers.items())
    return {name: rate for name, rate in rates if rate is not None}
