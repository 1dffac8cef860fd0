"""docs/sources.md says of each upstream what the settings say."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
SHIPPED: Mapping[str, Mapping[str, Any]] = tomllib.loads((ROOT / "settings.toml").read_text(encoding="utf-8"))[
    "sources"
]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| `")]
GIVES = {row[0].strip("`"): row for row in ROWS if len(row) == 5}
ASKED = {row[0].strip("`"): row for row in ROWS if len(row) == 6}


def test_every_upstream_is_named_with_the_day_it_was_last_tried() -> None:
    assert GIVES.keys() == ASKED.keys() == SHIPPED.keys()
    lines = TEXT.splitlines()
    head = next(at for at, line in enumerate(lines) if line.startswith("| cotahist | b3 |"))
    names, days = ([cell.strip() for cell in lines[at].strip("|").split("|")] for at in (head, head + 2))
    assert set(names) == SHIPPED.keys()
    assert len(days) == len(names)
    assert all(days)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_an_upstream_is_where_and_as_often_asked_as_documented(name: str) -> None:
    conf, (_, address, rate, at_once, rank, budget) = SHIPPED[name], ASKED[name]
    assert GIVES[name][3].startswith("yes") is conf["enabled"]
    assert address == (conf["base_url"] or "each feed has its own")
    assert (float(rate), int(at_once)) == (conf["rate"], conf["concurrency"])
    assert rank == f"{conf['rank']}{', official' if conf['official'] else ''}"
    assert budget == str(conf.get("monthly_budget", ""))
    assert GIVES[name][4], "licence and terms"
