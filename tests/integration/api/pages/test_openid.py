"""Signing in through an OpenID provider that runs on loopback, and everything by which one could be let in wrongly."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from invest.errors import ConfigError
from invest.settings import OpenIdSettings, Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door, open_door
from tests.integration.api.pages.openid_kit import CLIENT, SECRET, Provider, provider
from tests.integration.api.pages.pages_kit import HTML, Visitor

pytest_plugins = ["tests.integration.api.api_fixtures"]
GROUPS = {"research": "write", "board": "read", "operators": "admin"}


@dataclass
class Entrance:
    """A server whose pages are entered through a provider, and that provider."""

    door: Door
    at: Provider
    platform: Settings

    def browser(self) -> aiohttp.ClientSession:
        """A browser of its own."""
        return aiohttp.ClientSession(self.door.url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers=HTML)


@pytest.fixture
async def entrance(platform: Settings) -> AsyncIterator[Entrance]:
    """Both, running; the pages' public address is the server's own."""
    async with provider() as at:
        openid = {
            "issuer": at.url, "client_id": CLIENT, "client_secret": SECRET, "public_url": "http://localhost",
            "name": "Ouro", "groups": GROUPS,
        }  # fmt: skip
        web = platform.web.model_copy(update={"auth": "on", "openid": OpenIdSettings.model_validate(openid)})
        async with open_door(platform.model_copy(update={"web": web})) as door:
            yield Entrance(door, at, platform)


async def sign_in(browser: aiohttp.ClientSession, path: str = "/signin/openid") -> tuple[int, str, str]:
    """Walk the whole way: (status, where it leads, what the last page says)."""
    async with browser.get(path, allow_redirects=False) as asked:
        assert asked.status == 303, await asked.text()
        address = asked.headers["Location"]
    async with aiohttp.ClientSession() as elsewhere, elsewhere.get(address, allow_redirects=False) as back:
        assert back.status == 302, await back.text()
        way = back.headers["Location"].removeprefix("http://localhost")
    async with browser.get(way, allow_redirects=False) as ended:
        return ended.status, ended.headers.get("Location", ""), await ended.text()


async def test_groups_say_what_one_may_and_a_person_stays_the_same(entrance: Entrance) -> None:
    at = entrance.at
    async with entrance.browser() as browser:
        visitor = Visitor(browser)
        assert 'href="/signin/openid?next=/assets"' in await visitor.read("/signin?next=/assets")
        status, where, _ = await sign_in(browser, "/signin/openid?next=/portfolios%3Fx=1")
        assert (status, where) == (303, "/portfolios?x=1")
        page = await visitor.read("/portfolios")
        assert "ana (write)" in page and "/portfolios/import" in page
        await visitor.send("/portfolios", {"name": "Aposentadoria"})
        cookie = next(c for c in browser.cookie_jar if c.key == "invest_key")
        assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie.value.startswith("ses_")
        async with entrance.door.session.get(
            f"{API}/queues", headers={"Authorization": f"Bearer {cookie.value}"}
        ) as got:
            assert got.status == 401, "a session opens pages, not the API"
        await visitor.send("/signout")
        async with browser.get("/", allow_redirects=False, cookies={"invest_key": cookie.value}) as got:
            assert got.headers["Location"].startswith("/signin"), "the session ended at the server, too"
    at.person["preferred_username"], at.groups = "ana maria", ["board", "other"]
    async with entrance.browser() as browser:
        assert (await sign_in(browser))[0] == 303
        page = await Visitor(browser).read("/portfolios")
        assert "ana maria (read)" in page and "Aposentadoria" in page and 'action="/portfolios"' not in page
        await Visitor(browser).send("/portfolios", {"name": "x"}, status=403)
    at.person = {"sub": "u-2", "email": "bruno@example.org"}
    async with entrance.browser() as browser:
        assert (await sign_in(browser))[0] == 303
        page = await Visitor(browser).read("/portfolios")
        assert "bruno@example.org" in page and "Aposentadoria" not in page, "each has portfolios of their own"


async def test_who_is_revoked_is_out_and_stays_out(entrance: Entrance) -> None:
    entrance.at.groups = ["operators"]
    async with entrance.browser() as browser, Store.open(entrance.platform) as store:
        assert (await sign_in(browser))[0] == 303
        page = await Visitor(browser).read("/ops/keys")
        person = re.search(r"person_[0-9a-f]{16}", page)
        assert person is not None and "sign in" in page
        assert await store.keys.rotate(person[0]) is None, "there is no key that could be handed out"
        assert await store.keys.revoke(person[0])
        limit = time.monotonic() + 30
        while True:  # another process revoked it: noticed within a second
            async with browser.get("/portfolios", allow_redirects=False) as got:
                if got.status == 303:
                    break
            assert time.monotonic() < limit
        status, _, said = await sign_in(browser)
        assert status == 401 and "retirou o acesso de ana" in said
        entrance.at.person = {"sub": "u-9", "name": "Olga"}
        assert (await sign_in(browser))[0] == 303
        assert "Deixar entrar de novo" in await Visitor(browser).read("/ops/keys?revoked=1")
        await Visitor(browser).send(f"/ops/keys/{person[0]}/readmit")
        await Visitor(browser).send(f"/ops/keys/{person[0]}/readmit", status=404)
        entrance.at.person = {"sub": "u-1", "name": "ana"}
        assert (await sign_in(browser))[0] == 303


async def test_groups_come_from_userinfo_or_from_inside_another_claim(entrance: Entrance) -> None:
    entrance.at.at_userinfo = True
    async with entrance.browser() as browser:
        assert (await sign_in(browser))[0] == 303
        assert "ana (write)" in await Visitor(browser).read("/portfolios")
    entrance.at.groups = None
    async with entrance.browser() as browser:
        status, _, said = await sign_in(browser)
        assert status == 401 and "ana não está em nenhum dos grupos" in said and "board, operators, research" in said


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"claims": {"nonce": "of another sign-in"}}, "nonce"),
    ({"claims": {"nonce": None}}, "nonce"),
    ({"claims": {"aud": "another-client"}}, "aud"),
    ({"claims": {"aud": [CLIENT, "another"], "azp": "another"}}, "azp"),
    ({"claims": {"iss": "https://evil.example"}}, "iss"),
    ({"claims": {"exp": 1_700_000_000}}, "expired"),
    ({"claims": {"exp": None}}, "exp"),
    ({"claims": {"sub": None}}, "sub"),
    ({"sign": "none"}, "signed by none"),
    ({"sign": "HS256"}, "signed by HS256"),
    ({"sign": "other"}, "none of the provider"),
    ({"answer": {"iss": "https://evil.example"}}, "outro provedor"),
    ({"answer": {"state": "guessed"}}, "outro navegador"),
    ({"answer": {"error": "access_denied", "error_description": "<b>no</b>"}}, "&lt;b&gt;no&lt;/b&gt;"),
    ({"answer": {"code": "stolen"}}, "não aceitou o código"),
    ({"groups": ["strangers"]}, "nenhum dos grupos"),
)


async def test_what_is_wrong_lets_nobody_in(entrance: Entrance) -> None:
    honest = Provider()
    for wrong, said in WRONG:
        for name, value in wrong.items():
            setattr(entrance.at, name, value)
        async with entrance.browser() as browser:
            status, _, page = await sign_in(browser)
            assert status == 401 and said in page, (wrong, page)
            async with browser.get("/portfolios", allow_redirects=False) as got:
                assert got.headers["Location"].startswith("/signin"), wrong
        for name in wrong:
            setattr(entrance.at, name, getattr(honest, name))
    async with entrance.browser() as browser:
        assert (await sign_in(browser))[0] == 303, "with nothing wrong one is let in"


async def test_an_answer_counts_once_and_in_the_browser_that_asked(entrance: Entrance) -> None:
    async with entrance.browser() as browser, entrance.browser() as victim, aiohttp.ClientSession() as elsewhere:
        async with browser.get("/signin/openid", allow_redirects=False) as asked:
            address = asked.headers["Location"]
        assert parse_qs(urlsplit(address).query)["redirect_uri"] == ["http://localhost/signin/openid/callback"]
        async with elsewhere.get(address, allow_redirects=False) as back:
            way = back.headers["Location"].removeprefix("http://localhost")
        async with victim.get(way, allow_redirects=False) as got:
            assert got.status == 401, "somebody else's sign-in cannot be put into this browser"
        async with browser.get(way, allow_redirects=False) as got:
            assert got.status == 401, "and it is spent then"
        status, _, _ = await sign_in(browser)
        assert status == 303


async def test_new_keys_of_the_provider_are_fetched_and_its_absence_is_said(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("invest.api.access.openid.AGAIN", 0.0)
    async with entrance.browser() as browser:
        assert (await sign_in(browser))[0] == 303
        entrance.at.key = "second"
        assert (await sign_in(browser))[0] == 303
        entrance.at.about = {"issuer": "https://evil.example"}
        monkeypatch.setattr("invest.api.access.openid.KEPT", 0.0)
        async with browser.get("/signin/openid", allow_redirects=False) as got:
            assert got.status == 503 and "evil.example" in await got.text()
        entrance.at.about = {"token_endpoint": "ftp://example.org/token"}
        async with browser.get("/signin/openid", allow_redirects=False) as got:
            assert got.status == 503 and "token_endpoint" in await got.text()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"issuer": "http://login.example.org"}, "expected https"),
        ({"client_id": ""}, "client_id"),
        ({"groups": {}}, "nobody could sign in"),
        ({"ask_for": ["profile"]}, "openid"),
        ({"groups": {"board": "owner"}}, "groups.board"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(settings: Any, given: dict[str, Any], said: str) -> None:
    whole = {
        "issuer": "https://login.example.org", "client_id": "x", "public_url": "https://invest.example.org",
        "groups": {"board": "read"},
    }  # fmt: skip
    assert settings(web={"openid": whole}).web.openid.on
    with pytest.raises(ConfigError, match=said):
        settings(web={"openid": whole | given})
