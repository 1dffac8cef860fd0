"""Ask one AI: a blind run over the facts gives the opinion; a second run beside it shows the effect of the news.

The texts, prices and citations are those of the blind run, which no stranger's word has reached. The run with news is
made only where there is something new and material to read; it may move each probability by .025 at most, so two
snapshots that differ in their news differ by .05 at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import orjson
import structlog

from invest.ai.answers import (
    Checked,
    Prompt,
    answer_schema,
    check_answer,
    data_hash,
    digest,
    one_line,
    opinion_prompt,
    parse_answer,
    render,
)
from invest.ai.calls import Caller, Errand, Log, clock
from invest.ai.errors import (
    AnswerAbstained,
    AnswerInvalid,
    AnswerNotJson,
    BudgetSpent,
    CallFailed,
    PriceUnknown,
    ReasonCode,
)
from invest.ai.hiding import hide_keys
from invest.ai.wires import Question
from invest.domain.opinions import (
    Opinion,
    OpinionStatus,
    Snapshot,
    bounded_by_news,
    confidence_of,
    material_news,
    moved_by_news,
    rating_of,
    shrunk,
)

HORIZONS = ("p_beat_30d", "p_beat_90d", "p_beat_180d")
Number = TypeVar("Number", int, Decimal)
log = structlog.get_logger(__name__)


class Analyst(Protocol):
    """Anything that answers with an opinion, and never with an exception."""

    async def ask(self, snapshot: Snapshot, language: str) -> Opinion:
        """The opinion on `snapshot`, or an abstention that says why."""
        ...


class Abstention(Exception):
    """Why a run gave no opinion: the status, one line for the record, and its code and values for a reader."""

    def __init__(
        self, status: OpinionStatus, reason: str, code: ReasonCode, values: dict[str, str] | None = None
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = one_line(reason, 300)
        self.code: ReasonCode = code
        self.values = values or {}


@dataclass(slots=True)
class Run:
    """Outcome of one run: a checked answer, or the abstention it became."""

    log: Log = field(default_factory=Log)
    checked: Checked | None = None
    abstention: Abstention | None = None
    seconds: float = 0.0


class LlmAnalyst:
    """An AI behind a wire; one per provider, shared by all who ask."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def ask(
        self,
        snapshot: Snapshot,
        language: str,
        blind: Opinion | None = None,
        keep: Callable[[Opinion], Awaitable[None]] | None = None,
    ) -> Opinion:
        """See `Analyst`. Both runs go out at the same time.

        `blind` is a kept opinion on the same facts, which is not paid again; `keep` is given the one that was paid.
        """
        informed = self.reads_news(snapshot)
        if blind is not None:
            return await self._with_news(blind, snapshot, language) if informed else blind
        if not informed:
            return await self._blind(snapshot, language)
        first, run = await asyncio.gather(self._blind(snapshot, language), self._news_run(snapshot, language))
        if keep is not None and first.valid:
            await keep(first.model_copy(update={"opinion_id": uuid4().hex}))
        return _informed(first, run)

    def reads_news(self, snapshot: Snapshot) -> bool:
        """Whether a second run with the news is worth its money: something new and material is there to read."""
        return self._caller.terms.news_run and material_news(snapshot.news)

    def questions(self, snapshot: Snapshot, language: str) -> list[Question]:
        """What `ask` would ask first: the blind question, and the one with the news where it is worth its money."""
        with_news = [False, True] if self.reads_news(snapshot) else [False]
        prompts = [opinion_prompt(snapshot, language, with_news=news) for news in with_news]
        return [Question(p.system, p.user, answer_schema(), self._caller.terms.max_tokens) for p in prompts]

    @property
    def max_tokens(self) -> int:
        """The limit of an answer."""
        return self._caller.terms.max_tokens

    @property
    def sandbox(self) -> bool:
        """Whether it speaks to the sandbox."""
        return self._caller.terms.sandbox

    async def write(self, question: Question, purpose: str) -> tuple[str, Log]:
        """The bare text of an answer. Raises `CallFailed`, `BudgetSpent`, `PriceUnknown` or `TimeoutError`."""
        kept, terms = Log(), self._caller.terms
        async with self._caller.limiter.slot(terms.provider, terms.timeout), asyncio.timeout(terms.timeout):
            reply = await self._caller.whole(question, Errand(kept, self._deadline(), purpose))
        return reply.text, kept

    async def _blind(self, snapshot: Snapshot, language: str) -> Opinion:
        asked_at = self._caller.now()
        prompt = opinion_prompt(snapshot, language, with_news=False)
        run = await self._run(prompt, snapshot, language, texts=True, purpose="opinion")
        return self._opinion(snapshot, language, prompt, run, {"asked_at": asked_at})

    async def _news_run(self, snapshot: Snapshot, language: str) -> tuple[Prompt, Run]:
        # Only the blind run's texts are used, so only they are worth a repair.
        prompt = opinion_prompt(snapshot, language, with_news=True)
        return prompt, await self._run(prompt, snapshot, language, texts=False, purpose="news")

    async def _with_news(self, blind: Opinion, snapshot: Snapshot, language: str) -> Opinion:
        """A kept opinion beside fresh news: what is paid now is the run with news alone."""
        asked_at = self._caller.now()
        fresh = {"opinion_id": uuid4().hex, "asked_at": asked_at, "tokens_in": 0, "tokens_out": 0, "seconds": 0.0}
        fresh |= {"cost_usd": Decimal(0), "data_hash": data_hash(snapshot, language)}
        return _informed(blind.model_copy(update=fresh), await self._news_run(snapshot, language))

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._caller.terms.timeout

    async def _run(self, prompt: Prompt, snapshot: Snapshot, language: str, *, texts: bool, purpose: str) -> Run:
        """One run. Its time starts when its turn comes: waiting for a slot is not the vendor's slowness."""
        run, started, terms = Run(), clock(), self._caller.terms
        try:
            async with self._caller.limiter.slot(terms.provider, terms.timeout):
                started = clock()
                async with asyncio.timeout(terms.timeout):
                    await self._judge(run, prompt, snapshot, language, texts=texts, purpose=purpose)
        except Exception as error:  # whatever fails here must not hide the other analysts
            if isinstance(error, CallFailed) and error.raw:
                run.log.answers.append(hide_keys(error.raw, terms.endpoint.secrets))
            if run.checked is None:  # a repair that ran out of time leaves the first answer standing
                run.abstention = self._abstention(error)
        run.seconds = clock() - started
        return run

    def _abstention(self, error: Exception) -> Abstention:
        terms = self._caller.terms
        about = {"provider": terms.provider, "model": terms.endpoint.model}
        gone: tuple[OpinionStatus, str, ReasonCode]
        match error:
            case CallFailed():
                gone, about = (error.status, error.reason, error.code), about | error.values
            case AnswerInvalid():
                gone = OpinionStatus.INVALID, str(error), error.code
                about |= {"detail": str(error)} | error.values
            case AnswerAbstained():
                gone = OpinionStatus.ABSTAINED, str(error), "insufficient"
            case BudgetSpent():
                gone = OpinionStatus.UNAVAILABLE, str(error), "budget_spent"
                about |= {"limit": f"{error.limit:.2f}", "setting": error.setting}
            case PriceUnknown():
                gone = OpinionStatus.UNAVAILABLE, str(error), "no_price"
            case TimeoutError():
                about["seconds"] = f"{terms.timeout:g}"
                gone = OpinionStatus.TIMEOUT, f"no answer within {terms.timeout:g} s", "timeout"
            case _:
                log.error("analyst failed", provider=terms.provider, exc_info=error)
                gone = OpinionStatus.UNAVAILABLE, f"internal: {type(error).__name__}", "internal"
        return Abstention(*gone, about)

    async def _judge(
        self, run: Run, prompt: Prompt, snapshot: Snapshot, language: str, *, texts: bool, purpose: str
    ) -> None:
        """One answer and, where it is unusable, unfaithful or against itself, one repair."""
        deadline = self._deadline()
        question = Question(prompt.system, prompt.user, answer_schema(), self._caller.terms.max_tokens)

        async def attempt(asked: Question, why: str) -> Checked:
            reply = await self._caller.whole(asked, Errand(run.log, deadline, why))
            return check_answer(parse_answer(reply.text, snapshot, language), snapshot, language)

        try:
            run.checked = await attempt(question, purpose)
            if not (texts and run.checked.faults):
                return
            problem = run.checked.problem(language)
        except AnswerInvalid as error:
            if isinstance(error, AnswerNotJson):
                await self._caller.structure_ignored()
            problem = str(error)
        repair = render("repair", language, problem=problem)
        try:
            second = await attempt(replace(question, user=f"{question.user}\n\n{repair}"), "repair")
        except (AnswerInvalid, AnswerAbstained, CallFailed, BudgetSpent, PriceUnknown):
            if run.checked is None:
                raise
            return  # the first answer stands, its unfaithful sentences hidden
        if run.checked is None or second.faults <= run.checked.faults:
            run.checked = second

    def _opinion(self, snapshot: Snapshot, language: str, prompt: Prompt, run: Run, base: dict[str, Any]) -> Opinion:
        terms = self._caller.terms
        fields = base | {
            "opinion_id": uuid4().hex,
            "ticker": snapshot.ticker,
            "provider": terms.provider,
            "vendor": self._caller.vendor_of(run.log.model),
            "model": run.log.model or terms.endpoint.model,
            "model_asked": terms.endpoint.model,
            "prompt_hash": digest(prompt.hash),
            "data_hash": data_hash(snapshot, language),
            "language": language,
            "index_label": snapshot.index_label,
            "seconds": round(run.seconds, 3),
            "tokens_in": run.log.tokens_in,
            "tokens_out": run.log.tokens_out,
            "cost_usd": run.log.cost,
            "price_version": run.log.price_version,
            "sandbox": snapshot.sandbox or terms.sandbox,
            "raw_prompt": orjson.dumps(run.log.prompts).decode(),
            "raw_answer": orjson.dumps(run.log.answers).decode(),
        }
        if run.checked is not None:
            return Opinion(**fields, **_judgement(run.checked))
        gone = run.abstention or Abstention(OpinionStatus.UNAVAILABLE, "no answer", "internal")
        return Opinion(
            **fields, status=gone.status, reason=gone.reason, reason_code=gone.code, reason_values=gone.values
        )


