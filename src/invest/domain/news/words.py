"""The word lists that news are read with (news_words.toml)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def load_words() -> dict[str, Any]:
    """The lists as they lie in the package, read once."""
    return tomllib.loads(files("invest.domain.news").joinpath("words.toml").read_text("utf-8"))
