"""The cases for and against: the AIs' arguments where they gave some, else what the figures say by rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from invest.domain.opinions import AiConsensus, Argument, Opinion
from invest.reports.data import AssetReportData
from invest.reports.facts import FactBook
from invest.reports.sections.analysts import as_one_line, authors_of, claim_of
from invest.reports.sections.reasons import Side, figure_claims, fit_arguments
from invest.reports.views import Claim, Claims, Section

CASE_SIZE: Final = 5


def case_section(
    side: Side, arguments: Sequence[Argument], data: AssetReportData, book: FactBook, extra: Claim | None = None
) -> Section | None:
    """The case `bull` or `bear`: the AIs' arguments, else what the figures say by rule. None without any."""
    words = book.locale.words
    arguments = fit_arguments(side, arguments, data.analysis, book)
    if arguments:
        claims = [claim_of(a, data.opinions, book) for a in _distinct(arguments)[:CASE_SIZE]]
        named = {name for a in arguments for name in authors_of(a, data.opinions)}
        note = words.t("bull.note_ai" if len(named) > 1 else "bull.note_one_ai")
    else:
        claims, note = figure_claims(side, data.analysis, book), words.t("bull.note_facts")
    if extra:
        claims.append(extra)
    if not claims:
        return None
    return Section(id=side, title=words.t(f"{side}.title"), note=note, blocks=(Claims(items=tuple(claims)),), span=6)


def _distinct(arguments: Sequence[Argument]) -> list[Argument]:
    """Each sentence once, and none that another begins with: `claim_of` names everyone who wrote it."""
    once = list({as_one_line(a.text): a for a in reversed(arguments)}.values())[::-1]
    return [
        a for a in once if not any(b is not a and as_one_line(b.text).startswith(as_one_line(a.text)) for b in once)
    ]


def arguments_of(side: Side, consensus: AiConsensus | None, opinions: Sequence[Opinion]) -> tuple[Argument, ...]:
    """The consensus' case, else the first argument of each AI that answered; the local rules' are the figures' own."""
    if consensus is not None:
        case = consensus.bull_case if side == "bull" else consensus.bear_case
        if case:
            return case
    valid = [o for o in opinions if o.valid and not o.benchmark]
    lists = [o.arguments_for if side == "bull" else o.arguments_against for o in valid]
    return tuple(arguments[0] for arguments in lists if arguments)
