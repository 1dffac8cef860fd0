"""The parcel of everything that sources bring."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal

from invest.domain.market.assets import ActionKind, Asset, CorporateAction, MacroPoint
from invest.domain.market.bars import Bar
from invest.domain.market.tickers import AssetKind
from invest.domain.values.harvest import PARTS, Harvest
from invest.domain.values.observations import RawPayload

ASSET = Asset(ticker="PETR4", kind=AssetKind.STOCK)
BAR = Bar("PETR4", date(2026, 3, 31), None, None, None, Decimal(30), 1, None, None, "x", "p")
PAID = CorporateAction(
    ticker="VALE3",
    kind=ActionKind.DIVIDEND,
    last_date_with=date(2026, 3, 2),
    amount=Decimal(1),
    source="x",
    payload="p",
)
POINT = MacroPoint(series="sgs:12", day=date(2026, 3, 31), value=Decimal("0.05"), source="bcb", payload="p")
BYTES = RawPayload(
    sha256="0" * 64, source="x", url="u", fetched_at=datetime(2026, 3, 31, tzinfo=UTC), status=200, size=3, body=b"abc"
)


def test_a_sum_holds_every_part_of_both_in_order() -> None:
    """For each part there is, so that a new one cannot be forgotten."""
    for part in PARTS:
        first, second = Harvest(**{part: ["a"]}), Harvest(**{part: ["b", "c"]})  # type: ignore[arg-type]  # any items do
        added = first + second
        assert list(getattr(added, part)) == ["a", "b", "c"]
        assert all(not getattr(added, other) for other in PARTS if other != part)
    assert tuple(part.name for part in fields(Harvest)) == PARTS


def test_a_sum_of_many_is_the_sum_of_pairs() -> None:
    parcels = [Harvest(bars=[BAR]), Harvest(assets=[ASSET], bars=[BAR]), Harvest(), Harvest(actions=[PAID])]
    added = Harvest.sum(parcels)
    assert (list(added.assets), list(added.bars), list(added.actions)) == ([ASSET], [BAR, BAR], [PAID])
    assert Harvest.sum([]) == Harvest()


def test_bytes_alone_are_nothing_to_speak_of() -> None:
    assert not Harvest()
    assert not Harvest(payloads=[BYTES])
    assert Harvest(macro=[POINT])


def test_it_knows_what_it_is_about_and_weighs() -> None:
    parcel = Harvest(assets=[ASSET], bars=[BAR], actions=[PAID], macro=[POINT], payloads=[BYTES])
    assert parcel.subjects() == {"PETR4", "VALE3", "sgs:12"}
    assert parcel.weight() == 3 * 200 + 3