def _judgement(checked: Checked) -> dict[str, Any]:
    """The fields of an opinion that come from answers; rating, confidence and target are derived, never asked for."""
    answer = checked.answer
    fields = {
        name: getattr(answer, name)
        for name in ("key_facts", "arguments_for", "arguments_against", "risks", "would_change", "summary")
    }
    fields |= {name: getattr(answer, name) for name in ("price_p10", "price_p50", "price_p90", *HORIZONS)}
    p180 = answer.p_beat_180d or 0.0
    k, n = len(checked.unmatched), checked.figures
    return (
        fields
        | _verdict(p180)
        | _soundness(checked, p180)
        | {
            "p_beat_180d_blind": p180,
            "target": answer.price_p50,
            "unfaithful": checked.unmatched,
            "figures_unmatched": k,
            "figures_checked": n,
        }
    )


def _verdict(p180: float) -> dict[str, Any]:
    drawn = round(shrunk(p180), 12)
    return {"p_shrunk": drawn, "rating": rating_of(drawn), "confidence": confidence_of(p180)}


def _soundness(checked: Checked, p180: float) -> dict[str, Any]:
    """Whether a checked answer may vote: its figures are in the data, and its text does not speak against it."""
    k, n = len(checked.unmatched), checked.figures
    if checked.unfaithful:
        reason = f"{k} of {n} numbers don't match the data"
        values = {"k": str(k), "n": str(n)}
        return _abstains(OpinionStatus.UNFAITHFUL, reason, "unfaithful", values) | {"contradicts": checked.contradicts}
    if checked.contradicts:
        reason = f"its text recommends against its own probability of {p180:.2f}"
        return _abstains(OpinionStatus.INVALID, reason, "contradicts", {"p": f"{p180:.2f}"}) | {"contradicts": True}
    return {"status": OpinionStatus.OK}


