"""The checks of `invest doctor`; each reports what it saw and how to fix it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from invest.errors import InvestError, Unreachable

if TYPE_CHECKING:
    from invest.settings import Settings

OLDEST = (3, 11)
TURN_ON = "set enabled = true in [{}] of settings.toml"
State = Literal["ok", "note", "fix", "unreachable"]


class Check(NamedTuple):
    """One line: what was looked at, its state, what was found, what to do."""

    what: str
    state: State
    found: str
    advice: str = ""


def python() -> Check:
    """The interpreter."""
    version = ".".join(str(n) for n in sys.version_info[:3])
    if sys.version_info >= OLDEST:
        return Check("Python", "ok", version)
    return Check("Python", "fix", version, "install 3.11 or newer")


async def servers(settings: Settings) -> list[Check]:
    """Redis, its workers, and PostgreSQL, all at once."""
    import asyncio

    checks = (("Redis", redis), ("workers", workers), ("PostgreSQL", postgresql))
    return list(await asyncio.gather(*(_guarded(what, settings, check) for what, check in checks)))


async def _guarded(what: str, settings: Settings, check: Callable[[Settings], Awaitable[Check]]) -> Check:
    try:
        return await check(settings)
    except (Unreachable, ConnectionError, TimeoutError) as error:
        return Check(what, "unreachable", str(error), "start the server, or correct its URL")
    except InvestError as error:
        return Check(what, "fix", str(error), "correct the setting named")


async def redis(settings: Settings) -> Check:
    """Whether Redis answers, and keeps what it was given."""
    from redis.exceptions import RedisError

    from invest.engine import open_redis

    client = open_redis(settings, max_connections=2)
    try:
        memory = await client.info("memory")
    except RedisError as error:
        raise Unreachable(f"no answer: {error}") from None
    finally:
        await client.aclose()
    policy = memory.get("maxmemory_policy")
    if policy in (None, "noeviction"):
        return Check("Redis", "ok", f"answers; maxmemory-policy {policy or 'not told'}")
    return Check("Redis", "fix", f"maxmemory-policy {policy}", "set noeviction, or jobs may be lost")


async def workers(settings: Settings) -> Check:
    """Whether anybody runs jobs."""
    from invest.engine import Invest

    async with Invest.connect(settings) as invest:
        alive = [w for w in await invest.inspect.workers() if w.alive]
    served = {q for w in alive for q in w.queues}
    idle = sorted({"data_collection", "analysis", "reports"} - served)
    if idle:
        return Check("workers", "note", f"{len(alive)} alive; nobody serves {', '.join(idle)}", "invest worker")
    return Check("workers", "ok", f"{len(alive)} alive")


async def postgresql(settings: Settings) -> Check:
    """Whether PostgreSQL answers and has the newest schema."""
    from invest.store import pending

    missing = await pending(settings)
    if missing:
        return Check("PostgreSQL", "fix", f"{len(missing)} migrations missing", "invest db migrate")
    return Check("PostgreSQL", "ok", "answers; the schema is up to date")


async def asks_for_no_key(url: str) -> bool:
    """Whether the server answers without a key too: then it has not looked at the one it was given."""
    from invest.http import Client

    try:
        async with Client(url) as client:
            await client.get("/queues")
    except InvestError:
        return False
    return True


async def of_server(url: str, key: str | None) -> list[Check]:
    """What can be known of a server over HTTP: whether it answers and is ready, takes the key, and has workers."""
    from invest.http import Client

    checks: list[Check] = []
    async with Client(url, key=key) as client:
        try:
            health = await client.outside("/healthz")
            checks.append(Check("server", "ok", f"{url} answers, invest {health['version']}"))
            ready = await client.outside("/readyz")
            wrong = [f"{name} {state}" for name, state in ready["checks"].items() if state != "ok"]
            checks.append(Check("readiness", "unreachable" if wrong else "ok", "; ".join(wrong) or "takes work"))
            alive = [w for w in await client.rows("/workers") if w["alive"]]
        except Unreachable as error:
            return [*checks, Check("server", "unreachable", str(error), "correct INVEST_URL, or start the server")]
        except InvestError as error:
            return [*checks, Check("key", "fix", str(error), "set INVEST_KEY, or run `invest login`")]
    needless = not key or await asks_for_no_key(url)
    state = "is taken" if not needless else "none is needed" + ("; yours was not checked" if key else "")
    checks.append(Check("key", "ok", state))
    idle = sorted({"data_collection", "analysis", "reports"} - {q for w in alive for q in w["queues"]})
    found = f"{len(alive)} alive" + (f"; nobody serves {', '.join(idle)}" if idle else "")
    return [
        *checks,
        Check("workers", "note" if idle else "ok", found, "start them where the server runs" if idle else ""),
    ]


def upstreams(settings: Settings) -> list[Check]:
    """Each enabled upstream: an address, and a token where it wants one; something to fix where none is on."""
    found = []
    for name, given in settings.sources.items():
        source = settings.source(name)
        if not given.enabled:
            continue
        if not source.base_url and not source.feeds:
            found.append(Check(name, "fix", "enabled without an address", f"set sources.{name}.base_url"))
        elif name == "brapi" and not source.token:
            found.append(Check(name, "note", "no token: four assets only", "set BRAPI_TOKEN"))
        else:
            found.append(Check(name, "ok", "has what it needs (not asked)"))
    return found or [Check("sources", "fix", "none is on: nothing can be collected", TURN_ON.format("sources.NAME"))]


def analysts(settings: Settings) -> list[Check]:
    """Each enabled AI: a key where it wants one; something to fix where none is on, or too few for a consensus."""
    names = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}
    found = []
    for name, given in settings.ai.providers.items():
        if not given.enabled:
            continue
        if given.kind in names and not settings.provider(name).api_key:
            own = f"INVEST_AI__PROVIDERS__{name.upper()}__API_KEY"
            found.append(Check(f"AI {name}", "note", "no key: it abstains", f"set {names.get(name, own)}"))
        else:
            found.append(Check(f"AI {name}", "ok", "has what it needs (not asked)"))
    if not found:
        return [Check("AIs", "fix", "none is on: no opinion can be asked for", TURN_ON.format("ai.providers.NAME"))]
    able = sum(c.state == "ok" for c in found)
    if able < settings.ai.quorum:
        message = f"{able} can answer, a consensus takes {settings.ai.quorum}"
        found.append(Check("AIs", "note", message, "set a key, or lower ai.quorum"))
    return found


def disk(settings: Settings) -> Check:
    """Whether exports and the embedded servers can write."""
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Check(
            "disk", "note", f"{folder}: {reason}", "set INVEST_DATA_DIR; exports stay in PostgreSQL until then"
        )
    return Check("disk", "ok", f"{folder} is writable")
