"""Declaring and calling jobs, policies, workflow values, addresses: nothing here needs a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.market.tickers import Ticker
from invest.engine import (
    Context,
    InvalidArguments,
    Queue,
    QueueStats,
    Rate,
    Retry,
    Threshold,
    chain,
    chord,
    group,
    registry,
)
from invest.engine.calls.policy import parse_rate
from invest.engine.errors import ErrorInfo
from invest.engine.manage.inspection import read_cursor
from invest.engine.redis.connection import parse_address
from invest.engine.redis.wire import CorruptPayload, read_job, result_head
from invest.engine.worker.supervisor import parse_range, wanted
from invest.errors import ConfigError

queue = Queue("unit_kit")


@queue.job(retry=Retry(retries=3, delay=60), key="unit:{ticker}")
async def unit_collect(
    ctx: Context, ticker: Ticker, force: bool = False, *, price: Decimal | None = None
) -> dict[str, Any]:
    """Collect one asset.

    More about it.
    """
    return {"ticker": ticker, "force": force, "price": price}


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    for job in queue.jobs.values():  # again, where this process ran other modules in between
        registry.add(job)
    yield
    registry.remove(*queue.jobs.values())


def test_a_call_is_data_with_validated_arguments() -> None:
    call = unit_collect("petr4f", price=Decimal("10.50"))
    assert call.payload == b'{"ticker":"PETR4","price":"10.50"}'
    assert call.job.unique_key(call) == "unit_collect:unit:PETR4"


@pytest.mark.parametrize(
    ("args", "kwargs", "field"),
    [
        (("nonsense",), {}, "ticker"),
        ((), {}, "ticker"),
        (("PETR4",), {"ticker": "VALE3"}, "ticker"),
        (("PETR4",), {"nobody": 1}, "nobody"),
        (("PETR4",), {"force": "perhaps"}, "force"),
        (("PETR4", True, 1), {}, ""),
    ],
)
def test_wrong_arguments_are_refused_with_the_field_named(args: Any, kwargs: Any, field: str) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        registry.call_by_name("unit_collect", args, kwargs)
    assert [".".join(str(p) for p in e["loc"]) for e in refusal.value.errors] == [field]


def test_the_declaration_describes_itself() -> None:
    told = unit_collect.description
    assert (told["name"], told["queue"], told["retries"], told["delay"]) == ("unit_collect", "unit_kit", 3, 60)
    assert (told["timeout"], told["soft_timeout"], told["summary"]) == (1800, 1500, "Collect one asset.")
    assert set(told["parameters"]["properties"]) == {"ticker", "force", "price"}
    assert told["parameters"]["required"] == ["ticker"]


def test_a_declaration_that_cannot_work_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):

        @queue.job(name="unit_collect")
        async def again(ctx: Context) -> None: ...

    with pytest.raises(ValueError, match="no parameter"):

        @queue.job(key="{nobody}")
        async def unit_key(ctx: Context) -> None: ...

    with pytest.raises(TypeError, match="async"):

        @queue.job()  # type: ignore[arg-type] # the mistake that is tested
        def unit_sync(ctx: Context) -> None: ...

    with pytest.raises(TypeError, match=r"\*args"):

        @queue.job()
        async def unit_star(ctx: Context, *names: str) -> None: ...


def test_options_that_cannot_be_meant_are_refused() -> None:
    call = unit_collect("PETR4")
    for wrong in (
        {"delay": -1},
        {"delay": 1, "at": datetime.now().astimezone()},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001 - naive on purpose
        {"id": ""},
        {"id": "a,b"},
        {"delay": timedelta(days=9999)},
    ):
        with pytest.raises(ValueError, match=r"delay|at|id"):
            call.with_options(**wrong)


@given(attempt=st.integers(1, 10_000), delay=st.floats(0, 1e6), cap=st.floats(0, 1e6))
def test_a_wait_lies_between_nothing_and_a_growing_capped_ceiling(attempt: int, delay: float, cap: float) -> None:
    retry = Retry(retries=3, delay=delay, cap=cap)
    assert 0 <= retry.wait(attempt) <= retry.ceiling(attempt) <= cap
    assert retry.ceiling(attempt) <= retry.ceiling(attempt + 1)


def test_rates_are_read_from_text() -> None:
    assert parse_rate("10/s").interval_ms == 100
    assert parse_rate("30/m") == Rate(30, 60)
    for wrong in ("10", "x/s", "0/s", "1/w", "-1/s"):
        with pytest.raises(ValueError, match=r"rate|Rate"):
            parse_rate(wrong)


def test_workflows_are_values_that_refuse_nonsense() -> None:
    call = unit_collect("PETR4")
    assert chord([call, call], call, on_failure=Threshold(0.5)).size() == 3
    assert group([call] * 3, on_failure=Threshold(0.5)).need() == 2
    with pytest.raises(ValueError, match="at least one"):
        chain()
    with pytest.raises(TypeError, match="call the job first"):
        chain(unit_collect)  # type: ignore[call-overload] # the mistake that is tested
    with pytest.raises(ValueError, match="neither id nor at"):
        group(call.with_options(id="mine"))
    with pytest.raises(ValueError, match="fraction"):
        Threshold(50)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://localhost", ("redis", (("localhost", 6379),), 0, None, None)),
        ("redis://u:p%40ss%2Fword@h:7000/3", ("redis", (("h", 7000),), 3, "u", "p@ss/word")),
        ("rediss://:s3cr%25t@host:1", ("rediss", (("host", 1),), 0, None, "s3cr%t")),
        ("redis://[::1]:6380/1", ("redis", (("::1", 6380),), 1, None, None)),
        ("sentinel://a:1,b,c:3/prime/2", ("sentinel", (("a", 1), ("b", 26379), ("c", 3)), 2, None, None)),
    ],
)
def test_addresses_are_parsed_and_decoded(url: str, told: Any) -> None:
    found = parse_address(url)
    assert (found.scheme, found.hosts, found.database, found.username, found.password) == told
    assert "p@ss" not in str(found)


def test_a_unix_address_has_its_path_and_database() -> None:
    found = parse_address("unix:///tmp/a%20b/redis.sock?db=4")
    assert (found.path, found.database) == ("/tmp/a b/redis.sock", 4)


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://x", "redis://h:port", "redis://h/x", "amqp://h"])
def test_a_malformed_address_is_one_clear_error(url: str) -> None:
    with pytest.raises(ConfigError, match="REDIS_URL"):
        parse_address(url)


@pytest.mark.parametrize("url", ["redis://:se/cret@h:1", "redis://:x@h:secret", "unix:///a?db=secret"])
def test_a_malformed_address_keeps_what_may_be_a_password_to_itself(url: str) -> None:
    with pytest.raises(ConfigError, match="malformed") as refused:
        parse_address(url)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize("text", ["12", "x:job", "\u00b2:job", "1e3:job", ""])
def test_a_place_among_jobs_that_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="none of ours"):
        read_cursor(text)
    assert read_cursor("1774915200000:a:b") == (1774915200000.0, "a:b")


@given(st.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_corrupt_and_never_anything_else(body: bytes) -> None:
    with suppress(CorruptPayload):
        read_job(body)
    assert result_head("id", body, 1, 2, "q").startswith(b"{")


def test_an_error_whose_text_cannot_be_read_is_still_carried() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert ErrorInfo.of(Broken()).type == "Broken"
    assert "\x00" not in ErrorInfo.of(ValueError("a\x00b\ud800")).message


def figures(waiting: int, active: int, oldest: float | None) -> QueueStats:
    return QueueStats(name="q", waiting=waiting, scheduled=0, active=active, dead=0, done=0, oldest_seconds=oldest)


def test_autoscale_follows_depth_and_age_within_its_bounds() -> None:
    assert wanted([figures(0, 0, None)], 10, 3, 3, 10) == 3
    assert wanted([figures(45, 5, 1)], 10, 3, 3, 10) == 5
    assert wanted([figures(5000, 30, 1)], 10, 3, 3, 10) == 10
    assert wanted([figures(1, 30, 60)], 10, 3, 3, 10) == 4
    assert parse_range("3,10") == (3, 10)
    for wrong in ("3", "10,3", "0,4", "a,b", ""):
        with pytest.raises(ConfigError):
            parse_range(wrong)


def test_the_type_checker_rejects_a_wrong_argument_as_well() -> None:
    """The ignores below are errors for ``mypy --strict`` as soon as it no longer finds anything to ignore."""
    with pytest.raises(InvalidArguments):
        unit_collect(5)  # type: ignore[arg-type] # the mistake that is tested
    with pytest.raises(InvalidArguments):
        unit_collect("PETR4", nobody=1)  # type: ignore[call-arg] # the mistake that is tested
    with pytest.raises(InvalidArguments):
        unit_collect()  # type: ignore[call-arg] # the mistake that is tested
