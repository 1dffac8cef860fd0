"""Drawn figures are kept within bounds, drawn once for all who wait, and given up with what they follow from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import pytest
from markupsafe import Markup

from invest.api.pages.desk.measured import Basis, Drawings, Drawn, Key
from invest.domain.portfolios import Portfolio

DAY = date(2026, 3, 31)
DRAWN = Drawn(
    Portfolio(id="p", name="Own", created_at=datetime(2026, 3, 31, tzinfo=UTC)),
    True,
    DAY,
    1,
    Markup("strip"),
    Markup("figures"),
    (),
)


def counted() -> tuple[list[int], Callable[[], Awaitable[Drawn]]]:
    calls: list[int] = []

    async def draw() -> Drawn:
        calls.append(len(calls))
        await asyncio.sleep(0)
        return DRAWN

    return calls, draw


async def test_readers_who_come_together_wait_for_one_drawing() -> None:
    calls, draw = counted()
    drawings, key, basis = Drawings(), Key("p", "en"), Basis("1", DAY)
    await asyncio.gather(*(drawings.of(key, basis, draw) for _ in range(5)))
    assert await drawings.of(key, basis, draw) is DRAWN and calls == [0]


async def test_another_version_day_or_language_is_drawn_anew_and_only_languages_are_kept_side_by_side() -> None:
    calls, draw = counted()
    drawings = Drawings()
    for language, basis in (
        ("en", Basis("1", DAY)),
        ("en", Basis("2", DAY)),
        ("en", Basis("2", date(2026, 4, 1))),
        ("pt-BR", Basis("2", date(2026, 4, 1))),
    ):
        await drawings.of(Key("p", language), basis, draw)
    assert len(calls) == 4 and len(drawings) == 2


async def test_the_least_used_is_given_up() -> None:
    calls, draw = counted()
    drawings, basis = Drawings(most=2), Basis("1", DAY)
    for name in ("a", "b", "a", "c"):
        await drawings.of(Key(name, "en"), basis, draw)
    assert len(drawings) == 2 and len(calls) == 3
    await drawings.of(Key("a", "en"), basis, draw)
    assert len(calls) == 3
    await drawings.of(Key("b", "en"), basis, draw)
    assert len(calls) == 4


async def test_what_failed_is_not_kept_and_who_leaves_takes_nothing_along() -> None:
    calls, draw = counted()
    drawings, key, basis = Drawings(), Key("p", "en"), Basis("1", DAY)

    async def fail() -> Drawn:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await drawings.of(key, basis, fail)
    assert not len(drawings)
    first, second = (asyncio.ensure_future(drawings.of(key, basis, draw)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is DRAWN and calls == [0]
