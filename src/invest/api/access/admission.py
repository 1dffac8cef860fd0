"""Rate limits per key and Idempotency-Keys, shared by all web processes: one round trip for all waiting requests.

Rates are GCRA (the "leaky bucket as a meter"): one number per key; while Redis is away or full each process counts by
itself. An idempotent request's answer is kept for 24 h; while the first one is worked on, its mark expires after
`IN_FLIGHT` seconds, so that a crashed process blocks nobody.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from invest.api.http import Batcher, Problem, retry_after, unavailable
from invest.engine import Conversation, Note, keys, new_id
from invest.settings import WebSettings

log = structlog.get_logger("invest.web")
RATE_KEY = "invest:web:rate:"  # + caller
IDEMPOTENCY_KEY = "invest:web:idem:"  # + caller and hash of its key
KEPT_KEY = "invest:quota:kept:"  # + caller and day: bytes of answers kept
OWN_CALLERS = 10_000  # remembered by one process
MAX_KEPT = 16_000  # bytes of an answer kept for its repeats
KEEP = 24 * 3600  # seconds an answer is kept
IN_FLIGHT = 60  # seconds
KEY_SHAPE = re.compile(r'"?[\x21-\x7e]{1,200}"?')

# KEYS: what our keys begin with ("invest:", under the deployment's prefix).
# ARGV: seconds in flight, microseconds per request, burst, JSON of the asks: [rate key or "", idempotency key or "",
# hash, key of the kept bytes, their limit, a new name], seconds to keep answers, JSON of the answers: [key, answer or
# null, key of the kept bytes]. One argument for all requests, as the client packs them one by one.
# A name stands for the first use of a key: a use after the answer has been forgotten gets another one, so that what is
# made under it is another thing.
SCRIPT = """
local function named(key) return key ~= '' and KEYS[1] .. key:sub(8) or key end
for _, row in ipairs(cjson.decode(ARGV[6])) do
  row[1], row[3] = named(row[1]), named(row[3] or '')
  if row[2] == cjson.null then
    redis.call('DEL', row[1])
  else
    redis.call('SET', row[1], row[2], 'EX', ARGV[5])
    if row[3] ~= '' then
      redis.call('INCRBY', row[3], #row[2] + 300)
      redis.call('EXPIRE', row[3], 2 * ARGV[5])
    end
  end
end
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local each, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
local answers = {}
for i, ask in ipairs(cjson.decode(ARGV[4])) do
  local key, idem, hash, counter = named(ask[1]), named(ask[2]), ask[3], named(ask[4])
  local tat, wait = now, 0
  if key ~= '' then
    tat = math.max(tonumber(redis.call('GET', key) or '0'), now)
    wait = tat + each - burst * each - now
    if wait <= 0 then
      redis.call('SET', key, string.format('%.0f', tat + each), 'PX', math.ceil((tat + each - now) / 1000) + 1)
      wait = 0
      tat = tat + each
    end
  end
  local kept, name = '', ''
  if idem ~= '' and wait <= 0 then
    kept = redis.call('GET', idem)
    if not kept and tonumber(ask[5]) > 0 and tonumber(redis.call('GET', counter) or '0') > tonumber(ask[5]) then
      kept = 'full'
    elseif kept == 'w' .. hash and redis.call('GET', idem .. ':name') == ask[6] then
      kept, name = 'mine', ask[6]  -- this very request, asked again as the connection was cut
    elseif not kept then
      redis.call('SET', idem, 'w' .. hash, 'EX', ARGV[1])
      local fresh = redis.call('SET', idem .. ':name', ask[6], 'NX', 'EX', ARGV[5])
      kept, name = 'mine', fresh and ask[6] or redis.call('GET', idem .. ':name')
    end
  end
  answers[i] = {math.ceil(wait), math.floor((now + burst * each - tat) / each), math.ceil(tat - now), kept, name}
end
return answers
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer kept under an Idempotency-Key."""

    status: int
    headers: dict[str, str]
    body: bytes | None  # None: it was too long to keep


class Ticket(NamedTuple):
    """The answer of admission: requests left, and microseconds until the full burst is available again."""

    left: int
    reset_us: int


class Claim(NamedTuple):
    """An idempotent request: the answer kept for it, or the name of this first use."""

    name: str
    ticket: Ticket
    kept: Kept | None = None


class Ask(NamedTuple):
    """One request that wants in."""

    bucket: str
    idempotency: str = ""
    request_hash: str = ""
    counter: str = ""
    limit: int = 0
    name: str = ""


class Answer(NamedTuple):
    """What to keep under an idempotency key, for the repeats of its request; None gives the key back."""

    key: str
    text: str | None
    counter: str = ""


class OwnRates:
    """The same rates, counted by this process alone."""

    def __init__(self, rate: float, burst: int) -> None:
        self._each = 1_000_000 / rate
        self._burst = burst
        self._tats: dict[str, float] = {}

    def admit(self, caller: str) -> tuple[float, int, float]:
        """Microseconds to wait, requests left, microseconds until all are back."""
        now = time.monotonic() * 1_000_000
        tat = max(self._tats.get(caller, 0.0), now)
        wait = tat + self._each - self._burst * self._each - now
        if wait > 0:
            return wait, 0, tat - now
        if len(self._tats) >= OWN_CALLERS:
            self._tats = {name: at for name, at in self._tats.items() if at > now}
        self._tats[caller] = tat + self._each
        return 0, int((now + self._burst * self._each - tat - self._each) / self._each), tat + self._each - now


class Admission:
    """Lets requests in."""

    def __init__(self, redis: Redis, settings: WebSettings, kept_bytes: int = 0) -> None:
        self._redis = redis
        self._conversation = Conversation(redis)
        self._kept_bytes = kept_bytes
        self._own = OwnRates(settings.rate_limit, settings.rate_burst)
        self._rate = settings.rate_limit
        self._burst = settings.rate_burst
        self._sha = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
        # Requests that come and answers that go share their round trips.
        self._batches: Batcher[Ask | Answer, Any] = Batcher(self._flush)

    @functools.cached_property
    def policy(self) -> str:
        """The value of the RateLimit-Policy header."""
        return f'"key";q={self._burst};w={max(1, round(self._burst / self._rate))}'

    async def admit(self, caller: str) -> Ticket:
        """Count one request. Raises 429.

        While Redis is away or has no room this process counts by itself; requests that need it fail by themselves.
        """
        try:
            wait, left, reset, *_ = await self._batches.add(Ask(RATE_KEY + caller))
        except (RedisError, OSError, TimeoutError):
            wait, left, reset = self._own.admit(caller)
        return self._ticket(wait, left, int(reset))

    def _ticket(self, wait: float, left: int, reset: int) -> Ticket:
        if wait > 0:
            message = f"more than {self._rate:g} requests a second (burst {self._burst}) with this key"
            headers = {**retry_after(wait / 1e6), **self.headers(Ticket(0, reset))}
            raise Problem(429, message, kind="urn:invest:rate-limited", headers=headers)
        return Ticket(left, reset)

    async def claim(self, caller: str, key: str, request_hash: str, *, uncounted: bool = False) -> Claim:
        """Begin an idempotent request, or find its answer; one that is `uncounted` is counted in the same round trip.

        Raises 409 for a key still in flight, 422 for a key used for something else, 429 where too much is kept for
        the caller or an uncounted request is one too many, 503 without Redis, where this
        process counts by itself.
        """
        bucket = RATE_KEY + caller if uncounted else ""
        ask = Ask(bucket, key, request_hash, _counter(caller), self._kept_bytes, new_id())
        try:
            wait, left, reset, kept, name = await self._batches.add(ask)
        except (RedisError, OSError, TimeoutError) as error:
            if uncounted:
                wait, left, reset = self._own.admit(caller)
                self._ticket(wait, left, int(reset))
            raise unavailable("Redis does not answer: an Idempotency-Key cannot be honoured now") from error
        ticket = self._ticket(wait, left, reset)
        if kept == b"mine":
            return Claim(name.decode(), ticket)
        if kept == b"full":
            message = (
                f"answers of {self._kept_bytes} bytes are kept for this key's repeats today: send no Idempotency-Key"
            )
            raise Problem(429, message, kind="urn:invest:quota")
        return Claim("", ticket, _kept(kept, request_hash))

    def headers(self, ticket: Ticket) -> dict[str, str]:
        """The RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""
        reset = -(-ticket.reset_us // 1_000_000)
        return {"RateLimit-Policy": self.policy, "RateLimit": f'"key";r={max(0, ticket.left)};t={reset}'}

    async def keep(self, caller: str, key: str, request_hash: str, kept: Kept) -> None:
        """Keep an answer for the repeats of its request; of a long one only what it was."""
        await self._batches.add(Answer(key, _as_text(request_hash, kept), _counter(caller)))

    def note(self, caller: str, key: str, request_hash: str, kept: Kept) -> Note:
        """The same, to be kept in the step in which the job is queued that the answer speaks of."""
        text = _as_text(request_hash, kept).encode()
        return Note(key, text, KEEP, _counter(caller), len(text) + 300)

    async def release(self, key: str) -> None:
        """Give a key back after a failure, so that the caller may try again."""
        await self._batches.add(Answer(key, None))

    async def _flush(self, batch: Sequence[Ask | Answer]) -> Sequence[Any]:
        asks = [item for item in batch if isinstance(item, Ask)]
        answers = [item for item in batch if isinstance(item, Answer)]
        answers_in = iter(await self._call(asks, answers))
        return [next(answers_in) if isinstance(item, Ask) else None for item in batch]

    async def _call(self, asks: Sequence[Ask], answers: Sequence[Answer]) -> Any:
        each = round(1_000_000 / self._rate)
        packed = orjson.dumps([*map(tuple, asks)]), orjson.dumps([*map(tuple, answers)])
        argv = (IN_FLIGHT, each, self._burst, packed[0], KEEP, packed[1])
        with contextlib.suppress(RedisConnectionError, OSError):  # then redis-py tries to connect again
            root = self._conversation.prefix + keys.ROOT.encode()
            (answer,) = await self._conversation.ask([("EVALSHA", self._sha, 1, root, *argv)])
            if not isinstance(answer, Exception):
                return answer
        try:
            return await self._redis.evalsha(self._sha, 1, keys.ROOT, *argv)  # type: ignore[misc, arg-type] # redis-py: str alone
        except NoScriptError:
            return await self._redis.eval(SCRIPT, 1, keys.ROOT, *argv)  # type: ignore[misc, arg-type] # the same

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._batches.close()
        await self._conversation.close()


def _as_text(request_hash: str, kept: Kept) -> str:
    head = {"h": request_hash, "s": kept.status, "hd": kept.headers}
    text = "" if kept.body is None else kept.body.decode()
    if len(text) > MAX_KEPT or kept.body is None:
        head["o"], text = True, ""
    return f"d{orjson.dumps(head).decode()}\n{text}"


def is_key(given: str | None) -> bool:
    """Whether a header has the shape of an Idempotency-Key."""
    return given is not None and KEY_SHAPE.fullmatch(given) is not None


def idempotency_of(caller: str, given: str | None) -> str:
    """The Redis key of a caller's Idempotency-Key; empty without one. Raises 422 for one that is no key."""
    if given is None:
        return ""
    if not is_key(given):
        raise Problem(
            422, "Idempotency-Key: 1 to 200 printable ASCII characters without blanks", kind="urn:invest:invalid"
        )
    return f"{IDEMPOTENCY_KEY}{caller}:{hashlib.sha256(given.encode()).hexdigest()[:40]}"


def _kept(raw: bytes | None, request_hash: str) -> Kept:
    if raw is None or raw[:1] == b"w":
        if raw is not None and raw[1:].decode() != request_hash:
            raise _another()
        message = "a request with this Idempotency-Key is still being worked on"
        raise Problem(409, message, kind="urn:invest:in-flight", headers={"Retry-After": "1"})
    head, _, body = raw[1:].partition(b"\n")
    data = orjson.loads(head)
    if data["h"] != request_hash:
        raise _another()
    return Kept(data["s"], data["hd"], None if data.get("o") else body)


def _counter(caller: str) -> str:
    return f"{KEPT_KEY}{caller}:{_day(int(time.time() // 86_400))}"


@functools.lru_cache(maxsize=2)
def _day(number: int) -> str:
    """The day in UTC that begins so many days after 1 January 1970."""
    return str(date(1970, 1, 1) + timedelta(days=number))


def _another() -> Problem:
    return Problem(422, "this Idempotency-Key was used for another request", kind="urn:invest:idempotency-key-reused")
