"""Companies' filings: CVM statements, the fundamentals computed from them, and checks of soundness."""

from __future__ import annotations

from invest.domain.filings.filing import LEGAL_DELAY, Chart, Filing, newest_due, plain, read_filings
from invest.domain.filings.fundamentals import (
    Figures,
    Fundamentals,
    Period,
    fundamentals_of,
    own_equity,
    quotient,
    ratios,
    total,
)
from invest.domain.filings.results import Result, next_quarter_end, next_results, results_by_quarter, results_by_year
from invest.domain.filings.soundness import Candidate, altman, greenblatt, piotroski

__all__ = [
    "LEGAL_DELAY",
    "Candidate",
    "Chart",
    "Figures",
    "Filing",
    "Fundamentals",
    "Period",
    "Result",
    "altman",
    "fundamentals_of",
    "greenblatt",
    "newest_due",
    "next_quarter_end",
    "next_results",
    "own_equity",
    "piotroski",
    "plain",
    "quotient",
    "ratios",
    "read_filings",
    "results_by_quarter",
    "results_by_year",
    "total",
]
