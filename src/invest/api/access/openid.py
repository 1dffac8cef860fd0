"""Signing in through an OpenID provider: the authorization code flow with PKCE, and groups to scopes.

OpenID Connect Core 1.0 (3.1), Discovery 1.0, RFC 7636 (PKCE, S256), RFC 9207 (`iss` in the answer). authlib checks the
claims of ID tokens and joserfc, which it brings, their signatures; the addresses are asked by aiohttp.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import orjson
import structlog
from redis.asyncio import Redis

from invest.domain.access import Scope
from invest.errors import InvestError, Unreachable
from invest.extras import require
from invest.settings import OpenIdSettings

log = structlog.get_logger("invest.web")
CALLBACK: Final = "/signin/openid/callback"
ATTEMPT: Final = "invest:web:openid:"  # + state -> JSON of an `Attempt`: a sign-in that was begun and not ended
ATTEMPT_SECONDS: Final = 600
KEPT: Final = 3_600.0  # seconds that what the provider says of itself is kept
AGAIN: Final = 30.0  # seconds at least between two times that its keys are asked for
MAX_ANSWER: Final = 1_000_000  # bytes
LEEWAY: Final = 60  # seconds that two clocks may differ by
TIMEOUT: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)
# Signatures that only the provider can make: none at all, or one made with what everybody knows, is not among them.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class SignInRefused(InvestError):
    """A sign-in came to nothing; says why and what to do: `text` with `values` filled in, which can be translated."""

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text.format(**values) if values else text)
        self.text, self.values = text, values


@dataclass(frozen=True)
class Person:
    """Whom the provider vouches for; `subject` is theirs for good, also where their name changes."""

    subject: str
    name: str
    scope: Scope


class OpenId:
    """One provider, as the settings name it."""

    def __init__(self, settings: OpenIdSettings, redis: Redis) -> None:
        self._settings = settings
        self._redis = redis
        purpose = "sign-in through an OpenID provider (web.openid)"
        self._claims = require("openid", "authlib.oidc.core", purpose).CodeIDToken
        self._jwt = require("openid", "joserfc.jwt", purpose)
        self._jwk = require("openid", "joserfc.jwk", purpose)
        self._jws = require("openid", "joserfc.jws", purpose)
        self._faults = require("openid", "joserfc.errors", purpose)
        self._session: aiohttp.ClientSession | None = None
        self._known: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    @property
    def name(self) -> str:
        """The provider's name for people."""
        return self._settings.name

    @property
    def seconds(self) -> int:
        """How long a session lasts."""
        return int(self._settings.session_hours * 3600)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def begin(self, where: str) -> tuple[str, str]:
        """(the provider's address to go to, the secret that this browser keeps meanwhile); comes back to `where`."""
        about = await self._provider()
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        attempt = {"nonce": nonce, "verifier": verifier, "browser": _sha(browser), "where": where}
        await self._redis.set(ATTEMPT + state, orjson.dumps(attempt), ex=ATTEMPT_SECONDS)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._callback,
            "scope": " ".join(self._settings.ask_for),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = str(about["authorization_endpoint"])
        return address + ("&" if "?" in address else "?") + urlencode(asked), browser

    async def finish(self, query: Mapping[str, str], browser: str) -> tuple[Person, str]:
        """(who came back from the provider, where they wanted to go).

        Raises `SignInRefused`, and `Unreachable` while the provider does not answer.
        """
        attempt = await self._attempt(query.get("state", ""), browser)
        about, issuer = await self._provider(), self._settings.issuer
        named_issuer = query.get("iss", "" if about.get("authorization_response_iss_parameter_supported") else issuer)
        if named_issuer != issuer:
            raise SignInRefused("the answer came from another provider than the one that was asked: begin again")
        if refusal := query.get("error"):
            detail = query.get("error_description", "")[:200]
            why = f"{refusal[:60]} ({detail})" if detail else refusal[:60]
            raise SignInRefused("{provider} refused the sign-in: {why}", provider=self.name, why=why)
        if not (code := query.get("code", "")):
            raise SignInRefused("{provider} sent no code: begin again", provider=self.name)
        tokens = await self._exchange(code, attempt["verifier"])
        claims = await self._verified(tokens, attempt["nonce"])
        return await self._person(claims, tokens), attempt["where"]

    @property
    def _callback(self) -> str:
        return self._settings.public_url.rstrip("/") + CALLBACK

    async def _attempt(self, state: str, browser: str) -> dict[str, Any]:
        """What was kept at the beginning; each can be taken once."""
        kept = await self._redis.getdel(ATTEMPT + state[:100]) if state else None
        attempt: dict[str, Any] = orjson.loads(kept) if kept else {}
        if not attempt or not hmac.compare_digest(attempt["browser"], _sha(browser)):
            raise SignInRefused(
                "this sign-in was begun in another browser, more than ten minutes ago, or ended already: begin again"
            )
        return attempt

    async def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        """The tokens for a code."""
        about, own = await self._provider(), self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code[:4000],
            "redirect_uri": self._callback,
            "code_verifier": verifier,
            "client_id": own.client_id,
        }
        headers = {}
        if own.client_secret is not None:
            secret = own.client_secret.get_secret_value()
            if "client_secret_basic" in about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
                pair = f"{quote(own.client_id, safe='')}:{quote(secret, safe='')}"
                headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
            else:
                form["client_secret"] = secret
        return await self._ask("POST", about["token_endpoint"], data=form, headers=headers)

    async def _verified(self, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the ID token, signed by the provider, for this client, this sign-in and now."""
        given = tokens.get("id_token")
        if not isinstance(given, str):
            raise SignInRefused("{provider} sent no ID token: begin again", provider=self.name)
        own = self._settings
        options = {
            "iss": {"essential": True, "value": own.issuer},
            "aud": {"essential": True, "value": own.client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        params = {"nonce": nonce, "client_id": own.client_id, "access_token": tokens.get("access_token")}
        try:
            decoded = await self._signed(given)
            claims = self._claims(decoded.claims, decoded.header, options, params)
            claims.validate(now=int(time.time()), leeway=LEEWAY)
        except (self._faults.JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("an ID token was refused", why=f"{type(error).__name__}: {error}"[:300])
            text = "the ID token of {provider} does not hold: {why}. Begin again"
            raise SignInRefused(text, provider=self.name, why=_why(error)) from None
        return dict(claims)

    async def _signed(self, token: str) -> Any:
        """The token decoded under the provider's key that signed it; its keys are asked for again if none fits."""
        header = orjson.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
        about = await self._provider()
        offered = about.get("id_token_signing_alg_values_supported", ["RS256"])
        allowed = [name for name in ALGORITHMS if name in offered]
        if header.get("alg") not in allowed:
            raise ValueError(f"it is signed by {str(header.get('alg'))[:20]}, not by one of {', '.join(allowed)}")
        registry = self._jws.JWSRegistry(
            algorithms=allowed, strict_check_header=False
        )  # providers add words of their own
        for fresh in (False, True):
            for key in await self._signing_keys(header.get("kid"), fresh=fresh):
                try:
                    return self._jwt.decode(token, self._jwk.import_key(key), registry=registry)
                except (self._faults.JoseError, ValueError, KeyError, TypeError):
                    continue  # of another kind, broken, or not the one
        raise ValueError("none of the provider's keys signed it")

    async def _signing_keys(self, kid: str | None, *, fresh: bool) -> list[dict[str, Any]]:
        """The provider's public keys that may have signed a token under `kid`."""
        now = time.monotonic()
        if self._keys is None or now - self._keys[0] > (AGAIN if fresh else KEPT):
            answer = await self._ask("GET", (await self._provider())["jwks_uri"])
            self._keys = now, [key for key in answer.get("keys", ()) if isinstance(key, dict)]
        usable = [k for k in self._keys[1] if k.get("kty") != "oct" and k.get("use", "sig") == "sig"]
        return [k for k in usable if kid is None or k.get("kid") == kid]

    async def _person(self, claims: Mapping[str, Any], tokens: Mapping[str, Any]) -> Person:
        """Who it is and what they may do."""
        person = dict(claims)
        groups, about = _at(person, self._settings.groups_claim), await self._provider()
        if groups is None and about.get("userinfo_endpoint") and isinstance(tokens.get("access_token"), str):
            headers = {"Authorization": f"Bearer {tokens['access_token']}"}
            more = await self._ask("GET", about["userinfo_endpoint"], headers=headers)
            if more.get("sub") != claims["sub"]:
                raise SignInRefused("{provider} told of somebody else than who signed in", provider=self.name)
            person = more | person
            groups = _at(person, self._settings.groups_claim)
        own = [str(one) for one in groups] if isinstance(groups, list) else [groups] if isinstance(groups, str) else []
        name = next((str(person[key]) for key in ("preferred_username", "email", "name", "sub") if person.get(key)), "")
        scopes = [Scope(self._settings.groups[group]) for group in own if group in self._settings.groups]
        if self._settings.everybody:
            scopes.append(Scope(self._settings.everybody))
        if not scopes:
            wanted = ", ".join(sorted(self._settings.groups))
            text = "{name} is in none of the groups that may sign in here: {groups}"
            raise SignInRefused(text, name=name[:80], groups=wanted)
        subject = f"{self._settings.issuer}\0{claims['sub']}"
        return Person(subject, name[:200], max(scopes, key=list(Scope).index))

    async def _provider(self) -> dict[str, Any]:
        """What the provider says of itself, kept for an hour."""
        now = time.monotonic()
        if self._known is None or now - self._known[0] > KEPT:
            issuer = self._settings.issuer
            about = await self._ask("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
            if about.get("issuer") != issuer:
                text = "web.openid.issuer is {issuer}, but the provider there calls itself {found}"
                raise SignInRefused(text, issuer=issuer, found=str(about.get("issuer"))[:200])
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                self._fit(about.get(name), name)
            if about.get("userinfo_endpoint"):
                self._fit(about["userinfo_endpoint"], "userinfo_endpoint")
            self._known = now, about
        return self._known[1]

    def _fit(self, address: Any, name: str) -> None:
        """Raises `SignInRefused` for an address of the provider that is less safe than the provider's own."""
        scheme = urlsplit(str(address)).scheme
        if scheme != "https" and scheme != urlsplit(self._settings.issuer).scheme:
            text = "the provider's {name} is {address}: expected an https address"
            raise SignInRefused(text, name=name, address=str(address)[:100])

    async def _ask(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        """A JSON object from the provider. Raises `Unreachable`, and `SignInRefused` for a 4xx."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        try:
            async with self._session.request(method, address, allow_redirects=False, **options) as answer:
                body = bytearray()
                async for chunk in answer.content.iter_chunked(65_536):
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise Unreachable(f"{self.name} answers with more than {MAX_ANSWER} bytes")
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unreachable(f"{self.name} does not answer: {type(error).__name__}") from None
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            document = None
        if 400 <= status < 500 and method == "POST":
            why = document.get("error", status) if isinstance(document, dict) else status
            text = "{provider} did not take the code: {why}. Begin again"
            raise SignInRefused(text, provider=self.name, why=str(why)[:60])
        if status != 200 or not isinstance(document, dict):
            raise Unreachable(f"{self.name} answers {status} instead of a JSON object")
        return document


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _at(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by its way through objects: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _why(error: Exception) -> str:
    description = str(getattr(error, "description", "") or error)
    return description[:200].rstrip(".")
