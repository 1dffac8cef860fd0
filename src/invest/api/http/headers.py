"""Headers of every answer: what browsers must not do with it, who may read it from another origin, compression."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from time import time
from typing import Any

from aiohttp import HttpVersion11, __version__, hdrs, http_writer, web

ORIGINS = web.AppKey("origins", tuple[str, ...])  # whose pages may call: `web.cors_origins`
API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
BODILESS = frozenset({204, 304})
# `Plain` knows the insides of these releases of aiohttp; under any other its answers go the usual way.
KNOWN_AIOHTTP = __version__.startswith("3.14.")
COMPRESS_FROM = 1_500  # bytes: one packet needs no compression
COMPRESSIBLE = ("application/json", "application/problem+json", "text/", "image/svg+xml")
SECURITY_OF_API = {**SECURITY, "Content-Security-Policy": API_POLICY, "Cache-Control": "no-store"}
LINES_OF_API = tuple((name, f"{name}: {value}\r\n".encode()) for name, value in SECURITY_OF_API.items())
ALL_LINES_OF_API = b"".join(line for _, line in LINES_OF_API)
EXPOSED = "Location, Link, ETag, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Preference-Applied"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, X-Api-Key, Content-Type, Idempotency-Key, Prefer, If-None-Match",
    "Access-Control-Max-Age": "600",
}


class Plain(web.Response):
    """An answer of the API: where nothing about it is special, its head and body are written at once.

    What aiohttp does step by step for answers of every kind took a tenth of the time of a request.
    """

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Write all of it, or begin as any other answer; none where another one had begun before its error."""
        if request.writer.output_size and not self.prepared:  # a stream: a second head would be taken for its part
            raise ConnectionResetError("an answer had begun")
        if not KNOWN_AIOHTTP or type(self._body) is not bytes or not self._is_usual(request):
            return await super().prepare(request)
        body = self._body
        headers, writer = self._headers, request.writer
        headers[hdrs.CONTENT_LENGTH] = str(len(body))
        line = f"HTTP/1.1 {self._status} {self._reason}"
        head = http_writer._serialize_headers(line, headers)  # refuses line breaks in values
        own = [line for name, line in LINES_OF_API if name not in headers]
        security = ALL_LINES_OF_API if len(own) == len(LINES_OF_API) else b"".join(own)
        await writer.write(b"%b%b%b\r\n%b" % (head[:-2], security, _date_line(int(time())), body))
        await writer.drain()
        self._keep_alive = self._eof_sent = True
        self._body_length = len(body)
        return None

    def _is_usual(self, request: web.BaseRequest) -> bool:
        """Whether it goes to a client that keeps its connection, as it is, with the headers of every answer alone."""
        headers = self._headers
        return (
            isinstance(request, web.Request)
            and request.version == HttpVersion11
            and request.method != "HEAD"
            and request.keep_alive
            and self._keep_alive is None
            and not (self.prepared or self._compression or self._chunked or self._cookies)
            and self._status not in BODILESS
            and headers.get(hdrs.CONTENT_TYPE, "").startswith("application/")  # no page
            and hdrs.ORIGIN not in request.headers
            and not (hdrs.CONNECTION in headers or hdrs.CONTENT_LENGTH in headers or hdrs.DATE in headers)
            and len(request.app.on_response_prepare) == 1  # ours alone
        )


@lru_cache(maxsize=2)
def _date_line(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()


def answer_to_options(request: web.Request) -> web.StreamResponse | None:
    """Answer OPTIONS: preflights of the origins in `web.cors_origins` (none by default), else what a resource takes."""
    allowed = request.app[ORIGINS]
    origin = request.headers.get("Origin")
    if origin in allowed and "Access-Control-Request-Method" in request.headers:
        response: web.StreamResponse = web.Response(status=204, headers=PREFLIGHT)
        harden(request, response)
        return response
    refused = request.match_info.http_exception
    if isinstance(refused, web.HTTPMethodNotAllowed):
        return web.Response(status=204, headers={"Allow": ", ".join(sorted({*refused.allowed_methods, "OPTIONS"}))})
    return None


async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
    """The signal that comes before the head of every answer is sent."""
    harden(request, response)


def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on; a handler's own policy and caching stay."""
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    is_page = response.content_type == "text/html"
    response.headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else API_POLICY)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.pop("Server", None)
    origin = request.headers.get("Origin")
    if origin is not None and origin in request.app[ORIGINS]:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
        add_vary(response, "Origin")


def compress(request: web.Request, response: web.StreamResponse) -> None:
    """gzip for long texts where the client takes it."""
    if type(response) is Plain and type(response.body) is bytes and len(response.body) <= COMPRESS_FROM:
        return  # nearly all of the API's: what stands below looks into the abstract classes of aiohttp's answers
    if (
        isinstance(response, web.Response)
        and isinstance(response.body, bytes)
        and len(response.body) > COMPRESS_FROM
        and response.content_type.startswith(COMPRESSIBLE)
        and "Content-Encoding" not in response.headers
        and takes_gzip(request)
    ):
        response.enable_compression(web.ContentCoding.gzip)
        add_vary(response, "Accept-Encoding")


def add_vary(response: web.StreamResponse, name: str) -> None:
    """Say that the answer depends on this header of its request, beside those that it is said of."""
    known = response.headers.get("Vary", "")
    if name not in known.split(", "):
        response.headers["Vary"] = f"{known}, {name}" if known else name


def takes_gzip(request: web.Request) -> bool:
    """Whether the client can unpack gzip."""
    return "gzip" in request.headers.get("Accept-Encoding", "")
