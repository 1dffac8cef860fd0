"""Pages as a browser without scripts sees them: every page reads, every form posts, and only ours do."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import structlog

from invest.api.services import SERVICES
from invest.domain.job_run import JobRun
from invest.engine import JobState
from invest.jobs.log_lines import keeping_lines
from invest.settings import Settings
from invest.sources.client.outcomes import Outcomes
from invest.store import Store
from tests.integration.api.api_kit import API, Door, door_sleep, open_door, working
from tests.integration.api.pages.pages_kit import (
    B3_POSITION,
    B3_TRADES,
    HTML,
    Visitor,
    a_portfolio,
    addresses,
    ended,
    fill,
)

pytest_plugins = ["tests.integration.api.api_fixtures"]


@pytest.fixture
async def visitor(web_door: Door) -> AsyncIterator[Visitor]:
    """A browser without scripts on this machine, where no key is needed."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(web_door.url, cookie_jar=jar) as session:
        yield Visitor(session)


async def test_every_page_reads_in_both_languages(web_door: Door, visitor: Visitor, platform: Settings) -> None:
    world = await fill(web_door, platform)
    for language, word in (("pt-BR", "Operação"), ("en", "Operations")):
        await visitor.send("/preferences", {"language": language})
        for path in addresses(world):
            page = await visitor.read(path, status=200)
            assert f'<html lang="{language}"' in page and word in page, path
            assert "style=" not in page and "<script>" not in page, path
            assert not re.search(r"(src|action)=\"(https?:)?//", page), path
    assert "<script>alert(1)</script>" not in await visitor.read("/alerts")
    assert 'id="s-months"' in await visitor.read("/assets/PETR4"), "the past that the report shows"


async def test_a_search_shows_some_portfolios_and_says_that_there_are_more(
    visitor: Visitor, platform: Settings
) -> None:
    async with Store.open(platform) as store:
        for number in range(22):
            await store.portfolios.create(f"Casa {number:02}", [], owner="local")
    await visitor.send("/preferences", {"language": "pt-BR"})
    many = await visitor.read("/search?q=cASA")
    assert len(re.findall(r'href="/portfolios/[^"]+">Casa', many)) == 20
    assert "Há mais carteiras com isso no nome" in many
    assert "Há mais carteiras" not in await visitor.read("/search?q=Casa 07")


async def test_an_empty_platform_says_what_to_do_first(visitor: Visitor) -> None:
    await visitor.send("/preferences", {"language": "pt-BR"})
    start = await visitor.read("/")
    assert "negociacao-" in start and "movimentacao-" in start and "/portfolios/import" in start
    assert "Nenhuma tarefa rodou ainda" in await visitor.read("/ops/jobs")
    assert "invest worker" in await visitor.read("/ops/workers")
    assert "Este mercado ainda não tem ranking" in await visitor.read("/rankings")


async def test_errors_are_pages_that_say_the_next_step(visitor: Visitor, web_door: Door) -> None:
    await visitor.send("/preferences", {"language": "en"})
    for path, status in (
        ("/nothing", 404),
        ("/assets/PETR4", 404),
        ("/assets/what", 422),
        ("/portfolios/none", 404),
        ("/ops/jobs/none", 404),
        ("/ops/jobs?state=lost", 422),
        ("/rankings?market=moon", 422),
        ("/payloads/none", 404),
    ):
        page = await visitor.read(path, status=status)
        assert "<h1>" in page and "Start page" in page, path
    assert (await web_door.ask("GET", "/nothing", status=404)).headers["Content-Type"] == "application/problem+json"


async def test_a_form_without_this_browsers_token_or_from_another_site_changes_nothing(visitor: Visitor) -> None:
    await visitor.read("/")
    await visitor.send("/portfolios", {"name": "x"}, token="", status=403)
    await visitor.send("/portfolios", {"name": "x"}, token="0" * 40, status=403)
    token = await visitor.token()
    await visitor.send("/portfolios", {"name": "x"}, token=token, status=403, Origin="https://evil.example")
    await visitor.send("/portfolios", {"name": "x"}, token=token, status=403, **{"Sec-Fetch-Site": "cross-site"})
    assert "Aposentadoria" not in await visitor.read("/portfolios")
    await visitor.send("/portfolios", {"name": "Aposentadoria"}, token=token)
    assert "Aposentadoria" in await visitor.read("/portfolios")


