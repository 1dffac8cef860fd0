"""Verbs about API keys: `invest keys …`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from invest.cli import output
from invest.cli.output import AsJson, Yes
from invest.cli.server import remote_or, with_api, with_store
from invest.errors import NotFound

if TYPE_CHECKING:
    from invest.domain.access import ApiKey
    from invest.http import Client

KeyId = Annotated[str, typer.Argument(help="id of the key (see `invest keys ls`)")]
keys = typer.Typer(no_args_is_help=True, help="Keys of the HTTP API.")


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="whose key it is")],
    scope: Annotated[Literal["read", "write", "admin"], typer.Option(help="each includes the ones before it")] = "read",
    days: Annotated[int | None, typer.Option(min=1, max=36500, help="days until it expires; none: never")] = None,
    json_output: AsJson = False,
) -> None:
    """Make a key. It is shown this once; only its hash is kept."""
    if not name.strip() or len(name) > 200:
        raise typer.BadParameter("from 1 to 200 characters", param_hint="NAME")
    from invest.domain.access import Scope

    until = datetime.now(UTC) + timedelta(days=days) if days else None

    async def ask(client: Client) -> tuple[str, ApiKey]:
        return _made(await client.ask("POST", "/keys", {"name": name, "scope": scope, "days": days}))

    async def work(store: Any) -> tuple[str, ApiKey]:
        made: tuple[str, ApiKey] = await store.keys.create(name, [Scope(scope)], expires_at=until)
        return made

    plain, key = remote_or(ask, lambda: with_store(work))
    _tell(plain, key, json_output)


def _made(answer: dict[str, Any]) -> tuple[str, ApiKey]:
    from invest.domain.access import ApiKey

    plain = answer.pop("key")
    return plain, ApiKey.model_validate(answer)


def _tell(plain: str, key: Any, json_output: bool) -> None:
    """The key alone on stdout, so that a script can take it."""
    if json_output:
        output.as_json({"key": plain, **output.plain(key)})
        return
    typer.echo(plain)
    output.sentence(f"id {key.id}, scope {', '.join(key.scopes)}; shown this once, so keep it now", err=True)


@keys.command("ls")
def ls(
    revoked: Annotated[bool, typer.Option("--revoked", help="revoked ones too")] = False,
    json_output: AsJson = False,
) -> None:
    """The keys there are, never their text."""

    from invest.domain.access import ApiKey

    async def ask(client: Client) -> list[ApiKey]:
        return [ApiKey.model_validate(key) for key in await client.rows("/keys", revoked=revoked)]

    async def work(store: Any) -> list[ApiKey]:
        kept: list[ApiKey] = await store.keys.list(revoked=revoked)
        return kept

    columns: dict[str, Callable[[ApiKey], Any]] = {
        "id": lambda k: k.id,
        "name": lambda k: k.name,
        "scope": lambda k: ", ".join(k.scopes),
        "created": lambda k: output.ago(k.created_at),
        "used": lambda k: output.ago(k.last_used_at),
        "ends": lambda k: f"revoked {output.ago(k.revoked_at)}" if k.revoked_at else output.ago(k.expires_at),
    }
    output.listing(remote_or(ask, lambda: with_store(work)), columns, json_output=json_output, empty="no keys")


@keys.command("quotas")
@keys.command("use", hidden=True)  # its name of before
def quotas(
    key_id: Annotated[str, typer.Argument(help="id of a key (for admins); else your own")] = "me",
    json_output: AsJson = False,
) -> None:
    """What a key uses of its quotas: stored things, jobs, answers kept, AI money of today, mails of this hour."""
    found = with_api(lambda client: client.quotas(key_id))
    if json_output:
        output.as_json({one["quota"]: (one["used"], one["limit"]) for one in found})
        return
    rows = [(one["quota"], f"{one['used']:g}", f"{one['limit']:g}" if one["limit"] else "none") for one in found]
    output.table(("quota", "used", "limit"), rows, right=("used", "limit"), empty="no quotas")


@keys.command("rotate")
def rotate(key_id: KeyId, json_output: AsJson = False) -> None:
    """Replace a key by a new one with its name, scope, expiry and portfolios; the old one is useless at once."""

    async def ask(client: Client) -> tuple[str, ApiKey]:
        return _made(await client.ask("POST", f"/keys/{key_id}/rotate"))

    async def work(store: Any) -> tuple[str, ApiKey]:
        made: tuple[str, ApiKey] | None = await store.keys.rotate(key_id)
        if made is None:
            raise _unknown(key_id)
        return made

    plain, key = remote_or(ask, lambda: with_store(work))
    _tell(plain, key, json_output)


@keys.command("revoke")
def revoke(key_id: KeyId, yes: Yes = False, json_output: AsJson = False) -> None:
    """Make a key useless; running servers notice within a second. Its portfolios are the admins' from then on."""
    output.confirm(f"revoke key {key_id}? Whoever uses it is shut out at once", yes=yes)

    async def ask(client: Client) -> None:
        await client.ask("DELETE", f"/keys/{key_id}")

    async def work(store: Any) -> None:
        if not await store.keys.revoke(key_id):
            raise _unknown(key_id)

    remote_or(ask, lambda: with_store(work))
    output.outcome(json_output, f"revoked {key_id}", id=key_id, revoked=True)


def _unknown(key_id: str) -> NotFound:
    return NotFound(f"no key {key_id!r} in force; `invest keys ls --revoked` lists them all")
