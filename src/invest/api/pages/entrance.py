"""Coming in and going out: signing in with a key or through an OpenID provider, choosing language and scheme."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from invest.api.access import CALLBACK, OpenId, SignInRefused, is_session
from invest.api.http import Problem
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.session import (
    KEY_COOKIE,
    LANGUAGE_COOKIE,
    LANGUAGES,
    OPENID_COOKIE,
    SHIFT,
    THEME_COOKIE,
    THEMES,
    YEAR,
    forget,
    keep,
    key_in,
)
from invest.api.pages.visit import Visit
from invest.errors import Unreachable

MONTH = 30 * 86_400
TRY = 600  # seconds that a sign-in through a provider may take


def local_path(given: str) -> str:
    """`given` if it is a path of this site, else the start page: no link leads a signed-in person elsewhere.

    Browsers take tabs and line ends out of an address and read a backslash as a slash before they look at it.
    """
    good = given.startswith("/") and not given.startswith("//") and "\\" not in given and given.isprintable()
    return given[:2000] if good else "/"


@page("GET", "/signin", scope=None)
async def sign_in_page(visit: Visit) -> web.StreamResponse:
    """The form that asks for a key."""
    where = local_path(visit.query("next", "/", 2000))
    if not visit.services.keyring.required:
        return visit.go(where)
    return _form(visit, where)


def _form(visit: Visit, where: str, wrong: str = "", status: int = 200) -> web.Response:
    openid = visit.services.openid
    provider = openid.name if openid else ""
    return render(visit, "signin.html", status=status, next=where, wrong=wrong, provider=provider)


@page("POST", "/signin", scope=None)
async def sign_in(visit: Visit, form: Form) -> web.StreamResponse:
    """Keep the key in a cookie, if it is one."""
    where, given = local_path(form.text("next", "/")), form.text("key", limit=300)
    services, http = visit.services, visit.http
    charge = partial(services.admission.admit, f"guess:{services.keyring.origin(http)}")
    try:
        caller = await services.keyring.caller(http, "read", charge, given=given or "none")
    except Problem as problem:
        if problem.status != 401:
            raise
        wrong = visit.say("This key is unknown, revoked or expired. A key begins with inv_ and is 56 characters long.")
        return _form(visit, where, wrong, status=401)
    services.auditor.line(caller.id, "sign in", caller.name, {}, request_id=visit.request.request_id)
    response = visit.go(where)
    keep(response, http, KEY_COOKIE, given, MONTH if form.ticked("stay") else SHIFT)
    return response


@page("GET", "/signin/openid", scope=None)
async def to_provider(visit: Visit) -> web.StreamResponse:
    """Go to the OpenID provider; a link leads here, as the pages' policy lets no form lead to another host."""
    where = local_path(visit.query("next", "/", 2000))
    try:
        address, browser = await _openid(visit).begin(where)
    except (SignInRefused, Unreachable) as error:
        return _not_in(visit, where, error, 503)
    response = visit.go(address)
    keep(response, visit.http, OPENID_COOKIE, browser, TRY)
    return response


@page("GET", CALLBACK, scope=None)
async def from_provider(visit: Visit) -> web.StreamResponse:
    """Come back from it: who may, gets a session."""
    services, http = visit.services, visit.http
    openid = _openid(visit)
    try:
        person, where = await openid.finish(http.query, http.cookies.get(OPENID_COOKIE, "")[:100])
        kept = await (await services.store()).keys.admit(person.subject, person.name, person.scope)
        if kept is None:
            raise SignInRefused("an administrator has shut {name} out of these pages", name=person.name)
    except (SignInRefused, Unreachable) as error:
        response = _not_in(visit, "/", error, 401 if isinstance(error, SignInRefused) else 503)
    else:
        detail = {"scope": str(person.scope), "by": openid.name}
        services.auditor.line(kept.id, "sign in", kept.name, detail, request_id=visit.request.request_id)
        response = visit.go(local_path(where))
        token = await services.sessions.open(kept, openid.seconds)
        keep(response, http, KEY_COOKIE, token, openid.seconds)
    forget(response, OPENID_COOKIE)
    return response


def _not_in(visit: Visit, where: str, error: Exception, status: int) -> web.Response:
    """The form again, with why the provider's way did not lead in."""
    message = visit.say(error.text, **error.values) if isinstance(error, SignInRefused) else str(error)
    return _form(visit, where, message, status=status)


def _openid(visit: Visit) -> OpenId:
    if visit.services.openid is None or not visit.services.keyring.required:
        raise Problem(404, visit.say("no OpenID provider is set up here: sign in with a key"))
    return visit.services.openid


@page("POST", "/signout", scope=None)
async def sign_out(visit: Visit, form: Form) -> web.StreamResponse:
    """Forget the key, end the session."""
    key = key_in(visit.http)
    if key is not None and is_session(key):
        await visit.services.sessions.end(key)
    response = visit.go("/signin")
    forget(response, KEY_COOKIE)
    return response


@page("POST", "/preferences", scope=None)
async def set_preferences(visit: Visit, form: Form) -> web.StreamResponse:
    """Keep the language or the scheme of this browser."""
    response = visit.go(local_path(form.text("back", "/")))
    for name, cookie, values in (("language", LANGUAGE_COOKIE, LANGUAGES), ("theme", THEME_COOKIE, THEMES)):
        if form.text(name) in values:
            keep(response, visit.http, cookie, form.text(name), YEAR)
    return response


PAGES = (sign_in_page, sign_in, to_provider, from_provider, sign_out, set_preferences)
