"""How much a text addresses its reader with a task, rather than reporting: a small linear score over its words.

Each row of `orders.toml` adds its weight once. News speak of companies in the third person; who writes for a machine
tells it what to answer. The weights were set on headlines and orders like those of the tests, with room between both.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

ORDER_FROM = 2.0


def address_score(plain: str) -> float:
    """The score of `plain`, in small letters without accents: from `ORDER_FROM` on it is an order."""
    return sum(weight for weight, pattern in _rows() if pattern.search(plain))


@cache
def order_words() -> Mapping[str, Any]:
    """`orders.toml`: lists of words, what is to be forgotten, sure signs, and the rows of the score."""
    text = resources.files("invest.domain.opinions").joinpath("orders.toml").read_text("utf-8")
    return tomllib.loads(text)


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of `orders.toml` with its lists filled in."""
    lists: Mapping[str, str] = order_words()["lists"]
    while names := re.findall("«([a-z]+)»", pattern):
        for name in names:
            pattern = pattern.replace(f"«{name}»", lists[name])
    return re.compile(pattern)


@cache
def _rows() -> tuple[tuple[float, re.Pattern[str]], ...]:
    return tuple((row["weight"], compiled(row["pattern"])) for row in order_words()["weights"])
