"""API keys and the audit log: who may do what, and who did what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aiohttp import web

from invest.api.http import Problem, invalid
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations
from invest.domain.access import Scope

LINES = 50


@page("GET", "/ops/keys", scope="admin", section="ops.keys")
async def keys_page(visit: Visit) -> web.StreamResponse:
    """All keys, and the newest lines of the audit log."""
    return await _shown(visit, made="")


async def _shown(visit: Visit, made: str) -> web.StreamResponse:
    store = await visit.services.store()
    query = {"limit": str(LINES)} | {k: v for k in ("actor", "action", "cursor") if (v := visit.query(k))}
    audit = await visit.ask(operations.list_audit, query=query)
    return render(
        visit,
        "console/keys.html",
        keys=await store.keys.list(revoked=bool(visit.query("revoked"))),
        scopes=list(Scope),
        audit=audit.items,
        next=visit.link(cursor=audit.next_cursor) if audit.next_cursor else None,
        made=made,
        now=datetime.now(UTC),
    )


@page("POST", "/ops/keys", scope="admin", section="ops.keys")
async def make_key(visit: Visit, form: Form) -> web.StreamResponse:
    """Make a key and show its text, this once."""
    name, scope, days = form.text("name", limit=200), form.text("scope"), form.text("days")
    if not name:
        raise invalid("name", visit.say("say whose key it is"))
    if scope not in list(Scope):
        raise invalid("scope", f"one of {', '.join(Scope)}")
    if days and not (days.isdigit() and 1 <= int(days) <= 36_500):
        raise invalid("days", visit.say("a number of days, or nothing for a key without an end"))
    until = datetime.now(UTC) + timedelta(days=int(days)) if days else None
    plain, key = await (await visit.services.store()).keys.create(name, [scope], expires_at=until)
    visit.request.audit("create key", key.id, {"name": name, "scope": scope})
    return await _shown(visit, made=plain)


@page("POST", "/ops/keys/{key_id}/revoke", scope="admin", section="ops.keys")
async def revoke_key(visit: Visit, form: Form) -> web.StreamResponse:
    """Revoke a key; says first what that means."""
    key_id = visit.http.match_info["key_id"]
    store = await visit.services.store()
    if not form.ticked("sure"):
        key = next((k for k in await store.keys.list() if k.id == key_id), None)
        if key is None:
            raise Problem(404, visit.say("no key {id} in force", id=key_id))
        return render(visit, "console/revoke.html", key=key)
    if not await store.keys.revoke(key_id):
        raise Problem(404, visit.say("no key {id} in force", id=key_id))
    visit.request.audit("revoke key", key_id)
    return visit.go("/ops/keys", visit.say("The key {id} is useless from now on.", id=key_id))


@page("POST", "/ops/keys/{key_id}/readmit", scope="admin", section="ops.keys")
async def readmit(visit: Visit, form: Form) -> web.StreamResponse:
    """Let a person who was shut out sign in again."""
    key_id = visit.http.match_info["key_id"]
    if not await (await visit.services.store()).keys.readmit(key_id):
        raise Problem(404, visit.say("no person {id} who was shut out", id=key_id[:60]))
    visit.request.audit("readmit", key_id)
    return visit.go("/ops/keys", visit.say("{id} may sign in again.", id=key_id))


PAGES = (keys_page, make_key, revoke_key, readmit)
