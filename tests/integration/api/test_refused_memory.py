"""What a refused request held is free once it is answered, not when the collector comes."""

from __future__ import annotations

import asyncio
import gc
import io
from typing import Any

from invest.api.http import Problem
from invest.settings import Settings
from tests.integration.api.api_kit import API, Door, open_door

pytest_plugins = ["tests.integration.api.api_fixtures"]
FORM = "multipart/form-data; boundary=b"
CUT_OFF = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + b"a" * 500_000


async def _refusals(web: Door) -> set[int]:
    made = await web.ask("POST", f"{API}/portfolios", json={"name": "p"}, status=201)
    mine = f"{API}/portfolios/{made.json()['id']}"
    json = {"Content-Type": "application/json"}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", f"{API}/nothing", {}),
        ("PUT", f"{API}/portfolios", {}),
        ("GET", f"{API}/portfolios?limit=x", {}),
        ("POST", f"{API}/portfolios/none/import", {"data": b"a" * 500_000}),
        ("POST", f"{mine}/import", {"data": CUT_OFF, "headers": {"Content-Type": FORM}}),
        ("POST", f"{mine}/import", {"data": io.BytesIO(b"a" * 9_000_000)}),
        ("POST", f"{mine}/import", {"data": b"a" * 500_000, "headers": {"Content-Encoding": "gzip"}}),
        ("POST", f"{API}/portfolios", {"data": b"[" * 500_000, "headers": json}),
        ("POST", f"{API}/portfolios", {"data": b"a" * 500_000, "headers": json | {"Idempotency-Key": "k"}}),
        ("POST", f"{API}/jobs/none", {"data": b"{}", "headers": json}),
        ("GET", f"{API}/tasks/none/status", {}),
    ]
    return {(await web.ask(method, path, **options)).status for method, path, options in asked}


async def test_a_refused_request_leaves_nothing_to_the_collector(platform: Settings) -> None:
    small = platform.model_copy(update={"web": platform.web.model_copy(update={"max_bodies_bytes": 8_000_000})})
    async with open_door(small) as web:
        await _refusals(web)  # what is made once is made
        gc.collect()
        gc.disable()
        try:
            statuses = await _refusals(web)
            await asyncio.sleep(0)
            left = [one for one in gc.get_objects() if isinstance(one, Problem)]
        finally:
            gc.enable()
    assert statuses >= {400, 404, 405, 422, 429}, statuses
    assert not left, [(one.status, str(one)) for one in left]
