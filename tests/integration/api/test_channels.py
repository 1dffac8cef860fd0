"""Channels: alerts, reports and dead letters reach people once, by apprise and by signed webhooks, and no one else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web

from invest.domain.alerts import Alert, AlertEvent, AlertKind
from invest.domain.notices import Notice
from invest.engine import Invest, Projector, Resources, Retry, Worker, ended
from invest.jobs import notices as jobs
from invest.jobs.queues import ANALYSIS, REPORTS
from invest.notify import Message
from invest.plugins import Plugin
from invest.reports.delivery.webhook import verify
from invest.settings import Settings
from invest.store import Store
from invest.workers.history import history_sink
from tests.integration.api.api_kit import API, Door, door, open_door
from tests.integration.api.test_cli_remote import Remote

pytest.importorskip("apprise", reason="the extra notify is not installed")
pytest_plugins = ["tests.integration.api.api_fixtures"]
TOKEN = "tk_a-secret-topic-of-my-own"


class Phone:
    """A loopback server that takes messages of apprise's json:// and ntfy:// and webhooks, after refusing a few."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.messages: asyncio.Queue[tuple[str, dict[str, str], bytes]] = asyncio.Queue()
        self.port = 0

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.answers:
            status = self.answers.pop(0)
            return web.Response(status=status, headers={"Location": "http://127.0.0.1:1/"} if status == 302 else {})
        await self.messages.put((request.path, dict(request.headers), body))
        return web.Response(text="{}", content_type="application/json")

    async def next(self) -> tuple[str, dict[str, str], Any]:
        path, headers, body = await asyncio.wait_for(self.messages.get(), 30)
        return path, headers, json.loads(body)


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    """A running phone."""
    found = Phone()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.port = runner.addresses[0][1]
    yield found
    await runner.cleanup()


def reaching(platform: Settings, *, private: bool = True) -> Settings:
    """Settings that let channels reach loopback."""
    return platform.model_copy(update={"web": platform.web.model_copy(update={"webhook_private": private})})


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[Door, Store]]:
    """A web server, a worker of the queues that tell, and the history that finds dead letters."""

    @asynccontextmanager
    async def resources(_: Settings) -> AsyncIterator[Resources]:
        held = Resources()
        held.add(settings, Settings)
        held.add(store, Store)
        yield held

    async with Store.open(settings) as store, Invest.connect(settings) as invest, open_door(settings) as web_door:
        history = asyncio.create_task(Projector(invest, history_sink(store, invest=invest)).run())
        worker = Worker((REPORTS, ANALYSIS, door), settings=settings, resources=resources, handle_signals=False)
        task = asyncio.create_task(worker.main())
        try:
            yield web_door, store
        finally:
            worker.stop()
            await asyncio.wait_for(task, 30)
            await ended(history)


async def made(web_door: Door, address: str, **more: Any) -> Any:
    body = {"name": "phone", "address": address, **more}
    return (await web_door.ask("POST", f"{API}/channels", json=body, status=201)).json()


def an_event(alert: Alert, occasion: str) -> AlertEvent:
    return AlertEvent(
        alert_id=alert.id, occasion=occasion, ticker="PETR4", kind=AlertKind.NEWS, message="PETR4: 29.9\n<= 30",
        fired_at=datetime.now(UTC),
    )  # fmt: skip


async def test_each_occasion_is_told_once_by_apprise_and_by_a_signed_webhook(
    platform: Settings, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.notify_channel, "retry", Retry(retries=3, delay=0.01))
    async with running(reaching(platform)) as (web_door, store):
        await made(web_door, f"ntfy://127.0.0.1:{phone.port}/{TOKEN}", occasions=["alert"])
        hook = await made(web_door, f"http://127.0.0.1:{phone.port}/hook", kind="webhook", occasions=["dead_letter"])
        dead = await web_door.queue("door_fail")
        path, headers, said = await phone.next()
        assert path == "/hook" and said["type"] == "notice.dead_letter" and said["data"]["key"] == f"dead:{dead}"
        lowered = {name.lower(): value for name, value in headers.items()}
        assert lowered["webhook-id"].startswith(f"msg_{hook['channel']['id']}_")
        alert = Alert(id="a1", kind=AlertKind.NEWS, ticker="PETR4", owner="local", created_at=datetime.now(UTC))
        await store.alerts.save(alert)
        await store.alerts.record([an_event(alert, "1")])
        phone.answers = [503, 500]  # the service is away for two attempts
        for _ in range(2):
            task = await web_door.queue("evaluate_alerts")
            assert (await web_door.ask("GET", f"{API}/tasks/{task}/status?wait=20", status=200)).json()["successful"]
        _, _, told = await phone.next()
        assert (told["topic"], told["title"]) == (TOKEN, "PETR4: 29.9 <= 30")
        ended_alike = await web_door.ask("GET", f"{API}/tasks?state=SUCCESS&name=notify_channel", status=200)
        assert all(job["args"] == [] and TOKEN not in json.dumps(job) for job in ended_alike.items())
        listed = await web_door.ask("GET", f"{API}/channels", status=200)
        assert [c["shown"] for c in listed.items()] == ["ntfy://********", "http://127.0.0.1/********"]
        assert TOKEN not in listed.body.decode() and phone.messages.empty()
        whole = await store.erasure.of_key("local")
        assert len(whole["channels"]) == 2 and TOKEN not in json.dumps(whole, default=str)


