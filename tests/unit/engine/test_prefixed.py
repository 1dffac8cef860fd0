"""Where commands name their keys, and what a prefix may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from invest.engine.redis.keys import lua_constants
from invest.engine.redis.prefixed import under
from invest.errors import ConfigError
from invest.settings import Settings

P = b"{a}:"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("GET", "k"), ("GET", b"{a}:k")),
        (("HSET", b"k\xff", "f", "v"), ("HSET", b"{a}:k\xff", "f", "v")),
        (("DEL", "k", b"l"), ("DEL", b"{a}:k", b"{a}:l")),
        (("RENAME", "k", "l"), ("RENAME", b"{a}:k", b"{a}:l")),
        (("PING",), ("PING",)),
        (("SCRIPT LOAD", "text"), ("SCRIPT LOAD", "text")),
        (("EVALSHA", "s", 2, "k", "l", "k"), ("EVALSHA", "s", 2, b"{a}:k", b"{a}:l", "k")),
        (("XINFO STREAM", "k"), ("XINFO STREAM", b"{a}:k")),
        (("XGROUP", "SETID", "k", "g", "0"), ("XGROUP", "SETID", b"{a}:k", "g", "0")),
        (
            ("XREADGROUP", "GROUP", "g", "streams", b"COUNT", 1, b"STREAMS", "k", "l", ">", ">"),
            ("XREADGROUP", "GROUP", "g", "streams", b"COUNT", 1, b"STREAMS", b"{a}:k", b"{a}:l", ">", ">"),
        ),
        (("SCAN", 0), ("SCAN", 0, "MATCH", b"{a}:*")),
        (("SCAN", 0, b"MATCH", "x*", b"COUNT", 9), ("SCAN", 0, b"MATCH", b"{a}:x*", b"COUNT", 9)),
    ],
)
def test_keys_go_under_the_prefix_and_nothing_else_does(given: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    assert under(P, given) == expected


def test_a_command_whose_keys_are_unknown_is_refused() -> None:
    with pytest.raises(TypeError, match="FLUSHALL"):
        under(P, ("FLUSHALL",))
    with pytest.raises(TypeError, match="SORT"):
        under(P, ("SORT", "k", "BY", "w_*"))


def test_scripts_name_keys_under_the_prefix_and_words_as_they_are() -> None:
    plain, tagged = lua_constants().splitlines(), lua_constants("{a}:").splitlines()
    changed = [(old, new) for old, new in zip(plain, tagged, strict=True) if old != new]
    assert len(changed) > 30
    for old, new in changed:
        name, _, value = old.partition(" = '")
        assert new == f"{name} = '{{a}}:{value}"
    assert "local ENVELOPE_QUEUE = 'arq:queue:'" in tagged
    assert "local HIGH = ':high'" in tagged


@pytest.mark.parametrize("given", ["invest:prod", "{invest:prod}:", "a"])
def test_a_prefix_is_a_name_with_or_without_its_braces(settings: Callable[..., Settings], given: str) -> None:
    made = settings(redis={"prefix": given}).redis
    assert made.tag == "{" + given.strip("{}:") + "}:"


@pytest.mark.parametrize("given", ["a b", "a*", "{a}b", "a{b}", "-a", "x" * 41, "ä"])
def test_what_is_no_name_is_refused(settings: Callable[..., Settings], given: str) -> None:
    with pytest.raises(ConfigError, match="prefix"):
        settings(redis={"prefix": given})


def test_without_a_prefix_keys_are_as_they_were(settings: Callable[..., Settings]) -> None:
    assert settings().redis.tag == ""
