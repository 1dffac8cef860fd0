"""The check of an answer's figures and claims against the facts it cites, and what is left of its texts afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from invest.ai.answers.answer import Answer
from invest.domain.opinions import (
    BASE_RATE,
    Argument,
    FigureCheck,
    Snapshot,
    SnapshotFact,
    check_figures,
    speaks_against,
)

MAX_UNFAITHFUL = 0.20


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer whose unfaithful sentences are hidden, and the count behind "k of n numbers don't match".

    `contradicts`: its summary recommends against its own probability.
    """

    answer: Answer
    figures: int
    unmatched: tuple[str, ...]
    contradicts: bool = False

    @property
    def unfaithful(self) -> bool:
        """Whether more than a fifth of its figures are not in the data, or no argument is left without them."""
        hidden_all = not (self.answer.arguments_for or self.answer.arguments_against)
        return bool(self.unmatched) and (hidden_all or len(self.unmatched) > MAX_UNFAITHFUL * self.figures)

    @property
    def faults(self) -> int:
        """How much is wrong with it: what a repair must not make more of."""
        return len(self.unmatched) + self.contradicts

    def problem(self, language: str) -> str:
        """What to tell the analyst, in its language."""
        portuguese = language.startswith("pt")
        problems = []
        if self.unmatched:
            listed = "; ".join(self.unmatched[:8])
            problems.append(
                f"estes números dos textos não estão nos fatos citados na mesma frase: {listed}."
                if portuguese
                else f"these figures of your texts are not in the facts cited with them: {listed}."
            )
        if self.contradicts:
            p = self.answer.p_beat_180d or 0.0
            problems.append(
                f"o resumo recomenda o contrário da probabilidade que você deu (p_beat_180d = {p:g})."
                if portuguese
                else f"your summary recommends against the probability you gave (p_beat_180d = {p:g})."
            )
        return " ".join(problems)


def check_answer(answer: Answer, snapshot: Snapshot, language: str) -> Checked:
    """Check every free text of `answer`; sentences that state a figure the data does not hold are taken out.

    An argument is held against the facts it cites, a text without citations against all of them by name.
    """
    checks: list[FigureCheck] = []
    facts = held_facts(snapshot)

    def kept(text: str, cited: tuple[str, ...] | None = None) -> str:
        check = check_figures(text, facts, language, cited=cited)
        checks.append(check)
        return check.visible

    def arguments(given: tuple[Argument, ...]) -> tuple[Argument, ...]:
        shown = (a.model_copy(update={"text": kept(a.text, a.fact_ids)}) for a in given)
        return tuple(argument for argument in shown if argument.text)

    changed = answer.model_copy(
        update={
            "summary": kept(answer.summary),
            "arguments_for": arguments(answer.arguments_for),
            "arguments_against": arguments(answer.arguments_against),
            "risks": tuple(risk.model_copy(update={"text": kept(risk.text)}) for risk in answer.risks),
        }
    )
    unmatched = tuple(figure.text for check in checks for figure in check.unmatched)
    contradicts = answer.p_beat_180d is not None and speaks_against(answer.summary, answer.p_beat_180d)
    return Checked(changed, sum(check.count for check in checks), unmatched, contradicts)


def held_facts(snapshot: Snapshot) -> tuple[SnapshotFact, ...]:
    """Every figure the analyst was shown: its facts, and the base rate."""
    if snapshot.base_rate_180d is None:
        return snapshot.facts
    rate = SnapshotFact(id="base", key=BASE_RATE, value=snapshot.base_rate_180d, unit="fraction")
    return (*snapshot.facts, rate)
