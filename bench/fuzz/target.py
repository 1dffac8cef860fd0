"""One parser under attack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Read = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """One parser: its name, how it reads bytes, good samples, and the errors it declares."""

    name: str
    read: Read
    samples: Sequence[bytes]
    declared: tuple[type[BaseException], ...] = ()


def of_text(read: Callable[[str], object]) -> Read:
    """A reader of text as one of bytes; bytes that are no UTF-8 come as replacement characters."""
    return lambda data: read(data.decode("utf-8", "replace"))