async def test_a_statement_is_seen_row_by_row_booked_once_and_taken_back(
    visitor: Visitor, web_door: Door, platform: Settings
) -> None:
    await fill(web_door, platform)
    await visitor.send("/preferences", {"language": "en"})
    _, headers = await visitor.send("/portfolios", {"name": "Trades"})
    where = headers["Location"]
    preview, _ = await visitor.send(where, {"text": B3_TRADES}, status=200)
    assert "would be booked" in preview and "ABEV3" in preview and "WEGE3" in preview and "refused" in preview
    portfolio = where.removesuffix("/import")
    assert (await web_door.ask("GET", f"{API}{portfolio}")).json()["transactions"] == []
    kept = re.search(r'name="file" value="([^"]+)"', preview)
    assert kept is not None
    _, headers = await visitor.send(f"{where}/book", {"file": kept[1]})
    assert headers["Location"] == portfolio
    assert "2 rows booked, 0 were there already, 1 refused" in await visitor.read(portfolio)
    booked = (await web_door.ask("GET", f"{API}{portfolio}")).json()["transactions"]
    assert [t["ticker"] for t in booked] == ["ABEV3", "WEGE3"]
    again, _ = await visitor.send(where, {"text": B3_TRADES}, status=200)
    assert again.count("there already") >= 2
    undo = re.search(r'action="(/portfolios/[^"]+/undo)"', await visitor.read(where))
    assert undo is not None
    question, _ = await visitor.send(undo[1], status=200)
    assert "Undo this import?" in question
    await visitor.send(undo[1], {"sure": "1"})
    assert (await web_door.ask("GET", f"{API}{portfolio}")).json()["transactions"] == []


async def test_a_file_that_is_no_statement_is_refused_with_what_would_be_one(visitor: Visitor) -> None:
    _, headers = await visitor.send("/portfolios", {"name": "x"})
    page, _ = await visitor.send(headers["Location"], {"text": "hello\nworld\n"}, status=422)
    assert 'role="alert"' in page and "B3" in page
    await visitor.send(headers["Location"], {"text": ""}, status=422)


async def test_many_jobs_are_acted_on_after_a_dry_run(visitor: Visitor, web_door: Door, platform: Settings) -> None:
    await fill(web_door, platform)
    await visitor.send("/preferences", {"language": "en"})
    fields = {"action": "replay", "matching": "1", "state": "failed", "name": "door_fail", "back": "/ops/jobs"}
    question, _ = await visitor.send("/ops/jobs/act", fields, status=200)
    ids = re.findall(r'name="id" value="([^"]+)"', question)
    assert len(ids) == 5 and "Replay 5 jobs?" in question
    before = (await web_door.ask("GET", f"{API}/dead-letters")).json()["count"]
    assert before == 5
    form = aiohttp.FormData({"form_token": await visitor.token(), "action": "replay", "sure": "1", "back": "/ops/jobs"})
    for job_id in ids:
        form.add_field("id", job_id)
    async with visitor.session.post("/ops/jobs/act", data=form, headers=HTML, allow_redirects=False) as got:
        assert got.status == 303
    page = await visitor.read("/ops/jobs")
    assert "4 replayed; 1 left as they are" in page and "retry the workflow" in page
    waiting = (await web_door.ask("GET", f"{API}/tasks", params={"state": "queued"})).json()
    assert {t["name"] for t in waiting["items"]} == {"door_fail"} and waiting["count"] == 4
    cancel = {
        "action": "cancel",
        "matching": "1",
        "name": "door_fail",
        "sure": "1",
        "id": waiting["items"][0]["task_id"],
    }
    await visitor.send("/ops/jobs/act", cancel)
    assert (await web_door.ask("GET", f"{API}/tasks", params={"state": "queued"})).json()["count"] == 3


