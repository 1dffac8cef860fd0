"""What is believed where sources differ: the published rule, case by case, and what must hold for any observations."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.market.assets import ActionKind, CorporateAction
from invest.domain.values.choice import choose, choose_all, is_stale
from invest.domain.values.observations import Basis, Consensus, Observation
from invest.domain.values.units import unit_error

EVENING = datetime(2026, 3, 31, 23, 0, tzinfo=UTC)  # a Tuesday after the close
CLOSE = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)
RANKS = {"cotahist": 1, "cvm": 1, "brapi": 20, "yahoo": 30, "fundamentus": 40, "x": 50, "y": 60, "z": 70}


def seen(
    value: str | Decimal,
    source: str = "brapi",
    *,
    field: str = "close",
    as_of: datetime = CLOSE,
    basis: Basis = Basis.RAW,
    unit: str = "BRL",
) -> Observation:
    """One observation of PETR4."""
    return Observation(
        ticker="PETR4",
        field=field,
        value=Decimal(value),
        as_of=as_of,
        source=source,
        basis=basis,
        unit=unit,
        payload=f"{len(source):064x}",
        fetched_at=EVENING,
        official=source in ("cotahist", "cvm"),
        rank=RANKS[source],
    )


def known(value: str, as_of: datetime = CLOSE - timedelta(days=1)) -> Consensus:
    """The value in force before."""
    return choose([seen(value, "cotahist", as_of=as_of)], as_of + timedelta(hours=1))


def split(factor: str, day: date = date(2026, 3, 30)) -> CorporateAction:
    """A change of the share count."""
    kind = ActionKind.SPLIT if Decimal(factor) > 1 else ActionKind.REVERSE_SPLIT
    return CorporateAction(
        ticker="PETR4", kind=kind, last_date_with=day, factor=Decimal(factor), source="b3", payload="p"
    )


def test_a_fresh_official_value_wins_over_a_crowd() -> None:
    found = choose([seen("30.00", "cotahist"), seen("30.50"), seen("30.51", "yahoo"), seen("30.52", "x")], EVENING)
    assert (found.value, found.source, found.divergent) == (Decimal("30.00"), "cotahist", True)
    assert [r.source for r in found.rejected] == ["brapi", "yahoo", "x"]
    assert found.agreement == 0.25


def test_sources_that_agree_with_the_official_one_raise_confidence() -> None:
    alone = choose([seen("30.00", "cotahist")], EVENING)
    backed = choose([seen("30.00", "cotahist"), seen("30.01")], EVENING)
    doubted = choose([seen("30.00", "cotahist"), seen("31.01")], EVENING)
    assert doubted.confidence < alone.confidence <= backed.confidence
    assert not backed.divergent


def test_yesterday_s_official_close_yields_to_today_s_price() -> None:
    noon = datetime(2026, 3, 31, 15, 0, tzinfo=UTC)
    official = seen("30.00", "cotahist", as_of=CLOSE - timedelta(days=1))
    found = choose([official, seen("30.60", as_of=noon - timedelta(minutes=2))], noon)
    assert (found.value, found.source, found.stale) == (Decimal("30.60"), "brapi", False)
    assert found.rejected[0].reason == "of 2026-03-30"


def test_two_that_disagree_are_never_averaged() -> None:
    found = choose([seen("31.00", "yahoo"), seen("30.00", "brapi")], EVENING)
    assert (found.value, found.source, found.divergent) == (Decimal("30.00"), "brapi", True)
    assert found.rejected[0].reason == "outside the tolerance"
    assert found.confidence < 0.5


def test_two_that_agree_keep_the_higher_ranked_value() -> None:
    found = choose([seen("30.01", "yahoo"), seen("30.00", "brapi")], EVENING)
    assert (found.value, found.divergent, found.agreement) == (Decimal("30.00"), False, 1.0)


def test_of_three_the_two_that_agree_outvote_the_first_ranked() -> None:
    found = choose([seen("35.00", "brapi"), seen("30.00", "yahoo"), seen("30.02", "x")], EVENING)
    assert found.source == "yahoo"
    assert [r.source for r in found.rejected] == ["brapi"]
    assert not found.divergent


def test_the_middle_of_those_who_agree_is_a_value_that_was_given() -> None:
    found = choose([seen("30.00", "brapi"), seen("30.04", "yahoo"), seen("30.10", "x")], EVENING)
    assert (found.value, found.source) == (Decimal("30.04"), "yahoo")


def test_from_four_on_an_outlier_is_found_by_its_distance_from_the_rest() -> None:
    rows = [seen(v, s) for v, s in (("30.00", "brapi"), ("30.02", "yahoo"), ("29.98", "x"), ("34.00", "y"))]
    found = choose(rows, EVENING)
    assert found.value == Decimal("30.00")
    assert [(r.source, r.reason.split(":")[0]) for r in found.rejected] == [("y", "outlier")]


@pytest.mark.parametrize(
    ("field", "near", "far"),
    [
        ("close", "30.10", "30.20"),
        ("volume", "31", "32"),
        ("p_l", "31", "32"),
        ("net_margin", "30.009", "30.02"),
        ("roe", "30.009", "30.02"),
        ("dividend_yield", "30.004", "30.006"),
    ],
)
def test_each_field_has_its_tolerance(field: str, near: str, far: str) -> None:
    rows = [seen("30", field=field)]
    assert not choose([*rows, seen(near, "yahoo", field=field)], EVENING).divergent
    assert choose([*rows, seen(far, "yahoo", field=field)], EVENING).divergent


@pytest.mark.parametrize("factor", ["10", "100", "1000", "0.1", "0.01", "0.001"])
def test_a_wrong_unit_is_seen_against_the_known_price(factor: str) -> None:
    wrong = seen(Decimal("30.5") * Decimal(factor), "cotahist")
    found = choose([wrong, seen("30.5")], EVENING, last_known=known("30.00"))
    assert (found.value, found.source) == (Decimal("30.5"), "brapi")
    assert "unit error" in found.rejected[0].reason


def test_a_wrong_unit_is_seen_against_two_that_agree() -> None:
    rows = [seen("0.24", field="net_margin"), seen("0.241", "yahoo", field="net_margin")]
    found = choose([seen("24", "fundamentus", field="net_margin"), *rows], EVENING)
    assert found.value == Decimal("0.24")
    assert "unit error: about 100 times what the others say" in found.rejected[0].reason


def test_where_every_value_is_in_the_wrong_unit_there_is_none() -> None:
    found = choose([seen("30500")], EVENING, last_known=known("30.00"))
    assert (found.value, found.confidence) == (None, 0)
    assert "unit error" in found.rejected[0].reason


def test_a_tenfold_price_after_a_reverse_split_is_no_wrong_unit() -> None:
    found = choose([seen("301", "cotahist")], EVENING, last_known=known("30.00"), splits=[split("0.1")])
    assert (found.value, found.quarantined) == (Decimal("301"), False)


def test_a_source_that_missed_a_split_is_named() -> None:
    rows = [seen("15.00", "cotahist"), seen("30.02", "brapi")]
    found = choose(rows, EVENING, last_known=known("30.00"), splits=[split("2")])
    assert found.value == Decimal("15.00")
    assert found.rejected[0].reason.startswith("corporate action of 2026-03-30")
    assert not found.quarantined


def test_a_jump_without_an_event_is_quarantined_until_a_second_source_says_so() -> None:
    alone = choose([seen("20.00", "cotahist")], EVENING, last_known=known("30.00"))
    assert alone.quarantined
    assert alone.confidence < 0.2
    both = choose([seen("20.00", "cotahist"), seen("20.02")], EVENING, last_known=known("30.00"))
    assert not both.quarantined


def test_a_jump_over_weeks_is_a_move() -> None:
    weeks_ago = known("30.00", CLOSE - timedelta(days=21))
    assert not choose([seen("20.00")], EVENING, last_known=weeks_ago).quarantined


def test_raw_is_compared_with_raw_alone() -> None:
    found = choose([seen("30.00"), seen("28.00", "yahoo", basis=Basis.ADJUSTED)], EVENING)
    assert (found.value, found.basis, found.n, found.divergent) == (Decimal("30.00"), Basis.RAW, 1, False)
    assert found.rejected[0].reason == "measured as adjusted"


def test_other_units_and_periods_are_not_compared() -> None:
    year_ago = EVENING - timedelta(days=365)
    rows = [
        seen("5.0", field="p_l", basis=Basis.TTM, unit="x"),
        seen("9.0", "yahoo", field="p_l", basis=Basis.TTM, unit="x", as_of=year_ago),
        seen("500", "x", field="p_l", basis=Basis.TTM, unit="percent"),
    ]
    found = choose(rows, EVENING)
    assert found.n == 1
    assert sorted(r.reason for r in found.rejected) == ["in percent", "of 2025-03-31"]


def test_the_future_and_the_impossible_are_left_out() -> None:
    tomorrow = seen("31.00", "yahoo", as_of=EVENING + timedelta(days=1))
    found = choose([seen("30.00"), tomorrow, seen("0", "x"), seen("-1", "y")], EVENING)
    assert (found.value, found.n) == (Decimal("30.00"), 1)
    assert [r.reason for r in found.rejected] == ["dated in the future", "not above zero", "not above zero"]


def test_a_source_s_own_older_value_does_not_vote() -> None:
    found = choose([seen("30.00"), seen("29.99", as_of=CLOSE - timedelta(minutes=30))], EVENING)
    assert (found.value, found.n) == (Decimal("30.00"), 1)


@pytest.mark.parametrize(
    ("field", "age", "now", "stale"),
    [
        ("close", timedelta(minutes=14), datetime(2026, 3, 31, 15, 0, tzinfo=UTC), False),
        ("close", timedelta(minutes=16), datetime(2026, 3, 31, 15, 0, tzinfo=UTC), True),
        ("close", timedelta(hours=19), datetime(2026, 3, 31, 15, 0, tzinfo=UTC), False),
        ("close", timedelta(hours=3), EVENING, False),
        ("close", timedelta(days=1, hours=3), EVENING, True),
        ("close", timedelta(days=2), datetime(2026, 3, 29, 22, 0, tzinfo=UTC), False),
        ("roe", timedelta(days=150), EVENING, False),
        ("roe", timedelta(days=250), EVENING, True),
    ],
)
def test_freshness_follows_the_session_and_the_filings(field: str, age: timedelta, now: datetime, stale: bool) -> None:
    assert is_stale(seen("30", field=field, as_of=now - age), now) is stale


def test_choose_all_decides_every_field_for_itself() -> None:
    found = choose_all([seen("30"), seen("5", field="p_l"), seen("31", "yahoo")], EVENING)
    assert list(found) == ["close", "p_l"]
    assert found["close"].divergent


def test_mixed_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="exactly one field"):
        choose([seen("1"), seen("1", field="p_l")], EVENING)
    with pytest.raises(ValueError, match="exactly one field"):
        choose([], EVENING)


def test_unit_errors_need_the_same_sign_and_a_near_ratio() -> None:
    assert unit_error(Decimal("30"), Decimal("-3")) is None
    assert unit_error(Decimal("250"), Decimal("3")) is None
    assert unit_error(Decimal("2900"), Decimal("3")) == 1000
    assert unit_error(Decimal("0.031"), Decimal("3")) == Decimal("0.01")


values = st.decimals(min_value="0.01", max_value="2000", places=2)
sources = st.sampled_from(sorted(RANKS))
fields = st.sampled_from(["close", "volume", "p_l", "roe"])
hours = st.integers(-30, 72)


@st.composite
def panels(draw: st.DrawFn) -> list[Observation]:
    """Observations of one field, some alike, some old, some ahead of time."""
    field = draw(fields)
    rows = draw(st.lists(st.tuples(values, sources, hours), min_size=1, max_size=8))
    return [seen(v, s, field=field, as_of=CLOSE - timedelta(hours=h)) for v, s, h in rows]


references = st.none() | values.map(lambda v: known(str(v)))
events = st.lists(st.sampled_from(["2", "0.1", "1.05", "10"]).map(split), max_size=2)


@given(panels(), references, events, st.randoms(use_true_random=False))
def test_the_order_of_observations_never_matters(
    rows: list[Observation], last: Consensus | None, splits: list[CorporateAction], random: st.DataObject
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random
    before = choose(rows, EVENING, last_known=last, splits=splits)
    assert choose(shuffled, EVENING, last_known=last, splits=splits) == before


@given(panels(), references, events)
def test_the_value_is_one_that_a_source_gave_and_is_not_among_the_rejected(
    rows: list[Observation], last: Consensus | None, splits: list[CorporateAction]
) -> None:
    found = choose(rows, EVENING, last_known=last, splits=splits)
    if found.value is None:
        assert len(found.rejected) == len(rows)
        return
    chosen = [o for o in rows if (o.source, o.value, o.as_of) == (found.source, found.value, found.as_of)]
    assert chosen
    assert found.source in found.sources
    if len(chosen) == 1:
        turned_down = {(r.source, r.value) for r in found.rejected}
        twins = [o for o in rows if (o.source, o.value) == (found.source, found.value)]
        assert (found.source, found.value) not in turned_down or len(twins) > 1


@given(panels(), references)
def test_its_figures_stay_within_their_bounds(rows: list[Observation], last: Consensus | None) -> None:
    found = choose(rows, EVENING, last_known=last)
    assert 0 <= found.confidence <= 1
    assert found.n == len(found.sources) <= len({o.source for o in rows})
    assert found.agreement is None or 0 < found.agreement <= 1
    assert len(found.rejected) < len(rows) or found.value is None


@given(panels())
def test_deciding_again_from_the_same_things_changes_nothing(rows: list[Observation]) -> None:
    assert choose(rows, EVENING) == choose([*rows, *rows], EVENING).model_copy(
        update={"rejected": choose(rows, EVENING).rejected}
    )
