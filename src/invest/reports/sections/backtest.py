"""What the score was worth on past days, beside the score: rank IC, quintiles, turnover, costs, certainty."""

from __future__ import annotations

from collections.abc import Iterable

from invest.domain.analysis import Analysis, Backtest, ScoreRecord
from invest.reports.cells import number_cell, percent_cell
from invest.reports.locale import MISSING, Locale
from invest.reports.views import Cell, Column, Mark, Paragraph, Section, Table

_LEFT = ("horizon", "verdict")
_COLUMNS = ("horizon", "worst", "best", "spread", "net", "verdict")
_DETAIL = ("horizon", "cohorts", "ic", "turnover")


def backtest_section(record: ScoreRecord | None, locale: Locale) -> Section | None:
    """The table by horizon; None where the score was not tested yet, or over too short a time for any horizon."""
    if record is None or all(_too_short(result) for result in record.horizons):
        return None
    words = locale.words
    columns = tuple(
        Column(label=words.t(f"backtest.{name}"), align="left" if name in _LEFT else "right") for name in _COLUMNS
    )
    rows = tuple(_row(result, locale) for result in record.horizons if not _too_short(result))
    table = Table(caption=words.t("backtest.caption"), columns=columns, rows=rows)
    blocks = (table, Paragraph(text=f"{_basis(record, locale)} {words.t('backtest.convention')}", muted=True))
    market = words.get(f"market.{record.market}", record.market.value)
    note = words.t("backtest.note", market=market)
    return Section(id="backtest", title=words.t("backtest.title"), note=note, blocks=blocks)


def backtest_detail(record: ScoreRecord | None, locale: Locale) -> Section | None:
    """How sure: periods that do not overlap, rank correlation with its interval, turnover. For the appendix."""
    if record is None or not record.horizons:
        return None
    words = locale.words
    columns = tuple(
        Column(label=words.t(f"backtest.{name}"), align="left" if name in _LEFT else "right") for name in _DETAIL
    )
    rows = tuple(
        (
            Cell(text=words.t("backtest.days", n=result.horizon_days)),
            number_cell(locale, result.ic.cohorts, 0),
            Cell(
                text=locale.number(result.ic.mean, 2, signed=True), sub=_interval(result, locale) or None, strong=True
            ),
            percent_cell(locale, result.turnover, 0),
        )
        for result in record.horizons
    )
    table = Table(caption=words.t("backtest.detail_title"), columns=columns, rows=rows, small=True)
    return Section(id="backtest_detail", title=words.t("backtest.detail_title"), blocks=(table,), appendix=True)


def _too_short(result: Backtest) -> bool:
    return result.ic.standing == "collecting" and not result.alarms


def _basis(record: ScoreRecord, locale: Locale) -> str:
    return locale.words.t(
        "backtest.basis",
        assets=locale.number(record.assets, 0),
        ended=locale.number(record.ended, 0),
        step=record.step_days,
        cost=locale.percent(record.horizons[0].cost_per_side, 2) if record.horizons else MISSING,
        when=locale.day(record.as_of),
    )


def shared_record(analyses: Iterable[Analysis]) -> ScoreRecord | None:
    """The record behind all these scores; None where they come from several markets, or from one without a record."""
    records = {a.backtest.market: a.backtest for a in analyses if a.backtest is not None}
    return next(iter(records.values())) if len(records) == 1 else None


def backtest_text(record: ScoreRecord | None, locale: Locale) -> str:
    """One sentence for beside the score: of the middle horizon, 90 days, where it is known."""
    words = locale.words
    if record is None or not record.horizons:
        return words.t("backtest.none")
    middle = record.horizons[len(record.horizons) // 2]
    result = next((r for r in (middle, *record.horizons) if not _too_short(r)), middle)
    if _too_short(result) or result.spread is None:
        return words.t("backtest.sentence_short")
    verdict, spread = verdict_text(result, locale), locale.percent(result.spread, 1, signed=True)
    return words.t("backtest.sentence", days=result.horizon_days, spread=spread, said=verdict)


def verdict_text(result: Backtest, locale: Locale) -> str:
    """The verdict on one horizon."""
    words = locale.words
    if result.alarms:
        return words.t("backtest.alarm", what=", ".join(words.t(f"backtest.{alarm}") for alarm in result.alarms))
    if result.ic.standing == "collecting":
        return words.t("backtest.collecting")
    return words.t(f"backtest.{result.ic.standing if result.significant else 'chance'}")


def _row(result: Backtest, locale: Locale) -> tuple[Cell, ...]:
    quintiles = [locale.percent(value, 1, signed=True) for value in result.quantile_returns]
    marks: dict[str, Mark] = {"above": "up", "below": "down"}
    mark = marks.get(result.ic.standing) if result.significant else None
    mark = "bad" if result.alarms else mark
    return (
        Cell(text=locale.words.t("backtest.days", n=result.horizon_days)),
        Cell(text=quintiles[0]),
        Cell(text=quintiles[-1]),
        percent_cell(locale, result.spread, 1, signed=True, strong=True),
        percent_cell(locale, result.spread_net, 1, signed=True),
        Cell(text=verdict_text(result, locale), mark=mark),
    )


def _interval(result: Backtest, locale: Locale) -> str:
    """The 95 % interval over cohorts; empty where there is none yet."""
    low, high = result.ic.low, result.ic.high
    if low is None or high is None or result.ic.standing == "collecting":
        return ""
    numbers = {"low": locale.number(low, 2, signed=True), "high": locale.number(high, 2, signed=True)}
    return locale.words.t("record.range", **numbers)