async def test_an_ended_job_is_found_by_its_arguments_which_the_history_alone_keeps(
    visitor: Visitor, web_door: Door, platform: Settings
) -> None:
    world = await fill(web_door, platform)
    given = {"args": [], "kwargs": {"ticker": "XPTO3"}}
    ended = JobRun(id=world.done, state="succeeded", name="door_double", queue="door", args=given, event_id="1-1")
    async with Store.open(platform) as store:
        await store.jobs.upsert([ended])
    page = await visitor.read("/ops/jobs?text=xpto3&span=day")
    assert re.findall(r'<tr data-id="([^"]+)"', page) == [world.done]
    assert "door_fail" not in page, "groups of failures that the filter does not find are not shown"
    assert not re.findall(r'<tr data-id="([^"]+)"', await visitor.read("/ops/jobs?text=xpto4"))


async def test_a_job_is_enqueued_from_its_form_and_replayed_with_changes(
    visitor: Visitor, web_door: Door, platform: Settings
) -> None:
    async with working(platform):
        _, headers = await visitor.send("/ops/enqueue/door_double", {"arg.number": "4"})
        assert await ended(web_door, headers["Location"].rsplit("/", 1)[1]) == JobState.SUCCEEDED.contract
        page = await visitor.read(headers["Location"])
        assert "door_double" in page and "<code>8</code>" in page
        _, headers = await visitor.send(headers["Location"] + "/replay", {"arg.number": "5"})
        await ended(web_door, headers["Location"].rsplit("/", 1)[1])
        assert "<code>10</code>" in await visitor.read(headers["Location"])
    wrong, _ = await visitor.send("/ops/enqueue/door_double", {"arg.number": "many"}, status=422)
    assert "number" in wrong and "many" in wrong


async def test_a_running_job_is_cancelled_and_a_queue_emptied_after_a_question(
    visitor: Visitor, web_door: Door, platform: Settings
) -> None:
    await visitor.send("/preferences", {"language": "en"})
    async with working(platform):
        task = await web_door.queue("door_sleep", {"seconds": 60})
        await visitor.send("/ops/jobs/act", {"action": "cancel", "sure": "1", "id": task, "back": "/ops/jobs"})
        assert await ended(web_door, task) == JobState.CANCELLED.contract
    for _ in range(3):
        await web_door.queue(door_sleep.name)
    question, _ = await visitor.send("/ops/queues/door", {"action": "purge"}, status=200)
    assert "3 jobs" in question
    await visitor.send("/ops/queues/door", {"action": "purge", "sure": "1"})
    assert "3 waiting jobs of door were cancelled" in await visitor.read("/ops/queues")


async def test_a_queue_is_paused_and_goes_on_and_what_failed_is_retried_from_its_step(
    visitor: Visitor, web_door: Door, platform: Settings
) -> None:
    world = await fill(web_door, platform)
    await visitor.send("/preferences", {"language": "en"})
    await visitor.send("/ops/queues/door", {"action": "pause"})
    page = await visitor.read("/ops/queues")
    assert "door is paused: what runs goes on" in page and "Go on" in page and "paused" in page
    assert next(q for q in (await queues(web_door)) if q["name"] == "door")["paused"]
    await visitor.send("/ops/queues/door", {"action": "resume"})
    assert "door goes on." in await visitor.read("/ops/queues")
    await visitor.send("/ops/queues/door", {"action": "drain"}, status=422)
    await visitor.send("/ops/queues/none", {"action": "pause"}, status=404)
    step = re.search(r'href="/ops/jobs/([0-9a-z]+)"><b>door_fail', await visitor.read(f"/ops/jobs/{world.workflow}"))
    assert step is not None
    page = await visitor.read(f"/ops/jobs/{step[1]}")
    assert f'action="/ops/workflows/{world.workflow}/retry"' in page and "Retry the workflow from here" in page
    await visitor.send(f"/ops/workflows/{world.workflow}/retry")
    state = (await web_door.ask("GET", f"{API}/tasks/{step[1]}/status")).json()["state"]
    assert state in (JobState.QUEUED.contract, JobState.SCHEDULED.contract), state


async def queues(door: Door) -> list[dict[str, Any]]:
    """All queues as the API tells of them."""
    told = (await door.ask("GET", f"{API}/queues")).json()
    return list(told if isinstance(told, list) else told["items"])


