"""A small OpenID provider on loopback: discovery, code flow with PKCE, JWKS, RS256 ID tokens, userinfo.

It lets everybody in at once as the person it is set to, and can be told to spoil one thing of what it sends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

CLIENT, SECRET = "invest-desk", "s3cret:with/marks"


@cache
def signing_key(name: str) -> RSAKey:
    """A key pair; two seconds of making it are spent once."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"}, private=True)


@dataclass
class Provider:
    """What it says; each part can be changed between two sign-ins."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "u-1", "preferred_username": "ana"})
    groups: list[str] | None = field(default_factory=lambda: ["research"])
    claims: dict[str, Any] = field(default_factory=dict)  # put over the honest ones; None leaves a claim out
    about: dict[str, Any] = field(default_factory=dict)  # the same, of the discovery document
    answer: dict[str, str] = field(default_factory=dict)  # the same, of the way back to the client
    sign: str = "RS256"  # or none, HS256 (with the public key as its secret), other (a key that it does not publish)
    key: str = "first"
    at_userinfo: bool = False  # groups are told there, not in the ID token
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    async def discovery(self, request: web.Request) -> web.Response:
        """What it says of itself."""
        paths = {"authorization": "authorize", "token": "token", "userinfo": "me"}
        addresses = {f"{name}_endpoint": path for name, path in paths.items()} | {"jwks_uri": "keys"}
        about = {"issuer": self.url} | {name: f"{self.url}/{path}" for name, path in addresses.items()}
        return web.json_response(about | {"id_token_signing_alg_values_supported": ["RS256", "none"]} | self.about)

    async def keys(self, request: web.Request) -> web.Response:
        """Its public keys."""
        return web.json_response({"keys": [signing_key(self.key).as_dict(private=False)]})

    async def authorize(self, request: web.Request) -> web.Response:
        """Everybody may, at once: back with a code."""
        asked = dict(request.query)
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256" and asked["nonce"], asked
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.url} | self.answer
        return web.Response(status=302, headers={"Location": f"{asked['redirect_uri']}?{urlencode(back)}"})

    async def token(self, request: web.Request) -> web.Response:
        """Tokens for a code that was never used, of the client that asked for it."""
        form = await request.post()
        asked = self.codes.pop(str(form["code"]), None)
        pair = base64.b64encode(f"{CLIENT}:s3cret%3Awith%2Fmarks".encode()).decode()
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or request.headers.get("Authorization") != f"Basic {pair}":
            return self._no("invalid_client")
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return self._no("invalid_grant")
        now = int(time.time())
        honest = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.person}
        if self.groups is not None and not self.at_userinfo:
            honest["groups"] = self.groups
        claims = {name: value for name, value in (honest | self.claims).items() if value is not None}
        return web.json_response({"access_token": "at", "token_type": "Bearer", "id_token": self._signed(claims)})

    def _no(self, why: str) -> web.Response:
        self.refused.append(why)
        return web.json_response({"error": why}, status=400)

    def _signed(self, claims: dict[str, Any]) -> str:
        key = signing_key(self.key)
        if self.sign in ("none", "HS256"):
            text = ".".join(map(_part, ({"alg": self.sign, "kid": self.key}, claims)))
            known = key.as_pem(private=False)
            made = hmac.digest(known, text.encode(), "sha256") if self.sign == "HS256" else b""
            return f"{text}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"
        signer = signing_key("other") if self.sign == "other" else key
        # Providers put words of their own into the head of a token, which are no reason to refuse it.
        free = JWSRegistry(algorithms=["RS256"], strict_check_header=False)
        return jwt.encode({"alg": "RS256", "kid": self.key, "own": "word"}, claims, signer, registry=free)

    async def me(self, request: web.Request) -> web.Response:
        """Who the bearer of the access token is."""
        assert request.headers["Authorization"] == "Bearer at"
        return web.json_response({**self.person, "groups": self.groups})


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """It, on a free port of loopback."""
    made = Provider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", made.discovery)
    app.router.add_get("/authorize", made.authorize)
    app.router.add_post("/token", made.token)
    app.router.add_get("/keys", made.keys)
    app.router.add_get("/me", made.me)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()
