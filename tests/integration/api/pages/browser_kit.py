"""A real headless Chromium, driven by playwright; what a page logs, asks for and shifts is written down.

One Chromium serves all tests of a process, each in a context of its own. They skip where playwright or a Chromium is
missing, and say how to get them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Beside the tests nothing of axe-core is kept: it is fetched when they run.
AXE = Path(os.environ.get("INVEST_AXE") or ROOT / ".venv" / "axe" / "package" / "axe.min.js")
NO_AXE = f"no axe-core at {AXE}: `make axe` fetches it (npm), or set INVEST_AXE to axe.min.js"
PATIENCE = 30  # seconds that a page may take: generous, as nothing is learnt from a slow machine
# No sandbox of its own: containers and continuous integration run as root, and often with a small /dev/shm. A window
# that nobody sees is not slowed down.
ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--remote-debugging-port=0",
    "--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-extensions", "--mute-audio", "--hide-scrollbars", "--force-color-profile=srgb",
    "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding", "--disable-breakpad",
    "--disable-background-timer-throttling", "--disable-default-apps", "--metrics-recording-only",
    "--disable-features=Translate,MediaRouter,OptimizationHints,CalculateNativeWinOcclusion", "about:blank",
)  # fmt: skip
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
    """The text of axe-core; empty without it."""
    return AXE.read_text(encoding="utf-8") if AXE.is_file() else ""


@contextmanager
def running_chromium(folder: Path) -> Iterator[str]:
    """The address of a Chromium that was started for the tests of this process; skips where there is none."""
    pytest.importorskip("playwright.async_api", reason="playwright is missing: pip install playwright")
    command = [chromium(), *ARGUMENTS[:-1], f"--user-data-dir={folder}", ARGUMENTS[-1]]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{_port_of(process, folder)}"
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _port_of(process: subprocess.Popen[bytes], folder: Path) -> int:
    """The port that it listens on; it writes it into a file of its folder once it does."""
    said = folder / "DevToolsActivePort"
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if said.is_file() and (lines := said.read_text().split()):
            return int(lines[0])
        time.sleep(0.05)
    log = (folder / "log").read_text(errors="replace")[-800:]
    pytest.skip(f"the Chromium here does not start ({process.poll()}): {log}")


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
        said, end = "", time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(Exception):  # between two pages there is none to ask
                said = await self.text()
            if text in said:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.page.url} does not say {text!r} but: {said[:2000]}")

    async def until(self, script: str) -> None:
        """Wait until a script on the page gives something true; asked from here, as by `has`."""
        end = time.monotonic() + PATIENCE
        while not await self.page.evaluate(script):
            assert time.monotonic() < end, f"{script} stays false on {self.page.url}"
            await asyncio.sleep(0.05)

    async def live(self) -> None:
        """Wait until the page follows the jobs' events."""
        await self.page.wait_for_selector("#live.running")


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Any]:
    """The running Chromium, driven from this event loop."""
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.connect_over_cdp(address)
        try:
            yield browser
        finally:
            await browser.close()  # of one that was connected to: the connection alone


@asynccontextmanager
async def tab(running: Any, url: str, **options: Any) -> AsyncIterator[Tab]:
    """A fresh context with one page, in English unless told otherwise."""
    context = await running.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(PATIENCE * 1000)
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
