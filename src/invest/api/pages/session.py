"""What a browser keeps between two pages: the key it signed in with, its language and scheme, and a form's token.

The key stands in a cookie that scripts cannot read and other sites cannot send (HttpOnly, SameSite). Every form
carries a token made of that cookie and a random one, so that no other page can fill it in (double submit, HMAC).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, Literal
from urllib.parse import quote, unquote

from aiohttp import web

from invest.api.http import Problem

KEY_COOKIE: Final = "invest_key"
FORM_COOKIE: Final = "invest_form"
OPENID_COOKIE: Final = "invest_openid"
LANGUAGE_COOKIE: Final = "invest_language"
THEME_COOKIE: Final = "invest_theme"
NOTICE_COOKIE: Final = "invest_notice"
FORM_FIELD: Final = "form_token"
YEAR: Final = 31_536_000
SHIFT: Final = 12 * 3600  # seconds a sign-in lasts without a tick on "stay signed in"
MAX_NOTICE: Final = 600
Language = Literal["pt-BR", "en"]
Theme = Literal["auto", "light", "dark"]
LANGUAGES: Final[tuple[Language, ...]] = ("pt-BR", "en")
THEMES: Final[tuple[Theme, ...]] = ("auto", "light", "dark")


def language_of(http: web.Request) -> Language:
    """The language chosen, else the first one of the browser's that there is, else Portuguese."""
    chosen = http.cookies.get(LANGUAGE_COOKIE, "")
    for language in LANGUAGES:
        if chosen == language:
            return language
    for part in http.headers.get("Accept-Language", "")[:200].split(","):
        name = part.partition(";")[0].strip().lower()
        if name.startswith("pt"):
            return "pt-BR"
        if name.startswith("en"):
            return "en"
    return "pt-BR"


def theme_of(http: web.Request) -> Theme:
    """The scheme chosen, else the system's."""
    chosen = http.cookies.get(THEME_COOKIE, "")
    return next((theme for theme in THEMES if theme == chosen), "auto")


def key_in(http: web.Request) -> str | None:
    """The API key that the browser signed in with."""
    return http.cookies.get(KEY_COOKIE, "")[:300] or None


def seed_of(http: web.Request) -> str:
    """The random value behind the tokens of this browser's forms; a new one where there is none yet."""
    given = http.cookies.get(FORM_COOKIE, "")
    return given if 20 <= len(given) <= 64 and given.isascii() else secrets.token_urlsafe(24)


def token_of(seed: str, key: str | None) -> str:
    """The token that every form of this browser and key carries."""
    secret = f"{seed}\0{key or ''}".encode("utf-8", "surrogatepass")  # of cookies, which may hold any byte
    return hmac.new(secret, b"invest form", hashlib.sha256).hexdigest()[:40]


def check_form(http: web.Request, given: str) -> None:
    """Raises 403 for a form that another site sent, or whose token is not this browser's."""
    site = http.headers.get("Sec-Fetch-Site", "")
    origin = http.headers.get("Origin", "")
    hosts = {http.headers.get("Host", ""), http.headers.get("X-Forwarded-Host", "")}
    foreign = site not in ("", "same-origin", "none") or (origin not in ("", "null") and not _same(origin, hosts))
    seed = http.cookies.get(FORM_COOKIE, "")
    if foreign or not seed or not hmac.compare_digest(token_of(seed, key_in(http)).encode(), given.encode()):
        raise Problem(403, "this form is out of date or came from another site: open the page again and repeat")


def _same(origin: str, hosts: set[str]) -> bool:
    return origin.partition("://")[2] in hosts


def keep(response: web.StreamResponse, http: web.Request, name: str, value: str, seconds: int | None) -> None:
    """Set a cookie that scripts cannot read; `seconds` None: until the browser closes."""
    secure = http.secure or http.headers.get("X-Forwarded-Proto", "") == "https"
    response.set_cookie(name, value, max_age=seconds, path="/", httponly=True, samesite="Lax", secure=secure)


def forget(response: web.StreamResponse, name: str) -> None:
    """Delete a cookie."""
    response.del_cookie(name, path="/", httponly=True, samesite="Lax")


def keep_notice(response: web.StreamResponse, http: web.Request, text: str) -> None:
    """A sentence for the page that comes next, shown once."""
    keep(response, http, NOTICE_COOKIE, quote(text[:MAX_NOTICE]), 60)


def notice_in(http: web.Request) -> str:
    """The sentence that the page before left."""
    return unquote(http.cookies.get(NOTICE_COOKIE, ""))[:MAX_NOTICE]
