"""Channels: where alerts, finished reports and failed jobs are told, and when not."""

from __future__ import annotations

import base64
import secrets
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from invest.api.http import PREFIX, Listing, Problem, Reply, invalid, route, sliced
from invest.api.request import Request
from invest.api.routes.models import Strict, WholePage
from invest.api.routes.ownership import owner_of
from invest.api.routes.tasks import accepted
from invest.domain.notices import APPRISE, WEBHOOK, Channel, Occasion, Quiet
from invest.http import Queued
from invest.jobs.notices import installed_kinds, kind_of, try_channel
from invest.notify import MessageRefused
from invest.reports import DeliveryRefused, check_url
from invest.store import Secret

MOST = 20  # channels of one key
USUAL = (Occasion.ALERT, Occasion.REPORT, Occasion.DEAD_LETTER)
Address = Annotated[SecretStr, Field(min_length=3, max_length=2000, examples=["ntfy://a-topic-of-my-own"])]
Occasions = Annotated[tuple[Occasion, ...], Field(min_length=1, max_length=4)]


class ChannelPath(Strict):
    """A channel's id in the path."""

    channel_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class NewChannel(Strict):
    """Where to tell, of what, and when not.

    `apprise` takes the addresses of Telegram, WhatsApp gateways, ntfy, Slack, Discord, e-mail and others as
    github.com/caronc/apprise writes them; `webhook` an https address, whose messages are signed.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "phone", "address": "ntfy://a-topic-of-my-own", "quiet": {"since": "22:00", "until": "07:00"}}
            ]
        }
    )

    name: str = Field(min_length=1, max_length=100, pattern=r"\S")
    kind: str = Field(
        default=APPRISE, min_length=1, max_length=60, description="apprise, webhook, or an installed kind"
    )
    address: Address
    occasions: Occasions = Field(default=USUAL, description="any_dead_letter needs a key with scope admin")
    quiet: Quiet | None = None


class MadeChannel(BaseModel):
    """A channel, and what signs the messages of a webhook: shown this once."""

    channel: Channel
    signing_key: str | None = Field(default=None, description="whsec_…: verify messages with it (Standard Webhooks)")

    @property
    def id(self) -> str:
        """The channel's."""
        return self.channel.id


