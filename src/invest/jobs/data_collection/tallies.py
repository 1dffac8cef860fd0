"""What each source came to over many assets: the truth about a batch, source by source."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from invest.domain.values import SourceOutcome
from invest.jobs.results import SourceTally

GAVE = ("ok", "not_modified")


FAILED = ("failed", "rejected")


def tallies(outcomes: Iterable[SourceOutcome]) -> dict[str, SourceTally]:
    """Outcomes counted by source; the reason is the commonest of failures, else of what gave nothing, else any."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    reasons: defaultdict[str, Counter[tuple[int, str]]] = defaultdict(Counter)
    for outcome in outcomes:
        found[outcome.source][outcome.status] += 1
        if outcome.reason:
            weight = 2 if outcome.status in FAILED else 0 if outcome.status in GAVE else 1
            reasons[outcome.source][(weight, outcome.reason)] += 1
    return {
        source: SourceTally(outcomes=dict(sorted(counts.items())), reason=_commonest(reasons[source]))
        for source, counts in sorted(found.items())
    }


def _commonest(reasons: Counter[tuple[int, str]]) -> str | None:
    if not reasons:
        return None
    return max(reasons.items(), key=lambda entry: (entry[0][0], entry[1], entry[0][1]))[0][1]
