"""Mercado Bitcoin's answers: columns of candles, prices by pair, and what must not be believed of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from invest.sources.errors import Malformed, NotAvailable, SourceRefused
from invest.sources.model import Answer, Want
from invest.sources.others.mercado_bitcoin import MercadoBitcoinSource, bars_of, tickers_of
from tests.builders.hostile import FakeClient

NOW = datetime(2026, 3, 31, 23, tzinfo=UTC)
CANDLES: dict[str, list[Any]] = {
    "t": [1774742400, 1774828800, 1774915200],  # 29, 30 and 31 March 2026, UTC
    "o": ["300000.0", "301000.0", "302000.0"],
    "h": ["303000.0", "303000.0", "303000.0"],
    "l": ["297000.0", "300000.0", "300000.0"],
    "c": ["300000.0", "302000.0", "301000.0"],
    "v": ["2.5", "1.0", "0.1"],
}
TICKERS = [{"pair": "BTC-BRL", "last": "301500.50", "vol": "2.0", "date": 1774994400}]


def body(data: Any) -> bytes:
    import orjson

    return orjson.dumps(data)


async def collect(candles: Any, tickers: Any, **known: Any) -> Answer:
    """What the source makes of these answers."""
    client = FakeClient(Path("unused"), {"/api/v4/candles": body(candles), "/api/v4/tickers": body(tickers)})
    return await MercadoBitcoinSource().collect(cast(Any, client), Want("BTC-BRL", NOW, **known))


def test_candles_are_days_in_utc_with_money_in_reais() -> None:
    bars = bars_of(CANDLES, "BTC-BRL", "p")
    assert [bar.day for bar in bars] == [date(2026, 3, 29), date(2026, 3, 30), date(2026, 3, 31)]
    assert (bars[0].close, bars[0].volume, bars[0].turnover) == (Decimal("300000.0"), None, Decimal("750000.00"))


async def test_the_running_day_is_no_bar_and_the_price_is_an_observation() -> None:
    found = await collect(CANDLES, TICKERS, bars_until=date(2026, 3, 29))
    assert [bar.day for bar in found.harvest.bars] == [date(2026, 3, 30)]
    seen = {seen.field: seen.value for seen in found.harvest.observations}
    assert seen == {"close": Decimal("301500.50"), "turnover": Decimal("603001.00")}


async def test_a_price_in_another_unit_rejects_the_answer() -> None:
    known = {"last_close": Decimal("3000"), "last_day": date(2026, 3, 30)}
    found = await collect(CANDLES, TICKERS, **known)
    assert found.outcome.status == "rejected"
    assert not found.harvest


@pytest.mark.parametrize(
    ("closes", "kept", "priced"),
    [
        (["300000", "301000", "302000", "303000000"], 3, False),  # the last bar and the price
        (["300000", "301000", "302000", "30300", "30200"], 3, False),
        (["300", "301000", "302000", "303000"], 3, True),
        (["300000", "301000000", "302000", "303000"], 3, True),
        (["300000", "301000", "302000", "303000"], 4, True),
    ],
)
async def test_coins_that_nobody_knew_are_held_to_their_own_bars(closes: list[str], kept: int, priced: bool) -> None:
    start = int(datetime(2026, 3, 20, tzinfo=UTC).timestamp())
    days = [start + 86_400 * i for i in range(len(closes))]
    candles = {"t": days, **dict.fromkeys("ohlc", closes), "v": ["1.5"] * len(closes)}
    found = await collect(candles, [{**TICKERS[0], "last": closes[-1]}])
    assert len(found.harvest.bars) == kept
    assert ("close" in {seen.field for seen in found.harvest.observations}) is priced


async def test_a_sum_beyond_any_money_is_left_out_beside_the_price() -> None:
    odd = {**CANDLES, "h": ["1e29"] * 3}
    assert bars_of(odd, "BTC-BRL", "p")[0].turnover is None
    found = await collect(CANDLES, [{**TICKERS[0], "vol": "1e29"}])
    assert [seen.field for seen in found.harvest.observations] == ["close"]


@pytest.mark.parametrize("data", [[], {"t": [1]}, {**CANDLES, "c": None}, None])
def test_other_shapes_are_malformed(data: object) -> None:
    with pytest.raises(Malformed):
        bars_of(data, "BTC-BRL", "p")


def test_rows_without_sense_are_left_out() -> None:
    odd = {name: [*column, None] for name, column in CANDLES.items()}
    assert len(bars_of(odd, "BTC-BRL", "p")) == 3
    assert tickers_of([{"pair": "btc-brl", "last": "1"}, 7]) == {"BTC-BRL": {"pair": "btc-brl", "last": "1"}}
    with pytest.raises(Malformed):
        tickers_of({"message": "error"})


async def test_pairs_that_are_not_traded_here_are_skipped_or_unknown() -> None:
    source, client = MercadoBitcoinSource(), cast(Any, FakeClient(Path("unused"), {}))
    assert (await source.collect(client, Want("BTC-USD", NOW))).outcome.status == "skipped"

    class Refusing:
        settings = client.settings

        async def get(self, *_: object, **__: object) -> None:
            raise SourceRefused("mercado_bitcoin", "HTTP 400", 400, '{"message": "Invalid symbol"}')

    with pytest.raises(NotAvailable, match="no such pair"):
        await source.collect(cast(Any, Refusing()), Want("DOGE-BRL", NOW))
