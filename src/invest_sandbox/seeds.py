"""Random streams that depend on names only, so any part of the world can be built alone and comes out the same."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def number(*parts: object) -> int:
    """A 64-bit number decided by `parts`."""
    text = "|".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest())


def stream(*parts: object) -> np.random.Generator:
    """A generator of its own for `parts`: ``stream(seed, "bars", "PETR4")``."""
    return np.random.Generator(np.random.SFC64(number(*parts)))


def unit(*parts: object) -> float:
    """One draw in [0, 1) decided by `parts`."""
    return number(*parts) / 2**64


def token(length: int, *parts: object) -> str:
    """`length` letters and digits decided by `parts`, for ids that look like the vendors' own."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    out = []
    value = number(*parts)
    for i in range(length):
        if i % 10 == 9:
            value = number(i, *parts)
        value, digit = divmod(value, len(alphabet))
        out.append(alphabet[digit])
    return "".join(out)
