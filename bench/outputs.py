"""The files of results: bench/out/<name>.json, each with the time at which its figures were taken (UTC)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

OUT: Final = Path(os.environ.get("BENCH_FOLDER") or Path(__file__).parent / "out")
TAKEN: Final = "taken"
BEFORE: Final = "taken_before"  # the times of figures that a run of a part left as they were


def now() -> str:
    """This minute."""
    return datetime.now(UTC).isoformat(timespec="minutes")


def write(name: str, figures: Mapping[str, Any], *, part: bool = False) -> Path:
    """Keep these figures; with `part`, those of the file that are not among them stay, with their own times."""
    found = dict(figures) | {TAKEN: now()}
    if part:
        kept = read(name)
        stay = [key for key in kept if key not in found and key != BEFORE]
        found = {key: kept[key] for key in stay} | found | {BEFORE: {key: taken_of(kept, key) for key in stay}}
    path = OUT / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    draft.replace(path)
    return path


def read(name: str) -> dict[str, Any]:
    """What is kept under a name; nothing where it was never measured. A file without a time has that of its writing."""
    path = OUT / f"{name}.json"
    if not path.exists():
        return {}
    found: dict[str, Any] = orjson.loads(path.read_bytes())
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="minutes")
    return {TAKEN: written} | found


def taken_of(figures: Mapping[str, Any], key: str) -> str:
    """When the figure of this name was taken."""
    time: str = figures.get(BEFORE, {}).get(key, figures[TAKEN])
    return time