async def test_the_first_page_of_jobs_is_what_the_index_holds(
    visitor: Visitor, web_door: Door, platform: Settings
) -> None:
    world = await fill(web_door, platform)
    await visitor.send("/preferences", {"language": "en"})
    waiting = await web_door.queue(door_sleep.name)
    later = await web_door.queue(door_sleep.name, params={"delay": "3600"})
    page = await visitor.read("/ops/jobs")
    shown = re.findall(r'<tr data-id="([^"]+)"', page)
    assert shown[:2] == [waiting, later], "what is under way comes first"
    invest = web_door.app[SERVICES].invest
    times = [(await invest.status(task)).finished_at for task in shown[2:]]
    assert all(times) and times == sorted(times, reverse=True)  # type: ignore[type-var] # none is None
    assert {world.done, world.failed} < set(shown[2:])
    tabs = dict(re.findall(r"state=(\w+)[^>]*>[^<]*<b[^>]*>([\d,]+)</b>", page))
    assert tabs["queued"] == tabs["scheduled"] == "1" and tabs["failed"] == "5" and int(tabs["succeeded"]) == 7
    other = await visitor.read("/ops/jobs?queue=reports")
    assert "Nothing matches this filter" in other and "door_fail" not in other, "groups follow the filter, too"
    again = await visitor.read("/ops/jobs")
    assert "<b>5</b>" in again and "door_fail" in again, "dead letters that were read before count again"
    overview = await visitor.read("/ops")
    assert "7 succeeded" in overview and "5 failed for good" in overview and world.failed in overview


async def test_the_tax_of_a_year_follows_from_what_was_before(
    visitor: Visitor, web_door: Door, platform: Settings
) -> None:
    world = await fill(web_door, platform)
    await visitor.send("/preferences", {"language": "en"})
    where = f"/portfolios/{world.portfolio}/tax"
    page = await visitor.read(f"{where}?year=2026")
    assert "Imposto de renda 2026" in page and "Bens e Direitos" in page and "Rendimentos" in page
    assert f'href="{where}?year=2025"' in page and "format=pdf" in page
    async with visitor.session.get(f"{where}?year=2026&format=csv") as got:
        assert got.status == 200 and got.content_type == "text/csv"
    before = {"year": "2026", "day": "2025-12-31", "loss.common": "1.234,56", "loss.fii": "", "credit.common": "10.50"}
    await visitor.send(where, before | {"paid.period": "2026-03", "paid.amount": "99", "paid.on": "2026-04-30"})
    page = await visitor.read(f"{where}?year=2026")
    assert 'value="1234.56"' in page and "2026-03" in page and "R$ 1.234,56" in page, "the loss is carried"
    await visitor.send(where, {"year": "2026", "loss.common": "much"}, status=422)
    await visitor.read(f"{where}?year=2999", status=422)


async def test_a_position_is_held_against_what_is_booked(visitor: Visitor, web_door: Door, platform: Settings) -> None:
    await visitor.send("/preferences", {"language": "en"})
    _, headers = await visitor.send("/portfolios", {"name": "Trades"})
    where = headers["Location"]
    preview, _ = await visitor.send(where, {"text": B3_TRADES}, status=200)
    assert "Sums by asset" in preview and "1,650.00" in preview, "both purchases together"
    kept = re.search(r'name="file" value="([^"]+)"', preview)
    assert kept is not None
    await visitor.send(f"{where}/book", {"file": kept[1]})
    preview, _ = await visitor.send(where, {"text": B3_POSITION}, status=200)
    assert "The position does not agree" in preview and "the posição says 30 WEGE3, 10 are booked" in preview
    assert "agrees: 100 ABEV3 are held" in preview


async def test_the_lines_of_a_job_are_shown_with_it(visitor: Visitor, web_door: Door, platform: Settings) -> None:
    await visitor.send("/preferences", {"language": "en"})
    task = await web_door.queue(door_sleep.name)
    redis = web_door.app[SERVICES].invest.redis
    assert "It wrote no line" in await visitor.read(f"/ops/jobs/{task}")
    async with keeping_lines(redis):
        log = logging.getLogger("invest.engine")
        structlog.contextvars.bind_contextvars(job_id=task)
        log.warning("asked <b>B3</b> with ?token=abcdefgh")
        structlog.contextvars.unbind_contextvars("job_id")
        log.warning("of no job")
    page = await visitor.read(f"/ops/jobs/{task}")
    assert "asked &lt;b&gt;B3&lt;/b&gt;" in page and "abcdefgh" not in page and "of no job" not in page
    assert await redis.ttl(f"invest:log:{task}") > 0


