"""Arrays and times as PostgreSQL reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest

from invest.store.core.encoding import array_text, moments

WORDS = ["", "a", "NULL", 'say "so"', "back\\slash", "{x,y}", "comma, blank ", '"', '\\"', "ação", '","']


@pytest.mark.parametrize("words", [[], [""], ['"'], WORDS, WORDS[1:2] * 3])
async def test_an_array_written_as_text_is_read_as_it_was(empty_database_url: str, words: list[str]) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        assert await connection.fetchval("SELECT $1::text::text[]", array_text(words)) == words
    finally:
        await connection.close()


async def test_times_written_as_text_keep_their_instant(empty_database_url: str) -> None:
    before_1914 = timezone(timedelta(hours=-3, minutes=-6, seconds=-28))
    times = [
        datetime(2026, 3, 31, 20, 7, 0, 123456, UTC),
        datetime(2026, 3, 31, 17, tzinfo=timezone(timedelta(hours=-3))),
        datetime(1900, 1, 1, tzinfo=before_1914),
        datetime(2026, 3, 31, 20, 7, 0, 123456, UTC),
    ]
    connection = await asyncpg.connect(empty_database_url)
    try:
        assert await connection.fetchval("SELECT $1::text::timestamptz[]", array_text(moments(times))) == times
    finally:
        await connection.close()
