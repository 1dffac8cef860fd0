"""Bytes and answers of upstreams that once gave wrong figures, each with its right ones."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from invest.domain.filings.filing import Chart, Filing
from invest.domain.filings.fundamentals import fundamentals_of
from invest.domain.market.adjustment import adjustment_factors
from invest.domain.market.assets import ActionKind
from invest.domain.values.observations import RawPayload
from invest.settings import SourceSettings
from invest.sources.b3 import format as b3_format
from invest.sources.b3.cotahist import bars_of
from invest.sources.b3.cotahist_format import parse_cotahist
from invest.sources.brapi import format as brapi_format
from invest.sources.client.shelf import Shelf
from invest.sources.cvm.format import cut_statements, filings_of, statements_of
from invest.sources.cvm.register import read_fca
from invest.sources.feeds.format import entries_of, moment
from invest.sources.model import Reading, Want
from invest.sources.others import yahoo
from invest.sources.plausible import believe

NOW = datetime(2026, 11, 27, 23, tzinfo=UTC)
PAYLOAD = RawPayload(sha256="0" * 64, source="x", url="u", fetched_at=NOW, status=200, size=0)


def read(path: Path) -> object:
    """The JSON of a case."""
    return json.loads(path.read_text())


def test_a_blank_consolidated_form_does_not_hide_the_individual_one(cases: Path, tmp_path: Path) -> None:
    cut_statements(cases / "data/cvm_blank_consolidated.zip", tmp_path / "dfp.shelf")
    blocks = Shelf(tmp_path / "dfp.shelf").blocks("11111111000111")
    lines = {line.account: line for line in statements_of(blocks, filings_of(blocks, "DFP"), "p")}
    assert (lines["3.01"].value, lines["2.03"].value) == (Decimal(800_000), Decimal(500_000))
    assert not any(line.consolidated for line in lines.values())


def test_equal_instalments_are_several_payments(cases: Path) -> None:
    answer = json.loads((cases / "data/k2_equal_instalments.json").read_text())
    found = b3_format.cash_actions(answer["results"], "TAEE11", None, "p")
    assert len(found) == 4
    assert sum(a.amount for a in found if a.amount) == pytest.approx(Decimal("0.91194344"), abs=Decimal("1e-7"))


def test_a_spin_off_is_kept_and_is_no_loss(cases: Path) -> None:
    (company,) = json.loads((cases / "data/k4_spin_off_supplement.json").read_text())
    (spin_off,) = b3_format.share_actions(company["stockDividends"], "ABCD4", "BRABCDACNPR1", "p")
    assert (spin_off.kind, spin_off.factor, spin_off.label) == (ActionKind.SPIN_OFF, None, "CIS RED CAP")
    days = np.array(list(company["_closes"]), dtype="datetime64[D]")
    closes = np.array([float(c) for c in company["_closes"].values()])
    assert np.isnan(adjustment_factors(days, closes, [spin_off])).tolist() == [True, False]


def test_a_reverse_split_never_gives_more_shares(cases: Path) -> None:
    answer = json.loads((cases / "data/k5_brapi_reverse_split.json").read_text())
    found = brapi_format.actions(answer["results"][0], "ABCD3", None, "p", "brapi")
    assert [action.factor for action in found] == [Decimal("0.1")] * 2


def test_the_exchange_s_own_file_is_believed(cases: Path) -> None:
    rows = parse_cotahist((cases / "data/k6_reverse_split_unannounced.TXT").read_bytes()).rows
    basket = Reading("cotahist", SourceSettings(official=True), "ABCD3")
    want = Want("ABCD3", NOW, last_close=Decimal("0.17"), last_day=date(2023, 1, 25))
    kept = believe(basket, want, list(bars_of(rows, "ABCD3", "p", None)), date(2026, 11, 27))
    assert [bar.close for bar in kept] == [Decimal("1.70"), Decimal("1.75")]
    assert "unexplained jump" in basket.remarks[0]


def test_the_newest_version_of_a_form_counts_whole(cases: Path) -> None:
    found = read_fca(cases / "data/k8_fca_version_2_ends_the_code.zip", "p")
    assert (found["OLDX3"].listed, found["OLDX3"].successor, found["NEWX3"].listed) == (False, "NEWX3", True)


def test_one_bar_in_another_unit_is_left_out(cases: Path) -> None:
    chart = yahoo.chart_of(read(cases / "data/k10_yahoo_one_bar_times_100.json"))
    basket = Reading("yahoo", SourceSettings(), "ABCD3")
    want = Want("ABCD3", NOW, last_close=Decimal("37.4"), last_day=date(2023, 12, 28))
    assert yahoo.read(basket, want, chart, PAYLOAD) is None
    assert [bar.close for bar in basket.harvest.bars] == [Decimal("37.5"), Decimal("38.0")]


def test_minus_zero_is_utc(cases: Path) -> None:
    (entry,) = entries_of("rss", (cases / "data/k11_feed_minus_zero_zone.xml").read_bytes())
    assert moment(entry, NOW) == datetime(2026, 3, 24, 12, tzinfo=UTC)


def test_a_short_fiscal_year_is_none(cases: Path) -> None:
    case = json.loads((cases / "data/k12_special_dfp.json").read_text())
    filings = [
        Filing(
            form="DFP",
            reference_date=(end := date.fromisoformat(last)),
            received_on=end + timedelta(days=80),
            version=1,
            consolidated=True,
            chart=Chart.INDUSTRY,
            balance={"equity": equity},
            flows={(date.fromisoformat(first), end): {"revenue": revenue, "net_income": income}},
        )
        for last, first, revenue, income, equity in case["dfp"]
    ]
    company = fundamentals_of(filings, NOW)
    assert company is not None
    for name, value in case["expected"].items():
        assert company.ratios[name] == pytest.approx(value)
