"""The record of a market's score over the AIs' horizons, checked for look-ahead by scoring without later data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np

from invest.domain.analysis import AnalysisInput, Backtest, ScoreRecord, verdict_of
from invest.domain.backtest.backtest import backtest
from invest.domain.backtest.score_panel import ENTRY_WAIT, ScorePanel, Scorer, judged_score, looks_ahead
from invest.domain.market import Market, Prices
from invest.domain.maths import holm

HORIZONS = (30, 90, 180)
STEP_DAYS = 35  # one cohort of the shortest horizon each: its return is over before the next score
CHECKS = 12  # scores of each page of assets that are made again without the future


def scored_days(first: date, last: date) -> list[date]:
    """Every 35th day from `first` to `last`, on a grid of its own: a run tomorrow scores the same days again."""
    start = -(-first.toordinal() // STEP_DAYS) * STEP_DAYS
    return [date.fromordinal(n) for n in range(start, last.toordinal() + 1, STEP_DAYS)]


def corrected(results: Sequence[Backtest]) -> list[Backtest]:
    """The results with `significant` set: three horizons are three questions, one of which chance alone may answer."""
    asked = [i for i, r in enumerate(results) if r.ic.standing != "collecting" and r.ic.p_value is not None]
    found = holm([results[i].ic.p_value or 0.0 for i in asked])
    kept = {i for i, significant in zip(asked, found, strict=True) if significant}
    return [r.model_copy(update={"significant": i in kept}) for i, r in enumerate(results)]


def checked_for_future(
    inputs: Sequence[AnalysisInput], days: Sequence[date], score: Scorer = judged_score
) -> tuple[int, int]:
    """(scores made again, how many of them changed) when everything after their day is taken away; evenly spread."""
    pairs = [(given, day) for given in inputs for day in days if _traded(given, day)]
    chosen = pairs[:: max(1, len(pairs) // CHECKS)][:CHECKS]
    return len(chosen), sum(looks_ahead(given, day, score) for given, day in chosen)


def _traded(given: AnalysisInput, day: date) -> bool:
    days = given.prices.days
    at = int(np.searchsorted(days, np.datetime64(day, "D"), side="right")) - 1
    return at >= 0 and bool(np.datetime64(day, "D") - days[at] <= ENTRY_WAIT)


def build_score_record(
    market: Market,
    panel: ScorePanel,
    prices: Mapping[str, Prices],
    *,
    checks: tuple[int, int],
    computed_at: datetime,
    sandbox: bool = False,
) -> ScoreRecord | None:
    """The record of a market's scores, None where nothing of it ever traded.

    `checks` as `checked_for_future` gives it: one score that changed there is an alarm over every horizon.
    """
    ends = [p.last_day for p in prices.values() if p.last_day is not None]
    if not ends:
        return None
    newest = max(ends)
    results = [backtest(panel, prices, horizon) for horizon in HORIZONS]
    if checks[1]:
        results = [r.model_copy(update={"alarms": [*r.alarms, "looks_ahead"]}) for r in results]
    results = corrected(results)
    scored = [t for t, column in zip(panel.tickers, panel.scores.T, strict=True) if np.isfinite(column).any()]
    gone = newest - timedelta(days=STEP_DAYS)
    return ScoreRecord(
        market=market,
        computed_at=computed_at,
        as_of=newest,
        step_days=STEP_DAYS,
        assets=len(scored),
        ended=sum(1 for t in scored if (last := prices[t].last_day) is not None and last < gone),
        checked=checks[0],
        horizons=results,
        verdicts=[verdict_of(r) for r in results],
        sandbox=sandbox,
    )
