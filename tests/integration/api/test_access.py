"""Who may do what: keys, scopes, limits, headers, foreign pages; and what is left behind in the audit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from invest.api.access import keyring as access
from invest.api.access.keyring import is_loopback, keys_required
from invest.errors import Unreachable
from invest.settings import Settings
from invest.store import Store
from invest.store.keys import Keys
from tests.integration.api.api_kit import API, Answer, Door, open_door

pytest_plugins = ["tests.integration.api.api_fixtures"]


def with_web(platform: Settings, **changes: Any) -> Settings:
    return platform.model_copy(update={"web": platform.web.model_copy(update=changes)})


@pytest.fixture
async def locked(platform: Settings) -> AsyncIterator[Door]:
    """A web server that asks for keys."""
    async with open_door(with_web(platform, auth="on")) as door:
        yield door


async def key(platform: Settings, *scopes: str, expires_at: datetime | None = None) -> tuple[dict[str, str], str]:
    """Headers with a new key, and its id."""
    async with Store.open(platform) as store:
        plain, kept = await store.keys.create("test", scopes, expires_at=expires_at)
    return {"Authorization": f"Bearer {plain}"}, kept.id


async def test_without_a_valid_key_nothing_is_told(locked: Door, platform: Settings) -> None:
    path = f"{API}/tasks/queue/stats"
    missing = await locked.ask("GET", path, status=401)
    assert missing.headers["WWW-Authenticate"].startswith("Bearer")
    for given in ("inv_00000000_nothing", "nonsense", "inv_" + "x" * 5000, "é\u2028"):
        async with locked.session.get(path, headers={"X-Api-Key": given}) as response:
            assert response.status in (400, 401)
    for public in ("/healthz", "/readyz", "/openapi.json", "/docs"):
        assert (await locked.ask("GET", public)).status == 200
    headers, _ = await key(platform, "read")
    await locked.ask("GET", path, headers=headers, status=200)
    plain = headers["Authorization"].removeprefix("Bearer ")
    await locked.ask("GET", path, headers={"X-Api-Key": plain}, status=200)


async def test_a_scope_allows_itself_and_what_is_below(locked: Door, platform: Settings) -> None:
    read, _ = await key(platform, "read")
    write, _ = await key(platform, "write")
    admin, _ = await key(platform, "admin")
    post = f"{API}/assets/async/collect?ticker=PETR4"
    assert "scope write" in (await locked.ask("POST", post, headers=read, status=403)).json()["detail"]
    await locked.ask("POST", post, headers=write, status=202)
    await locked.ask("GET", f"{API}/tasks/active", headers=write, status=200)
    await locked.ask("GET", f"{API}/audit", headers=write, status=403)
    await locked.ask("GET", f"{API}/audit", headers=admin, status=200)


async def test_every_route_but_the_public_ones_refuses_a_caller_without_a_key(locked: Door) -> None:
    description = (await locked.ask("GET", "/openapi.json", status=200)).json()
    asked = 0
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if operation["security"]:
                concrete = path.replace("{ticker}", "PETR4").replace("{market}", "stocks")
                concrete = concrete.replace("{", "").replace("}", "")
                answer = await locked.ask(method.upper(), concrete)
                assert answer.status == 401, (method, path, answer)
                asked += 1
    assert asked > 50


async def test_a_revoked_or_expired_key_is_refused(
    locked: Door, platform: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "CACHE_SECONDS", 0.0)
    headers, key_id = await key(platform, "admin")
    path = f"{API}/tasks/active"
    await locked.ask("GET", path, headers=headers, status=200)
    async with Store.open(platform) as store:
        await store.keys.revoke(key_id)
    await locked.ask("GET", path, headers=headers, status=401)
    old, _ = await key(platform, "admin", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    await locked.ask("GET", path, headers=old, status=401)


async def test_a_key_seen_valid_stays_so_while_the_database_is_away(
    locked: Door, platform: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "CACHE_SECONDS", 0.0)
    headers, _ = await key(platform, "read")
    fresh, _ = await key(platform, "read")
    path = f"{API}/tasks/active"
    await locked.ask("GET", path, headers=headers, status=200)

    async def away(*_: Any, **__: Any) -> None:
        raise Unreachable("PostgreSQL does not answer")

    monkeypatch.setattr(Keys, "verify", away)
    await locked.ask("GET", path, headers=headers, status=200)
    await locked.ask("GET", path, headers=fresh, status=503)
    monkeypatch.setattr(access, "STALE_SECONDS", 0.0)
    await locked.ask("GET", path, headers=headers, status=503)


async def test_one_callers_idempotency_key_tells_another_nothing(locked: Door, platform: Settings) -> None:
    one, _ = await key(platform, "write")
    two, _ = await key(platform, "write")
    path, same = f"{API}/assets/async/update-prices", {"Idempotency-Key": "same"}
    first = await locked.ask("POST", path, headers=one | same, status=202)
    second = await locked.ask("POST", path, headers=two | same, status=202)
    assert "Idempotency-Replayed" not in second.headers and first.headers["Location"]


async def test_more_than_the_limit_is_429_with_the_time_to_wait(platform: Settings) -> None:
    async with open_door(with_web(platform, rate_limit=1.0, rate_burst=5)) as door:
        answers = [await door.ask("GET", f"{API}/tasks/active") for _ in range(7)]
        assert [a.status for a in answers] == [200] * 5 + [429] * 2
        assert answers[0].headers["RateLimit-Policy"] == '"key";q=5;w=5'
        assert answers[0].headers["RateLimit"].startswith('"key";r=4;')
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert answers[-1].json()["type"] == "urn:invest:rate-limited"
        async with asyncio.timeout(10):
            while (await door.ask("GET", f"{API}/tasks/active")).status == 429:  # noqa: ASYNC110 - asks the server
                await asyncio.sleep(0.1)


async def test_an_idempotent_request_beyond_the_limit_takes_no_hold_of_its_key(platform: Settings) -> None:
    path = f"{API}/assets/async/update-prices"
    async with open_door(with_web(platform, rate_limit=1.0, rate_burst=3)) as door:
        keys = [{"Idempotency-Key": name} for name in ("one", "two", "not one word", "four")]
        answers = [await door.ask("POST", path, headers=given) for given in keys]
        assert [a.status for a in answers] == [202, 202, 422, 429]  # a key that is none counts too
        assert answers[0].headers["RateLimit"].startswith('"key";r=2;')
        assert answers[-1].json()["type"] == "urn:invest:rate-limited"
        async with asyncio.timeout(10):
            while (again := await door.ask("POST", path, headers=keys[-1])).status == 429:  # noqa: ASYNC110 - asks the server
                await asyncio.sleep(0.1)
        assert again.status == 202 and "Idempotency-Replayed" not in again.headers


async def test_more_requests_at_once_than_the_limit_are_503_and_those_accepted_are_answered(platform: Settings) -> None:
    async with open_door(with_web(platform, max_in_flight=3)) as door:
        path = f"{API}/assets/async/update-prices"
        answers = await asyncio.gather(*(door.ask("POST", path) for _ in range(60)))
    statuses = {a.status for a in answers}
    assert statuses == {202, 503}
    assert all(a.headers["Retry-After"] for a in answers)


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/nothing", f"{API}/tasks/active", "/openapi.json"])
async def test_every_answer_carries_the_security_headers(web_door: Door, path: str) -> None:
    answer = await web_door.ask("GET", path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "Server" not in answer.headers and "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["X-Request-Id"]


async def test_long_answers_are_compressed_for_those_who_take_it(web_door: Door) -> None:
    plain = await web_door.ask("GET", "/openapi.json", headers={"Accept-Encoding": "identity"}, status=200)
    packed = await web_door.ask("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"}, status=200)
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert packed.body == plain.body
    assert int(packed.headers["Content-Length"]) < len(plain.body) / 3


async def test_other_origins_are_let_in_only_by_name(platform: Settings) -> None:
    async with open_door(with_web(platform, cors_origins=["https://desk.example"])) as door:
        preflight = {"Origin": "https://desk.example", "Access-Control-Request-Method": "POST"}
        allowed = await door.ask("OPTIONS", f"{API}/tasks/active", headers=preflight, status=204)
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://desk.example"
        got = await door.ask("GET", f"{API}/tasks/active", headers={"Origin": "https://desk.example"}, status=200)
        assert got.headers["Access-Control-Allow-Origin"] == "https://desk.example"
        foreign = await door.ask(
            "OPTIONS", f"{API}/tasks/active", headers=preflight | {"Origin": "https://evil.example"}
        )
        assert foreign.status == 204 and not [h for h in foreign.headers if h.startswith("Access-Control")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8000"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 202),
        ({"Host": "localhost"}, 202),
        ({"Host": "[::1]:80"}, 202),
    ],
)
async def test_a_foreign_page_cannot_use_the_browser_of_somebody_at_this_machine(
    web_door: Door, headers: dict[str, str], status: int
) -> None:
    await web_door.ask("POST", f"{API}/assets/async/update-prices", headers=headers, status=status)


async def test_changes_leave_a_line_in_the_audit_with_its_request(web_door: Door) -> None:
    made = await web_door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)

    async def lines() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await web_door.ask("GET", f"{API}/audit", status=200)).json()["items"]
        return found

    async with asyncio.timeout(10):
        while not (found := await lines()):  # noqa: ASYNC110 - asks the server
            await asyncio.sleep(0.02)
    assert (found[0]["action"], found[0]["subject"], found[0]["actor"]) == (
        "create portfolio",
        made.json()["id"],
        "local",
    )
    assert found[0]["request_id"] == made.headers["X-Request-Id"]


def test_keys_are_needed_wherever_others_can_connect(platform: Settings) -> None:
    expected = {"127.0.0.1": False, "localhost": False, "::1": False, "0.0.0.0": True, "::": True, "10.0.0.5": True}
    assert {host: keys_required(with_web(platform, host=host)) for host in expected} == expected
    assert keys_required(with_web(platform, auth="on")) and not keys_required(with_web(platform, host="::", auth="off"))
    assert is_loopback("127.8.8.8") and not is_loopback("localhost.evil.example") and not is_loopback("2130706433")


async def test_redis_away_is_503_and_the_process_stays(settings: Any, database_url: str) -> None:
    dead = settings(redis={"url": "redis://127.0.0.1:1/0"}, database={"url": database_url})
    async with open_door(dead) as door:
        for method, path in (
            ("POST", f"{API}/assets/async/collect?ticker=PETR4"),
            ("GET", f"{API}/tasks/x/status"),
            ("GET", f"{API}/tasks/queue/stats"),
            ("GET", f"{API}/events"),
        ):
            answer = await door.ask(method, path, status=503)
            assert answer.headers["Retry-After"] and "Traceback" not in answer.body.decode()
        await door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)
        assert (await ready(door)).json_status() == {"redis": False, "postgresql": True}
        await door.ask("GET", "/healthz", status=200)


async def test_postgresql_away_is_503_and_queueing_goes_on(settings: Any, redis_url: str) -> None:
    dead = settings(redis={"url": redis_url}, database={"url": "postgresql://u:sesame@127.0.0.1:1/db"})
    async with open_door(dead) as door:
        answer = await door.ask("GET", f"{API}/assets", status=503)
        assert answer.headers["Retry-After"] and b"sesame" not in answer.body
        await door.ask("POST", f"{API}/assets/async/collect?ticker=PETR4", status=202)
        assert (await ready(door)).json_status() == {"redis": True, "postgresql": False}


async def test_a_database_without_a_schema_is_503_and_says_what_to_run(
    settings: Any, redis_url: str, empty_database_url: str
) -> None:
    async with open_door(settings(redis={"url": redis_url}, database={"url": empty_database_url})) as door:
        answer = await door.ask("GET", f"{API}/assets", status=503)
        assert "invest db migrate" in answer.json()["detail"]


class Ready(Answer):
    """The answer of /readyz."""

    def json_status(self) -> dict[str, bool]:
        """Which server is all right."""
        return {name: said == "ok" for name, said in self.json()["checks"].items()}


async def ready(door: Door) -> Ready:
    async with aiohttp.ClientSession() as session, session.get(f"{door.url}/readyz") as response:
        assert response.status == 503
        return Ready(response.status, response.headers.copy(), await response.read())
