"""Child processes of `invest run` and `invest demo`: started by name, restarted when they crash, ended together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from invest.processes import GRACE, end_all, pause_after


@dataclass
class Child:
    """One child: its command, whether it must live, and its process while it runs."""

    name: str
    arguments: Sequence[str]
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0


@dataclass
class Family:
    """Children that live and die together. `log` takes their output; None inherits the terminal."""

    environment: Mapping[str, str]
    log: Path | None = None
    children: list[Child] = field(default_factory=list)
    ending: bool = False
    _guards: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self, name: str, *arguments: str, restart: bool = True) -> Child:
        """Start ``python -m invest <arguments>``; restarted with growing pauses if it ends by itself."""
        child = Child(name, arguments)
        self.children.append(child)
        await self._spawn(child)
        if restart:
            self._guards.append(asyncio.create_task(self._guard(child), name=f"guard-{name}"))
        return child

    async def _spawn(self, child: Child) -> None:
        with self._output() as out:
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "invest",
                *child.arguments,
                env={**os.environ, **self.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @contextlib.contextmanager
    def _output(self) -> Iterator[IO[bytes] | None]:
        if self.log is None:
            yield None
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as file:
            yield file

    async def _guard(self, child: Child) -> None:
        while not self.ending:
            assert child.process is not None
            code = await child.process.wait()
            if self.ending:
                return
            if code == 0:  # recycled after its number of jobs
                await self._spawn(child)
                continue
            child.restarts += 1
            pause = pause_after(child.restarts, first=1, longest=30)
            sys.stderr.write(f"invest: {child.name} ended with code {code}; starting it again in {pause:.0f} s\n")
            await asyncio.sleep(pause)
            await self._spawn(child)

    async def stop(self) -> None:
        """SIGTERM to all, `GRACE` seconds, then SIGKILL to what is left."""
        self.ending = True
        for guard in self._guards:
            guard.cancel()
        await end_all([c.process for c in self.children if c.process], GRACE)


@contextlib.asynccontextmanager
async def family(environment: Mapping[str, str], log: Path | None = None) -> AsyncIterator[Family]:
    """A family that is stopped on the way out, also after an error."""
    members = Family(environment, log)
    try:
        yield members
    finally:
        await members.stop()


async def until_signal() -> None:
    """Wait for SIGTERM or SIGINT."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
