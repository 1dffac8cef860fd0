"""A real headless Chromium, driven by playwright; what a page logs, asks for and shifts is written down.

The tests skip where playwright or a Chromium is missing, and say how to get them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Beside the tests nothing of axe-core is kept: it is fetched when they run.
AXE = Path(os.environ.get("INVEST_AXE") or ROOT / ".venv" / "axe" / "package" / "axe.min.js")
WATCH = """
window.seen = { shift: 0, paint: 0 };
new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput) seen.shift += e.value; })
  .observe({ type: "layout-shift", buffered: true });
new PerformanceObserver(l => { for (const e of l.getEntries()) seen.paint = e.startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
"""


def chromium() -> str:
    """The path of a Chromium; skips without one."""
    found = os.environ.get("INVEST_CHROMIUM") or next((p for name in NAMES if (p := shutil.which(name))), None)
    if not found:
        pytest.skip("no Chromium here: apt-get install chromium, or set INVEST_CHROMIUM to its path")
    return found


def axe_source() -> str:
    """The text of axe-core; skips without it."""
    if not AXE.is_file():
        pytest.skip(f"no axe-core at {AXE}: `make axe` fetches it (npm), or set INVEST_AXE to axe.min.js")
    return AXE.read_text(encoding="utf-8")


@dataclass
class Tab:
    """A page of the browser and everything it did."""

    page: Any
    url: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    clicks: int = 0

    async def open(self, path: str) -> None:
        """Go to a page."""
        await self.page.goto(self.url + path)

    async def click(self, what: str) -> None:
        """Click, and count it."""
        self.clicks += 1
        await self.page.click(what)

    async def text(self) -> str:
        """What the page says."""
        return str(await self.page.inner_text("body"))

    async def has(self, text: str) -> None:
        """Wait until the page says `text`; asked from here, as the page's policy lets no text be run as a script."""
        said = ""
        for _ in range(150):
            with suppress(Exception):  # between two pages there is none to ask
                said = await self.text()
            if text in said:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{self.page.url} does not say {text!r} but: {said[:2000]}")


@asynccontextmanager
async def browser() -> AsyncIterator[Any]:
    """A running Chromium."""
    api = pytest.importorskip("playwright.async_api", reason="playwright is missing: pip install playwright")
    async with api.async_playwright() as driver:
        # No sandbox of its own: containers and continuous integration run as root.
        running = await driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield running
        finally:
            await running.close()


@asynccontextmanager
async def tab(running: Any, url: str, **options: Any) -> AsyncIterator[Tab]:
    """A fresh context with one page, in English unless told otherwise."""
    context = await running.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(12_000)
    page = await context.new_page()
    opened = Tab(page, url)
    if options.get("java_script_enabled", True):
        await page.add_init_script(WATCH)

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            opened.errors.append(f"{page.url}: {message.text}")

    def on_request(request: Any) -> None:
        if not request.url.startswith((url, "data:", "blob:")):
            opened.foreign.append(request.url)

    page.on("console", on_console)
    page.on("pageerror", lambda error: opened.errors.append(f"{page.url}: {error}"))
    page.on("request", on_request)
    try:
        yield opened
    finally:
        await context.close()
