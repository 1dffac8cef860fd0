"""Where a slot is, as the nodes of a cluster tell it; and what a server must be."""

from __future__ import annotations

import pytest
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

from invest.engine.redis.cluster import Places
from invest.engine.redis.connection import parse_address, unfit
from invest.settings import RedisSettings

SLOT = key_slot(b"{a}:")
SEED = ("seed", 1)
ANSWER = [
    [0, SLOT - 1, [b"other", 7001, b"id"]],
    [SLOT, SLOT, [b"", 7002, b"id"], [b"replica", 7003, b"id", [b"hostname", b"r"]]],
    [SLOT + 1, 16383, [b"other", 7001, b"id"]],
]


def test_the_primary_of_the_slot_is_learnt_and_all_nodes_remembered() -> None:
    places = Places([SEED], "{a}:")
    assert places.to_ask() == [SEED]
    assert places.learn(SEED, ANSWER) == places.primary == ("seed", 7002)  # without a host it is the one that was asked
    assert set(places.to_ask()) == {("seed", 7002), ("replica", 7003), ("other", 7001), SEED}


def test_a_primary_that_is_gone_is_asked_last() -> None:
    places = Places([SEED], "{a}:")
    places.learn(SEED, ANSWER)
    with pytest.raises(RedisConnectionError), places.following():
        raise RedisConnectionError("gone")
    assert places.primary is None
    assert places.to_ask()[-1] == ("seed", 7002)


@pytest.mark.parametrize(
    ("error", "primary"),
    [
        (ResponseError(f"MOVED {SLOT} 127.0.0.1:7009"), ("127.0.0.1", 7009)),
        (ResponseError(f"MOVED {SLOT} :7009"), None),
        (ResponseError("CLUSTERDOWN The cluster is down"), None),
        (ResponseError(f"ASK {SLOT} 127.0.0.1:7009"), None),
        (ReadOnlyError("You can't write against a read only replica."), None),
    ],
)
def test_an_answer_that_sends_elsewhere_is_tried_again(error: ResponseError, primary: tuple[str, int] | None) -> None:
    places = Places([SEED], "{a}:")
    places.learn(SEED, ANSWER)
    with pytest.raises(RedisConnectionError, match="changing"), places.following():
        raise error
    assert places.primary == primary


def test_other_errors_are_none_of_a_move() -> None:
    places = Places([SEED], "{a}:")
    places.learn(SEED, ANSWER)
    with pytest.raises(ResponseError, match="WRONGTYPE"), places.following():
        raise ResponseError("WRONGTYPE Operation against a key")
    assert places.primary == ("seed", 7002)


def test_a_slot_that_nobody_serves_is_said() -> None:
    with pytest.raises(RedisConnectionError, match=f"slot {SLOT}"):
        Places([SEED], "{a}:").learn(SEED, [ANSWER[0]])


@pytest.mark.parametrize(
    ("facts", "given", "said"),
    [
        ({"redis_version": "6.2.14"}, {}, "6.2.14"),
        ({"redis_version": "7.2.4", "maxmemory_policy": "allkeys-lru"}, {}, "allkeys-lru"),
        ({"redis_version": "7.2.4", "maxmemory_policy": "allkeys-lru"}, {"allow_eviction": True}, ""),
        ({"redis_version": "7.2.4", "cluster_enabled": 1}, {}, "redis.prefix"),
        ({"redis_version": "7.2.4", "cluster_enabled": 1}, {"prefix": "a"}, "cluster://"),
        ({"redis_version": "10.0.0", "maxmemory_policy": "noeviction", "cluster_enabled": 0}, {}, ""),
        ({}, {}, ""),
    ],
)
def test_a_server_that_does_not_suit_is_refused(facts: dict[str, object], given: dict[str, object], said: str) -> None:
    problem = unfit(facts, parse_address("redis://h:1/0"), RedisSettings.model_validate(given))
    assert said in problem if said else problem == ""
