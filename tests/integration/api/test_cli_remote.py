"""Every verb against a server over HTTP, and the investors' verbs on this machine's own servers."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from invest.domain.market import Asset, AssetKind
from invest.engine import Invest
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import Door, door_fail, door_sleep, open_door, working
from tests.integration.api.test_cli import Cli

ROOT = Path(__file__).parents[3]
pytest_plugins = ["tests.integration.api.api_fixtures"]

CSV = "data;operacao;ticker;quantidade;preco\n2026-03-02;compra;PETR4;100;30,50\n2026-03-03;compra;VALE3;10;61,00\n"


class Remote(Cli):
    """`invest` without any server of its own: only INVEST_URL and INVEST_KEY."""

    def __init__(self, folder: Path, url: str, key: str | None) -> None:
        self._told = {
            "PATH": "/usr/bin:/bin",
            "INVEST_URL": url,
            **({"INVEST_KEY": key} if key else {}),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "REDIS_URL": "redis://127.0.0.1:1/0",  # nothing listens there: whoever asks it fails
            "DATABASE_URL": "postgresql://127.0.0.1:1/none",
            "COLUMNS": "120",
        }
        self._folder = folder


@pytest.fixture
async def locked(platform: Settings) -> AsyncIterator[Door]:
    """A web server that asks for keys."""
    async with open_door(platform.model_copy(update={"web": platform.web.model_copy(update={"auth": "on"})})) as door:
        yield door


@pytest.fixture
async def remote(platform: Settings, locked: Door, tmp_path: Path) -> Remote:
    """The command line with a key of scope admin."""
    async with Store.open(platform) as store:
        key, _ = await store.keys.create("operator", ["admin"])
    return Remote(tmp_path, locked.url, key)


async def test_jobs_are_run_and_looked_at_over_http(remote: Remote, platform: Settings) -> None:
    async with working(platform):
        done = await remote("job", "run", "door_double", "21", "--wait")
        assert done.json() == 42
        job = (await remote("enqueue", "door_double", "number=4", "--json")).json()["task_id"]
        assert (await remote("job", "wait", job)).json() == 8
        failed = await remote("job", "run", "door_fail", "--wait", code=1)
        assert "there is no such thing" in failed.err and len(failed.err.splitlines()) == 1
        slow = (await remote("job", "run", "door_sleep", "-q")).out.strip()
        assert (await remote("job", "cancel", slow)).out == f"cancelled {slow}\n"
    shown = (await remote("job", "show", job, "--json")).json()
    assert (shown["job"]["id"], shown["job"]["state"], shown["job"]["kwargs"]) == (job, "succeeded", {"number": 4})
    listed = await remote("job", "ls", "--state", "succeeded", "--queue", "door", "--json", "id,name")
    assert {"id": job, "name": "door_double"} in listed.json()
    assert job in (await remote("jobs", "ls", "--state", "succeeded", "-q")).out.split()
    types = (await remote("job", "types", "--json")).json()
    assert "door_double" in {job["name"] for job in types}
    wrong = await remote("job", "run", "door_double", "1", "2", code=2)
    assert "door_double takes 1 arguments (number), not 2" in wrong.err


async def test_what_runs_the_platform_is_looked_at_over_http(remote: Remote, platform: Settings) -> None:
    async with Invest.connect(platform) as engine, working(platform):
        dead = await engine.enqueue(door_fail())
        with pytest.raises(Exception, match="no such thing"):
            await dead.result(timeout=10)
        workers = (await remote("worker", "ls", "--json")).json()
        assert workers[0]["queues"] == ["door"] and (await remote("workers", "--json")).json()
        assert (await remote("dlq", "ls", "-q")).out.split() == [dead.id]
        assert (await remote("dlq", "show", dead.id)).json()["error"]["message"] == "there is no such thing"
        assert (await remote("dlq", "discard", "--all", "--dry-run")).json()["ids"] == [dead.id]
        replay = (await remote("dlq", "replay", dead.id, "--json")).json()
        assert replay["replay_of"] == dead.id
    depths = (await remote("queue", "stats", "--json")).json()
    assert depths["door"]["name"] == "door"
    assert "update_news_feed" in (await remote("schedule", "ls", "-q")).out.split()
    await remote("schedule", "pause", "update_news_feed")
    paused = (await remote("schedule", "ls", "--json", "name,paused")).json()
    assert {"name": "update_news_feed", "paused": True} in paused
    async with Invest.connect(platform) as engine:
        await engine.enqueue(door_sleep())
    assert (await remote("queue", "purge", "door", "--yes", "--json")).json()["cancelled"] == 1
    assert (await remote("queue", "purge", "door", code=1)).err.endswith("invest: nothing was done\n")


async def test_keys_are_made_and_revoked_over_http(remote: Remote, locked: Door, tmp_path: Path) -> None:
    made = await remote("key", "create", "phone", "--scope", "read", "--days", "3")
    phone = Remote(tmp_path, locked.url, made.out.strip())
    assert "no workers" in (await phone("worker", "ls")).out
    refused = await phone("key", "ls", code=1)
    assert "scope admin" in refused.err and "Traceback" not in refused.err
    [key] = [k for k in (await remote("key", "ls", "--json")).json() if k["name"] == "phone"]
    rotated = (await remote("key", "rotate", key["id"], "--json")).json()
    await asyncio.sleep(1.1)  # a server that has seen a key asks again after a second
    assert (await phone("worker", "ls", code=1)).err.startswith("invest: the API key is unknown")
    await remote("key", "revoke", rotated["id"], "--yes")
    assert (await remote("key", "revoke", rotated["id"], "--yes", code=2)).err.startswith("invest: no key")


async def test_verbs_of_the_database_say_that_they_need_the_machine_itself(remote: Remote, locked: Door) -> None:
    for verb in (("db", "status"), ("db", "migrate")):
        done = await remote(*verb, code=2)
        assert (
            done.err
            == f"invest: this verb works on the database itself, not through {locked.url}: set INVEST_URL= for it\n"
        )


async def test_doctor_tells_of_a_server(remote: Remote, locked: Door, tmp_path: Path) -> None:
    states = {c["what"]: c["state"] for c in (await remote("doctor", "--json")).json()}
    assert states == {"Python": "ok", "server": "ok", "readiness": "ok", "key": "ok", "workers": "note"}
    wrong = Remote(tmp_path, locked.url, "inv_00000000_" + "x" * 43)
    assert {c["what"]: c["state"] for c in (await wrong("doctor", "--json", code=1)).json()}["key"] == "fix"
    away = Remote(tmp_path, "http://127.0.0.1:1", None)
    assert {c["what"]: c["state"] for c in (await away("doctor", "--json", code=3)).json()}["server"] == "unreachable"


async def test_a_login_is_tried_and_then_used(remote: Remote, locked: Door, tmp_path: Path) -> None:
    key = remote._told["INVEST_KEY"]
    anew = Remote(tmp_path, locked.url, None)
    del anew._told["INVEST_URL"]
    refused = await anew("login", locked.url, "--key", "inv_wrong", code=1)
    assert refused.err.startswith("invest: the API key is unknown") and not (tmp_path / "config").exists()
    await anew("login", locked.url, stdin=f"{key}\n")
    assert stat.S_IMODE((tmp_path / "config" / "invest" / "login.json").stat().st_mode) == 0o600
    assert "no workers" in (await anew("worker", "ls")).out
    assert (await anew("logout")).out == "verbs work on this machine again\n"


async def test_a_key_that_an_open_server_does_not_look_at_is_not_called_taken(web_door: Door, tmp_path: Path) -> None:
    anew = Remote(tmp_path, web_door.url, None)
    done = await anew("login", web_door.url, "--key", "inv_wrong")
    assert done.err == "the server asks for no key: yours is kept, but was not checked\n"
    found = {c["what"]: c["found"] for c in (await anew("doctor", "--json")).json()}
    assert found["key"] == "none is needed; yours was not checked"


async def stock(platform: Settings) -> None:
    """An asset on record."""
    async with Store.open(platform) as store:
        await store.assets.upsert(Asset(ticker="PETR4", kind=AssetKind.STOCK, name="PETROBRAS PN", sector="Petroleo"))


async def investing(invest: Cli, folder: Path) -> None:
    """A portfolio from nothing to nothing, and an alert, as an investor types it."""
    file = folder / "extrato.csv"
    file.write_text(CSV, "utf-8")
    made = (await invest("portfolio", "create", "Aposentadoria", "--json")).json()
    dry = await invest("portfolio", "import", "Aposentadoria", str(file), "--dry-run")
    assert dry.out == "would be: 2 booked, 0 duplicate, 0 refused\n", dry
    assert (await invest("portfolio", "import", made["id"], str(file))).out == "2 booked, 0 duplicate, 0 refused\n"
    assert (await invest("portfolio", "ls", "-q")).out.split() == [made["id"]]
    rows = (await invest("portfolio", "transactions", "Aposentadoria", "--json")).json()
    assert [(t["ticker"], Decimal(t["quantity"]), Decimal(t["price"])) for t in rows] == [
        ("PETR4", Decimal(100), Decimal("30.50")),
        ("VALE3", Decimal(10), Decimal("61.00")),
    ]
    shown = (await invest("portfolio", "show", "Aposentadoria")).out
    assert "3,050.00" in shown and "PETR4" in shown and max(map(len, shown.splitlines())) <= 120
    exported = (await invest("export", "transactions", "Aposentadoria")).out
    assert exported.splitlines()[0].startswith("date,ticker,") or "ticker" in exported.splitlines()[0]
    assert (await invest("asset", "search", "petro", "-q")).out.split() == ["PETR4"]
    assert "not analysed yet" in (await invest("asset", "show", "petr4")).out
    assert "no price of PETR4" in (await invest("price", "PETR4")).out
    assert "no ranking of stocks yet" in (await invest("rank", code=2)).err
    alert = (await invest("alert", "add", "petr4", "--below", "30", "--json")).json()
    assert (alert["comparison"], Decimal(alert["level"]), alert["ticker"]) == ("<=", Decimal(30), "PETR4")
    assert "price of PETR4 <= 30" in (await invest("alert", "ls")).out
    assert "nothing fired" in (await invest("alert", "events")).out
    assert (await invest("alert", "rm", alert["id"], "--yes", "-q")).out.strip() == alert["id"]
    assert "--above or --below" in (await invest("alert", "add", "petr4", code=2)).err
    unknown = await invest("alert", "add", "NADA4", "--below", "1", "--portfolio", "Aposentadoria", "-q")
    assert "NADA4 is not on record yet" in unknown.err
    assert len((await invest("alert", "ls", "--portfolio", "Aposentadoria", "-q")).out.split()) == 1
    await happenings(invest)
    assert "no reports" in (await invest("report", "ls")).out
    assert (await invest("report", "get", "nothing", code=2)).err.startswith("invest: ")
    asked = await invest("portfolio", "rm", "Aposentadoria", code=2)
    assert "delete the portfolio Aposentadoria" in asked.err and "say --yes" in asked.err
    await invest("portfolio", "rm", "Aposentadoria", "--yes")
    assert (await invest("portfolio", "show", "Aposentadoria", code=2)).err.startswith("invest: no portfolio")
    assert (await invest("portfolio", "import", "x", str(folder / "none.csv"), code=2)).err.startswith(
        "invest: cannot read"
    )


async def happenings(invest: Cli) -> None:
    """Events of a paper, booked, listed, in the calendar and taken back."""
    dividend = ("data", "event", "petr4", "--kind", "dividend", "--last-day", "2024-03-28")
    assert "is no day" in (await invest(*dividend[:-1], "2024-03-9", code=2)).err
    assert "dividend of PETR4, rights until 2024-03-28: booked" in (await invest(*dividend, "--amount", "1.1")).out
    assert "1.10" in (await invest("data", "events", "PETR4")).out
    days = ("--since", "2024-01-01", "--until", "2024-12-31")
    for who in (("PETR4",), ("--portfolio", "Aposentadoria")):
        (entry,) = (await invest("data", "calendar", *who, *days, "--json")).json()
        assert (entry["ticker"], entry["last_date_with"], entry["payment_date"]) == ("PETR4", "2024-03-28", None)
    assert "to be set" in (await invest("data", "calendar", "PETR4", *days)).out
    assert "name some assets" in (await invest("data", "calendar", code=2)).err
    assert "taken back" in (await invest(*dividend, "--remove")).out
    assert "no event of PETR4" in (await invest("data", "events", "PETR4")).out
    unit = ("data", "event", "PETR4", "--kind", "merger", "--last-day", "2024-03-28", "--into")
    assert "RNEW4=2" in (await invest(*unit, "VALE3", code=2)).err
    assert "two or more papers" in (await invest(*unit, "VALE3=2", code=2)).err
    answer = ("data", "answer", "PETR4", "move", "2026-01-05", "no event")
    assert "is asked about PETR4 on 2026-01-05" in (await invest(*answer, code=2)).err
    assert "nothing to ask" in (await invest("data", "questions", "PETR4")).out
    spun = ("data", "event", "PETR4", "--kind", "spin_off", "--last-day", "2024-03-28")
    one = ("--other", "VALE3", "--ratio", "0.5", "--price-factor", "0.8")
    assert "20.00% of the cost goes with VALE3: an estimate by prices" in (await invest(*spun, *one)).out
    told = (await invest(*spun, *one, "--cost-share", "12,5%", "--cost-source", "fact of 2024-04-01")).out
    assert "12.50% of the cost goes with VALE3, as published" in told
    assert "12.50%" in (await invest("data", "events", "PETR4")).out
    for share, said in (("half", "is no part of a cost"), ("100%", "less than 1"), ("NaN", "is no part of a cost")):
        assert said in (await invest(*spun, *one, "--cost-share", share, code=2)).err
    several = ("--into", "VALE3=0.5:60%", "--into", "ITUB4=1:0.4")
    assert "something must stay" in (await invest(*spun, *several, code=2)).err
    assert "taken back" in (await invest(*spun, "--remove")).out
    assert "no paper is known to have ended" in (await invest("data", "delistings")).out


async def test_an_investor_works_over_http(remote: Remote, platform: Settings, tmp_path: Path) -> None:
    await stock(platform)
    await investing(remote, tmp_path)


async def test_an_investor_works_on_this_machine(platform: Settings, tmp_path: Path) -> None:
    await stock(platform)
    await investing(Cli(platform, tmp_path), tmp_path)


async def test_what_works_on_a_database_refuses_a_server_in_one_line(tmp_path: Path) -> None:
    invest = Remote(tmp_path, "http://127.0.0.1:9", None)
    for verb in (("data", "erase", "--key", "k", "--yes"), ("data", "export", "--key", "k"), ("collect", "PETR4")):
        refused = await invest(*verb, code=2)
        assert refused.err == (
            "invest: this verb works on the database itself, not through http://127.0.0.1:9: set INVEST_URL= for it\n"
        )
    refused = await invest("portfolio", "ls", code=3)
    assert refused.err == "invest: http://127.0.0.1:9 does not answer: connection refused\n"


async def test_events_are_told_as_they_happen(remote: Remote, platform: Settings) -> None:
    async with Invest.connect(platform) as engine, working(platform):
        job = await engine.enqueue(door_sleep(1.0))
        lines = [json.loads(line) for line in (await remote("logs", "--job", job.id, "--json")).out.splitlines()]
    assert lines[0]["kind"] == "status" and lines[-1]["kind"] == "succeeded"
    assert all(line["task_id"] == job.id for line in lines)


async def test_jobs_of_ones_own_are_run_by_the_same_verbs(platform: Settings, tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / "own_jobs.py", tmp_path)
    invest = Cli(platform, tmp_path)
    job = (await invest("--app", "own_jobs:queues", "job", "run", "momentum", "PETR4", "days=5", "-q")).out.strip()
    await invest("worker", "run", "research", "--burst", "--app", "own_jobs:queues")
    failed = await invest("job", "wait", job, code=1)
    assert "no prices of PETR4 are stored" in failed.err
    unknown = await invest("worker", "run", "research", code=2)
    assert "no queue 'research'" in unknown.err
    missing = await invest("--app", "nothing_here:queues", "job", "types", code=2)
    assert (
        missing.err
        == "invest: --app nothing_here:queues: nothing_here cannot be imported: No module named 'nothing_here'\n"
    )
