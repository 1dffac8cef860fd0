"""Journeys of investors and operators through the pages, in a real headless Chromium, from start to end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from invest.engine import JobState
from invest.settings import OpenIdSettings, Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door, door_sleep, open_door, working
from tests.integration.api.pages.browser_kit import NO_AXE, Tab, axe_source, connected, running_chromium, tab
from tests.integration.api.pages.pages_kit import B3_TRADES, a_portfolio, addresses, ended, fill

pytest_plugins = ["tests.integration.api.api_fixtures"]
pytestmark = pytest.mark.slow
SERIOUS = ("serious", "critical")
SCRIPTS = ("invest.js", "charts.js")
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# Two pictures later, or a moment where none is drawn.
SETTLED = "new Promise(done => { setTimeout(done, 300); requestAnimationFrame(() => requestAnimationFrame(done)); })"

# Tables whose rows stand as cards on a phone, and still lead aside.
ASIDE = """[...document.querySelectorAll("table.stack")].filter(
  t => t.scrollWidth > t.parentNode.clientWidth + 1).map(t => t.parentNode.getAttribute("aria-label"))"""
# Whether the open section and the open tab lie within what is shown.
SEEN = """[...document.querySelectorAll("nav [aria-current]")].every(
  at => { const box = at.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth; })"""


@pytest.fixture(scope="module")
def chromium_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the one Chromium of all these tests; skips where there is none."""
    with running_chromium(tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture
async def chrome(chromium_at: str) -> AsyncIterator[Any]:
    """That Chromium, driven from the test's event loop."""
    async with connected(chromium_at) as running:
        yield running


@pytest.fixture
async def desk(chrome: Any, web_door: Door) -> AsyncIterator[Tab]:
    """A tab of somebody at this machine; at the end nothing was logged and nothing asked of another host."""
    async with tab(chrome, web_door.url) as opened:
        yield opened
        assert not opened.errors and not opened.foreign


async def test_a_statement_is_imported_from_the_start_page_in_four_clicks(
    desk: Tab, web_door: Door, tmp_path: Path
) -> None:
    statement = tmp_path / "negociacao.csv"
    statement.write_text(B3_TRADES, encoding="utf-8")
    await desk.open("/")
    await desk.click("a:has-text('Import a statement') >> nth=0")
    await desk.click("button:has-text('Go on')")
    desk.clicks += 1  # choosing the file, which sends it
    await desk.page.set_input_files("input[type=file]", statement)
    await desk.has("What it would book")
    assert "MGLU3" in await desk.text() and "refused" in (await desk.text()).lower()
    await desk.click("button:has-text('Book 2 rows')")
    await desk.has("2 rows booked, 0 were there already, 1 refused")
    assert desk.clicks == 4 and "ABEV3" in await desk.text()
    await desk.open(desk.page.url.removeprefix(desk.url) + "/import")
    await desk.click("button:has-text('Undo…')")
    await desk.page.wait_for_selector("dialog[open] >> text=Undo this import?")
    await desk.click("dialog button:has-text('Undo it')")
    await desk.has("2 transactions were taken back")


async def test_an_asset_is_found_by_keyboard_and_its_chart_asked(desk: Tab, web_door: Door, platform: Settings) -> None:
    await fill(web_door, platform)
    await desk.open("/")
    await desk.page.keyboard.press("/")
    await desk.page.keyboard.type("petr4")
    await desk.page.keyboard.press("Enter")
    await desk.page.wait_for_url("**/assets/PETR4")
    chart = desk.page.locator("[data-series] svg[tabindex]")
    await chart.focus()
    await desk.page.keyboard.press("ArrowLeft")
    await desk.page.keyboard.press("ArrowLeft")
    assert "R$ 3" in str(await desk.page.inner_text("[data-series] .note"))
    await desk.click("[data-series] button:has-text('1 month')")
    assert await desk.page.get_attribute("[data-series] button:has-text('1 month')", "aria-pressed") == "true"
    box = await chart.bounding_box()
    assert box is not None
    await desk.page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 60)
    assert "PETR4" in str(await desk.page.inner_text("[data-series] .note"))
    await desk.click("main a:has-text('Compare')")
    await desk.page.fill("main input[name=tickers]", "PETR4 VALE3 ITUB4")
    await desk.page.keyboard.press("Enter")
    await desk.has("VALE3")
    assert await desk.page.locator("[data-series] svg path").count() == 3
    assert desk.clicks == 2


