"""The models a server has: `GET /models` of each wire format, with the end that its vendor announces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import aiohttp
import orjson
from yarl import URL

from invest.ai.calls.addresses import proxy_for, target
from invest.ai.calls.transport import Endpoint
from invest.ai.wires import Anthropic, Gemini, Wire, as_dict, as_list, failure

TIMEOUT = aiohttp.ClientTimeout(total=15)
MAX_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model of a server's list; `ends` is the day its vendor shuts it down, where one is announced."""

    id: str
    ends: date | None = None


async def listed_models(session: aiohttp.ClientSession, endpoint: Endpoint, version: str = "") -> list[ListedModel]:
    """The models of `endpoint`'s server, in its order; none where the list is no list.

    Raises `CallFailed`, or what aiohttp raises where the server cannot be reached.
    """
    url = target(endpoint.base_url, _path(endpoint.wire, version))
    headers = {**endpoint.wire.headers(endpoint.key), **endpoint.extra_headers}
    async with session.get(
        URL(url, encoded=True), headers=headers, allow_redirects=False, timeout=TIMEOUT, proxy=proxy_for(url)
    ) as response:
        payload = await response.content.read(MAX_BYTES)
        if response.status >= 300:
            raise failure(response.status, response.headers, payload, endpoint.secrets)
    return models_in(payload)


def models_in(payload: bytes) -> list[ListedModel]:
    """The models of a server's list, in its order; none where it is no list."""
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return []
    rows = (
        body if isinstance(body, list) else as_list(as_dict(body).get("data")) or as_list(as_dict(body).get("models"))
    )
    return [model for row in rows if (model := _model(as_dict(row))) is not None]


def _path(wire: Wire, version: str) -> str:
    if isinstance(wire, Anthropic):
        return "/v1/models?limit=1000"
    return "/v1beta/models?pageSize=1000" if isinstance(wire, Gemini) else f"{version}/models"


def _model(row: Mapping[str, Any]) -> ListedModel | None:
    name = str(row.get("id") or row.get("name") or row.get("model") or "").removeprefix("models/")
    if not name:
        return None
    for field in ("shutdown_date", "deprecation_date", "retirement_date", "deprecated_at"):
        if isinstance(given := row.get(field), str):
            try:
                return ListedModel(name, date.fromisoformat(given[:10]))
            except ValueError:
                continue
    return ListedModel(name)
