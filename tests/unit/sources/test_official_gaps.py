"""B3's files that cannot be had leave no gap behind which its bars are never asked for again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from invest.domain.values import AssetData
from invest.domain.values.observations import RawPayload
from invest.jobs.data_collection.market_collection import lacking_of
from invest.sources.b3.cotahist import CotahistSource, files_for
from invest.sources.client import Shelved
from invest.sources.errors import NotAvailable, SourceDown, SourceError
from invest.sources.model import Want

NOW = datetime(2026, 11, 27, 23, tzinfo=UTC)
PAYLOAD = RawPayload(sha256="0" * 64, source="cotahist", url="u", fetched_at=NOW, status=200, size=0)


class Archive(CotahistSource):
    """The source, with files that fail by name."""

    def __init__(self, failing: dict[str, SourceError]) -> None:
        super().__init__()
        self.failing = failing

    async def _one(self, client: Any, name: str, today: date) -> Shelved:
        if name in self.failing:
            raise self.failing[name]
        return Shelved(PAYLOAD, Path(name), cast(Any, SimpleNamespace(get=lambda _: b"", notes={})), False)


DOWN, MISSING = SourceDown("cotahist", "HTTP 500"), NotAvailable("cotahist", "HTTP 404")


@pytest.mark.parametrize(
    ("known", "failing", "read"),
    [
        (None, {}, [f"A{year}" for year in range(2021, 2027)]),
        (None, {"A2023": DOWN}, ["A2024", "A2025", "A2026"]),  # a history without a hole, a shorter one
        (None, {"A2021": DOWN, "A2022": DOWN}, ["A2023", "A2024", "A2025", "A2026"]),
        (None, {"A2026": DOWN}, []),  # nothing without the newest year
        (None, {"A2021": MISSING}, ["A2022", "A2023", "A2024", "A2025", "A2026"]),  # a fact, no failure
        (date(2026, 11, 23), {"D25112026": DOWN}, ["D24112026"]),  # later sessions wait for the missing one
        (date(2026, 11, 23), {"D24112026": DOWN}, []),
        (date(2026, 11, 23), {"D25112026": MISSING}, ["D24112026", "D26112026", "D27112026"]),
        (date(2024, 12, 30), {"A2025": DOWN}, []),
        (date(2024, 12, 30), {"A2026": DOWN}, ["A2025"]),
    ],
)
async def test_what_is_read_leaves_no_gap(known: date | None, failing: dict[str, SourceError], read: list[str]) -> None:
    last = date(2026, 11, 27)
    want = Want("PETR4", NOW, bars_until=last, official_until=known)
    found, problems = await Archive(failing)._fetch(cast(Any, None), files_for(known, last, last), want, known)
    assert [shelved.path.name for shelved in found] == read
    assert set(problems) == {name for name, error in failing.items() if error is DOWN}


async def test_bars_of_another_source_do_not_count_as_the_exchange_s(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def one(self: CotahistSource, client: object, name: str, today: date) -> Shelved:
        asked.append(name)
        raise DOWN

    monkeypatch.setattr(CotahistSource, "_one", one)
    last = date(2026, 11, 27)
    with pytest.raises(SourceDown):
        await CotahistSource().collect(
            cast(Any, Client()), Want("PETR4", NOW, bars_until=last, official_until=date(2026, 11, 25))
        )
    assert asked == ["D26112026", "D27112026"]
    done = await CotahistSource().collect(cast(Any, Client()), Want("PETR4", NOW, bars_until=last, official_until=last))
    assert (done.outcome.status, len(asked)) == ("not_modified", 2)


async def test_a_history_without_its_first_years_is_said_to_lack_them() -> None:
    client = Client()
    answer = await Archive({"A2023": DOWN}).collect(cast(Any, client), Want("PETR4", NOW))
    whole = await Archive({}).collect(cast(Any, client), Want("PETR4", NOW))
    found = [
        lacking_of(client.settings, cast(AssetData, SimpleNamespace(sources=(a.outcome,)))) for a in (answer, whole)
    ]
    assert len(found[0]) == 1 and found[1] == []
    assert "COTAHIST_A2023: HTTP 500, and the years before: invest data backfill --since 2023" in found[0][0]


class Client:
    """Settings as shipped, and no network."""

    def __init__(self) -> None:
        from invest.settings import Settings

        self.settings = Settings()
