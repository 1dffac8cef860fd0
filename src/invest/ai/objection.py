"""The counter-argument: one AI writes the strongest objection to the verdict. It is shown and never voted."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ConfigDict, ValidationError

from invest.ai.analyst import LlmAnalyst
from invest.ai.answers import (
    MAX_SUMMARY,
    fact_reader,
    facts_block,
    final_text,
    held_facts,
    judged_facts,
    objects_in,
    plain_schema,
    render,
)
from invest.ai.calls import clock
from invest.ai.errors import AnswerInvalid
from invest.ai.wires import Question
from invest.domain.frozen import Frozen
from invest.domain.opinions import (
    AiConsensus,
    Argument,
    Objection,
    Opinion,
    Rating,
    Snapshot,
    check_figures,
    language_of,
)

WORDS = {
    "pt-BR": {
        Rating.BUY: "deve superar o {index} em 180 dias",
        Rating.HOLD: "deve render perto do {index} em 180 dias",
        Rating.SELL: "deve ficar abaixo do {index} em 180 dias",
    },
    "en": {
        Rating.BUY: "it should beat the {index} over 180 days",
        Rating.HOLD: "it should return about as much as the {index} over 180 days",
        Rating.SELL: "it should fall short of the {index} over 180 days",
    },
}


class Counter(Frozen):
    """What the AI fills in."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text: str
    fact_ids: tuple[str, ...]


def choose(consensus: AiConsensus, opinions: Sequence[Opinion]) -> str | None:
    """Who objects: the AI that is furthest from the pooled probability; None without a verdict or an AI."""
    if consensus.probability is None:
        return None
    pooled = consensus.probability
    able = [o for o in opinions if o.valid and not o.benchmark and o.p_beat_180d is not None]
    if not able:
        return None
    return min(able, key=lambda o: (-abs((o.p_beat_180d or 0.0) - pooled), o.provider)).provider


async def object_to(
    analyst: LlmAnalyst, provider: str, snapshot: Snapshot, consensus: AiConsensus, language: str
) -> Objection:
    """Ask `analyst` for its objection. Raises what a call raises, `AnswerInvalid` for an unusable text."""
    verdict = WORDS[language][consensus.rating or Rating.HOLD].format(index=snapshot.index_label)
    facts = facts_block(snapshot.facts, language)
    user = render("counter", language, ticker=snapshot.ticker, verdict=verdict, facts=facts)
    started = clock()
    schema = plain_schema(Counter)
    question = Question(render("system", language, index=snapshot.index_label), user, schema, analyst.max_tokens)
    text, log = await analyst.write(question, "objection")
    counter = read_counter(text, language)
    fact_ids = fact_reader(judged_facts(snapshot.facts))(counter.fact_ids)
    check = check_figures(counter.text, held_facts(snapshot), language, cited=fact_ids)
    if not check.visible:
        raise AnswerInvalid("every sentence of the objection states figures that the data does not hold")
    return Objection(
        ticker=snapshot.ticker,
        provider=provider,
        model=log.model,
        argument=Argument(text=check.visible, fact_ids=fact_ids),
        unfaithful=tuple(figure.text for figure in check.unmatched),
        cost_usd=log.cost,
        seconds=round(clock() - started, 3),
        sandbox=snapshot.sandbox or analyst.sandbox,
    )


def read_counter(text: str, language: str) -> Counter:
    """The objection in what the AI wrote. Raises `AnswerInvalid`."""
    counter = _last(text)
    if counter is None:
        raise AnswerInvalid("the objection is not in the structure asked for")
    if not counter.text.strip() or len(counter.text) > MAX_SUMMARY:
        raise AnswerInvalid("the objection is empty or endless")
    if (spoken := language_of(counter.text)) is not None and spoken != language[:2]:
        raise AnswerInvalid(f"the objection is in {spoken} instead of {language}")
    return counter


def _last(text: str) -> Counter | None:
    """The last object of `text` that is an objection."""
    for written in reversed(list(objects_in(final_text(text)))):
        try:
            return Counter.model_validate_json(written)
        except ValidationError:
            continue
    return None
