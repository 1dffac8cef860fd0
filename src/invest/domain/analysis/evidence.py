"""Every figure of one asset with its source: bars, filings, corporate actions, consensus, central bank."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.analysis.technical import VOLUME, technical_figures
from invest.domain.analysis.valuation import EARNED, dividend_figures, model_figures, value_figures
from invest.domain.filings import Chart, altman, piotroski
from invest.domain.market import (
    BY_LABEL,
    BY_TICKER,
    IBOV,
    MARKET_ZONE,
    YEAR,
    Asset,
    AssetKind,
    Bars,
    CorporateAction,
    Prices,
    market_day,
)
from invest.domain.values import INDUSTRY_ONLY, Basis, Consensus

AGAINST_IBOV = frozenset({"beta_1y", "correlation_1y", "excess_ibov_1y"})
# What is computed of a fund, in the shape of what a source says.
COMPUTED: Final[Mapping[AssetKind, Mapping[str, Basis]]] = {
    AssetKind.FII: {"p_vp": Basis.SPOT, "dividends_12m": Basis.TTM, "dividend_yield": Basis.TTM},
    AssetKind.ETF: {"p_vp": Basis.SPOT},
}
NOON: Final = time(12)
Figures = dict[str, float | None]


class Figure(NamedTuple):
    """A value and its origin; `payload` is the sha256 of the bytes it was read from where there is one."""

    value: float | None
    source: str | None = None
    payload: str | None = None
    as_of: date | None = None
    stale: bool = False


def gather(given: AnalysisInput) -> dict[str, Figure]:
    """All figures by key. What is computed here wins over what a source computed, which fills the gaps."""
    technical = technical_figures(given.prices, given.index_prices, given.curve)
    close = _close(given)
    found: dict[str, Figure] = {}
    last = given.prices.last_day
    bars = Figure(None, given.bars_source or _source(given.latest, "close") or "bars", given.bars_payload, last)
    macro = _macro(given)
    for key, value in technical.items():
        _put(found, key, value, macro if key in ("cdi_1y", "cdi_annual") else bars)
    found["close"] = close
    _put(found, "change_1d", _change(given, close), close)
    _put_company(found, given, close)
    _put_latest(found, given)
    _put_fund(found, given, close)
    _put_own_index(found, given, bars)
    _drop_what_an_index_has_not(found, given)
    _put_models(found, given, close)
    _put_news(found, given)
    return found


def _put(found: dict[str, Figure], key: str, value: float | None, origin: Figure) -> None:
    if value is not None and math.isfinite(value):
        found[key] = Figure(value, *origin[1:])  # a third of the time of `_replace`, a hundred times an asset


def _source(latest: Mapping[str, Consensus], key: str) -> str | None:
    held = latest.get(key)
    return held.source if held is not None else None


def _of(consensus: Consensus | None) -> Figure | None:
    """The consensus as a figure; None where it holds no value or was put in quarantine."""
    if consensus is None or consensus.value is None or consensus.quarantined:
        return None
    value = float(consensus.value)
    day = market_day(consensus.as_of)
    return Figure(value, consensus.source, consensus.payload, day, consensus.stale) if math.isfinite(value) else None


def _close(given: AnalysisInput) -> Figure:
    """The newest price: the consensus where it is as new as the bars, else the last bar's close."""
    prices, newest = given.prices, given.prices.last_day
    agreed = _of(given.latest.get("close"))
    if agreed is not None and agreed.value is not None and agreed.value > 0 and agreed.as_of is not None:
        known = given.latest["close"].as_of <= given.now
        if known and (newest is None or agreed.as_of >= newest):
            return agreed
    if not len(prices):
        return Figure(None)
    return Figure(float(prices.raw_close[-1]), given.bars_source or "bars", given.bars_payload, prices.last_day)


def _change(given: AnalysisInput, close: Figure) -> float | None:
    """Change of the day: last bar over the one before, or the newer price over the last bar."""
    prices = given.prices
    if close.value is None or not len(prices) or close.as_of is None or prices.last_day is None:
        return None
    if close.as_of > prices.last_day:
        return close.value / float(prices.raw_close[-1]) - 1
    return float(prices.returns[-1]) if len(prices.returns) else None


def _macro(given: AnalysisInput) -> Figure:
    curve, last = given.curve, given.prices.last_day
    if curve is None or last is None:
        return Figure(None)
    return Figure(None, curve.source, curve.payload, curve.last_before(last))