class ChannelChange(Strict):
    """What of a channel may change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "work phone"}]})

    name: str | None = Field(default=None, min_length=1, max_length=100, pattern=r"\S")
    address: Address | None = None
    occasions: Occasions | None = None
    quiet: Quiet | None = Field(default=None, description="null: none any more")
    active: bool | None = Field(default=None, description="false: it rests, and misses what happens meanwhile")


async def checked_address(request: Request, kind: str, address: str) -> str:
    """What of an address may be shown. Raises 422 saying what is wrong with it, never repeating it."""
    if kind not in (APPRISE, WEBHOOK, *installed_kinds()):
        raise invalid("kind", f"there are {', '.join((APPRISE, WEBHOOK, *installed_kinds()))}")
    try:
        if kind == WEBHOOK:
            check_url(address, allow_private=request.services.settings.web.webhook_private)
            parts = urlsplit(address)
            return f"{parts.scheme}://{parts.hostname}/********"
        found = kind_of(kind, request.services.settings)
        shown = await found.check(address) if kind == APPRISE else found.check(address)
    except (MessageRefused, DeliveryRefused) as error:
        raise invalid("address", str(error)) from None
    return str(shown)[:200]


def _allowed(request: Request, occasions: tuple[Occasion, ...]) -> tuple[Occasion, ...]:
    """The occasions, each once. Raises 403 and 422."""
    if Occasion.TEST in occasions:
        raise invalid("occasions", "a test is sent when it is asked for")
    if Occasion.ANY_DEAD_LETTER in occasions and not request.caller.allows("admin"):
        raise Problem(403, "to be told of everybody's failed jobs needs a key with scope admin")
    return tuple(dict.fromkeys(occasions))


def _new_signing_key() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@route("POST", "/channels", tag="notices", scope="write", status=201, problems=(403, 409, 422, 429, 503))
async def create_channel(request: Request, body: NewChannel) -> Reply[MadeChannel]:
    """Say where to tell of alerts, reports and failed jobs from now on. The address is shown nowhere again."""
    occasions = _allowed(request, body.occasions)
    address = body.address.get_secret_value()
    shown = await checked_address(request, body.kind, address)
    store = await request.services.store()
    if len(await store.notices.channels(owner=request.caller.id)) >= MOST:
        raise Problem(429, f"this key may have {MOST} channels: delete one first")
    channel = Channel(
        id=request.job_id or secrets.token_hex(8), name=body.name, kind=body.kind, shown=shown,
        owner=request.caller.id, occasions=occasions, quiet=body.quiet, created_at=request.services.settings.now(),
    )  # fmt: skip
    key = _new_signing_key() if body.kind == WEBHOOK else None
    await store.notices.save(channel, Secret(address, key))
    request.audit("create channel", channel.id, {"kind": channel.kind})
    headers = {"Location": f"{PREFIX}/channels/{channel.id}", "Cache-Control": "no-store"}
    return Reply(MadeChannel(channel=channel, signing_key=key), 201, headers)


@route("GET", "/channels", tag="notices", problems=(503,))
async def list_channels(request: Request, query: WholePage) -> Reply[Listing[Channel]]:
    """One's channels by creation, addresses masked; everybody's for a key of scope admin."""
    found = await (await request.services.store()).notices.channels(owner=owner_of(request))
    return sliced(request, found, lambda channel: channel.id, query.cursor, query.limit)


@route("GET", "/channels/{channel_id}", tag="notices", problems=(404, 503))
async def get_channel(request: Request, path: ChannelPath) -> Channel:
    """One channel: of what it tells, when it was last taken, and why the last message was not, if it was not."""
    return await _own(request, path.channel_id)


async def _own(request: Request, channel_id: str) -> Channel:
    found: Channel | None = await (await request.services.store()).notices.channel(channel_id, owner=owner_of(request))
    if found is None:
        raise Problem(404, f"no channel {channel_id!r}")
    return found


@route("PATCH", "/channels/{channel_id}", tag="notices", scope="write", problems=(403, 404, 422, 503))
async def change_channel(request: Request, path: ChannelPath, body: ChannelChange) -> Channel:
    """Change a channel's name, address, occasions or quiet hours, or let it rest."""
    channel, store = await _own(request, path.channel_id), await request.services.store()
    changes = {name: getattr(body, name) for name in body.model_fields_set if name != "address"}
    changes = {name: value for name, value in changes.items() if value is not None or name == "quiet"}
    if body.occasions is not None:
        changes["occasions"] = _allowed(request, body.occasions)
    secret = None
    if body.address is not None:
        changes["shown"] = await checked_address(request, channel.kind, body.address.get_secret_value())
        kept = await store.notices.address(channel.id)
        secret = Secret(body.address.get_secret_value(), kept.signing_key if kept is not None else None)
    changed = channel.model_copy(update=changes)
    await store.notices.save(changed, secret)
    request.audit("change channel", channel.id, {"fields": sorted(body.model_fields_set)})
    return changed


@route("DELETE", "/channels/{channel_id}", tag="notices", scope="write", status=204, problems=(404, 503))
async def delete_channel(request: Request, path: ChannelPath) -> None:
    """Delete a channel with what it was still to tell."""
    if not await (await request.services.store()).notices.delete(path.channel_id, owner=owner_of(request)):
        raise Problem(404, f"no channel {path.channel_id!r}")
    request.audit("delete channel", path.channel_id)


@route("POST", "/channels/{channel_id}/test", tag="notices", scope="write", status=202, problems=(404, 503), waits=True)
async def test_channel(request: Request, path: ChannelPath) -> Reply[Queued]:
    """Send a test message, at any hour; its task says whether the service took it."""
    await _own(request, path.channel_id)
    return await accepted(request, try_channel(path.channel_id), message="a test message is queued", echo={})


ROUTES = (create_channel, list_channels, get_channel, change_channel, delete_channel, test_channel)