async def test_a_portfolio_says_its_worth_and_its_targets_are_set(
    desk: Tab, web_door: Door, platform: Settings
) -> None:
    world = await fill(web_door, platform)
    await desk.open("/")
    await desk.click("text=Aposentadoria")
    await desk.has("Cumulative return")
    text = await desk.text()
    assert "R$ 9,300.00" in text and "above target" in text and "below target" in text and "no target" in text
    await desk.click("main a:has-text('Targets')")
    await desk.page.fill("input[name='target.ITUB4']", "30")
    await desk.click("button:has-text('Keep')")
    await desk.has("The targets are kept")
    kept = (await web_door.ask("GET", f"{API}/portfolios/{world.portfolio}")).json()["targets"]
    assert kept["ITUB4"] == "0.3" and desk.clicks == 3
    await desk.click("button:has-text('Delete…')")
    await desk.page.wait_for_selector("dialog[open] >> text=Delete Aposentadoria?")
    await desk.click("dialog >> text=Leave it")
    assert not await desk.page.locator("dialog[open]").count()


async def test_a_ranking_is_screened_in_the_address_and_the_filter_kept(
    desk: Tab, web_door: Door, platform: Settings
) -> None:
    await fill(web_door, platform)
    await desk.open("/rankings")
    rows = desk.page.locator("tbody tr[data-id]")
    everything = await rows.count()
    await desk.page.fill("input[name=min_score]", "6")
    await desk.page.keyboard.press("Enter")
    await desk.page.wait_for_url("**min_score=6**")
    assert 0 < await rows.count() < everything
    await desk.click("th a:has-text('Score')")
    await desk.click("th a:has-text('Score')")
    scores = [float(t) for t in await desk.page.locator("tbody tr td:nth-child(6)").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    await desk.page.fill("main input[name=name]", "good")
    await desk.click("button:has-text('Keep')")
    await desk.has("The filter is kept as good.")
    await desk.open("/rankings")
    await desk.click(".chip a:has-text('good')")
    assert "min_score=6" in desk.page.url and "sort=-score" in desk.page.url and desk.clicks == 4


async def test_an_alert_is_made_tried_and_deleted_and_a_report_read(
    desk: Tab, web_door: Door, platform: Settings
) -> None:
    world = await fill(web_door, platform)
    await desk.open("/alerts")
    await desk.page.select_option("select[name=kind]", "indicator")
    await desk.page.fill("main input[name=ticker]", "vale3")
    await desk.page.select_option("select[name=field]", "roe")
    await desk.page.fill("input[name=level]", "0.2")
    await desk.click("button:has-text('Set it')")
    await desk.has("The alert is set.")
    assert desk.clicks == 1
    await desk.click("tr[data-id]:has-text('VALE3') button:has-text('Try it')")
    await desk.has("With the newest data it would")
    await desk.click("tr[data-id]:has-text('VALE3') button:has-text('Delete')")
    await desk.has("The alert was deleted")
    await desk.open("/reports")
    await desk.click("main tbody a:has-text('PETR4')")
    await desk.has("Petrobras")
    async with desk.page.expect_download() as waiting:
        await desk.click("a:has-text('Download Markdown')")
    assert (await (await waiting.value).path()).read_text().startswith("# PETR4")
    assert world.report in desk.page.url and desk.clicks == 5


async def test_failures_are_replayed_by_kind_after_a_dry_run(desk: Tab, web_door: Door, platform: Settings) -> None:
    await fill(web_door, platform)
    await desk.open("/ops")
    await desk.click("main h2 a:has-text('Dead letters')")
    await desk.click("button:has-text('Replay 5…')")
    await desk.page.wait_for_selector("dialog[open] >> text=Replay 5 jobs?")
    assert (await web_door.ask("GET", f"{API}/tasks", params={"state": "queued"})).json()["count"] == 0
    await desk.click("dialog button:has-text('Replay 5')")
    await desk.has("4 replayed; 1 left as they are")
    assert desk.clicks == 3
    assert (await web_door.ask("GET", f"{API}/tasks", params={"state": "queued"})).json()["count"] == 4


async def test_a_running_job_moves_in_place_and_is_cancelled(desk: Tab, web_door: Door, platform: Settings) -> None:
    async with working(platform):
        await desk.open("/ops/jobs")
        await desk.has("No job ran yet")
        await desk.live()
        await desk.page.evaluate("window.stays = 1")
        task = await web_door.queue(door_sleep.name, {"seconds": 60})
        await desk.page.wait_for_selector(f"tr[data-id='{task}']:has-text('running')")
        assert await desk.page.evaluate("window.stays") == 1, "the page was not loaded again"
        await desk.page.keyboard.press("j")
        assert await desk.page.locator("tr.at").get_attribute("data-id") == task
        await desk.page.keyboard.press("Enter")
        await desk.page.wait_for_url(f"**/ops/jobs/{task}")
        await desk.click("button:has-text('Cancel…')")
        await desk.click("dialog button:has-text('Cancel 1')")
        await desk.has("1 cancelled")
        assert desk.clicks == 2
        assert await ended(web_door, task) == JobState.CANCELLED.contract
        await desk.page.wait_for_selector("[data-part=head] .state.cancelled")


async def test_the_stream_pauses_and_goes_on(desk: Tab, web_door: Door, platform: Settings) -> None:
    async with working(platform):
        await desk.open("/ops/jobs")
        await desk.live()
        await desk.page.evaluate(
            "heard = []; new EventSource('/live').addEventListener('succeeded', e => heard.push(e))"
        )
        await desk.click("#pause")
        assert await desk.page.evaluate("[Live.due, Live.paused]") == [0, True], "what was planned is given up"
        task = await web_door.queue("door_double", {"number": 1})
        await ended(web_door, task)
        await desk.until("heard.length")
        assert await desk.page.evaluate("[Live.due, Live.busy]") == [0, False], "it is heard, and left alone"
        assert "paused" in str(await desk.page.inner_text("#live"))
        assert not await desk.page.locator(f"tr[data-id='{task}']").count()
        await desk.click("#pause")
        await desk.page.wait_for_selector(f"tr[data-id='{task}']")


async def test_a_job_is_enqueued_from_its_form_and_a_workflow_seen_as_a_graph(
    desk: Tab, web_door: Door, platform: Settings
) -> None:
    world = await fill(web_door, platform)
    async with working(platform):
        await desk.open("/ops/enqueue")
        await desk.click("a:has-text('door_double')")
        await desk.page.fill("input[name='arg.number']", "21")
        await desk.click("button:has-text('Enqueue')")
        await desk.has("door_double is queued.")
        assert desk.clicks == 2
        await desk.page.wait_for_selector("[data-part=result] >> text=42")
    await desk.open("/ops/workflows")
    await desk.click("main tbody a")
    await desk.page.wait_for_url(f"**/ops/jobs/{world.workflow}")
    drawn = str(await desk.page.text_content("[data-part=graph] svg"))
    assert "door_sum" in drawn and "door_fail" in drawn and "more door_double" in drawn
    await desk.click("[data-part=graph] a:has-text('door_fail')")
    await desk.has("there is no such thing")


async def test_signing_in_by_key_and_what_a_reader_is_not_shown(chrome: Any, platform: Settings) -> None:
    asked = platform.model_copy(update={"web": platform.web.model_copy(update={"auth": "on"})})
    async with open_door(asked) as door, Store.open(platform) as store, tab(chrome, door.url) as desk:
        reader, key = await store.keys.create("reader", ["read"])
        writer, _ = await store.keys.create("writer", ["write"])
        await a_portfolio(store, platform, key.id)
        await desk.open("/portfolios")
        await desk.page.fill("input[name=key]", "inv_wrong")
        await desk.click("main button:has-text('Sign in')")
        await desk.has("unknown, revoked or expired")
        await desk.page.fill("input[name=key]", reader)
        await desk.click("main button:has-text('Sign in')")
        await desk.has("Aposentadoria")
        assert not await desk.page.locator("main form").count()
        assert await desk.page.evaluate("document.cookie") == "", "no script reads a cookie"
        await desk.click("button:has-text('Sign out')")
        await desk.page.fill("input[name=key]", writer)
        await desk.click("main button:has-text('Sign in')")
        await desk.has("No portfolio yet.")
        await desk.click("text=Português")
        await desk.has("Nenhuma carteira ainda.")
        assert not desk.errors and not desk.foreign


async def test_without_scripts_the_same_is_done(chrome: Any, web_door: Door, platform: Settings) -> None:
    await fill(web_door, platform)
    async with tab(chrome, web_door.url, java_script_enabled=False) as desk:
        await desk.open("/ops/jobs?state=failed")
        await desk.click("tbody input[name=id] >> nth=0")
        await desk.click("button:has-text('Replay…') >> nth=-1")
        await desk.has("Replay 1 job?")
        await desk.click("button:has-text('Replay 1')")
        await desk.has("1 replayed")
        await desk.open("/portfolios")
        await desk.click("text=Aposentadoria")
        await desk.has("Cumulative return")
        assert await desk.page.locator(".fig svg").count() >= 3


async def test_every_page_is_accessible_quiet_and_still_in_both_schemes_and_on_a_phone(
    chrome: Any, web_door: Door, platform: Settings
) -> None:
    world = await fill(web_door, platform)
    axe, wrong = axe_source(), []
    async with tab(chrome, web_door.url, bypass_csp=True) as desk:
        for path in {address.partition("?")[0]: address for address in addresses(world)}.values():
            await desk.open(path)
            await desk.page.evaluate(SETTLED)
            if (shift := await desk.page.evaluate("seen.shift")) >= 0.02:
                wrong.append(f"{path}: the layout shifts by {shift:.3f}")
            if axe:
                await desk.page.evaluate(axe)
                wrong += [f"{path}: {found}" for found in await violations(desk, RULES)]
                await desk.page.emulate_media(color_scheme="dark")
                wrong += [f"{path}, dark: {found}" for found in await violations(desk, RULES)]
                await desk.page.emulate_media(color_scheme="light")
            await desk.page.set_viewport_size({"width": 375, "height": 800})
            if (wide := await desk.page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
                wrong.append(f"{path}: a phone scrolls aside by {wide} px")
            if aside := await desk.page.evaluate(ASIDE):
                wrong.append(f"{path}: on a phone these tables lead aside: {aside}")
            await desk.page.set_viewport_size({"width": 1280, "height": 900})
        await desk.page.set_viewport_size({"width": 375, "height": 800})
        for path in ("/ops", "/ops/jobs", "/ops/upstreams"):
            await desk.open(path)
            if path != "/ops/upstreams":
                await desk.live()
            await desk.page.evaluate(SETTLED)
            if (shift := await desk.page.evaluate("seen.shift")) >= 0.02:
                wrong.append(f"{path}, on a phone: the layout shifts by {shift:.3f}")
            if not await desk.page.evaluate(SEEN):
                wrong.append(f"{path}, on a phone: the open tab is not seen")
        wrong += desk.errors + desk.foreign
    assert not wrong, "\n".join(wrong)
    if not axe:
        pytest.skip(f"all but accessibility was tried: {NO_AXE}")


async def test_the_way_in_through_a_provider_is_accessible_in_both_schemes(chrome: Any, platform: Settings) -> None:
    openid = {
        "issuer": "https://login.example", "client_id": "invest", "client_secret": "s", "name": "Ouro",
        "public_url": "https://invest.example", "groups": {"research": "read"},
    }  # fmt: skip
    web = platform.web.model_copy(update={"auth": "on", "openid": OpenIdSettings.model_validate(openid)})
    axe, wrong = axe_source(), []
    async with (
        open_door(platform.model_copy(update={"web": web})) as door,
        tab(chrome, door.url, bypass_csp=True, viewport={"width": 375, "height": 800}) as desk,
    ):
        await desk.open("/portfolios")
        assert await desk.page.locator("main a:has-text('Ouro')").count() == 1
        assert await desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if axe:
            await desk.page.evaluate(axe)
            for scheme in ("light", "dark"):
                await desk.page.emulate_media(color_scheme=scheme)
                wrong += [f"{scheme}: {found}" for found in await violations(desk, RULES)]
        assert not wrong + desk.errors + desk.foreign


async def violations(desk: Tab, only: dict[str, Any]) -> list[str]:
    """What axe-core finds serious on the open page."""
    options = json.dumps({"runOnly": {"type": "rule", **only}, "resultTypes": ["violations"]})
    found = json.loads(await desk.page.evaluate(
        f"axe.run(document, {options}).then(r => JSON.stringify(r.violations.map("
        "v => [v.id, v.impact, v.nodes.slice(0, 3).map(n => n.html.slice(0, 160))])))"
    ))  # fmt: skip
    return [f"{rule} {nodes}" for rule, impact, nodes in found if impact in SERIOUS]


async def test_the_first_page_is_light(desk: Tab, web_door: Door, platform: Settings) -> None:
    await fill(web_door, platform)
    weights: dict[str, int] = {}

    async def weigh(response: Any) -> None:
        weights[response.url.removeprefix(desk.url)] = (await response.request.sizes())["responseBodySize"]

    desk.page.on("response", weigh)
    await desk.open("/ops")
    await desk.live()
    assert any("invest.css" in url for url in weights) and 0 < sum(weights.values()) < 100_000, weights
    own = sum(len(resources.files("invest.api.pages").joinpath("static", name).read_bytes()) for name in SCRIPTS)
    assert own < 30_000, "own JavaScript, as it is written"
    assert await desk.page.evaluate("seen.paint") > 0, "and it was painted"
