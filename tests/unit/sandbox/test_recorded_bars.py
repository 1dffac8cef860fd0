"""Recorded bars are served as recorded."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from invest.errors import ConfigError
from invest_sandbox.world.world import World

HEAD = "ticker,date,open,high,low,close,adj_close,volume,kind\n"


def write(folder: Path, text: str, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def test_a_step_of_the_adjusted_close_is_a_dividend(tmp_path: Path) -> None:
    rows = (
        "PETR4,2026-03-26,30,31,29,30.00,28.50,1000,yf-unadj\n"
        "PETR4,2026-03-27,28,29,27,28.50,28.50,1000,yf-unadj\n"
        "PETR4,2026-03-30,28,29,27,28.60,28.60,1000,yf-unadj\n"
    )
    world = World(20, bars=write(tmp_path, rows))
    s = world.series("PETR4")
    assert world.today == date(2026, 3, 30)
    assert [(a.last_with, a.amount) for a in s.actions] == [(date(2026, 3, 26), 1.5)]
    assert s.factor.tolist() == pytest.approx([0.95, 1.0, 1.0])
    assert world.is_real("PETR4")
    assert not world.is_real("VALE3")


def test_holidays_double_days_and_rows_without_price_go(tmp_path: Path) -> None:
    rows = (
        "PETR4,2026-04-02,30,31,29,30.00,30.00,1000,yf-adjusted\n"
        "PETR4,2026-04-02,30,31,29,30.10,30.10,1000,yf-unadj\n"
        "PETR4,2026-04-03,30,30,30,30.00,30.00,0,yf-unadj\n"  # Good Friday
        "PETR4,2026-04-06,0,0,0,31.00,31.00,500,yf-unadj\n"
        "PETR4,2026-04-07,,,,,,,yf-unadj\n"
        "PETR4,2026-04-08,31,31,31,31.00,31.00,0,yf-unadj\n"
    )
    s = World(20, bars=write(tmp_path, rows)).series("PETR4")
    assert [str(d) for d in s.days] == ["2026-04-02", "2026-04-06"]
    assert s.close.tolist() == [30.10, 31.0]
    assert s.low[1] == s.open[1] == 31.0


def test_a_ticker_nobody_knows_is_listed_too(tmp_path: Path) -> None:
    rows = "QWER3,2026-03-30,10,11,9,10,10,100,yf-unadj\n^BVSP,2026-03-30,1,1,1,1,,1,yf\n"
    world = World(20, bars=write(tmp_path, rows))
    listing = world.by_ticker["QWER3"]
    assert listing.kind == "stock"
    assert listing.company is not None
    assert world.by_issuer["QWER"] == (listing,)
    assert len(world.index) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PETR4,2026-03-30,x,1,1,1,1,1,yf\n", r"bars\.csv:2: could not convert"),
        ("PETR4,30/03/2026,1,1,1,1,1,1,yf\n", r"bars\.csv:2: .*30/03/2026"),
        ("PETR4,2026-03-30,1\n", "3 columns instead of 9"),
        ("", "no bars in it"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        World(20, bars=write(tmp_path, text))


def test_files_that_are_no_bars_are_refused_in_words(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="expected ticker,date"):
        World(20, bars=other)
    with pytest.raises(ConfigError, match="No such file"):
        World(20, bars=tmp_path / "missing.csv")
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(HEAD.encode() * 1000)[:60])
    with pytest.raises(ConfigError, match=r"cut\.csv\.gz"):
        World(20, bars=cut)


@pytest.mark.slow
def test_the_recorded_samples_are_served_as_they_are(samples: Path) -> None:
    world = World(60, bars=samples / "yahoo/b3_daily_ohlcv.csv.gz")
    assert world.today == date(2026, 3, 31)
    petr = world.series("PETR4")
    assert petr.real
    assert petr.close[-1] == 48.67
    dividends = [a.amount for a in petr.actions if a.last_with.year == 2025]
    assert sum(dividends) > 2
    assert world.series("BOVA11").days[-1].astype(date) == date(2023, 12, 28)
    assert np.isfinite(world.market).all()
