"""Coming in and going out: signing in with a key, choosing language and scheme."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from invest.api.http import Problem
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.session import (
    KEY_COOKIE,
    LANGUAGE_COOKIE,
    LANGUAGES,
    SHIFT,
    THEME_COOKIE,
    THEMES,
    YEAR,
    forget,
    keep,
)
from invest.api.pages.visit import Visit

MONTH = 30 * 86_400


def local_path(given: str) -> str:
    """`given` if it is a path of this site, else the start page: no link leads a signed-in person elsewhere."""
    bad = not given.startswith("/") or given.startswith(("//", "/\\")) or "\n" in given or "\r" in given
    return "/" if bad else given[:2000]


@page("GET", "/signin", scope=None)
async def sign_in_page(visit: Visit) -> web.StreamResponse:
    """The form that asks for a key."""
    where = local_path(visit.query("next", "/", 2000))
    if not visit.services.keyring.required:
        return visit.go(where)
    return render(visit, "signin.html", next=where, wrong="")


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
        return render(visit, "signin.html", status=401, next=where, wrong=wrong)
    services.auditor.line(caller.id, "sign in", caller.name, {}, request_id=visit.request.request_id)
    response = visit.go(where)
    keep(response, http, KEY_COOKIE, given, MONTH if form.ticked("stay") else SHIFT)
    return response


@page("POST", "/signout", scope=None)
async def sign_out(visit: Visit, form: Form) -> web.StreamResponse:
    """Forget the key."""
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


PAGES = (sign_in_page, sign_in, sign_out, set_preferences)
