"""A client that answers from a table instead of the network, and values that no upstream should send."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from invest.domain.values.observations import RawPayload
from invest.settings import Settings, SourceSettings
from invest.sources.client.call import Response
from invest.sources.client.flight import Flights
from invest.sources.client.memory import Memory
from invest.sources.client.zips import check_zip
from invest.sources.errors import NotAvailable
from invest.sources.model import Answer
from tests.builders.domain import bars_in

NOW = datetime(2026, 3, 31, 23, 0, tzinfo=UTC)
BIGINT, INT = 2**63 - 1, 2**31 - 1

ODD: tuple[Any, ...] = (
    None, "", " ", "-", "NaN", "Infinity", "1e308", "1e29", "-1", -1, 0, -0.0, 10**18, 10**40, 1.5e300, True, False, [],
    [[]], {}, {"a": None}, [None], "1.234,56", "1,234.56", "R$ 5,00", "12%", "31/12/9999", "00/00/0000", "2024-13-45",
    "0001-01-01", "9999-12-31", "2024-02-30", "2024-02-29T00:00:00Z", -62135596800, 253402300799, 10**15,
    "\x00", "\u202e",
    "é" * 300, "a" * 5000, "9" * 400,
    "=cmd|' /C calc'!A0", "<img onerror=x>", "#read(\"x\") R$ 5", "true", "null",
    "PETR4", "²", "１２",
)  # fmt: skip
odd = st.sampled_from(ODD)


def nodes(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value of a JSON document."""
    yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from nodes(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from nodes(value, (*path, i))


@st.composite
def spoilt(draw: st.DrawFn, good: Any) -> Any:
    """A document with up to four of its values replaced, removed or repeated."""
    data = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 4))):
        *way, last = draw(st.sampled_from([path for path in nodes(data) if path] or [(None,)]))
        if last is None:
            return draw(odd)
        parent = data
        for step in way:
            parent = parent[step]
        match draw(st.sampled_from(("replace", "replace", "replace", "remove", "repeat"))):
            case "remove":
                del parent[last]
            case "repeat" if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[last]))
            case _:
                parent[last] = copy.deepcopy(draw(odd))
    return data


@cache
def every_source() -> Settings:
    """Settings with every source on."""
    named = (
        "cotahist",
        "b3",
        "cvm",
        "cvm_funds",
        "bcb",
        "olinda",
        "brapi",
        "rss",
        "yahoo",
        "fundamentus",
        "gdelt",
        "binance",
        "mercado_bitcoin",
    )
    sources = {name: SourceSettings(enabled=True) for name in (*named, "mercado_bitcoin", "google_news")}
    sources["rss"] = SourceSettings(enabled=True, feeds={"g1": "https://g1.example/feed"})
    return Settings(sandbox_url="http://127.0.0.1:1", as_of=NOW, sources=sources)


@dataclass
class FakeClient:
    """Answers GETs by the first part of the path that is in `answers`; a callable is asked each time."""

    folder: Path
    answers: Mapping[str, bytes | Callable[[], bytes]]
    flights: Flights = field(default_factory=Flights)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = every_source()
        self.memory = Memory(self.folder)

    async def get(self, source: str, path: str, **how: Any) -> Response:
        """The answer whose key the path holds; 404 where there is none."""
        self.asked.append(path)
        body = next((value for key, value in self.answers.items() if key in path), None)
        if body is None or len(self.asked) > 200:
            raise NotAvailable(source, "HTTP 404: it has no such thing")
        data = body if isinstance(body, bytes) else body()
        sha256 = hashlib.sha256(data).hexdigest()
        zipped = how.get("kind") == "zip"
        payload = RawPayload(
            sha256=sha256, source=source, url=f"https://{source}.example{path}", fetched_at=NOW, status=200,
            size=len(data), body=None if zipped else data,
        )  # fmt: skip
        if not zipped:
            return Response(payload)
        file = self.folder / f"{sha256}.zip"
        file.write_bytes(data)
        check_zip(source, file, 1000)
        return Response(payload, path=file)


def assert_storable(found: Answer) -> None:
    """Whatever was read can be written to the tables as they are: numbers in range, days that exist, hashes given."""
    told = {payload.sha256 for payload in found.harvest.payloads}
    for bar in bars_in(found.harvest):
        assert 0 < bar.close < Decimal(10) ** 10, bar
        assert all(p is None or 0 < p < Decimal(10) ** 10 for p in (bar.open, bar.high, bar.low)), bar
        assert bar.volume is None or 0 <= bar.volume <= BIGINT, bar
        assert bar.trades is None or 0 <= bar.trades <= INT, bar
        assert bar.turnover is None or bar.turnover >= 0, bar
        assert bar.payload in told
    for observation in found.harvest.observations:
        assert observation.value.is_finite()
        assert observation.payload in told
    for action in found.harvest.actions:
        assert action.amount is None or action.amount > 0, action
        assert action.factor is None or 0 < action.factor < 10**6, action
        assert action.payload in told
    for line in found.harvest.statements:
        assert 0 < line.version <= INT, line
        assert 0 < line.cvm_code <= INT, line
        assert line.payload in told
    if found.identity is not None:
        identity = found.identity
        assert identity.cvm_code is None or 0 < identity.cvm_code <= INT
        assert identity.shares_outstanding is None or identity.shares_outstanding > 0
        assert identity.cnpj is None or len(identity.cnpj) == 14
