"""The one client for upstreams: polite (rate, breaker, budget) and guarded (hosts, addresses, sizes).

`SourceClient.get` answers with a `RawPayload` or raises one of `invest.sources.errors`. Only GETs are made.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
from yarl import URL

from invest.domain.values import RawPayload
from invest.objects import open_objects
from invest.settings import Settings, SourceSettings
from invest.sources.client.admission import IN_CALL_WAIT, Admissions
from invest.sources.client.call import Call, Kind, Response, Upstream, Wish, allowed_hosts, refused, trusted_hosts
from invest.sources.client.common import Common
from invest.sources.client.download import PARTIAL, UNKEPT, UNSATISFIABLE, fetch_file, small_body
from invest.sources.client.flight import Flights
from invest.sources.client.gate import Gate, Limits, LocalGate, RedisGate, host_of
from invest.sources.client.guard import PrivateAddress, PublicResolver, refusal
from invest.sources.client.memory import Entry, Memory, file_folder
from invest.sources.client.outcomes import Outcomes, outcome_of
from invest.sources.client.retry import Transient, jittered
from invest.sources.client.shared import Shared
from invest.sources.errors import (
    BreakerOpen,
    BudgetSpent,
    Busy,
    Forbidden,
    Malformed,
    SourceDown,
    SourceError,
    SourceRefused,
    TooLarge,
)
from invest.tracing import span

NETWORK = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError, ConnectionError)
REDIRECTS = 3


class SourceClient:
    """See the module. Build it with `SourceClient.open`."""

    def __init__(
        self,
        settings: Settings,
        session: aiohttp.ClientSession,
        gate: Gate,
        memory: Memory,
        *,
        shared: Shared,
        outcomes: Outcomes,
    ) -> None:
        self.settings = settings
        self.memory = memory
        self._shared = shared
        self.flights = Flights()
        self._session = session
        self._gate = gate
        self._outcomes = outcomes
        self._http = settings.http
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._admissions = Admissions(gate)
        self._confs: dict[str, SourceSettings] = {}
        self._upstreams: dict[tuple[str, str, str], Upstream] = {}
        self._trusted = trusted_hosts(settings)
        self.common = Common(open_objects(settings), memory)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, redis: Any = None) -> AsyncIterator[SourceClient]:
        """A client; `redis` (a `redis.asyncio.Redis`) shares limits, breakers and budgets with other workers."""
        resolver = PublicResolver(trusted_hosts(settings))
        connector = aiohttp.TCPConnector(limit=0, resolver=resolver, ttl_dns_cache=300)
        headers = {"User-Agent": settings.http.user_agent, "Accept-Language": "pt-BR, en;q=0.5"}
        with file_folder(settings.data_dir) as folder:
            async with aiohttp.ClientSession(
                connector=connector, headers=headers, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            ) as session:
                gate: Gate = LocalGate() if redis is None else RedisGate(redis)
                shared = Shared(redis, enabled=not settings.sandbox)
                outcomes = Outcomes(redis)
                client = cls(settings, session, gate, Memory(folder), shared=shared, outcomes=outcomes)
                try:
                    yield client
                finally:
                    await client.flights.close()
                    await outcomes.close()

    async def get(
        self,
        source: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        kind: Kind = "json",
        fresh_for: float = 0,
        max_bytes: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """GET `path` under the source's base URL (or a whole address of an allowed host).

        `fresh_for`: seconds an earlier answer of this process is good enough; the same address asked twice at once is
        then fetched once. Raises `SourceError`.
        """
        keep = fresh_for > 0 or kind in ("zip", "rss")
        call = self._call(source, path, params, Wish(kind, max_bytes, headers or {}, keep))
        if fresh_for <= 0 and kind != "zip":
            return await self._fetch(call)
        entry = self.memory.recall(call.shown, file=call.kind == "zip")
        if entry is not None and entry.fresh(fresh_for):
            return Response(entry.payload, True, entry.path)
        self.memory.refuse_rejected(call.shown)
        try:
            return await self.flights.join(call.shown, lambda: self._shared_fetch(call, fresh_for))
        except (Malformed, TooLarge) as error:
            self.memory.reject(call.shown, error)
            raise

    async def _shared_fetch(self, call: Call, fresh_for: float) -> Response:
        """A fetch that other workers profit from: a small answer is theirs too, a file is waited for in turn."""
        if call.kind == "zip":
            return await self._shared_file(call, fresh_for)
        payload = await self._shared.recall(call.shown, fresh_for)
        if payload is not None:
            return Response(self.memory.keep(call.shown, payload).payload, True)
        answer = await self._fetch(call)
        await self._shared.keep(call.shown, answer.payload, fresh_for)
        return answer

    async def _shared_file(self, call: Call, fresh_for: float) -> Response:
        async with AsyncExitStack() as stack:
            if call.conf.concurrency == 1:
                lasting = call.timeout * (self._http.retries + 1)
                await stack.enter_async_context(self._shared.turn(call.source, call.host, lasting))
            entry = await self.common.adopt(call.shown)
            if entry is not None and entry.fresh(fresh_for):
                return Response(entry.payload, True, entry.path)
            answer = await self._fetch(call)
            await self.common.keep(call.shown, answer.payload)
            return answer

    def _call(self, source: str, path: str, params: Mapping[str, str] | None, wish: Wish) -> Call:
        conf, http = self._conf(source), self._http
        url = URL(path if "://" in path else conf.base_url.rstrip("/") + path)
        if params:
            url = url.update_query(params)
        upstream = self._upstream(source, url, conf)
        caps = {"zip": http.max_zip_bytes, "rss": http.max_rss_bytes}
        timeout = http.zip_timeout if wish.kind == "zip" else http.read_timeout
        limit = wish.max_bytes or caps.get(wish.kind, http.max_json_bytes)
        shown, sent = str(url.with_fragment(None)), {**wish.headers, **upstream.headers}
        return Call(source, url, shown, wish.kind, upstream, limit, timeout, sent, wish.keep)

    def _conf(self, source: str) -> SourceSettings:
        conf = self._confs.get(source)
        if conf is None:
            conf = self._confs[source] = self.settings.source(source)
        return conf

    def _upstream(self, source: str, url: URL, conf: SourceSettings) -> Upstream:
        """The upstream behind `url`, looked up once. Raises `Forbidden`."""
        key = (source, url.scheme, url.raw_authority)
        upstream = self._upstreams.get(key)
        if upstream is not None:
            return upstream
        why = refusal(url, allowed_hosts(conf), self._trusted)
        if why:
            raise Forbidden(source, why)
        headers = {}
        if conf.token is not None and url.host == URL(conf.base_url).host:
            headers["Authorization"] = f"Bearer {conf.token.get_secret_value()}"
        host = host_of(source, url, sandbox=self.settings.sandbox)
        upstream = self._upstreams[key] = Upstream(conf, host, headers, {})
        return upstream

    async def _fetch(self, call: Call) -> Response:
        """The call with its retries; how it ended is counted."""
        try:
            response = await self._retried(call)
        except SourceError as error:
            self._outcomes.count(call.source, outcome_of(error))
            raise
        self._outcomes.count(call.source, outcome_of(None))
        return response

    async def _retried(self, call: Call) -> Response:
        """The call with its retries, each try admitted by the gate."""
        limits = self._limits(call)
        failed: Transient | None = None
        for attempt in range(self._http.retries + 1):
            try:
                await self._admissions.admit(call.source, call.host, limits)
                response = await self._try(call)
            except BreakerOpen as error:
                if failed is None:
                    raise
                raise SourceDown(call.source, f"{failed.reason}; then {error.reason}", error.retry_after) from failed
            except (Busy, BudgetSpent):
                raise
            except Transient as error:
                failed = error
                await self._failed(call, limits, error, last=attempt == self._http.retries)
                await asyncio.sleep(jittered(self._http.backoff, attempt) + (error.retry_after or 0))
            except SourceError:
                await self._answered(call, limits)
                raise
            else:
                await self._answered(call, limits)
                return response
        raise AssertionError("unreachable: the last try raises")

    def _limits(self, call: Call) -> Limits:
        known = call.upstream.limits.get(call.timeout)
        if known is not None:
            return known
        conf, http = call.conf, self._http
        limits = call.upstream.limits[call.timeout] = Limits(
            rate=conf.rate,
            burst=conf.burst,
            budget=conf.monthly_budget,
            failures=http.breaker_failures,
            open_for=http.breaker_open,
            open_max=http.breaker_open_max,
            probe=call.timeout + http.connect_timeout,
        )
        return limits

    async def _answered(self, call: Call, limits: Limits) -> None:
        if call.host in self._admissions.failing:
            self._admissions.failing.discard(call.host)
            await self._gate.report(call.host, limits, "ok")

    async def _failed(self, call: Call, limits: Limits, error: Transient, *, last: bool) -> None:
        """Tell the gate; raise where another try in this call makes no sense."""
        self._admissions.failing.add(call.host)
        self._admissions.drop(call.host)
        wait = error.retry_after
        closed = await self._gate.report(call.host, limits, "fail")
        if wait:
            await self._gate.report(call.host, limits, "pause", min(wait, self._http.max_retry_after))
        self._admissions.close(call.host, closed)
        if wait is not None and wait > IN_CALL_WAIT:
            raise SourceDown(call.source, f"{error.reason}; it asks to wait {wait:.0f} s", wait)
        if last:
            raise SourceDown(call.source, f"{error.reason}, {self._http.retries + 1} times", wait)

    async def _try(self, call: Call) -> Response:
        """One request under the host's slots. Raises `Transient` for what another try may mend."""
        slots = self._slots.get(call.host)
        if slots is None:
            slots = self._slots[call.host] = asyncio.Semaphore(call.conf.concurrency)
        entry = self.memory.recall(call.shown, file=call.kind == "zip")
        async with slots:
            self._admissions.check(call.source, call.host)
            try:
                with span(f"GET {call.host}", kind="CLIENT", server__address=call.host, source=call.source):
                    return await self._follow(call, entry)
            except PrivateAddress as error:
                raise Forbidden(call.source, str(error)) from None
            except aiohttp.ClientConnectorError as error:
                if isinstance(error.os_error, PrivateAddress):
                    raise Forbidden(call.source, str(error.os_error)) from None
                raise Transient("no connection") from error
            except TimeoutError as error:
                raise Transient(f"no answer within {min(call.timeout, self._http.read_timeout):.0f} s") from error
            except NETWORK as error:
                raise Transient(f"connection lost ({type(error).__name__})") from error
            except (aiohttp.ClientError, ValueError) as error:
                raise Malformed(call.source, f"no valid HTTP ({type(error).__name__})") from error
            except OSError as error:  # what is left of them is the disk's: a file, or the note about it
                raise SourceDown(call.source, UNKEPT.format(error.strerror)) from error

    async def _follow(self, call: Call, entry: Entry | None) -> Response:
        """The request and up to `REDIRECTS` redirects within the same host and scheme."""
        url = call.url
        for _ in range(REDIRECTS + 1):
            async with self._request(call, url, entry) as answer:
                if answer.status not in (301, 302, 303, 307, 308):
                    return await self._read(call, answer, entry)
                target = url.join(URL(answer.headers.get("Location", "")))
            if target.origin() != url.origin():
                raise SourceRefused(call.source, f"redirects to another host ({target.host})", answer.status)
            url = target
        raise SourceRefused(call.source, "redirects in circles")

    def _request(self, call: Call, url: URL, entry: Entry | None) -> Any:
        http, headers = self._http, dict(call.headers)
        rest = self.memory.part_of(call.shown).headers() if call.kind == "zip" else {}
        headers |= rest
        if entry is not None and entry.payload.etag and not rest:
            headers["If-None-Match"] = entry.payload.etag
        if entry is not None and entry.payload.last_modified and not rest:
            headers["If-Modified-Since"] = entry.payload.last_modified
        # A file may take its time as long as it comes: a server that says nothing hangs.
        silent = min(call.timeout, http.read_timeout)
        timeout = aiohttp.ClientTimeout(total=call.timeout, sock_connect=http.connect_timeout, sock_read=silent)
        return self._session.get(url, headers=headers, timeout=timeout, allow_redirects=False)

    async def _read(self, call: Call, answer: aiohttp.ClientResponse, entry: Entry | None) -> Response:
        if answer.status == 304 and entry is not None:
            kept = self.memory.keep(call.shown, entry.payload, entry.path)
            return Response(kept.payload, True, kept.path)
        if call.kind == "zip" and answer.status == UNSATISFIABLE:
            self.memory.part_of(call.shown).drop()
            raise Transient("what was left of a cut file is no part of it")
        if answer.status != 200 and not (call.kind == "zip" and answer.status == PARTIAL):
            raise await refused(call, answer)
        if call.kind == "zip":
            part = self.memory.part_of(call.shown)
            sha256, size = await fetch_file(call.source, answer, part, call.max_bytes, self._http.max_zip_ratio)
            path = self.memory.file_of(sha256)
            await asyncio.to_thread(part.finish, path)
            payload = self._payload(call, answer, sha256, size, None)
        else:
            body = await small_body(call.source, answer, call.max_bytes)
            path = None
            payload = self._payload(call, answer, hashlib.sha256(body).hexdigest(), len(body), body)
        same = entry is not None and entry.payload.sha256 == payload.sha256
        if call.keep:
            self.memory.keep(call.shown, payload, path)
        return Response(payload, same, path)

    def _payload(
        self, call: Call, answer: aiohttp.ClientResponse, sha256: str, size: int, body: bytes | None
    ) -> RawPayload:
        return RawPayload(
            sha256=sha256,
            source=call.source,
            url=call.shown,
            fetched_at=datetime.now(UTC),
            status=200,
            content_type=answer.headers.get("Content-Type", "")[:200],
            etag=answer.headers.get("ETag"),
            last_modified=answer.headers.get("Last-Modified"),
            size=size,
            sandbox=self.settings.sandbox,
            body=body,
        )
