"""CONTRIBUTING.md followed as written, in a copy of the tree: job, source, section of a report, page, migration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
PATH = re.compile(r"`(src/[\w/.]+\.(?:py|sql|html))`")

TRIAL = """
import asyncio
from datetime import UTC, date, datetime
from aiohttp import web
from invest.api.pages.rendering import templates
from invest.api.pages.site import all_pages
from invest.api.pages.wording import Wording
from invest.engine import Resources
from invest.jobs import declared
from invest.jobs.analysis import OnRecord, list_on_record
from invest.reports import build_asset_view
from invest.settings import load
from invest.sources.client import SourceClient
from invest.sources.model import Want
from invest.sources.registry import upstreams
from invest.store import Store, migrate
from invest.testing import eager
from tests.builders import reports as build


async def main():
    declared.declare_all()
    shown = {s.id: s for s in build_asset_view(build.asset_data()).sections}
    assert "range" in shown, sorted(shown)
    app = web.Application()
    app.router.add_get("/{rest:.*}series", lambda r: web.json_response([{"day": "2026-11-27", "value": "13.75"}]))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    settings = load(sandbox_url=f"http://127.0.0.1:{port}")
    [source] = [s for s in upstreams(lambda name: name == "example").macro]
    async with SourceClient.open(settings) as client:
        answer = await source.macro(client, Want(ticker="", now=datetime.now(UTC)), {})
    await runner.cleanup()
    [point] = answer.harvest.macro
    assert (point.day, str(point.value)) == (date(2026, 11, 27), "13.75"), point
    await migrate(settings)
    async with Store.open(settings) as store:
        async with store.database.connection() as connection:
            assert await connection.fetchval("SELECT count(note) FROM asset") == 0
        resources = Resources()
        resources.add(store, as_=Store)
        async with eager(resources) as invest:
            job = await invest.enqueue(list_on_record(limit=5))
            assert await job.result() == OnRecord(tickers=[])
    assert "/series" in [page.path for page in all_pages()]
    drawn = templates().get_template("desk/series.html").blocks["main"]
    for language, heading in (("en", "Series of the economy"), ("pt-BR", "Séries da economia")):
        words = Wording(language)
        given = {"_": words.say, "n": words.locale, "series": {"sgs:433": date(2026, 11, 1)}}
        text = "".join(drawn(templates().get_template("desk/series.html").new_context(given)))
        assert heading in text and "sgs:433" in text, text
    print("followed")


asyncio.run(main())
"""


def edit(tree: Path, diff: str) -> None:
    """Replace each part's old lines (context and minus), which stand once in the file, by its new ones."""
    for part in re.split(r"^--- ", diff, flags=re.MULTILINE)[1:]:
        name, *lines = part.rstrip("\n").split("\n")
        old = "\n".join(line[1:] for line in lines if line[:1] in " -" and line)
        new = "\n".join(line[1:] for line in lines if line[:1] in " +" and line)
        file = tree / name
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"CONTRIBUTING.md: {name} does not have {old!r} once"
        file.write_text(text.replace(old, new), encoding="utf-8")


def follow(tree: Path) -> None:
    """Write every file and make every edit of the page."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for block in BLOCK.finditer(page):
        kind, text = block[2], textwrap.dedent(block[3])
        if kind in ("python", "sql", "html"):
            path = PATH.findall(page[: block.start()])[-1]
            assert not (tree / path).exists(), f"{path} exists: the page must show a new file"
            (tree / path).write_text(text, encoding="utf-8")
        elif kind == "diff":
            edit(tree, text)
        elif kind == "toml":
            with (tree / "settings.toml").open("a", encoding="utf-8") as file:
                file.write("\n" + text)


@pytest.mark.slow
def test_the_page_is_right_in_every_step(tmp_path: Path, empty_database_url: str) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copytree(ROOT / "tests" / "builders", tmp_path / "tests" / "builders")
    (tmp_path / "tests" / "__init__.py").touch()
    shutil.copy(ROOT / "settings.toml", tmp_path)
    follow(tmp_path)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INVEST_")}
    environment |= {"PYTHONPATH": f"{tmp_path / 'src'}:{tmp_path}", "DATABASE_URL": empty_database_url}
    done = subprocess.run(
        [sys.executable, "-c", TRIAL],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "followed"
