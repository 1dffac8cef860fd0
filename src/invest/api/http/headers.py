"""Headers of every answer: what browsers must not do with it, who may read it from another origin, compression."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

ORIGINS = web.AppKey("origins", tuple[str, ...])  # whose pages may call: `web.cors_origins`
HttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
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
COMPRESS_FROM = 1_500  # bytes: one packet needs no compression
COMPRESSIBLE = ("application/json", "application/problem+json", "text/", "image/svg+xml")
EXPOSED = "Location, Link, ETag, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Preference-Applied"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, X-Api-Key, Content-Type, Idempotency-Key, Prefer, If-None-Match",
    "Access-Control-Max-Age": "600",
}


@web.middleware
async def hardened(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
    """Answer OPTIONS: preflights of the origins in `web.cors_origins` (none by default), else what a resource takes."""
    allowed = request.app[ORIGINS]
    origin = request.headers.get("Origin")
    if request.method == "OPTIONS" and origin in allowed and "Access-Control-Request-Method" in request.headers:
        response: web.StreamResponse = web.Response(status=204, headers=PREFLIGHT)
        harden(request, response)
        return response
    refused = request.match_info.http_exception
    if request.method == "OPTIONS" and isinstance(refused, web.HTTPMethodNotAllowed):
        return web.Response(status=204, headers={"Allow": ", ".join(sorted({*refused.allowed_methods, "OPTIONS"}))})
    return await handler(request)


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
        response.headers["Vary"] = "Origin"


@web.middleware
async def compressed(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
    """gzip for long texts where the client takes it."""
    response = await handler(request)
    if (
        isinstance(response, web.Response)
        and isinstance(response.body, bytes)
        and len(response.body) > COMPRESS_FROM
        and response.content_type.startswith(COMPRESSIBLE)
        and "Content-Encoding" not in response.headers
        and takes_gzip(request)
    ):
        response.enable_compression(web.ContentCoding.gzip)
        response.headers["Vary"] = "Accept-Encoding"
    return response


def takes_gzip(request: web.Request) -> bool:
    """Whether the client can unpack gzip."""
    return "gzip" in request.headers.get("Accept-Encoding", "")
