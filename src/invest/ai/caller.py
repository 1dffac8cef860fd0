"""Calls of one provider: ask for the strictest structure the server takes, price each reply, record every exchange."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

import aiohttp

from invest.ai.errors import CallFailed
from invest.ai.limits import Limiter
from invest.ai.prices import Cost, ceiling, cost_of
from invest.ai.questions import schema_appendix
from invest.ai.spending import Purse
from invest.ai.transport import Endpoint, exchange
from invest.ai.wires import OpenAIChat, Question, Reply, Structure
from invest.domain.opinions import OpinionStatus

_NEXT: dict[Structure, Structure] = {"schema": "object", "object": "prompt"}
_ABOUT_STRUCTURE = re.compile(
    r"(?i)response_?format|json_?schema|json_?object|output_?(?:config|format)|text\.format|structured|schema|mime"
)
_ABOUT_MODEL = re.compile(r"(?i)model")


@dataclass(frozen=True, slots=True)
class Terms:
    """How one provider is asked. `vendor` is who made the model: its members share one vote."""

    provider: str
    vendor: str
    endpoint: Endpoint
    timeout: float
    retries: int
    max_tokens: int
    news_run: bool = True
    sandbox: bool = False


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


class Caller:
    """One provider's line. Remembers which way of asking for a structure its server takes."""

    def __init__(
        self,
        terms: Terms,
        session: aiohttp.ClientSession,
        limiter: Limiter,
        purse: Purse,
        now: Callable[[], datetime],
    ) -> None:
        self.terms = terms
        self.now = now
        self._session = session
        self._limiter = limiter
        self._purse = purse
        self._endpoint = terms.endpoint
        self._structure: Structure = "schema"

    async def whole(self, question: Question, log: Log, deadline: float) -> Reply:
        """One whole reply: a truncated one is asked for once more with twice the tokens. Raises `CallFailed`."""
        for attempt in (question, question.doubled()):
            reply = await self._send(attempt, log, deadline)
            if reply.finish == "refusal":
                raise CallFailed(OpinionStatus.REFUSED, f"refused to answer: {reply.note[:160] or 'no reason given'}")
            if reply.finish == "stop":
                return reply
        raise CallFailed(OpinionStatus.TRUNCATED, f"cut at {question.max_tokens * 2} tokens, twice the first limit")

    async def _send(self, question: Question, log: Log, deadline: float) -> Reply:
        while True:
            asked = self._shaped(question)
            log.prompts.append({"system": asked.system, "user": asked.user})
            try:
                return await self._paid(asked, log, deadline)
            except CallFailed as error:
                if not self._step_down(error, asked):
                    raise
                log.answers.append(error.raw)

    async def _paid(self, question: Question, log: Log, deadline: float) -> Reply:
        endpoint, at = self._endpoint, self.now()
        async with self._purse.reserve(ceiling(question, endpoint, at)):
            reply = await exchange(
                self._session,
                endpoint,
                question,
                retries=self.terms.retries,
                deadline=deadline,
                on_limit=lambda seconds: self._limiter.pause(self.terms.provider, seconds),
            )
            cost = cost_of(reply, endpoint, at)
            log.book(reply, cost)
            # Shielded: what was used is owed, even if the caller has just run out of time.
            await asyncio.shield(self._purse.book(cost))
        return reply

    def _shaped(self, question: Question) -> Question:
        if question.schema is None or self._structure == "schema":
            return question
        return replace(question, system=question.system + schema_appendix(question.schema), structure=self._structure)

    def _step_down(self, error: CallFailed, asked: Question) -> bool:
        """Whether to ask again in a simpler way: an older API, or a structure the server can keep to."""
        if error.http_status in (404, 405) and self._endpoint.wire.fallback and not _ABOUT_MODEL.search(error.reason):
            self._endpoint = replace(self._endpoint, wire=OpenAIChat(native=True))
            return True
        if error.http_status not in (400, 415, 422, 501) or asked.schema is None:
            return False
        if not _ABOUT_STRUCTURE.search(error.reason) or asked.structure not in _NEXT:
            return False
        if self._structure == asked.structure:  # a parallel call may have stepped down already
            self._structure = _NEXT[asked.structure]
        return True