async def test_a_webhook_is_signed_with_a_key_of_its_own(platform: Settings, phone: Phone) -> None:
    async with running(reaching(platform)) as (web_door, _):
        one, other = [
            await made(web_door, f"http://127.0.0.1:{phone.port}/{n}", kind="webhook") for n in ("one", "other")
        ]
        assert one["signing_key"] != other["signing_key"]
        tried = f"{API}/channels/{one['channel']['id']}/test?wait=20"
        assert (await web_door.ask("POST", tried, status=200)).json()["result"]["sent"] == 1
        path, headers, body = await asyncio.wait_for(phone.messages.get(), 20)
        assert path == "/one" and verify(one["signing_key"], headers, body, datetime.now(UTC))
        assert not verify(other["signing_key"], headers, body, datetime.now(UTC))
        phone.answers = [410]
        gone = (await web_door.ask("POST", tried, status=200)).json()
        assert gone["failed"] and "410" in gone["problem"]["detail"]
        shown = await web_door.ask("GET", f"{API}/channels/{one['channel']['id']}", status=200)
        assert "410" in shown.json()["last_error"] and "signing_key" not in shown.json()


async def test_nothing_is_sent_in_quiet_hours_and_all_of_it_after_them(platform: Settings, phone: Phone) -> None:
    settings = reaching(platform)
    now = settings.now()
    since, until = [(now + timedelta(hours=by)).strftime("%H:%M") for by in (-1, 1)]
    quiet = {"since": since, "until": until, "zone": "UTC"}
    async with running(settings) as (web_door, store):
        asleep = await made(web_door, f"json://127.0.0.1:{phone.port}/x?+Token={TOKEN}", quiet=quiet)
        alert = Alert(id="a1", kind=AlertKind.NEWS, ticker="PETR4", owner="local", created_at=datetime.now(UTC))
        await store.alerts.save(alert)
        await store.alerts.record([an_event(alert, str(n)) for n in range(3)])
        for name in ("evaluate_alerts", "send_notices"):
            task = await web_door.queue(name)
            await web_door.ask("GET", f"{API}/tasks/{task}/status?wait=20", status=200)
        waits = await web_door.queue("notify_channel", {"channel_id": asleep["channel"]["id"]})
        held = (await web_door.ask("GET", f"{API}/tasks/{waits}/status?wait=20", status=200)).json()["result"]
        assert held["sent"] == 0 and held["quiet_until"] and phone.messages.empty()
        path = f"{API}/channels/{asleep['channel']['id']}"
        await web_door.ask("PATCH", path, json={"quiet": None}, status=200)
        await web_door.queue("send_notices")
        _, headers, told = await phone.next()
        assert told["title"] == "3 avisos" and told["message"].count("PETR4: 29.9 <= 30") == 3
        assert headers["Token"] == TOKEN


async def test_a_channel_reaches_no_private_address_by_any_way(platform: Settings, phone: Phone) -> None:
    port = phone.port
    async with running(reaching(platform, private=False)) as (web_door, store):
        for address in (f"json://127.0.0.1:{port}/", "ntfy://10.0.0.1/topic", "json://[::1]/", f"json://localhost:{port}",
                        f"json://[::ffff:127.0.0.1]/{TOKEN}", "json://127.1/", "json://0x7f.1/", "dbus://", "syslog://",
                        "file:///etc/passwd", "not an address", "tgram://x", "windows://"):  # fmt: skip
            body = {"name": "x", "address": address}
            refused = await web_door.ask("POST", f"{API}/channels", json=body, status=422)
            assert refused.json()["errors"][0]["field"] == "address" and TOKEN not in refused.body.decode()
        body = {"name": "x", "kind": "webhook", "address": f"http://127.0.0.1:{port}/"}
        await web_door.ask("POST", f"{API}/channels", json=body, status=422)
        await web_door.ask("POST", f"{API}/channels", json={**body, "kind": "pigeon"}, status=422)
        # A name that leads inside passes the look at its text and is met at the socket.
        inside = (await made(web_door, "json://example.com/"))["channel"]
        kept = (await store.notices.channel(inside["id"]), await store.notices.address(inside["id"]))
        assert kept[0] is not None and kept[1] is not None
        await store.notices.save(kept[0], kept[1]._replace(address=f"json://2130706433:{port}/"))
        tried = await web_door.ask("POST", f"{API}/channels/{inside['id']}/test?wait=20", status=200)
        assert "not on the public internet" in tried.json()["problem"]["detail"]
    assert phone.messages.empty()