def _put_company(found: dict[str, Figure], given: AnalysisInput, close: Figure) -> None:
    """Figures of the filings, and multiples of price and filings."""
    company, papers = given.company, given.papers
    stated = given.latest.get("market_cap")
    cap = _of(stated) if stated is not None and stated.as_of <= given.now else None
    value = cap.value if cap else None
    period = company.current if company else None
    values = value_figures(period, company.ratios if company else {}, close.value, papers, value)
    if company is None or period is None:
        _put(found, "market_cap", values["market_cap"], cap or close)
        return
    filed = Figure(None, "cvm", company.payload, company.as_of)
    for key, number in company.ratios.items():
        _put(found, key, number, filed)
    priced = filed._replace(as_of=close.as_of, stale=close.stale)
    for key, number in values.items():
        _put(found, key, number, filed if key in ("eps", "bvps") else priced)
    _put(found, "market_cap", values["market_cap"], cap or close)
    tests = piotroski(period, company.previous)
    if tests is not None:
        _put(found, "piotroski", tests.score, filed)
        _put(found, "piotroski_tests", tests.known or None, filed)
    _put(found, "altman_z", altman(period, values.get("market_cap")), priced)


def _put_latest(found: dict[str, Figure], given: AnalysisInput) -> None:
    """Fill what could not be computed from what the sources agree on."""
    financial = given.company is not None and given.company.chart in (Chart.BANK, Chart.INSURER)
    for key, consensus in given.latest.items():
        if key in found or key not in FACT_KEYS or consensus.as_of > given.now or (financial and key in INDUSTRY_ONLY):
            continue
        figure = _of(consensus)
        if figure is not None:
            found[key] = figure


def _put_fund(found: dict[str, Figure], given: AnalysisInput, close: Figure) -> None:
    """A fund's price over what it reported its unit to be worth: nobody's ratio of another day."""
    worth = _of(given.latest.get("bvps")) if given.asset.kind in (AssetKind.FII, AssetKind.ETF) else None
    if worth is not None and _outdated(worth, given.latest):
        for key in ("bvps", "p_vp"):
            found.pop(key, None)
    elif worth is not None and worth.value and worth.value > 0 and close.value is not None:
        found["bvps"] = worth
        price = _price_beside(given, worth, close)
        if price.value is not None:
            _put(found, "p_vp", price.value / worth.value, worth._replace(as_of=price.as_of, stale=price.stale))


def _outdated(worth: Figure, latest: Mapping[str, Consensus]) -> bool:
    """Whether a newer report of the same source gives no worth of a unit any more: of a fund that is wound up."""
    beside = (_of(latest.get(key)) for key in ("equity", "total_assets", "shares_outstanding"))
    days = [held.as_of for held in beside if held is not None and held.source == worth.source and held.as_of]
    return worth.as_of is not None and any(day > worth.as_of for day in days)


def _price_beside(given: AnalysisInput, worth: Figure, close: Figure) -> Figure:
    """The price that a worth is compared with: an ETF's of the same day, as it tells its worth day by day."""
    if given.asset.kind is not AssetKind.ETF or worth.as_of is None or worth.as_of == close.as_of:
        return close
    then = given.prices.raw_close_on(worth.as_of) if len(given.prices) else None
    return close if then is None else close._replace(value=then, as_of=worth.as_of)


def _put_own_index(found: dict[str, Figure], given: AnalysisInput, bars: Figure) -> None:
    """A FII's return over the IFIX, and how far an ETF strayed from its index in the year to its newest report."""
    index, last = given.own_index, given.prices.last_day
    if index is None or last is None:
        return
    if given.asset.kind is AssetKind.FII:
        _put(found, "excess_ifix_1y", _over_index(found.get("return_1y"), index, last), bars)
    elif given.asset.kind is AssetKind.ETF:
        worth = found.get("nav_return_1y")
        basis, day = (worth, worth.as_of) if worth is not None and worth.as_of else (found.get("return_1y"), last)
        if basis is not None and basis.value is not None:
            _put(found, "tracking_difference_1y", basis.value - _return_of(index, day), basis)


def _return_of(index: Prices, day: date) -> float:
    """The index's return over the 365 days to `day`; NaN where it does not reach."""
    then, now = index.raw_close_on(day - timedelta(days=YEAR)), index.raw_close_on(day)
    return now / then - 1 if then and now else math.nan


