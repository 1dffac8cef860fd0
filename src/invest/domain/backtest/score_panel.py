"""Scores of many assets on many days, each from the data available that day, with the returns that followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time

import numpy as np

from invest.domain.analysis import AnalysisInput, Recommendation, Verdict, as_known, card_for, gather, judge
from invest.domain.market import MARKET_ZONE, Days, Floats, Prices

ENTRY_WAIT = np.timedelta64(10, "D")  # an asset that does not trade within this after a score could not be bought
AFTER_CLOSE = time(20)

Scorer = Callable[[AnalysisInput], float | None]


@dataclass(frozen=True)
class ScorePanel:
    """Scores by day (rows, ascending) and asset (columns); NaN where there was none."""

    days: Days
    tickers: tuple[str, ...]
    scores: Floats

    def __post_init__(self) -> None:
        if self.scores.shape != (len(self.days), len(self.tickers)):
            raise ValueError(f"{self.scores.shape} scores for {len(self.days)} days and {len(self.tickers)} assets")


@dataclass(frozen=True)
class Outcomes:
    """Returns after each score of a panel, in its shape; NaN where they could not be earned or are not over yet.

    `held` from the first close strictly after the day until a horizon later; `missed` from the close of the day to
    that first close: nobody could earn it, so a score that foresees it has looked ahead.
    """

    held: Floats
    missed: Floats


def overall_score(given: AnalysisInput) -> float | None:
    """The overall score of `given` before it is rounded, also where most of its card has no data."""
    return _verdict(given).exact


def judged_score(given: AnalysisInput) -> float | None:
    """The overall score before it is rounded, where enough data stands behind it for a verdict."""
    verdict = _verdict(given)
    return None if verdict.recommendation is Recommendation.INSUFFICIENT_DATA else verdict.exact


def _verdict(given: AnalysisInput) -> Verdict:
    figures = {key: figure.value for key, figure in gather(given).items()}
    company = given.company
    return judge(card_for(given.asset.kind, company.chart if company else None), figures)


def moment_of(day: date) -> datetime:
    """The evening of `day` in São Paulo, when its close is known."""
    return datetime.combine(day, AFTER_CLOSE, MARKET_ZONE)


def build_score_panel(
    inputs: Sequence[AnalysisInput], days: Sequence[date], score: Scorer = overall_score
) -> ScorePanel:
    """`score` of every input as of the evening of each day. Assets without bars within ten days of it have none."""
    table = np.full((len(days), len(inputs)), np.nan)
    for column, given in enumerate(inputs):
        known_shares = given.shares_as_of or given.today
        for row, day in enumerate(days):
            then = replace(given, now=moment_of(day), shares_as_of=known_shares)
            last = then.prices.last_day
            if last is None or np.datetime64(day, "D") - np.datetime64(last, "D") > ENTRY_WAIT:
                continue
            value = score(then)
            if value is not None:
                table[row, column] = value
    return ScorePanel(np.array(days, dtype="datetime64[D]"), tuple(g.asset.ticker for g in inputs), table)


def joined(panels: Sequence[ScorePanel]) -> ScorePanel:
    """Panels of the same days side by side."""
    tickers = tuple(ticker for panel in panels for ticker in panel.tickers)
    return ScorePanel(panels[0].days, tickers, np.hstack([panel.scores for panel in panels]))


def looks_ahead(given: AnalysisInput, day: date, score: Scorer = overall_score) -> bool:
    """Whether `score` on `day` changes when everything from after that day is taken away."""
    then = replace(given, now=moment_of(day), shares_as_of=given.shares_as_of or given.today)
    return score(then) != score(as_known(then))


def outcomes(panel: ScorePanel, prices: Mapping[str, Prices], horizon: int, end: date | None = None) -> Outcomes:
    """Total returns after each score over `horizon` calendar days.

    An asset that stops trading before its horizon is over is kept with its last price (delisted, merged, halted);
    days whose horizon reaches beyond `end` (the newest price of all) are not over.
    """
    shape = panel.scores.shape
    held, missed = np.full(shape, np.nan), np.full(shape, np.nan)
    newest = max((p.days[-1] for p in prices.values() if len(p)), default=None)
    if newest is None:
        return Outcomes(held, missed)
    limit = np.datetime64(end, "D") if end is not None else newest
    for column, ticker in enumerate(panel.tickers):
        history = prices.get(ticker)
        if history is None or not len(history):
            continue
        after = np.searchsorted(history.days, panel.days, side="right")
        inside = after < len(history)
        entry = np.minimum(after, len(history) - 1)
        bought = history.days[entry]
        possible = inside & (bought - panel.days <= ENTRY_WAIT)
        due = bought + np.timedelta64(horizon, "D")
        leave = np.searchsorted(history.days, due, side="right") - 1
        closed = possible & (due <= limit)
        held[closed, column] = history.close[leave[closed]] / history.close[entry[closed]] - 1
        seen = possible & (after > 0)
        missed[seen, column] = history.close[entry[seen]] / history.close[after[seen] - 1] - 1
    return Outcomes(held, missed)
