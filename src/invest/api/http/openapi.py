"""OpenAPI 3.1 from the table of routes: the same pydantic models that read the requests and write the replies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from invest import __version__
from invest.api.http.examples import NAMES, example_of
from invest.api.http.problems import MEDIA_TYPE, ProblemDetails, title_of
from invest.api.http.routing import Route

REF = "#/components/schemas/{model}"
ALWAYS = (421, 422, 429, 503)
WITH_KEY = (401, 403)
WITH_BODY = (400, 408, 413, 415)
DESCRIPTION = (
    "Investment research on the Brazilian exchange (B3). Work is queued: a POST answers 202 with the address of "
    "a task, whose status holds the result; `?wait=20` or `Prefer: wait=20` waits for it. Errors are RFC 9457 "
    "problems.\n\n"
    "Send `Idempotency-Key` with a POST to repeat it safely for 24 hours. Decimals are strings, times ISO 8601 in UTC."
)
HEADERS: dict[str, tuple[str, str]] = {
    "RateLimit": ("string", "requests left and seconds until all are back"),
    "RateLimit-Policy": ("string", "requests in how many seconds"),
    "X-Request-Id": ("string", "names the request in the logs"),
}
TASK_HEADERS: dict[str, tuple[str, str]] = {
    "Location": ("string", "the task's status"),
    "Retry-After": ("integer", "seconds until it is worth asking"),
}
Key = tuple[str, str]  # operation, role


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole description, valid OpenAPI 3.1."""
    schemas, definitions = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, definitions)
    used = _reachable(paths, definitions)
    tags = sorted({r.tag for r in routes})
    return {
        "openapi": "3.1.0",
        "info": {"title": "invest", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": {name: definitions[name] for name in sorted(used)},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key: inv_…"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


def _schemas(routes: Sequence[Route]) -> tuple[dict[Key, Any], dict[str, Any]]:
    """Schemas of all roles of all operations, and the shared definitions they point to."""
    inputs: list[tuple[Key, JsonSchemaMode, TypeAdapter[Any]]] = [
        (("problem", "reply"), "serialization", TypeAdapter(ProblemDetails))
    ]
    for route in routes:
        for role, kind, mode in (
            ("path", route.path_model, "validation"),
            ("query", route.query_model, "validation"),
            ("body", route.body_type, "validation"),
            ("lone", route.lone_body, "validation"),
            ("reply", route.reply, "serialization"),
        ):
            if kind is not None and kind is not type(None):
                inputs.append(((route.name, role), mode, TypeAdapter(kind)))  # type: ignore[arg-type] # literals above
    found, whole = TypeAdapter.json_schemas(inputs, ref_template=REF)
    schemas = {key: schema for (key, _), schema in found.items()}
    return schemas, whole.get("$defs", {})


def _operation(route: Route, schemas: dict[Key, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        *_parameters(route, "path", schemas, definitions),
        *_parameters(route, "query", schemas, definitions),
        *_extra_parameters(route),
    ]
    for parameter in parameters:
        if (shown := example_of(parameter["schema"], definitions, parameter["name"])) is not None:
            parameter["example"] = shown
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": parameters,
        "responses": _responses(route, schemas, definitions),
        "security": [] if route.scope is None else [{}, {"bearer": []}, {"apiKey": []}],
    }
    if route.description:
        operation["description"] = route.description
    if route.scope is not None:
        operation["x-scope"] = route.scope
    if route.takes:
        content = {media: {"schema": {"type": "string"}} for media in route.takes}
        operation["requestBody"] = {"required": True, "content": content}
    if route.body_type is not None:
        options = [_not_null(schemas[route.name, "body"])]
        if route.lone_body is not None:
            options.insert(0, _not_null(schemas[route.name, "lone"]))
        schema = options[0] if len(options) == 1 else {"anyOf": options}
        operation["requestBody"] = {
            "required": route.body_required,
            "content": {
                "application/json": {"schema": schema, "example": _body_example(route, options[0], definitions)}
            },
        }
    return operation


def _body_example(route: Route, schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """The lone array where a route takes one, else the object; arguments of any job where it may hold anything."""
    return example_of(schema, definitions, route.lone_name) or NAMES["arguments"]


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definitions[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    return found


def _parameters(route: Route, place: str, schemas: dict[Key, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    if (route.name, place) not in schemas:
        return []
    model = _resolved(schemas[route.name, place], definitions)
    required = set(model.get("required", ()))
    found = []
    for name, schema in model.get("properties", {}).items():
        bare = _not_null(schema)
        parameter = {"name": name, "in": place, "required": place == "path" or name in required, "schema": bare}
        if text := schema.get("description"):
            parameter["description"] = text
        found.append(parameter)
    return found


def _extra_parameters(route: Route) -> list[dict[str, Any]]:
    found = []
    if route.waits:
        schema = {"type": "number", "minimum": 0, "maximum": 60}
        said = "seconds to wait for the task; `Prefer: wait=…` does the same"
        found.append({"name": "wait", "in": "query", "required": False, "description": said, "schema": schema})
    if "callback" in route.extras:
        said = "an https address that is told when the task is finished (Standard Webhooks, signed)"
        shape = {"type": "string", "format": "uri", "maxLength": 2000}
        found.append({"name": "callback", "in": "query", "required": False, "description": said, "schema": shape})
    if route.method == "POST":
        shape = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
        said = "the same key and request within 24 h give the first answer again"
        found.append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "description": said, "schema": shape}
        )
    return found


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the null alternative, which neither a query nor an absent body can say."""
    options = [o for o in schema.get("anyOf", ()) if o.get("type") != "null"]
    bare = {k: v for k, v in schema.items() if k not in ("anyOf", "title") and not (k == "default" and v is None)}
    if not options:
        return bare
    return {**options[0], **bare} if len(options) == 1 else {**bare, "anyOf": options}


def _responses(route: Route, schemas: dict[Key, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    headers = HEADERS if route.scope is not None else {"X-Request-Id": HEADERS["X-Request-Id"]}
    found: dict[str, Any] = {}
    success: dict[str, Any] = {"description": title_of(route.status)}
    if media := route.media.get(route.status):
        success["content"] = {media: {"schema": {"type": "string"}}}
        if "event-stream" in media:
            found["204"] = {"description": "the task is finished: nothing more will come"}
    elif (route.name, "reply") in schemas:
        schema = schemas[route.name, "reply"]
        success["content"] = {"application/json": {"schema": schema, "example": example_of(schema, definitions)}}
    found[str(route.status)] = success
    if route.status == 202:
        headers = {**headers, **TASK_HEADERS}
        if route.waits:
            found["200"] = {
                "description": "the task finished while the client waited: its status",
                "content": {"application/json": {"schema": {"$ref": REF.format(model="TaskStatus")}}},
            }
    success["headers"] = {n: {"description": d, "schema": {"type": t}} for n, (t, d) in headers.items()}
    if route.method == "GET" and route.reply is not None and route.waits:
        found["304"] = {"description": "unchanged since the ETag in If-None-Match"}
    statuses = {*route.problems, *ALWAYS}
    statuses |= set(WITH_KEY) if route.scope else set()
    statuses |= set(WITH_BODY) if route.body_type is not None else set()
    statuses |= {409} if route.method == "POST" else set()
    for status in sorted(statuses):
        found[str(status)] = {
            "description": title_of(status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="ProblemDetails")}}},
        }
    if route.path == "/readyz":
        found["503"] = found["200"] | {"description": "not ready"}
    return found


def _reachable(paths: Any, definitions: dict[str, Any]) -> set[str]:
    """Definitions that something points to."""
    used: set[str] = set()
    waiting = [paths]
    while waiting:
        for name in re.findall(r"'#/components/schemas/([^']+)'", repr(waiting.pop())):
            if name not in used:
                used.add(name)
                waiting.append(definitions[name])
    return used