def _over_index(own: Figure | None, index: Prices, day: date) -> float | None:
    """A return over the index's of the same year: by how much more it grew; None without one."""
    return None if own is None or own.value is None else (1 + own.value) / (1 + _return_of(index, day)) - 1


def _put_models(found: dict[str, Figure], given: AnalysisInput, close: Figure) -> None:
    """Dividends of the corporate actions, then the fair-value models over everything found so far."""
    _put_dividends(found, given, close)
    values = {key: figure.value for key, figure in found.items()}
    for key, value in model_figures(values, close.value).items():
        _put(found, key, value, Figure(None, _model_source(found, key), None, close.as_of))


def _put_dividends(found: dict[str, Figure], given: AnalysisInput, close: Figure) -> None:
    """What was paid, by the corporate actions; of a fund whose payments are not among them, by its reports to CVM."""
    actions, fund = given.known_actions, given.asset.kind is AssetKind.FII
    told = _of(given.latest.get("dividends_12m")) if fund else None
    if fund and told is not None and told.value and not any(a.kind in EARNED and a.amount for a in actions):
        found["dividends_12m"] = told
        if close.value:
            _put(found, "dividend_yield", told.value / close.value, told._replace(stale=told.stale or close.stale))
        return
    if actions:
        newest = max(actions, key=lambda action: action.last_date_with)
        origin = Figure(None, newest.source, newest.payload, given.today)
        for key, value in dividend_figures(actions, close.value, given.today, monthly=fund).items():
            _put(found, key, value, origin)


def _drop_what_an_index_has_not(found: dict[str, Figure], given: AnalysisInput) -> None:
    """Nobody trades an index: no volume; and nothing is measured by itself."""
    if given.asset.kind is not AssetKind.INDEX:
        return
    gone = {*VOLUME, *(AGAINST_IBOV if BY_TICKER.get(given.asset.ticker) is BY_LABEL[IBOV] else ())}
    for key in gone & found.keys():
        del found[key]


def _model_source(found: Mapping[str, Figure], key: str) -> str | None:
    basis = "dividends_12m" if key.startswith(("bazin", "gordon")) else "eps"
    return found[basis].source if basis in found else None


def _put_news(found: dict[str, Figure], given: AnalysisInput) -> None:
    items = given.recent_news
    if not items:
        return
    origin = Figure(None, items[0].source, items[0].payload, given.today)
    _put(found, "news_count_30d", len(items), origin)
    tones = [item.sentiment for item in items if item.sentiment is not None]
    if tones:
        _put(found, "news_tone_30d", sum(tones) / len(tones), origin)


def fund_values(
    asset: Asset, bars: Bars, latest: Mapping[str, Consensus], actions: Sequence[CorporateAction], now: datetime
) -> dict[str, Consensus | None]:
    """The computed figures of a fund by field, each led back to the payload of its rarer part; none of other kinds.

    None for a ratio that a source gives and that has no basis any more.
    """
    wanted = COMPUTED.get(asset.kind, {})
    if not wanted:
        return {}
    found = gather(AnalysisInput(asset=asset, bars=bars, now=now, latest=latest, actions=actions))
    parts = [held.confidence for key in ("close", "bvps") if (held := latest.get(key)) is not None]
    figures = {key: found[key] for key in wanted if key in found and _is_computed(found[key], latest.get(key))}
    computed: dict[str, Consensus | None] = {
        key: Consensus(
            ticker=asset.ticker,
            field=key,
            value=Decimal(repr(figure.value)),
            basis=wanted[key],
            unit=FACT_KEYS[key].unit,
            as_of=_moment(figure, now),
            source=figure.source,
            payload=figure.payload,
            sources=(figure.source,) if figure.source else (),
            n=1,
            agreement=None,
            confidence=min(parts, default=1.0),
            stale=figure.stale,
            chosen_at=now,
        )
        for key, figure in figures.items()
    }
    gone = [key for key in ("bvps", "p_vp") if key in latest and key not in found]
    return computed | dict.fromkeys(gone)


def _moment(figure: Figure, now: datetime) -> datetime:
    """Noon of the figure's day, as reports of days count, but never later than now."""
    return now if figure.as_of is None else min(now, datetime.combine(figure.as_of, NOON, MARKET_ZONE))


def _is_computed(figure: Figure, told: Consensus | None) -> bool:
    """Whether the figure is another one than what the sources agree on."""
    return figure.value is not None and (told is None or told.value is None or float(told.value) != figure.value)
