"""The invented market agrees with itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from invest.domain.market.tickers import B3_CODE, CRYPTO_PAIR
from invest.errors import ConfigError
from invest_sandbox.world.codes import cnpj, isin
from invest_sandbox.world.listings import Listing
from invest_sandbox.world.profile import profile
from invest_sandbox.world.sessions import is_session, last_session, sessions
from invest_sandbox.world.world import World

TODAY = date(2026, 3, 31)


@pytest.fixture(scope="module")
def world() -> World:
    return World(400, seed=7, as_of=TODAY)


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    one, two, other = World(120, 7, as_of=TODAY), World(120, 7, as_of=TODAY), World(120, 8, as_of=TODAY)
    assert one.listings == two.listings
    assert one.listings != other.listings
    assert np.array_equal(one.series("PETR4").close, two.series("PETR4").close)
    assert not np.array_equal(one.series("PETR4").close, other.series("PETR4").close)


def test_a_paper_is_the_same_whatever_was_made_before_it() -> None:
    first, second = World(120, as_of=TODAY), World(120, as_of=TODAY)
    for listing in second.listings:
        second.series(listing.ticker)
    assert np.array_equal(first.series("WEGE3").volume, second.series("WEGE3").volume)


def test_twenty_assets_already_have_every_kind() -> None:
    kinds = {x.kind for x in World(20, as_of=TODAY).listings}
    assert kinds == {"stock", "unit", "fii", "etf", "bdr", "crypto"}


def test_tickers_cnpjs_and_cvm_codes_are_well_formed_and_unique(world: World) -> None:
    tickers = [x.ticker for x in world.listings]
    assert len(tickers) == len(set(tickers)) == 400
    assert all(B3_CODE.fullmatch(t) or CRYPTO_PAIR.fullmatch(t) for t in tickers)
    codes = [c.cvm_code for c in world.companies]
    taxes = [c.cnpj for c in world.companies]
    names = [c.trading for c in world.companies]
    assert len(set(codes)) == len(set(taxes)) == len(set(names)) == len(world.companies)
    assert all(_cnpj_valid(t) for t in taxes)
    assert all(_isin_valid(x.isin) for x in world.listings if x.isin)


def _cnpj_valid(digits: str) -> bool:
    """Receita Federal's rule, written independently: both check digits from weights 2..9 cycling from the right."""
    for length in (12, 13):
        weights = [2 + i % 8 for i in range(length)][::-1]
        rest = sum(int(d) * w for d, w in zip(digits[:length], weights, strict=True)) % 11
        if int(digits[length]) != (0 if rest < 2 else 11 - rest):
            return False
    return len(digits) == 14


def _isin_valid(code: str) -> bool:
    digits = [int(d) for d in "".join(str(int(c, 36)) for c in code)][::-1]
    total = sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits))
    return len(code) == 12 and total % 10 == 0


def test_known_check_digits_come_out() -> None:
    assert cnpj(33000167) == "33000167000101"  # Petrobras
    assert isin("BRPETRACNPR") == "BRPETRACNPR6"


def test_prices_drop_by_what_is_paid_and_split(world: World) -> None:
    seen = 0
    for listing in world.listings[:200]:
        s = world.series(listing.ticker)
        for action in s.actions:
            at = s.upto(action.last_with)
            if not 0 < at < len(s):
                continue
            same_day = [a for a in s.actions if a.last_with == action.last_with]
            if len(same_day) > 1:
                continue
            fair = (s.close[at - 1] - action.amount) / action.factor
            assert abs(np.log(s.close[at] / fair)) < 0.35, (listing.ticker, action)
            assert action.approved < action.last_with < action.payment
            seen += 1
    assert seen > 500


def test_the_adjusting_factors_are_those_of_the_actions(world: World) -> None:
    listing = next(x for x in world.listings if any(not a.in_cash for a in world.series(x.ticker).actions))
    s = world.series(listing.ticker)
    split = next(a for a in s.actions if not a.in_cash)
    at = s.upto(split.last_with)
    assert s.split[at - 1] / s.split[at] == pytest.approx(split.factor)
    assert s.split[-1] == s.factor[-1] == 1.0
    paid = next(a for a in s.actions if a.in_cash and 0 < s.upto(a.last_with) < len(s))
    day = s.upto(paid.last_with)
    assert s.factor[day - 1] / s.factor[day] == pytest.approx(1 - paid.amount / s.close[day - 1])


def test_bars_are_bars(world: World) -> None:
    for listing in world.listings:
        s = world.series(listing.ticker)
        assert (s.low <= np.minimum(s.open, s.close)).all()
        assert (s.high >= np.maximum(s.open, s.close)).all()
        assert (s.low > 0).all()
        assert (s.volume > 0).all()
        assert (np.diff(s.days).astype(int) > 0).all()
        assert s.days[-1].astype(date) == TODAY
        assert s.close[-1] == pytest.approx(listing.level, rel=0.15)


def test_cryptos_trade_every_day_and_shares_on_sessions_only(world: World) -> None:
    assert (np.diff(world.series("BTC-BRL").days).astype(int) == 1).all()
    assert all(is_session(d.astype(date)) for d in world.series("PETR4").days[-300:])


def test_stocks_follow_the_index_by_their_beta() -> None:
    world = World(60, as_of=TODAY)
    listing: Listing = world.by_ticker["PETR4"]
    beta = profile(world.seed, listing.issuer).beta
    s = world.series("PETR4")
    returns = np.diff(np.log(s.close / s.split * s.factor))
    market = world.market[1:]
    slope = float(np.cov(returns, market)[0, 1] / market.var(ddof=1))
    assert slope == pytest.approx(beta, abs=0.25)


@pytest.mark.parametrize(
    ("day", "trades"),
    [
        (date(2024, 11, 20), False),
        (date(2021, 7, 9), False),
        (date(2020, 7, 9), True),
        (date(2022, 1, 25), True),
        (date(2026, 2, 18), True),
        (date(2026, 2, 16), False),
        (date(2025, 12, 31), False),
        (date(2026, 3, 28), False),
    ],
)
def test_sessions_are_b3s(day: date, trades: bool) -> None:
    assert is_session(day) is trades


def test_sessions_match_the_recorded_calendar(samples: Path) -> None:
    lines = (samples / "b3/sessions_2020_2025.csv").read_text(encoding="utf-8").split()[1:]
    recorded = {date.fromisoformat(x) for x in lines}
    ours = {d.astype(date) for d in sessions(min(recorded), max(recorded))}
    assert ours == recorded


def test_before_the_close_the_last_session_is_the_one_before() -> None:
    assert last_session(datetime(2026, 3, 31, 15, 0, tzinfo=UTC)) == date(2026, 3, 30)
    assert last_session(datetime(2026, 3, 31, 22, 0, tzinfo=UTC)) == date(2026, 3, 31)
    assert last_session(datetime(2026, 4, 5, 22, 0, tzinfo=UTC)) == date(2026, 4, 2)  # Good Friday, weekend


def test_a_day_without_session_is_refused() -> None:
    with pytest.raises(ConfigError, match="2026-03-29 is no trading day"):
        World(20, as_of=date(2026, 3, 29))
    with pytest.raises(ConfigError, match="at least 1"):
        World(0)


def test_a_thousand_papers_start_fast() -> None:
    import time

    start = time.perf_counter()
    World(1000, as_of=TODAY)
    assert time.perf_counter() - start < 2
