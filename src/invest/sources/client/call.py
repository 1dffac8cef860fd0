"""One GET and its answer as values: where, as whom, under which limits, and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import aiohttp
import orjson
from yarl import URL

from invest.domain.values import RawPayload
from invest.retry_after import retry_after
from invest.settings import Settings, SourceSettings
from invest.sources.client.gate import Limits
from invest.sources.client.retry import RETRIED, Transient
from invest.sources.errors import Malformed, NotAvailable, SourceDown, SourceRefused

Kind = Literal["json", "rss", "csv", "html", "pdf", "zip"]


@dataclass(frozen=True, slots=True)
class Response:
    """What a GET came to. `not_modified`: the same bytes as the last time. `path`: where a file's body lies."""

    payload: RawPayload
    not_modified: bool = False
    path: Path | None = None

    @property
    def body(self) -> bytes:
        """The bytes of a small answer."""
        return self.payload.body or b""

    def json(self) -> Any:
        """The body as JSON. Raises `Malformed`."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            start = self.body[:60].decode("utf-8", "replace").strip()
            what = f"no JSON but {start!r}" if self.body.strip() else "an empty answer"
            raise Malformed(self.payload.source, what) from None


@dataclass(frozen=True, slots=True)
class Wish:
    """How a GET is to be made."""

    kind: Kind
    max_bytes: int | None
    headers: Mapping[str, str]
    keep: bool


@dataclass(frozen=True, slots=True)
class Upstream:
    """What all calls to one host for one source have in common; `host` is the key of its limits and its breaker."""

    conf: SourceSettings
    host: str
    headers: Mapping[str, str]
    limits: dict[float, Limits]  # by the time a call may take


@dataclass(frozen=True, slots=True)
class Call:
    """One GET, resolved: where, as whom, under which limits.

    `shown` is the address as it is recorded: no fragment, no user; tokens are never part of it.
    """

    source: str
    url: URL
    shown: str
    kind: Kind
    upstream: Upstream
    max_bytes: int
    timeout: float
    headers: Mapping[str, str]
    keep: bool

    @property
    def host(self) -> str:
        """The key of limits and breaker."""
        return self.upstream.host

    @property
    def conf(self) -> SourceSettings:
        """The source's settings."""
        return self.upstream.conf


async def refused(call: Call, answer: aiohttp.ClientResponse) -> Exception:
    """The error an answer other than 200 stands for."""
    if answer.status in RETRIED:
        wait = retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
        return Transient(f"HTTP {answer.status}", wait)
    if answer.status == 404:
        return NotAvailable(call.source, "HTTP 404: it has no such thing")
    if answer.status >= 500:
        return SourceDown(call.source, f"HTTP {answer.status}")
    text = (await answer.content.read(4096)).decode("utf-8", "replace")
    return SourceRefused(call.source, f"HTTP {answer.status}", answer.status, text)


def allowed_hosts(conf: SourceSettings) -> frozenset[str]:
    """Hosts a source may be asked at: its base URL's and its feeds'."""
    return frozenset(host.lower() for url in (conf.base_url, *conf.feeds.values()) if (host := URL(url).host))


def trusted_hosts(settings: Settings) -> frozenset[str]:
    """host:port of the sandbox, which may be loopback and plain http."""
    url = URL(settings.sandbox_url) if settings.sandbox_url else None
    return frozenset({f"{url.host}:{url.port}"}) if url is not None and url.host else frozenset()
