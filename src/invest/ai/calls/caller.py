"""Calls of one provider: learn what its server takes, price and book each request, record every exchange."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import uuid4

import aiohttp
import structlog

from invest.ai.calls.batching import Prepaid, mark_of
from invest.ai.calls.dialect import MOST_LESSONS, Dialect, Refused, learn
from invest.ai.calls.limits import PAYER, Ledger, Lessons, Limiter, PaidCall
from invest.ai.calls.makers import maker_of
from invest.ai.calls.models import listed_models
from invest.ai.calls.prices import Cost, PriceList, ceiling, cost_of, estimate
from invest.ai.calls.spending import Purse, day_of, owed
from invest.ai.calls.transport import Endpoint, clock, pause, send
from invest.ai.errors import CallFailed, PriceUnknown
from invest.ai.hiding import hide_keys
from invest.ai.wires import OpenAIChat, Question, Reply, Request, parse
from invest.domain.opinions import OpinionStatus

LEAST_CHARACTERS = 8  # a token holds fewer characters than this in any language we ask in
USUAL_CHARACTERS = 4.5
ANY_MODEL = "default"  # what a server that holds one model alone takes for its name
WINDOWS = (2048, 4096, 8192, 16384, 32768)  # contexts that servers default to
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """How one provider is asked. `vendor` is who made the model: its members share one vote."""

    provider: str
    vendor: str
    endpoint: Endpoint
    timeout: float
    retries: int
    max_tokens: int
    prices: PriceList
    vendor_set: bool = False
    effort: str | None = None
    batch: bool = False
    news_run: bool = True
    sandbox: bool = False

    @property
    def key_mark(self) -> str:
        """Which key pays, without the key: the first digits of its hash."""
        key = self.endpoint.key
        return hashlib.sha256(key.encode()).hexdigest()[:8] if key else ""


@dataclass(slots=True)
class Log:
    """What was sent, came back and was spent; kept whole whatever the outcome."""

    prompts: list[dict[str, str]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    model: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: Decimal | None = None
    price_version: str | None = None

    def book(self, reply: Reply, cost: Cost) -> None:
        """Add one reply and its cost."""
        self.answers.append(reply.raw)
        self.model = reply.model or self.model
        self._count(reply.tokens_in, reply.tokens_out, cost.usd, cost.version)

    def lost(self, most: Decimal) -> None:
        """Add a call that was cut: what it is booked at."""
        if most:
            self._count(None, None, most, "at most")

    def add(self, other: Log) -> None:
        """Add what another run went through."""
        self.prompts += other.prompts
        self.answers += other.answers
        self.model = self.model or other.model
        self._count(other.tokens_in, other.tokens_out, other.cost, other.price_version)

    def _count(self, tokens_in: int | None, tokens_out: int | None, cost: Decimal | None, version: str | None) -> None:
        if tokens_in is not None:
            self.tokens_in = (self.tokens_in or 0) + tokens_in
        if tokens_out is not None:
            self.tokens_out = (self.tokens_out or 0) + tokens_out
        if cost is not None:
            self.cost = (self.cost or Decimal(0)) + cost
        self.price_version = self.price_version or version


@dataclass(frozen=True, slots=True)
class Shared:
    """What the callers of all providers share."""

    session: aiohttp.ClientSession
    limiter: Limiter
    purse: Purse
    ledger: Ledger
    lessons: Lessons
    prepaid: Prepaid
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Errand:
    """One run's calls: where they are logged, when they must end (on the loop's clock), and what they are for."""

    log: Log
    deadline: float
    purpose: str


@dataclass(frozen=True, slots=True)
class _Ended:
    """How one request ended: answered, failed, or cut by our timeout."""

    outcome: str
    cost: Cost
    reply: Reply | None = None


class Caller:
    """One provider's line."""

    def __init__(self, terms: Terms, shared: Shared) -> None:
        self.terms = terms
        self.now = shared.now
        self.limiter = shared.limiter
        self.session = shared.session
        self.purse = shared.purse
        self.ledger = shared.ledger
        self.prepaid = shared.prepaid
        self._lessons = shared.lessons
        self._dialect: Dialect | None = None
        endpoint = terms.endpoint
        self._lesson = f"{type(endpoint.wire).__name__}|{endpoint.base_url}|{endpoint.model}"

    @property
    def budget(self) -> Decimal:
        """The day's limit in US$; 0 for none."""
        return self.purse.limit

    def vendor_of(self, answered: str | None) -> str:
        """Who made the model that answered, where its id tells; a router may have passed the question on."""
        return self.terms.vendor if self.terms.vendor_set else maker_of(answered) or self.terms.vendor

    async def whole(self, question: Question, errand: Errand) -> Reply:
        """One whole reply: a truncated one is asked for once more with far more room. Raises `CallFailed`."""
        wider = question.wider()
        for asked in (question, wider):
            reply = await self._learning(asked, errand)
            if reply.finish == "refusal":
                note = reply.note[:160] or "no reason given"
                raise CallFailed(
                    OpinionStatus.REFUSED, f"refused to answer: {note}", code="refused", values={"detail": note}
                )
            if reply.finish == "stop":
                return reply
            most = (await self._known()).most_tokens
            if most is not None and most <= asked.max_tokens:
                break
        limit = min(wider.max_tokens, most or wider.max_tokens)
        raise CallFailed(OpinionStatus.TRUNCATED, f"cut at {limit} tokens", code="truncated", values={"n": str(limit)})

    async def prepared(self, question: Question) -> tuple[Question, Request]:
        """A question as it would be asked now, and its request."""
        dialect = await self._known()
        endpoint = self._endpoint(dialect)
        asked = dialect.shaped(replace(question, effort=self.terms.effort))
        extra = dict(endpoint.extra_body)
        return asked, dialect.request(endpoint.wire, asked, endpoint.model, stream=endpoint.stream, extra=extra)

    async def structure_ignored(self) -> None:
        """Remember that the server answered a strict structure with prose: from now on the prompt carries it too."""
        await self._keep(replace(await self._known(), schema_in_prompt=True))

    async def _learning(self, question: Question, errand: Errand) -> Reply:
        """A reply, asked for again in another way as long as the server's refusals teach one."""
        for _ in range(MOST_LESSONS):
            dialect = await self._known()
            endpoint = self._endpoint(dialect)
            asked, sent = await self.prepared(question)
            errand.log.prompts.append({"system": asked.system, "user": asked.user})
            try:
                reply = await self._tried(endpoint, sent, asked, errand)
            except CallFailed as error:
                if error.status is OpinionStatus.INVALID and error.http_status is not None:
                    # A server that checks the structure itself threw an answer away: it is read, or repaired.
                    errand.log.answers.append(hide_keys(error.raw, endpoint.secrets))
                    return Reply(error.partial, None, "stop", raw=error.raw)
                learnt = learn(dialect, error, Refused(endpoint.wire, sent, asked, endpoint.base_url))
                if learnt is None and error.code == "model_gone" and not (self.terms.endpoint.model or dialect.model):
                    learnt = await self._first_model(dialect, endpoint)
                if learnt is None:
                    raise
                errand.log.answers.append(hide_keys(error.raw, endpoint.secrets))
                if self._dialect == dialect:  # a parallel call may have learnt already
                    await self._keep(learnt)
                continue
            self._check_read(reply, asked, endpoint)
            return reply
        raise CallFailed(OpinionStatus.UNAVAILABLE, "the server refuses every way of asking", code="request_refused")

    async def _tried(self, endpoint: Endpoint, sent: Request, asked: Question, errand: Errand) -> Reply:
        """The request, and again where that may help: 408, 425, 429, 5xx, cut or unreadable answers, network errors."""
        for attempt in range(self.terms.retries + 1):
            try:
                return await self._paid(endpoint, sent, asked, errand)
            except CallFailed as error:
                if error.code in ("rate_limited", "overloaded") and error.retry_after:
                    self.limiter.pause(self.terms.provider, error.retry_after)
                if not error.retryable or attempt == self.terms.retries:
                    raise
                await pause(error, attempt, errand.deadline, asyncio.sleep)
        raise AssertionError("the loop above returns or raises")

    async def _paid(self, endpoint: Endpoint, sent: Request, asked: Question, errand: Errand) -> Reply:
        """One request, its most reserved before it and what it did cost booked after it, however it ends."""
        if self.terms.batch and (ready := await self._ahead(endpoint, sent)) is not None:
            errand.log.book(*ready)
            return ready[0]
        at, started, prices = self.now(), clock(), self.terms.prices
        most = ceiling(asked, endpoint, at, prices, sent.body)
        if most is None and self.purse.limit and not self.terms.sandbox:
            settings = f"ai.providers.{self.terms.provider}.price_in and price_out"
            raise PriceUnknown(f"no price is known for {endpoint.model} (set {settings})")
        most = most or Decimal(0)
        reservation = await self.purse.reserve(most)
        day = day_of(reservation)
        try:
            reply = await send(self.session, endpoint, sent)
        except BaseException as error:
            cost = owed(error, most)
            errand.log.lost(cost)
            ended = _Ended(
                "failed" if isinstance(error, CallFailed) else "cut", Cost(cost, "at most" if cost else None)
            )
            await self.purse.settle(reservation, cost, self._noted((at, day), started, errand.purpose, ended))
            raise
        reply = replace(reply, raw=hide_keys(reply.raw, endpoint.secrets), text=hide_keys(reply.text, endpoint.secrets))
        cost_now = cost_of(reply, endpoint, at, prices)
        if cost_now.usd is None and (reply.tokens_in is None or reply.tokens_out is None):
            cost_now = estimate(asked, reply, endpoint, at, prices)
        errand.log.book(reply, cost_now)
        noted = self._noted((at, day), started, errand.purpose, _Ended("answered", cost_now, reply))
        await self.purse.settle(reservation, cost_now.usd or Decimal(0), noted)
        return reply

    async def _ahead(self, endpoint: Endpoint, sent: Request) -> tuple[Reply, Cost] | None:
        """The answer that a batch gave to this very request, and what it did cost; None where there is none."""
        kept = await self.prepaid.get(mark_of(self.terms.provider, sent))
        if kept is None:
            return None
        try:
            reply = parse(endpoint.wire, 200, {}, kept.body.encode(), endpoint.secrets)
        except CallFailed as error:
            log.info("an answer of a batch is none", provider=self.terms.provider, reason=error.reason)
            return None
        shown = replace(reply, raw=hide_keys(reply.raw, endpoint.secrets), text=hide_keys(reply.text, endpoint.secrets))
        return shown, Cost(kept.cost, kept.version)

    async def _noted(self, when: tuple[datetime, date | None], started: float, purpose: str, ended: _Ended) -> None:
        terms, reply = self.terms, ended.reply
        await self.ledger.record(
            PaidCall(
                call_id=uuid4().hex,
                at=when[0],
                day=when[1],
                provider=terms.provider,
                vendor=terms.vendor,
                model=reply.model if reply else None,
                model_asked=terms.endpoint.model,
                key=terms.key_mark,
                purpose=purpose,
                outcome=ended.outcome,
                tokens_in=reply.tokens_in if reply else None,
                tokens_out=reply.tokens_out if reply else None,
                cost_usd=ended.cost.usd,
                price_version=ended.cost.version,
                seconds=round(clock() - started, 3),
                payer=payer.name if (payer := PAYER.get()) else None,
            )
        )

    def _check_read(self, reply: Reply, asked: Question, endpoint: Endpoint) -> None:
        """Raise where a compatible server counts far fewer tokens than the question has: it read a part of it."""
        wire = endpoint.wire
        if not isinstance(wire, OpenAIChat) or wire.native or wire.azure or not reply.tokens_in:
            return
        characters = len(asked.system) + len(asked.user)
        window = any(0.97 * size <= reply.tokens_in <= size for size in WINDOWS)
        if reply.tokens_in * LEAST_CHARACTERS >= characters and not (
            window and characters > reply.tokens_in * USUAL_CHARACTERS * 1.05
        ):
            return
        needed = round(characters / USUAL_CHARACTERS) + asked.max_tokens
        raise CallFailed(
            OpinionStatus.UNAVAILABLE,
            f"the server read {reply.tokens_in} tokens of a question of about {characters // 4}: raise its context "
            f"to {needed} (OLLAMA_CONTEXT_LENGTH, --max-model-len, --ctx-size)",
            code="context_cut",
            values={"read": str(reply.tokens_in), "asked": str(characters // 4), "needed": str(needed)},
        )

    def _endpoint(self, dialect: Dialect) -> Endpoint:
        endpoint = self.terms.endpoint
        if not endpoint.model:
            endpoint = replace(endpoint, model=dialect.model or ANY_MODEL)
        if dialect.older_api and endpoint.wire.fallback:
            return replace(endpoint, wire=OpenAIChat(native=True, azure=getattr(endpoint.wire, "azure", False)))
        return endpoint

    async def _first_model(self, dialect: Dialect, endpoint: Endpoint) -> Dialect | None:
        """The first model of the server's own list, where the settings name none and it does not take any name."""
        models = await listed_models(self.session, endpoint, dialect.version)
        return replace(dialect, model=models[0].id) if models else None

    async def _known(self) -> Dialect:
        if self._dialect is None:
            try:
                kept = await self._lessons.get(self._lesson)
            except Exception as error:  # what was learnt is learnt again
                log.warning("lessons of AI servers unreadable", exc_info=error)
                kept = None
            self._dialect = self._dialect or (Dialect.of(kept) if kept else Dialect())
        return self._dialect

    async def _keep(self, dialect: Dialect) -> None:
        self._dialect = dialect
        try:
            await self._lessons.put(self._lesson, dialect.kept())
        except Exception as error:
            log.warning("lesson of an AI server not kept", exc_info=error)