async def test_schedules_alerts_filters_and_targets_are_kept(
    visitor: Visitor, web_door: Door, platform: Settings
) -> None:
    world = await fill(web_door, platform)
    await visitor.send("/preferences", {"language": "en"})
    await visitor.send("/ops/schedules/update_news_feed", {"action": "pause"})
    assert "is paused" in await visitor.read("/ops/schedules")
    await visitor.send("/ops/schedules/update_news_feed", {"action": "resume"})
    made = {"kind": "price", "ticker": "vale3", "comparison": ">=", "level": "1.234,50", "field": ""}
    await visitor.send("/alerts", made)
    page = await visitor.read("/alerts")
    assert "VALE3" in page and "1,234.50" in page
    await visitor.send(f"/alerts/{world.alert}/test")
    assert "With the newest data" in await visitor.read("/alerts")
    await visitor.send("/rankings/save", {"name": "good ones", "where": "/rankings?min_score=6"})
    assert 'href="/rankings?min_score=6">good ones' in await visitor.read("/rankings")
    await visitor.send("/rankings/save", {"name": "x", "where": "//evil.example/"})
    assert "evil.example" not in await visitor.read("/rankings")
    await visitor.send(f"/portfolios/{world.portfolio}/targets", {"target.PETR4": "25", "target.VALE3": "30,5"})
    kept = (await web_door.ask("GET", f"{API}/portfolios/{world.portfolio}")).json()["targets"]
    assert kept == {"PETR4": "0.25", "VALE3": "0.305"}


async def test_keys_are_made_shown_once_and_revoked(visitor: Visitor, web_door: Door) -> None:
    page, _ = await visitor.send("/ops/keys", {"name": "desk", "scope": "write", "days": "30"}, status=200)
    plain = re.search(r"inv_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", page)
    assert plain is not None and plain[0] not in await visitor.read("/ops/keys")
    key_id = plain[0].split("_")[1]
    question, _ = await visitor.send(f"/ops/keys/{key_id}/revoke", status=200)
    assert "desk" in question
    await visitor.send(f"/ops/keys/{key_id}/revoke", {"sure": "1"})
    await visitor.read("/ops/keys")  # says once that it is useless
    assert key_id not in (await visitor.read("/ops/keys")).partition("<h3>")[0]
    await visitor.send(f"/ops/keys/{key_id}/revoke", {"sure": "1"}, status=404)


async def test_a_channel_is_set_up_tried_paused_and_removed(visitor: Visitor, web_door: Door) -> None:
    await visitor.send("/preferences", {"language": "en"})
    assert "No channel is set up" in await visitor.read("/ops/channels")
    assert "INVEST_WEB__PUBLIC_URL" in await visitor.read("/ops/channels")
    given = {"name": "<b>desk</b>", "kind": "webhook", "address": "https://1.1.1.1/a-secret-path"}
    refused, _ = await visitor.send("/ops/channels", given, status=422)
    assert "tick at least one" in refused
    given |= {"occasions": "alert", "since": "22:00", "until": "07:00"}
    refused, _ = await visitor.send("/ops/channels", given | {"until": "22:00"}, status=422)
    assert "two different times" in refused
    made, _ = await visitor.send("/ops/channels", given, status=200)
    key = re.search(r"whsec_[A-Za-z0-9+/=]+", made)
    page = await visitor.read("/ops/channels")
    assert key is not None and key[0] not in page and "a-secret-path" not in page, "shown once, and never"
    assert "&lt;b&gt;desk&lt;/b&gt;" in page and "quiet from 22:00 to 07:00" in page
    found = re.search(r"/ops/channels/([\w-]+)/test", page)
    assert found is not None
    _, headers = await visitor.send(f"/ops/channels/{found[1]}/test")
    assert headers["Location"].startswith("/ops/jobs/")
    assert "on its way" in await visitor.read(headers["Location"])
    await visitor.send(f"/ops/channels/{found[1]}/active")
    assert "rests." in await visitor.read("/ops/channels")
    await visitor.send(f"/ops/channels/{found[1]}/active", {"active": "1"})
    assert "tells again" in await visitor.read("/ops/channels")
    question, _ = await visitor.send(f"/ops/channels/{found[1]}/delete", status=200)
    assert "Remove &lt;b&gt;desk&lt;/b&gt;?" in question
    await visitor.send(f"/ops/channels/{found[1]}/delete", {"sure": "1"})
    assert "The channel was removed" in await visitor.read("/ops/channels")
    await visitor.send(f"/ops/channels/{found[1]}/delete", {"sure": "1"}, status=404)