async def test_a_channel_is_its_keys_alone_and_ends_with_it(platform: Settings, phone: Phone) -> None:
    settings = reaching(platform)
    locked = settings.model_copy(update={"web": settings.web.model_copy(update={"auth": "on"})})
    async with running(locked) as (web_door, store):
        (mine, me), (other, _) = [await store.keys.create(name, ["write"]) for name in ("mine", "other")]
        own, theirs = {"X-Api-Key": mine}, {"X-Api-Key": other}
        body = {"name": "phone", "address": f"json://127.0.0.1:{phone.port}/", "occasions": ["dead_letter"]}
        made_one = await web_door.ask("POST", f"{API}/channels", json=body, headers=own, status=201)
        path = made_one.headers["Location"]
        assert (await web_door.ask("GET", f"{API}/channels", headers=theirs, status=200)).items() == []
        for method, suffix in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
            await web_door.ask(method, path + suffix, headers=theirs, status=404)
        await web_door.ask("PATCH", path, json={"name": "x"}, headers=theirs, status=404)
        arguments = {"channel_id": made_one.json()["channel"]["id"]}
        await web_door.ask("POST", f"{API}/jobs/notify_channel", json=arguments, headers=theirs, status=404)
        everybody = {**body, "occasions": ["any_dead_letter"]}
        await web_door.ask("POST", f"{API}/channels", json=everybody, headers=own, status=403)
        tried = await web_door.ask("POST", f"{path}/test?wait=20", headers=own, status=200)
        assert tried.json()["successful"] and (await phone.next())[2]["title"] == "Mensagem de teste"
        await web_door.ask("GET", f"{API}/tasks/{tried.json()['task_id']}", headers=theirs, status=404)
        rotated = await store.keys.rotate(me.id)
        assert rotated is not None
        now = datetime.now(UTC)
        notice = {"occasion": "dead_letter", "key": "k", "owner": rotated[1].id, "title": "t", "at": now}
        assert await store.notices.post([Notice.model_validate(notice)]), "handed over with the key"
        await store.keys.revoke(rotated[1].id)
        assert not await store.notices.post([Notice.model_validate({**notice, "key": "other"})])


async def test_a_channel_is_moved_to_another_address(platform: Settings, phone: Phone, tmp_path: Path) -> None:
    async with running(reaching(platform)) as (web_door, store):
        hook = await made(web_door, f"http://127.0.0.1:{phone.port}/old", kind="webhook", occasions=["alert"])
        path = f"{API}/channels/{hook['channel']['id']}"
        moved = {"address": f"http://127.0.0.1:{phone.port}/new"}
        changed = (await web_door.ask("PATCH", path, json=moved, status=200)).json()
        assert changed == hook["channel"], "what may be shown of it is the same, and nothing else changed"
        await web_door.ask("POST", f"{path}/test?wait=20", status=200)
        assert (await phone.next())[0] == "/new"
        kept = await store.notices.address(hook["channel"]["id"])
        assert kept is not None and kept.signing_key == hook["signing_key"], "it is signed as before"
        refused = (await web_door.ask("PATCH", path, json={"address": "ftp://127.0.0.1/x"}, status=422)).json()
        assert refused["errors"][0]["field"] == "address"

        invest = Remote(tmp_path, web_door.url, None)
        address = f"http://127.0.0.1:{phone.port}/typed"
        edited = await invest("channel", "edit", "phone", "--address", "-", "--name", "hook", stdin=address + "\n")
        assert edited.out == f"channel {hook['channel']['id']}: hook, http://127.0.0.1/********\n"
        quiet = await invest("channel", "edit", "hook", "--quiet-hours", "22:00-07:00", "--json")
        assert quiet.json()["quiet"]["since"] == "22:00:00"
        assert (await invest("channel", "edit", "hook", "--quiet-hours", "none", "--json")).json()["quiet"] is None
        assert "say what to change" in (await invest("channel", "edit", "hook", code=2)).err
        await web_door.ask("POST", f"{path}/test?wait=20", status=200)
        assert (await phone.next())[0] == "/typed"


class Pager:
    """A kind of channel of another package."""

    name = "pager"
    taken: ClassVar[list[tuple[str, Message]]] = []

    def check(self, address: str) -> str:
        """Everything."""
        return address[:2]

    async def send(self, address: str, message: Message) -> None:
        """Keep it."""
        self.taken.append((address, message))


async def test_a_report_is_told_by_an_installed_kind_to_whoever_asked(
    platform: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("invest.jobs.notices.installed", lambda group: [Plugin("pager", Pager)])
    async with running(platform) as (web_door, store):
        found = await made(web_door, "0042", kind="pager", occasions=["report"])
        assert found["channel"]["shown"] == "00"
        notice = jobs.report_notice("r_1", "PETR4", "local", platform)
        assert await store.notices.post([notice]) and not await store.notices.post([notice]), "once"
        task = await web_door.queue("notify_channel", {"channel_id": found["channel"]["id"]})
        await web_door.ask("GET", f"{API}/tasks/{task}/status?wait=20", status=200)
    assert [(a, m.title) for a, m in Pager.taken] == [("0042", "Relatório pronto: PETR4")]
