"""The demo, smaller: its exit code, its files and its summary."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.builders.redis_users import owner_of, refused

ROOT = Path(__file__).parents[2]


def open_to_others(data: Path) -> Iterator[str]:
    """What others may read, write or list under the data folder; root's keeps its PostgreSQL's way through."""
    for path in [data, *data.rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode) & 0o077
        if mode & ~(0o011 if path == data and os.geteuid() == 0 else 0):
            yield f"{mode:03o} {path.relative_to(data)}"


@pytest.mark.slow
async def test_the_demo_leaves_reports_and_a_truthful_summary(tmp_path: Path, redis_url: str) -> None:
    """All of it under a prefix, as a user of Redis who may touch no other key: one that lies elsewhere fails a job."""
    tmp_path.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("INVEST_", "REDIS_URL", "DATABASE_URL"))}
    env = {**kept, "INVEST_SETTINGS": str(ROOT / "settings.toml"), "COLUMNS": "100"}
    env |= {"REDIS_URL": owner_of(redis_url, "invest:demo"), "INVEST_REDIS__PREFIX": "invest:demo"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "invest", "demo", "--assets", "5", "--out", "out"),
        env=env,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    shown, said = await asyncio.wait_for(process.communicate(), 110)
    assert process.returncode == 0, said.decode()
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert len(summary["assets"]) == 5
    assert {"ticker", "sources_count", "overall_score", "recommendation", "coverage"} <= summary["assets"][0].keys()
    assert {o["provider"] for o in summary["opinions"]} == {"openai", "anthropic", "gemini"}
    assert sorted({r["format"] for r in summary["reports"]}) == ["html", "markdown", "pdf"]
    assert summary["jobs"]["failed"] == 0
    assert summary["jobs"]["succeeded"] >= 20
    for report in summary["reports"]:
        assert (tmp_path / report["path"]).stat().st_size == report["bytes"] > 1000
    pdf = next(tmp_path.glob("out/*.pdf")).read_bytes()
    assert pdf.startswith(b"%PDF-")
    table = shown.decode()
    assert "SANDBOX" in table
    assert list(open_to_others(tmp_path / ".data" / "demo")) == []
    assert summary["assets"][0]["ticker"] in table
    with redis.Redis.from_url(redis_url) as client:
        names: Any = client.keys()
    assert refused(redis_url) == []
    assert len(names) > 20
    assert all(name.startswith(b"{invest:demo}:") for name in names)
