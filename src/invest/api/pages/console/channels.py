"""Channels: where alerts, finished reports and failed jobs are told; made, tried, paused and removed."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from invest.api.http import Problem, invalid
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes.notices import channels as routes
from invest.domain.notices import APPRISE, WEBHOOK, Occasion, Quiet
from invest.jobs.notices import installed_kinds

HERE = "/ops/channels"


@page("GET", HERE, section="ops.channels")
async def channels_page(visit: Visit) -> web.StreamResponse:
    """One's channels, and a form for another one."""
    return await _shown(visit, signing_key="")


async def _shown(visit: Visit, signing_key: str) -> web.StreamResponse:
    occasions = [one for one in Occasion if one is not Occasion.TEST]
    if not visit.may("admin"):
        occasions.remove(Occasion.ANY_DEAD_LETTER)
    return render(
        visit,
        "console/channels.html",
        channels=await visit.listed(routes.list_channels),
        kinds=[APPRISE, WEBHOOK, *installed_kinds()],
        occasions=occasions,
        usual=routes.USUAL,
        address=visit.services.settings.web.address,
        signing_key=signing_key,
    )


@page("POST", HERE, scope="write", section="ops.channels")
async def make_channel(visit: Visit, form: Form) -> web.StreamResponse:
    """Make a channel of the form; what signs a webhook's messages is shown this once."""
    body: dict[str, Any] = {
        "name": form.text("name", limit=100),
        "kind": form.text("kind", APPRISE, limit=60),
        "address": form.text("address"),
        "occasions": form.all("occasions"),
    }
    lacking = [
        (field, text)
        for field, text in (
            ("name", visit.say("give the channel a name")),
            ("address", visit.say("say where to send the messages")),
            ("occasions", visit.say("tick at least one thing to tell of")),
        )
        if not body[field]
    ]
    if lacking:
        raise invalid(*lacking[0])
    made = await visit.ask(routes.create_channel, body=body | {"quiet": _quiet(visit, form)})
    if made.signing_key:
        return await _shown(visit, signing_key=made.signing_key)
    return visit.go(HERE, visit.say("{name} is set up. Send it a test message.", name=made.channel.name))


def _quiet(visit: Visit, form: Form) -> dict[str, str] | None:
    since, until = form.text("since", limit=8), form.text("until", limit=8)
    if not since and not until:
        return None
    try:
        return Quiet.model_validate({"since": since, "until": until}).model_dump(mode="json")
    except ValueError:
        raise invalid("since", visit.say("two different times of the day such as 22:00 and 07:00, or none")) from None


@page("POST", HERE + "/{channel_id}/test", scope="write", section="ops.channels")
async def test_channel(visit: Visit, form: Form) -> web.StreamResponse:
    """Send a test message; its job says whether the service took it."""
    queued = await visit.ask(routes.test_channel, path=_path(visit))
    notice = visit.say("The test message is on its way: this job says how it went.")
    return visit.go(f"/ops/jobs/{queued['task_id']}", notice)


@page("POST", HERE + "/{channel_id}/active", scope="write", section="ops.channels")
async def pause_channel(visit: Visit, form: Form) -> web.StreamResponse:
    """Let a channel rest, or tell again."""
    active = form.ticked("active")
    changed = await visit.ask(routes.change_channel, path=_path(visit), body={"active": active})
    name = changed.name
    notice = visit.say("{name} tells again.", name=name) if active else visit.say("{name} rests.", name=name)
    return visit.go(HERE, notice)


@page("POST", HERE + "/{channel_id}/delete", scope="write", section="ops.channels")
async def delete_channel(visit: Visit, form: Form) -> web.StreamResponse:
    """Remove a channel; says first what that means."""
    if not form.ticked("sure"):
        channel = await visit.ask(routes.get_channel, path=_path(visit))
        return render(visit, "console/channel_delete.html", channel=channel)
    await visit.ask(routes.delete_channel, path=_path(visit))
    return visit.go(HERE, visit.say("The channel was removed, with what it was still to tell."))


def _path(visit: Visit) -> dict[str, str]:
    wanted = visit.http.match_info["channel_id"]
    if len(wanted) > 64:
        raise Problem(404, visit.say("no channel {id}", id=wanted[:60]))
    return {"channel_id": wanted}


PAGES = (channels_page, make_channel, test_channel, pause_channel, delete_channel)
