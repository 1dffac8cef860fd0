"""Verbs about API keys: `invest keys …`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from invest.cli import show
from invest.cli.show import AsJson
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

    plain, key = show.with_store(work)
    if json_output:
        show.as_json({"key": plain, **show.plain(key)})
        return
    typer.echo(plain)
    typer.echo(f"id {key.id}, scope {scope}; shown this once, so keep it now", err=True)


@keys.command("ls")
def ls(
    revoked: Annotated[bool, typer.Option("--revoked", help="revoked ones too")] = False,
    json_output: AsJson = False,
) -> None:
    """The keys there are, never their text."""

    async def work(store: Any) -> Any:
        return await store.keys.list(revoked=revoked)

    found = show.with_store(work)
    if json_output:
        show.as_json(found)
        return
    rows = [
        (
            k.id,
            k.name,
            ", ".join(k.scopes),
            show.ago(k.created_at),
            show.ago(k.last_used_at),
            f"revoked {show.ago(k.revoked_at)}" if k.revoked_at else show.ago(k.expires_at),
        )
        for k in found
    ]
    show.table(("id", "name", "scope", "created", "used", "ends"), rows, empty="no keys")


@keys.command("revoke")
def revoke(key_id: KeyId, json_output: AsJson = False) -> None:
    """Make a key useless; running servers notice within ten seconds."""

    async def work(store: Any) -> Any:
        return await store.keys.revoke(key_id)

    if not show.with_store(work):
        raise NotFound(f"no key {key_id!r} in force; `invest keys ls --revoked` lists them all")
    show.outcome(json_output, f"revoked {key_id}", id=key_id, revoked=True)
