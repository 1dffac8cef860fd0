"""`invest channel …`: where alerts, finished reports and failed jobs are told; `invest alert test`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from invest.cli import output
from invest.cli.output import AsJson, Yes
from invest.cli.server import with_api
from invest.errors import ConfigError, InvestError

if TYPE_CHECKING:
    from invest.http import Client

channel = typer.Typer(no_args_is_help=True, help="Where you are told of alerts, finished reports and failed jobs.")
Columns = dict[str, Callable[[dict[str, Any]], Any]]
ChannelId = Annotated[str, typer.Argument(help="id or name of the channel (see `invest channel ls`)")]
SENDING = 60.0  # seconds that a test may take
QuietHours = Annotated[str | None, typer.Option(help="hours without messages, such as 22:00-07:00")]


@channel.command("add")
def add(
    address: Annotated[
        str, typer.Argument(help="as apprise writes it (tgram://…, ntfy://…), or https:// of a webhook")
    ],
    name: Annotated[str, typer.Option(help="how you call it")] = "my channel",
    kind: Annotated[str | None, typer.Option(help="apprise, webhook, or an installed kind; by the address")] = None,
    on: Annotated[str, typer.Option(help="alert, report, dead_letter, any_dead_letter")] = "alert,report,dead_letter",
    quiet_hours: QuietHours = None,
    zone: Annotated[str, typer.Option(help="time zone of the quiet hours")] = "America/Sao_Paulo",
    json_output: AsJson = False,
) -> None:
    """Be told: `invest channel add ntfy://my-topic --quiet-hours 22:00-07:00`. `-` reads the address from stdin."""
    given = _given(address) or ""
    body: dict[str, Any] = {
        "name": name,
        "kind": kind or ("webhook" if given.startswith(("https://", "http://")) else "apprise"),
        "address": given,
        "occasions": _words(on),
        "quiet": hours(quiet_hours, zone),
    }

    async def work(client: Client) -> dict[str, Any]:
        made: dict[str, Any] = await client.ask("POST", "/channels", body)
        return made

    made = with_api(work)
    message = f"channel {made['channel']['id']}: {made['channel']['shown']}; try it with `invest alert test`"
    if made["signing_key"]:
        message += f"\nits messages are signed with {made['signing_key']} (shown this once)"
    output.outcome(json_output, message, **made)


def hours(text: str | None, zone: str) -> dict[str, str] | None:
    """``22:00-07:00`` as the API takes it. Raises `ConfigError`."""
    if text is None:
        return None
    since, dash, until = text.partition("-")
    if not dash:
        raise ConfigError(f"--quiet-hours {text}: expected two times, such as 22:00-07:00")
    return {"since": since.strip(), "until": until.strip(), "zone": zone}


@channel.command("ls")
def ls(json_output: AsJson = False) -> None:
    """Your channels, addresses masked."""
    columns: Columns = {
        "id": lambda c: c["id"],
        "name": lambda c: c["name"],
        "address": lambda c: c["shown"],
        "tells of": lambda c: ", ".join(c["occasions"]),
        "quiet": lambda c: c["quiet"] and f"{c['quiet']['since'][:5]}-{c['quiet']['until'][:5]}",
        "last sent": lambda c: (c["last_sent_at"] or "")[:16].replace("T", " ") or None,
        "trouble": lambda c: c["last_error"],
    }
    output.listing(with_api(_channels), columns, json_output=json_output, empty="no channels: invest channel add …")


async def _channels(client: Client) -> list[dict[str, Any]]:
    return await client.rows("/channels")


@channel.command("edit")
def edit(
    which: ChannelId,
    address: Annotated[str | None, typer.Option(help="its new address; - reads it from stdin")] = None,
    name: Annotated[str | None, typer.Option(help="how you call it")] = None,
    on: Annotated[str | None, typer.Option(help="alert, report, dead_letter, any_dead_letter")] = None,
    quiet_hours: Annotated[str | None, typer.Option(help="such as 22:00-07:00; none: no quiet hours")] = None,
    zone: Annotated[str, typer.Option(help="time zone of the quiet hours")] = "America/Sao_Paulo",
    json_output: AsJson = False,
) -> None:
    """Change a channel: `invest channel edit phone --address ntfy://other-topic`. What is not named stays."""
    body: dict[str, Any] = {"name": name, "address": _given(address), "occasions": _words(on)}
    body = {key: value for key, value in body.items() if value is not None}
    if quiet_hours is not None:
        body["quiet"] = None if quiet_hours == "none" else hours(quiet_hours, zone)
    if not body:
        raise ConfigError("say what to change: --address, --name, --on or --quiet-hours")

    async def work(client: Client) -> dict[str, Any]:
        changed: dict[str, Any] = await client.ask("PATCH", f"/channels/{await identify(client, which)}", body)
        return changed

    changed = with_api(work)
    output.outcome(json_output, f"channel {changed['id']}: {changed['name']}, {changed['shown']}", **changed)


def _given(address: str | None) -> str | None:
    return sys.stdin.readline().strip() if address == "-" else address


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word for word in (part.strip() for part in text.split(",")) if word]


@channel.command("rest")
def rest(
    which: ChannelId, state: Annotated[Literal["on", "off"], typer.Argument(help="on: it rests; off: it tells again")]
) -> None:
    """Let a channel rest, or tell again."""

    async def work(client: Client) -> str:
        found = await identify(client, which)
        await client.ask("PATCH", f"/channels/{found}", {"active": state == "off"})
        return found

    output.outcome(False, f"{with_api(work)} {'rests' if state == 'on' else 'tells again'}")


@channel.command("rm")
def rm(which: ChannelId, yes: Yes = False, json_output: AsJson = False) -> None:
    """Delete a channel with what it was still to tell."""
    output.confirm(f"delete the channel {which}?", yes=yes)

    async def work(client: Client) -> str:
        found = await identify(client, which)
        await client.ask("DELETE", f"/channels/{found}")
        return found

    gone = with_api(work)
    output.outcome(json_output, f"deleted {gone}", id=gone, deleted=True)


async def identify(client: Client, which: str) -> str:
    """The id of a channel named by its id or its name. Raises `ConfigError` where it names none or several."""
    rows = await _channels(client)
    named = [row["id"] for row in rows if which in (row["id"], row["name"])]
    if len(named) != 1:
        raise ConfigError(f"{len(named) or 'no'} channel{'s are' if len(named) > 1 else ' is'} named {which!r}")
    return str(named[0])


@channel.command("test")
def test(
    which: Annotated[str | None, typer.Argument(help="id or name of the channel; all of them without it")] = None,
    json_output: AsJson = False,
) -> None:
    """Send a test message by one channel or all, and say whether it was taken."""

    async def work(client: Client) -> list[dict[str, Any]]:
        rows = [row for row in await _channels(client) if row["active"]] if which is None else []
        ids = [row["id"] for row in rows] if which is None else [await identify(client, which)]
        if not ids:
            raise ConfigError("no channels: invest channel add …")
        return [await _tried(client, channel_id) for channel_id in ids]

    outcomes = with_api(work)
    if json_output:
        output.as_json(outcomes)
    elif output.manner.quiet:
        typer.echo("\n".join(outcome["channel_id"] for outcome in outcomes if outcome["taken"]))
    else:
        for outcome in outcomes:
            why = f": {outcome['why']}" if outcome["why"] else ""
            output.sentence(f"{outcome['channel_id']}: {'taken' if outcome['taken'] else 'not taken'}{why}")
    if not all(outcome["taken"] for outcome in outcomes):
        raise typer.Exit(1)


async def _tried(client: Client, channel_id: str) -> dict[str, Any]:
    queued = await client.ask("POST", f"/channels/{channel_id}/test")
    try:
        await client.job(queued["task_id"]).result(timeout=SENDING)
    except InvestError as error:
        why = re.sub(r"^[A-Z]\w+: ", "", str(error))  # the error's type says nothing to a person
        return {"channel_id": channel_id, "taken": False, "why": why}
    return {"channel_id": channel_id, "taken": True, "why": None}
