"""Questions of one provider sent ahead in a batch: reserved at half the price, booked when their answers are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

import structlog

from invest.ai.calls.batching import HALF, BatchLine, PaidReply, mark_of
from invest.ai.calls.caller import Caller
from invest.ai.calls.limits import PaidCall
from invest.ai.calls.prices import Cost, ceiling, cost_of
from invest.ai.calls.spending import day_of
from invest.ai.errors import BudgetSpent, CallFailed
from invest.ai.wires import Question, Request, batches_of, parse

HELD_S = 48 * 3600.0  # vendors promise a day; what is not settled within two counts as spent
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that was submitted: `held` has the reservation of each item by its mark."""

    provider: str
    batch_id: str
    held: Mapping[str, str]
    most: Decimal


class Ahead:
    """One provider's questions, asked ahead."""

    def __init__(self, caller: Caller) -> None:
        endpoint = caller.terms.endpoint
        form = batches_of(endpoint.wire)
        if form is None:
            raise ValueError(f"{caller.terms.provider} has no batch interface")
        self._caller = caller
        self._line = BatchLine(caller.session, endpoint, form)

    async def submit(self, questions: Sequence[Question]) -> OpenBatch | None:
        """Begin a batch of what the budget allows; None where nothing was sent. Raises `CallFailed`."""
        caller, terms = self._caller, self._caller.terms
        items: dict[str, Request] = {}
        held: dict[str, str] = {}
        total = Decimal(0)
        for question in questions:
            asked, request = await caller.prepared(question)
            mark = mark_of(terms.provider, request)
            most = ceiling(asked, terms.endpoint, caller.now(), terms.prices, request.body)
            if mark in held or await caller.prepaid.get(mark) or (most is None and caller.budget and not terms.sandbox):
                continue
            try:
                held[mark] = await caller.purse.reserve((most or Decimal(0)) * HALF, HELD_S)
            except BudgetSpent as error:
                log.info("the rest is not asked ahead", provider=terms.provider, reason=str(error))
                break
            items[mark], total = request, total + (most or Decimal(0)) * HALF
        if not items:
            return None
        try:
            state = await self._line.submit(items)
        except BaseException:
            for reservation in held.values():
                await caller.purse.give_back(reservation)
            raise
        return OpenBatch(terms.provider, state.batch_id, held, total)

    async def collect(self, batch: OpenBatch) -> int | None:
        """Keep and book the answers of a batch; how many there are, None while it runs. Raises `CallFailed`.

        What was not answered (failed, expired, cancelled) costs nothing and is asked directly when its time comes.
        """
        state = await self._line.look(batch.batch_id)
        if not state.ended:
            return None
        answered = await self._line.results(state)
        count = 0
        for mark, reservation in batch.held.items():
            cost = await self._kept(batch, mark, answered[mark]) if mark in answered else None
            count += cost is not None
            await self._caller.purse.settle(reservation, (cost or Cost(None, None)).usd or Decimal(0), _nothing())
        return count

    async def cancel(self, batch: OpenBatch) -> None:
        """Ask the vendor to end a batch that is late. Raises `CallFailed`."""
        await self._line.cancel(batch.batch_id)

    async def give_up(self, batch: OpenBatch) -> None:
        """Book a batch that never ended at its most, as a call that was cut."""
        share = batch.most / max(len(batch.held), 1)
        for reservation in batch.held.values():
            await self._caller.purse.settle(reservation, share, _nothing())

    async def _kept(self, batch: OpenBatch, mark: str, body: bytes) -> Cost | None:
        """The cost of an answer that was kept; None for a body that is none."""
        caller, terms = self._caller, self._caller.terms
        try:
            reply = parse(terms.endpoint.wire, 200, {}, body, terms.endpoint.secrets)
        except CallFailed as error:
            log.info("an answer of a batch is none", provider=terms.provider, reason=error.reason)
            return None
        full = cost_of(reply, terms.endpoint, caller.now(), terms.prices)
        half = full.usd if reply.cost is not None or full.usd is None else full.usd * HALF
        cost = Cost(half, f"{full.version}, batch" if full.version else None)
        await caller.prepaid.put(mark, PaidReply(body.decode("utf-8", "replace"), cost.usd, cost.version))
        await caller.ledger.record(
            PaidCall(
                call_id=sha256(f"{batch.batch_id} {mark}".encode()).hexdigest(),  # collected again it is the same row
                at=caller.now(),
                provider=terms.provider,
                vendor=terms.vendor,
                model=reply.model,
                model_asked=terms.endpoint.model,
                key=terms.key_mark,
                purpose="batch",
                outcome="answered",
                tokens_in=reply.tokens_in,
                tokens_out=reply.tokens_out,
                cost_usd=cost.usd,
                price_version=cost.version,
                seconds=0.0,
                day=day_of(batch.held[mark]),
            )
        )
        return cost


async def _nothing() -> None:
    """Nothing to write down: each answer has its own row."""
