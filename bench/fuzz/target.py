"""One parser under attack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

Read = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """One parser: its name, how it reads bytes, good samples, and the errors it declares."""

    name: str
    read: Read
    samples: Sequence[bytes]
    declared: tuple[type[BaseException], ...] = ()


LOOP = asyncio.Runner()


def run(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns, on a loop that all inputs share: one of its own costs more than most readers."""
    return LOOP.run(work)


def of_text(read: Callable[[str], object]) -> Read:
    """A reader of text as one of bytes; bytes that are no UTF-8 come as replacement characters."""
    return lambda data: read(data.decode("utf-8", "replace"))
