"""Addresses of databases as platforms write them."""

from __future__ import annotations

import pytest

from invest.errors import ConfigError
from invest.settings import DatabaseSettings
from invest.store.core.address import address_of, connect_arguments, parse_address
from invest.store.core.encoding import clean, from_json, to_json


@pytest.mark.parametrize(
    ("url", "dsn", "shown"),
    [
        ("postgres://u:p@h:6543/d", "postgresql://u:p@h:6543/d", "h:6543/d"),
        ("postgresql://u:p%40x@h/d?sslmode=require", "postgresql://u:p%40x@h/d?sslmode=require", "h:5432/d"),
        ("postgresql+asyncpg://u@h/d", "postgresql://u@h/d", "h:5432/d"),
        ("postgresql:///d?host=/tmp/s", "postgresql:///d?host=%2Ftmp%2Fs", "/tmp/s/d"),
        ("postgres://u:p@[::1]:5432/d", "postgresql://u:p@[::1]:5432/d", "::1:5432/d"),
        ("postgres://u:p@h/d?pgbouncer=true&connection_limit=1", "postgresql://u:p@h/d", "h:5432/d"),
    ],
)
def test_an_address_is_understood_and_shown_without_its_password(url: str, dsn: str, shown: str) -> None:
    address = parse_address(url)
    assert (address.dsn, address.shown) == (dsn, shown)


@pytest.mark.parametrize(
    "url",
    ["mysql://h/d", "h/d", "postgres://u:se/cret@h/d", "postgres://u:p#x:y@h:99999999/d", "postgres://u:[secret]@h/d"],
)
def test_a_wrong_address_is_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL") as caught:
        parse_address(url)
    assert "secret" not in str(caught.value)
    assert "cret@" not in str(caught.value)


def test_a_missing_address_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match="invest run"):
        address_of(DatabaseSettings())


def test_behind_a_pooler_nothing_is_prepared_and_no_start_up_parameter_sent() -> None:
    plain = connect_arguments(parse_address("postgres://h/d"), DatabaseSettings())
    assert plain["statement_cache_size"] == 256
    assert plain["server_settings"]["statement_timeout"] == "60000"
    for url, settings in (
        ("postgres://h/d?pgbouncer=true", DatabaseSettings()),
        ("postgres://h/d", DatabaseSettings(statement_cache_size=0)),
    ):
        arguments = connect_arguments(parse_address(url), settings)
        assert arguments["statement_cache_size"] == 0
        assert arguments["server_settings"] == {"application_name": "invest"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": "\x00"}, '{"a":"\ufffd"}'),
        ({"a": "\\u0000"}, '{"a":"\\\\u0000"}'),
        ({"a": "\ud800x"}, '{"a":"\ufffdx"}'),
        ({"a": 10**30}, '{"a":1000000000000000000000000000000}'),
        ({"a": float("nan")}, '{"a":null}'),
    ],
)
def test_json_holds_nothing_that_postgresql_refuses(value: object, text: str) -> None:
    made = to_json(value).replace("\\ufffd", "\ufffd")
    assert made == text
    assert from_json(None) is None
    assert clean("a\x00\ud800é") == "a\ufffd\ufffdé"