@pytest.fixture
async def guarded(platform: Settings) -> AsyncIterator[Door]:
    """A server that needs keys."""
    asked = platform.model_copy(update={"web": platform.web.model_copy(update={"auth": "on"})})
    async with open_door(asked) as door:
        yield door


async def test_signing_in_keeps_the_key_where_no_script_reads_it(guarded: Door, platform: Settings) -> None:
    async with Store.open(platform) as store:
        plain, key = await store.keys.create("desk", ["write"])
        reader, _ = await store.keys.create("reader", ["read"])
        mine, other = await a_portfolio(store, platform, key.id), await a_portfolio(store, platform, "another")
    async with aiohttp.ClientSession(guarded.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        visitor = Visitor(session)
        async with session.get("/ops/jobs?state=failed", headers=HTML, allow_redirects=False) as got:
            assert got.headers["Location"] == "/signin?next=%2Fops%2Fjobs%3Fstate%3Dfailed"
        async with session.get("/signin") as got:
            token = (await got.text()).partition('name="form_token" value="')[2].partition('"')[0]
        await visitor.send("/signin", {"key": "inv_" + "0" * 52, "next": "/"}, token=token, status=401)
        _, headers = await visitor.send("/signin", {"key": plain, "next": "//evil.example"}, token=token)
        assert headers["Location"] == "/"
        cookie = next(c for c in headers.getall("Set-Cookie") if c.startswith("invest_key="))
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
        start = await visitor.read("/portfolios")
        assert mine in start and other not in start and "/portfolios/import" in start
        await visitor.read(f"/portfolios/{other}", status=404)
        refused = await visitor.read("/ops/keys", status=403)
        assert 'action="/signout"' in refused, "who may not see a page is still signed in"
        await visitor.send("/ops/queues/door", {"action": "purge", "sure": "1"}, status=403)
        await visitor.send("/signout")
        async with session.get("/", headers=HTML, allow_redirects=False) as got:
            assert got.status == 303
        async with session.get("/signin") as got:
            token = (await got.text()).partition('name="form_token" value="')[2].partition('"')[0]
        await visitor.send("/signin", {"key": reader, "next": "/"}, token=token)
        for path in ("/", "/ops/jobs", "/ops/schedules", "/alerts", "/reports", "/assets"):
            page = await visitor.read(path)
            forms = set(re.findall(r'<form method="post" action="([^"]+)"', page))
            assert forms <= {"/preferences", "/signout", "/rankings/save"}, (path, forms)
        await visitor.send("/ops/enqueue/door_double", {"arg.number": "4"}, status=403)
        await visitor.send("/portfolios", {"name": "x"}, status=403)
        async with session.get(f"{API}/queues") as got:
            assert got.status == 401, "the cookie opens pages, not the API"


async def test_upstreams_say_what_todays_calls_came_to(visitor: Visitor, web_door: Door) -> None:
    outcomes = Outcomes(web_door.app[SERVICES].invest.redis)
    for outcome in ("ok", "ok", "ok", "wrong", "down", "held_back"):
        outcomes.count("brapi", outcome)
    await outcomes.tell()
    await outcomes.close()
    row = (await visitor.read("/ops/upstreams")).partition('<tr data-id="brapi">')[2].partition("</tr>")[0]
    assert re.findall(r'<td class="r[^"]*"[^>]*>(\d+)</td>', row)[:2] == ["3", "2"]
