"""Codes of B3: every paper that trades has one that is understood, and its specification says what it is."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from invest.domain.market.assets import TickerChange
from invest.domain.market.lineage import Lineages, Span
from invest.domain.market.tickers import AssetKind, InvalidTicker, kind_from_suffix, kind_of, parse_ticker


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" petr4f ", "PETR4"),
        ("1SBT11", "1SBT11"),
        ("3DCO3", "3DCO3"),
        ("EQMA3B", "EQMA3"),
        ("EQMA3BF", "EQMA3"),
        ("HBSA1", "HBSA1"),
        ("MERC2F", "MERC2"),
        ("BMGB10", "BMGB10"),
        ("CASH16", "CASH16"),
        ("GOLL54", "GOLL54"),
        ("GOLL80F", "GOLL80"),
    ],
)
def test_codes_of_every_kind_are_read(text: str, code: str) -> None:
    assert parse_ticker(text) == code


@pytest.mark.parametrize("text", ["202411", "PETR", "PETR0", "PETR04", "PETR123", "PETRA12", "PET4", "PETR4X", ""])
def test_what_is_no_code_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InvalidTicker, match="is no ticker"):
        parse_ticker(text)


@pytest.mark.parametrize(
    ("ticker", "bdi", "especi", "kind"),
    [
        ("PETR4", "02", "PN      N2", AssetKind.STOCK),
        ("GOLL54", "2", "PN *P   N2", AssetKind.STOCK),
        ("ABCD11", "02", "ON      NM", AssetKind.STOCK),
        ("ABCD3", "02", "UNT     N2", AssetKind.UNIT),
        ("SANB11", "02", "UNT", AssetKind.UNIT),
        ("HGLG11", "12", "CI  ER", AssetKind.FII),
        ("LPLP15", "12", "CI", AssetKind.FII),
        ("CPTR11", "13", "CI", AssetKind.FII),
        ("BOVA11", "14", "CI", AssetKind.ETF),
        ("AAPL34", "34", "DRN", AssetKind.BDR),
        ("ABCD11", "35", "DR3", AssetKind.BDR),
        ("BIVB39", "36", "DRE", AssetKind.BDR),
        ("HBSA1", "10", "DIR ORD NM", AssetKind.RIGHT),
        ("GARE12", "12", "DIR", AssetKind.RIGHT),
        ("ITSA10", "10", "PN  REC N1", AssetKind.RIGHT),
        ("BIOM14", "22", "BNS ORD MA", AssetKind.RIGHT),
        ("GOLL80", "22", "BNS*PRE N2", AssetKind.RIGHT),
        ("PETR3", None, None, AssetKind.STOCK),
        ("ABCD11", None, None, AssetKind.OTHER),
    ],
)
def test_the_specification_decides_before_the_suffix(
    ticker: str, bdi: str | None, especi: str | None, kind: AssetKind
) -> None:
    assert kind_of(ticker, bdi=bdi, especi=especi) is kind


def test_numbers_whose_kind_must_be_asked_have_none_by_themselves() -> None:
    assert [kind_from_suffix(code) for code in ("ABCD11", "CASH16", "GOLL54")] == [None, None, None]
    assert [kind_from_suffix(code) for code in ("ABCD1", "ABCD9", "ABCD12")] == [AssetKind.RIGHT] * 3


def change(old: str, new: str, day: str, ratio: str = "1", *, continues: bool = True) -> TickerChange:
    """A change of a code."""
    return TickerChange(
        old=old, new=new, changed_on=date.fromisoformat(day), ratio=Decimal(ratio), source="x", continues=continues
    )


def test_a_paper_merged_into_another_is_followed_and_leaves_the_other_s_past_alone() -> None:
    renamed = change("MRFG3", "MBRF3", "2025-09-23")
    merged = change("BRFS3", "MBRF3", "2025-09-23", "0.8521", continues=False)
    lineages = Lineages((merged, renamed), frozenset({"BRFS3", "MRFG3"}))
    assert lineages.current("BRFS3") == "MBRF3"
    own = [Span("MRFG3", None, date(2025, 9, 22)), Span("MBRF3", date(2025, 9, 23), None)]
    assert lineages.spans("MBRF3") == lineages.spans("MRFG3") == own
    assert lineages.spans("BRFS3") == [Span("BRFS3", None, date(2025, 9, 22)), Span("MBRF3", date(2025, 9, 23), None)]
    assert lineages.ratios("BRFS3") == [(date(2025, 9, 22), merged)]
    assert lineages.ratios("MBRF3") == []
    assert (lineages.merged_on("BRFS3"), lineages.merged_on("MRFG3")) == (date(2025, 9, 23), None)


def test_a_paper_merged_and_then_renamed_is_followed_to_the_last_code() -> None:
    merged = change("AAAA3", "BBBB3", "2020-03-02", "0.5", continues=False)
    renamed = change("BBBB3", "CCCC3", "2022-05-02")
    lineages = Lineages((merged, renamed), frozenset({"AAAA3", "BBBB3"}))
    assert lineages.spans("AAAA3") == [
        Span("AAAA3", None, date(2020, 3, 1)),
        Span("BBBB3", date(2020, 3, 2), date(2022, 5, 1)),
        Span("CCCC3", date(2022, 5, 2), None),
    ]
    assert lineages.spans("CCCC3")[0] == Span("BBBB3", None, date(2022, 5, 1))
