"""Pages for people and the API's own description: no framework, no CDN, one stylesheet."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import orjson
from aiohttp import web

from invest.api.http import TELLING, Route, document, etag_matches, takes_gzip
from invest.api.services import SERVICES

ASSETS = {"invest.css": "text/css", "invest.js": "text/javascript"}


class Prepared:
    """Bytes that are the same for everybody: packed once, not per request, and named by an ETag."""

    def __init__(self, body: bytes, content_type: str, charset: str | None = None) -> None:
        self._plain = body
        self._packed = gzip.compress(body, 9, mtime=0)
        self._type, self._charset = content_type, charset
        self._etag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'

    def answer(self, request: web.Request) -> web.Response:
        """The bytes, gzipped where the client takes that, or 304."""
        headers = {"Cache-Control": "no-cache", "ETag": self._etag, "Vary": "Accept-Encoding"}
        if etag_matches(request, self._etag):
            return web.Response(status=304, headers=headers)
        packed = takes_gzip(request)
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = self._packed if packed else self._plain
        return web.Response(body=body, content_type=self._type, charset=self._charset, headers=headers)


@cache
def templates() -> jinja2.Environment:
    """The page templates; everything is escaped."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("invest.api", "static"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    env.filters["example"] = lambda value: json.dumps(value, ensure_ascii=False, indent=2)
    return env


def bind(app: web.Application, routes: Sequence[Route], *, sandbox: bool) -> None:
    """Add /openapi.json, /docs, the dashboard and their files."""

    @cache
    def description() -> dict[str, Any]:
        return document(routes)

    @cache
    def openapi() -> Prepared:
        return Prepared(orjson.dumps(description()), "application/json")

    @cache
    def docs() -> Prepared:
        api = description()
        page = templates().get_template("docs.html").render(api=api, groups=grouped(api), here="/docs")
        return Prepared(page.encode(), "text/html", "utf-8")

    @cache
    def first() -> Prepared:
        page = templates().get_template("overview.html").render(sandbox=sandbox, here="/")
        return Prepared(page.encode(), "text/html", "utf-8")

    @cache
    def asset(name: str) -> Prepared:
        return Prepared((files("invest.api") / "static" / name).read_bytes(), ASSETS[name], "utf-8")

    async def counted(request: web.Request, prepared: Prepared) -> web.Response:
        """The answer to a stranger, counted by its address."""
        services = request.app[SERVICES]
        await services.admission.admit(f"addr:{services.keyring.origin(request)}")
        return prepared.answer(request)

    async def openapi_json(request: web.Request) -> web.Response:
        return await counted(request, openapi())

    async def docs_page(request: web.Request) -> web.Response:
        return await counted(request, docs())

    async def overview(request: web.Request) -> web.Response:
        return await counted(request, first())

    async def file(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in ASSETS:
            raise web.HTTPNotFound
        return await counted(request, asset(name))

    app.router.add_get("/openapi.json", openapi_json)
    app.router.add_get("/docs", docs_page)
    app.router.add_get("/", overview)
    app.router.add_get("/static/{name}", file)


def grouped(description: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Operations by tag, for the docs page."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            shown = {"path": path, "method": method.upper(), "answer": answer_of(operation), **operation}
            found.setdefault(operation["tags"][0], []).append(shown | {"curl": curl_of(shown)})
    return sorted(found.items())


def curl_of(operation: dict[str, Any]) -> str:
    """A command that asks for the operation, with its examples."""
    telling = TELLING if operation["method"] == "POST" else frozenset()
    wanted = [p for p in operation["parameters"] if p["required"] or p["name"] in telling]
    url, query = operation["path"], []
    for parameter in wanted:
        if parameter["in"] == "path":
            url = url.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        else:
            query.append(f"{parameter['name']}={parameter['example']}")
    url = f"$INVEST{url}{'?' if query else ''}{'&'.join(query)}"
    command = ["curl"] if operation["method"] == "GET" else ["curl -X", operation["method"]]
    if operation["security"]:
        command.append('-H "Authorization: Bearer $INVEST_KEY"')
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        if "example" not in content:
            command.append(f"-H 'Content-Type: {media}' --data-binary @statement.csv")
        elif not query:
            command.append(f"-H 'Content-Type: {media}' -d '{json.dumps(content['example'], ensure_ascii=False)}'")
    return " ".join([*command, f'"{url}"'])


def answer_of(operation: dict[str, Any]) -> Any:
    """The example of the answer that follows success, None where it is no JSON."""
    first = min(s for s in operation["responses"] if s.startswith("2") and operation["responses"][s].get("headers"))
    return operation["responses"][first].get("content", {}).get("application/json", {}).get("example")
