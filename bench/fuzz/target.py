"""One parser under attack."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

T = TypeVar("T")
# Folders of some readers: on a disk making and removing them costs more than the reader.
MEMORY: Final = Path("/dev/shm")

Read = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """One parser: its name, how it reads bytes, good samples, and the errors it declares."""

    name: str
    read: Read
    samples: Sequence[bytes]
    declared: tuple[type[BaseException], ...] = ()


class AtOnce(ThreadPoolExecutor):
    """Does in the loop's own thread what readers hand to others: handing it over costs more than most readers."""

    def submit(self, work: Callable[..., T], /, *args: Any, **named: Any) -> Future[T]:
        """Work, done when this returns."""
        done: Future[T] = Future()
        try:
            done.set_result(work(*args, **named))
        except Exception as error:
            done.set_exception(error.with_traceback(None))  # which leads to `done`: each would keep the other
        return done


LOOP, AT_ONCE = asyncio.Runner(), AtOnce(1)


def run(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns, on a loop that all inputs share: one of its own costs more than most readers."""
    LOOP.get_loop().set_default_executor(AT_ONCE)
    return LOOP.run(work)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for one input, in memory where the machine has such a place."""
    return tempfile.TemporaryDirectory(prefix="invest-fuzz-", dir=MEMORY if MEMORY.is_dir() else None)


def of_text(read: Callable[[str], object]) -> Read:
    """A reader of text as one of bytes; bytes that are no UTF-8 come as replacement characters."""
    return lambda data: read(data.decode("utf-8", "replace"))