def _abstains(status: OpinionStatus, reason: str, code: ReasonCode, values: dict[str, str]) -> dict[str, Any]:
    return {"status": status, "reason": reason, "reason_code": code, "reason_values": values}


def _informed(blind: Opinion, given: tuple[Prompt, Run]) -> Opinion:
    """The blind opinion after the news: each probability moved by .025 at most, all that was paid added up."""
    prompt, run = given
    changes: dict[str, Any] = {
        "prompt_hash": digest(blind.prompt_hash, prompt.hash),
        "seconds": max(blind.seconds, round(run.seconds, 3)),
        "tokens_in": _sum(blind.tokens_in, run.log.tokens_in),
        "tokens_out": _sum(blind.tokens_out, run.log.tokens_out),
        "cost_usd": _sum(blind.cost_usd, run.log.cost),
        "price_version": blind.price_version or run.log.price_version,
        "raw_prompt": orjson.dumps([*orjson.loads(blind.raw_prompt or "[]"), *run.log.prompts]).decode(),
        "raw_answer": orjson.dumps([*orjson.loads(blind.raw_answer or "[]"), *run.log.answers]).decode(),
    }
    before = blind.p_beat_180d_blind
    if blind.valid and before is not None and run.checked is not None:
        after = run.checked.answer
        for name in HORIZONS:
            mine, theirs = getattr(blind, name), getattr(after, name)
            if mine is not None and theirs is not None:
                changes[name] = bounded_by_news(mine, theirs)
        if after.p_beat_180d is not None:
            changes |= {"p_beat_180d_news": after.p_beat_180d} | _verdict(changes["p_beat_180d"])
            changes["news_moved"] = moved_by_news(before, after.p_beat_180d)
    return blind.model_copy(update=changes)


def _sum(one: Number | None, other: Number | None) -> Number | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other
