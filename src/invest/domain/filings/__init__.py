"""Companies' filings: CVM statements, the fundamentals computed from them, and checks of soundness."""

from __future__ import annotations

from invest.domain.filings.filing import Chart, Filing, newest_due, plain, read_filings
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
from invest.domain.filings.soundness import Candidate, altman, greenblatt, piotroski

__all__ = [
    "Candidate",
    "Chart",
    "Figures",
    "Filing",
    "Fundamentals",
    "Period",
    "altman",
    "fundamentals_of",
    "greenblatt",
    "newest_due",
    "own_equity",
    "piotroski",
    "plain",
    "quotient",
    "ratios",
    "read_filings",
    "total",
]
