"""The API's own description, for programs (/openapi.json) and for people (/docs)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jinja2
import orjson
from aiohttp import web

from invest.api.http import TELLING, Route, document
from invest.api.pages.rendering import Prepared, counted, templates


def bind_reference(app: web.Application, routes: Sequence[Route]) -> None:
    """Add /openapi.json and /docs; both are the same for everybody and made once."""

    @cache
    def description() -> dict[str, Any]:
        return document(routes)

    @cache
    def openapi() -> Prepared:
        return Prepared(orjson.dumps(description()), "application/json")

    @cache
    def docs() -> Prepared:
        api = description()
        # A description leaves out what an operation does not have, so here an unknown name is nothing.
        lenient = templates().overlay(undefined=jinja2.Undefined)
        page = lenient.get_template("docs.html").render(api=api, groups=grouped(api))
        return Prepared(page.encode(), "text/html", "utf-8")

    making = asyncio.Lock()

    async def made(make: Callable[[], Prepared]) -> Prepared:
        """The description takes a second to make, once: beside the requests, not between two of them."""
        async with making:
            return await asyncio.to_thread(make)

    async def openapi_json(request: web.Request) -> web.Response:
        return await counted(request, openapi() if openapi.cache_info().currsize else await made(openapi))

    async def docs_page(request: web.Request) -> web.Response:
        return await counted(request, docs() if docs.cache_info().currsize else await made(docs))

    app.router.add_get("/openapi.json", openapi_json)
    app.router.add_get("/docs", docs_page)


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
