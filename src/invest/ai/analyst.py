"""Ask one AI: a blind run over the facts gives the opinion; a second run beside it shows the effect of the news.

The texts, prices and citations are those of the blind run, which no stranger's word has reached. The run with news may
move each probability by .025 at most, so two snapshots that differ in their news differ by .05 at most.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import uuid4

import orjson
import structlog

from invest.ai.answer import answer_schema, one_line, parse_answer
from invest.ai.caller import Caller, Log
from invest.ai.checks import Checked, check_answer
from invest.ai.errors import AnswerAbstained, AnswerInvalid, BudgetSpent, CallFailed
from invest.ai.limits import Limiter
from invest.ai.questions import Prompt, data_hash, digest, opinion_prompt, render
from invest.ai.transport import clock
from invest.ai.wires import Question
from invest.domain.opinions import (
    Opinion,
    OpinionStatus,
    Snapshot,
    bounded_by_news,
    confidence_of,
    moved_by_news,
    rating_of,
)

HORIZONS = ("p_beat_30d", "p_beat_90d", "p_beat_180d")
log = structlog.get_logger(__name__)


class Analyst(Protocol):
    """Whoever answers with an opinion and never with an exception."""

    async def ask(self, snapshot: Snapshot, language: str) -> Opinion:
        """The opinion on `snapshot`, or an abstention that says why."""
        ...


@dataclass(slots=True)
class Run:
    """Outcome of one run: a checked answer, or the abstention it became."""

    log: Log = field(default_factory=Log)
    checked: Checked | None = None
    status: OpinionStatus = OpinionStatus.OK
    reason: str | None = None
    seconds: float = 0.0


class LlmAnalyst:
    """An AI behind a wire; one per provider, shared by all who ask."""

    def __init__(self, caller: Caller, limiter: Limiter) -> None:
        self._caller = caller
        self._limiter = limiter

    async def ask(self, snapshot: Snapshot, language: str) -> Opinion:
        """See `Analyst`. Both runs go out at the same time."""
        asked_at = self._caller.now()
        prompts = [opinion_prompt(snapshot, language, with_news=False)]
        if self._caller.terms.news_run and snapshot.news:
            prompts.append(opinion_prompt(snapshot, language, with_news=True))
        # Only the blind run's texts are used, so only they are worth a repair of their figures.
        runs = await asyncio.gather(
            *(self._run(prompt, snapshot, language, texts=i == 0) for i, prompt in enumerate(prompts))
        )
        return self._opinion(snapshot, language, prompts, runs, {"asked_at": asked_at})

    @property
    def max_tokens(self) -> int:
        """The limit of an answer."""
        return self._caller.terms.max_tokens

    @property
    def sandbox(self) -> bool:
        """Whether it speaks to the sandbox."""
        return self._caller.terms.sandbox

    async def write(self, question: Question) -> tuple[str, Log]:
        """The bare text of an answer. Raises `CallFailed`, `BudgetSpent` or `TimeoutError`."""
        kept = Log()
        async with self._limiter.slot(self._caller.terms.provider), asyncio.timeout(self._caller.terms.timeout):
            reply = await self._caller.whole(question, kept, self._deadline())
        return reply.text, kept

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._caller.terms.timeout

    async def _run(self, prompt: Prompt, snapshot: Snapshot, language: str, *, texts: bool) -> Run:
        """One run. Its time starts when its turn comes: waiting for a slot is not the vendor's slowness."""
        run, started = Run(), clock()
        try:
            async with self._limiter.slot(self._caller.terms.provider):
                started = clock()
                async with asyncio.timeout(self._caller.terms.timeout):
                    await self._judge(run, prompt, snapshot, language, texts=texts)
        except Exception as error:  # whatever fails here must not hide the other analysts
            if isinstance(error, CallFailed) and error.raw:
                run.log.answers.append(error.raw)
            if run.checked is None:  # a repair that ran out of time leaves the first answer standing
                run.status, reason = self._abstention(error)
                run.reason = one_line(reason, 300)
        run.seconds = clock() - started
        return run

    def _abstention(self, error: Exception) -> tuple[OpinionStatus, str]:
        match error:
            case CallFailed():
                return error.status, error.reason
            case AnswerInvalid():
                return OpinionStatus.INVALID, str(error)
            case AnswerAbstained():
                return OpinionStatus.ABSTAINED, str(error)
            case BudgetSpent():
                return OpinionStatus.UNAVAILABLE, str(error)
            case TimeoutError():
                return OpinionStatus.TIMEOUT, f"no answer within {self._caller.terms.timeout:g} s"
        log.error("analyst failed", provider=self._caller.terms.provider, exc_info=error)
        return OpinionStatus.UNAVAILABLE, f"internal: {type(error).__name__}"

    async def _judge(self, run: Run, prompt: Prompt, snapshot: Snapshot, language: str, *, texts: bool) -> None:
        """One answer and, where it is unusable or states figures the data does not hold, one repair."""
        deadline = self._deadline()
        question = Question(prompt.system, prompt.user, answer_schema(), self._caller.terms.max_tokens)

        async def attempt(asked: Question) -> Checked:
            reply = await self._caller.whole(asked, run.log, deadline)
            return check_answer(parse_answer(reply.text, snapshot, language), snapshot, language)

        try:
            run.checked = await attempt(question)
            if not (texts and run.checked.unmatched):
                return
            problem = run.checked.problem(language)
        except AnswerInvalid as error:
            problem = str(error)
        repair = render("repair", language, problem=problem)
        try:
            second = await attempt(replace(question, user=f"{question.user}\n\n{repair}"))
        except (AnswerInvalid, AnswerAbstained, CallFailed, BudgetSpent):
            if run.checked is None:
                raise
            return  # the first answer stands, its unfaithful sentences hidden
        if run.checked is None or len(second.unmatched) <= len(run.checked.unmatched):
            run.checked = second

    def _opinion(
        self, snapshot: Snapshot, language: str, prompts: list[Prompt], runs: list[Run], base: dict[str, Any]
    ) -> Opinion:
        terms, blind = self._caller.terms, runs[0]
        whole = Log()
        for run in runs:
            whole.add(run.log)
        fields = base | {
            "opinion_id": uuid4().hex,
            "ticker": snapshot.ticker,
            "provider": terms.provider,
            "vendor": terms.vendor,
            "model": whole.model or terms.endpoint.model,
            "prompt_hash": digest(*(prompt.hash for prompt in prompts)),
            "data_hash": data_hash(snapshot, language),
            "language": language,
            "seconds": round(max(run.seconds for run in runs), 3),
            "tokens_in": whole.tokens_in,
            "tokens_out": whole.tokens_out,
            "cost_usd": whole.cost,
            "price_version": whole.price_version,
            "sandbox": snapshot.sandbox or terms.sandbox,
            "raw_prompt": orjson.dumps(whole.prompts).decode(),
            "raw_answer": orjson.dumps(whole.answers).decode(),
        }
        if blind.checked is None:
            return Opinion(**fields, status=blind.status, reason=blind.reason)
        return Opinion(**fields, **_judgement(blind.checked, runs[1].checked if len(runs) > 1 else None))


