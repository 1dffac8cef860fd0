"""A claim that is sent again over another connection, as the first was cut before its answer, is the same claim."""

from __future__ import annotations

from collections.abc import Callable

from invest.api.access import Admission
from invest.api.access.admission import Ask
from invest.engine import open_redis
from invest.engine.redis import close_redis
from invest.settings import Settings

Make = Callable[..., Settings]


async def test_a_claim_sent_again_is_the_caller_s_own_and_another_one_is_in_flight(
    settings: Make, redis_url: str
) -> None:
    known = settings(redis={"url": redis_url})
    redis = open_redis(known)
    admission = Admission(redis, known.web)
    try:
        ask = Ask("", "invest:web:idem:k:1", "hash", "invest:quota:kept:k", 0, "first")
        other = ask._replace(name="second")
        first, again, beside = [(await admission._call([one], []))[0][3:] for one in (ask, ask, other)]
        assert first == again == [b"mine", b"first"]
        assert beside == [b"whash", b""]
        await admission.release("invest:web:idem:k:1")
        assert (await admission._call([other], []))[0][3:] == [b"mine", b"first"]  # the same thing is made
    finally:
        await admission.close()
        await close_redis(redis)
