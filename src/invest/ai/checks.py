"""The check of an answer's figures against the data, and what is left of its texts afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from invest.ai.answer import Answer
from invest.domain.opinions import Argument, FigureCheck, Snapshot, SnapshotFact, check_figures

MAX_UNFAITHFUL = 0.20


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer whose unfaithful sentences are hidden, and the count behind "k of n numbers don't match"."""

    answer: Answer
    figures: int
    unmatched: tuple[str, ...]

    @property
    def unfaithful(self) -> bool:
        """Whether more than a fifth of its figures are not in the data."""
        return bool(self.unmatched) and len(self.unmatched) > MAX_UNFAITHFUL * self.figures

    def problem(self, language: str) -> str:
        """What to tell the analyst, in its language."""
        listed = "; ".join(self.unmatched[:8])
        if language.startswith("pt"):
            return f"estes números dos textos não estão nos fatos: {listed}."
        return f"these figures of your texts are not in the facts: {listed}."


def check_answer(answer: Answer, snapshot: Snapshot, language: str) -> Checked:
    """Check every free text of `answer`; sentences that state a figure the data does not hold are taken out."""
    checks: list[FigureCheck] = []
    facts = held_facts(snapshot)

    def kept(text: str) -> str:
        check = check_figures(text, facts, language)
        checks.append(check)
        return check.visible

    def arguments(given: tuple[Argument, ...]) -> tuple[Argument, ...]:
        shown = (argument.model_copy(update={"text": kept(argument.text)}) for argument in given)
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
    return Checked(changed, sum(check.count for check in checks), unmatched)


def held_facts(snapshot: Snapshot) -> tuple[SnapshotFact, ...]:
    """Every figure the analyst was shown: its facts, and the base rate."""
    if snapshot.base_rate_180d is None:
        return snapshot.facts
    rate = SnapshotFact(id="base", key="base_rate_180d", value=snapshot.base_rate_180d, unit="fraction")
    return (*snapshot.facts, rate)