def _judgement(checked: Checked, informed: Checked | None) -> dict[str, Any]:
    """The fields of an opinion that come from answers; rating, confidence and target are derived, never asked for."""
    answer = checked.answer
    said = {
        name: getattr(answer, name)
        for name in ("key_facts", "arguments_for", "arguments_against", "risks", "would_change", "summary")
    }
    said |= {name: getattr(answer, name) for name in ("price_p10", "price_p50", "price_p90", *HORIZONS)}
    said["p_beat_180d_blind"] = blind = answer.p_beat_180d
    if informed is not None and blind is not None and informed.answer.p_beat_180d is not None:
        said["p_beat_180d_news"] = informed.answer.p_beat_180d
        said["news_moved"] = moved_by_news(blind, informed.answer.p_beat_180d)
        for name in HORIZONS:
            before, after = said[name], getattr(informed.answer, name)
            if before is not None and after is not None:
                said[name] = bounded_by_news(before, after)
    p180 = said["p_beat_180d"]
    k, n = len(checked.unmatched), checked.figures
    status = OpinionStatus.UNFAITHFUL if checked.unfaithful else OpinionStatus.OK
    return said | {
        "status": status,
        "reason": f"{k} of {n} numbers don't match the data" if checked.unfaithful else None,
        "rating": rating_of(p180),
        "confidence": confidence_of(p180),
        "target": answer.price_p50,
        "unfaithful": checked.unmatched,
        "figures_unmatched": k,
        "figures_checked": n,
    }
