"""Verbs about API keys: `invest keys …`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson, Yes
from invest.domain.access import Scope
from invest.errors import NotFound

KeyId = Annotated[str, typer.Argument(help="id of the key (see `invest keys ls`)")]
keys = typer.Typer(no_args_is_help=True, help="Keys of the HTTP API.")


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="whose key it is")],
    scope: Annotated[Scope, typer.Option(help="each includes the ones before it")] = Scope.READ,
    days: Annotated[int | None, typer.Option(min=1, max=36500, help="days until it expires; none: never")] = None,
    json_output: AsJson = False,
) -> None:
    """Make a key. It is shown this once; only its hash is kept."""
    if not name.strip() or len(name) > 200:
        raise typer.BadParameter("from 1 to 200 characters", param_hint="NAME")
    until = datetime.now(UTC) + timedelta(days=days) if days else None

    async def work(store: Any) -> Any:
        return await store.keys.create(name, [scope], expires_at=until)

    plain, key = output.with_store(work)
    _tell(plain, key, json_output)


def _tell(plain: str, key: Any, json_output: bool) -> None:
    """The key alone on stdout, so that a script can take it."""
    if json_output:
        output.as_json({"key": plain, **output.plain(key)})
        return
    typer.echo(plain)
    typer.echo(f"id {key.id}, scope {', '.join(key.scopes)}; shown this once, so keep it now", err=True)


@keys.command("ls")
def ls(
    revoked: Annotated[bool, typer.Option("--revoked", help="revoked ones too")] = False,
    json_output: AsJson = False,
) -> None:
    """The keys there are, never their text."""

    async def work(store: Any) -> Any:
        return await store.keys.list(revoked=revoked)

    found = output.with_store(work)
    if json_output:
        output.as_json(found)
        return
    rows = [
        (
            k.id,
            k.name,
            ", ".join(k.scopes),
            output.ago(k.created_at),
            output.ago(k.last_used_at),
            f"revoked {output.ago(k.revoked_at)}" if k.revoked_at else output.ago(k.expires_at),
        )
        for k in found
    ]
    output.table(("id", "name", "scope", "created", "used", "ends"), rows, empty="no keys")


@keys.command("use")
def use(key_id: KeyId, json_output: AsJson = False) -> None:
    """What a key uses of its quotas: stored things, jobs, answers kept, AI money of today, mails of this hour."""
    from invest.cli.platform.local import local_settings
    from invest.cli.platform.quotas import use_of

    with local_settings() as settings:
        found = asyncio.run(use_of(settings, key_id))
    if found is None:
        raise _unknown(key_id)
    if json_output:
        output.as_json(found)
        return
    rows = [(name, used, limit or "none") for name, (used, limit) in found.items()]
    output.table(("quota", "used", "limit"), rows, right=("used", "limit"), empty="no quotas")


@keys.command("rotate")
def rotate(key_id: KeyId, json_output: AsJson = False) -> None:
    """Replace a key by a new one with its name, scope, expiry and portfolios; the old one is useless at once."""

    async def work(store: Any) -> Any:
        return await store.keys.rotate(key_id)

    made = output.with_store(work)
    if made is None:
        raise _unknown(key_id)
    plain, key = made
    _tell(plain, key, json_output)


@keys.command("revoke")
def revoke(key_id: KeyId, yes: Yes = False, json_output: AsJson = False) -> None:
    """Make a key useless; running servers notice within a second. Its portfolios are the admins' from then on."""
    output.confirm(f"revoke key {key_id}? Whoever uses it is shut out at once", yes=yes)

    async def work(store: Any) -> Any:
        return await store.keys.revoke(key_id)

    if not output.with_store(work):
        raise _unknown(key_id)
    output.outcome(json_output, f"revoked {key_id}", id=key_id, revoked=True)


def _unknown(key_id: str) -> NotFound:
    return NotFound(f"no key {key_id!r} in force; `invest keys ls --revoked` lists them all")
