"""The result of a backtest of the score, as it is stored and shown beside the score."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen
from invest.domain.market import Market
from invest.domain.maths import MIN_COHORTS, Interval

Alarm = Literal["implausible_ic", "foresees_missed_return", "looks_ahead"]
CONVENTION = (
    "Rank IC: Spearman's, per day scored, then the mean; its interval over cohorts that do not overlap. Quintile "
    "returns: total return of each asset from the first close after the day scored, averaged per day first. Spread: "
    "best quintile less worst, the whole distance (alphalens halves it). Net: less the cost of replacing both outer "
    "quintiles."
)


class Backtest(Frozen):
    """What a score was worth. Nulls where too few days are over."""

    horizon_days: int
    days: int = Field(description="days with a score and an outcome")
    assets: float = Field(description="assets per day, on average")
    first: date | None
    last: date | None
    ic_mean: float | None
    ic_std: float | None
    icir: float | None = Field(description="mean IC over its standard deviation, per day scored")
    ic_by_day: list[tuple[date, float]]
    quantile_returns: list[float | None] = Field(description="mean return by quintile, worst score first")
    spread: float | None = Field(description="best quintile minus worst, the whole distance")
    turnover: float | None = Field(description="share of the two outer quintiles replaced from cohort to cohort")
    cost_per_side: float
    spread_net: float | None = Field(description="spread less the cost of that turnover, both sides of both quintiles")
    rank_autocorrelation: float | None = Field(description="of the ranks from one scored day to the next")
    ic: Interval = Field(description="mean IC over cohorts that do not overlap")
    significant: bool = Field(
        default=False, description="that mean is not zero, by Holm's correction over the horizons"
    )
    spread_interval: Interval = Field(description="spread over cohorts that do not overlap")
    p_shuffled: float | None = Field(
        description="share of shuffled scores with a mean IC as far from zero, over cohorts"
    )
    alarms: list[Alarm] = Field(description="signs that the score saw the future")


class ScoreRecord(Frozen):
    """The backtests of one market's score, each day scored by what was known that evening."""

    market: Market
    computed_at: AwareDatetime
    as_of: date = Field(description="the newest price used")
    step_days: int = Field(description="calendar days between two scored days")
    assets: int = Field(description="assets that had a score on some day")
    ended: int = Field(description="of them no longer traded: kept with their last price")
    checked: int = Field(description="scores made again without anything from after their day")
    horizons: list[Backtest]
    verdicts: list[str] = Field(description="what may be said of each horizon, in words")
    convention: str = CONVENTION
    sandbox: bool = False

    def brief(self) -> ScoreRecord:
        """The same without the IC of each day: for showing beside a score."""
        return self.model_copy(update={"horizons": [b.model_copy(update={"ic_by_day": []}) for b in self.horizons]})


def verdict_of(result: Backtest) -> str:
    """The verdict on a backtest: an alarm first, then how certain the mean IC is over all horizons asked."""
    if result.alarms:
        return f"alarm, not to be believed: {', '.join(result.alarms)}"
    if result.ic.standing == "collecting":
        return f"collecting: {result.ic.cohorts} of {MIN_COHORTS} cohorts"
    if not result.significant:
        return "not distinguishable from chance"
    return f"{'better' if result.ic.standing == 'above' else 'worse'} than chance"
