"""OpenAPI 3.1 from the table of routes: the same pydantic models that read the requests and write the replies."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from invest import __version__
from invest.api.http.examples import NAMES, example_of
from invest.api.http.problems import MEDIA_TYPE, ProblemDetails, title_of
from invest.api.http.routing import Route
from invest.http import TaskFinished

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
BINARY = {"type": "string", "format": "binary"}
Key = tuple[str, str]  # operation, role


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole description, valid OpenAPI 3.1."""
    schemas, definitions = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, definitions)
    webhooks = {"taskFinished": {"post": _webhook(definitions)}}
    used = _reachable([paths, webhooks], definitions)
    tags = sorted({r.texts.tag for r in routes})
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "invest", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "schemas": {name: definitions[name] for name in sorted(used)},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key: inv_…"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }
    return _renamed(whole)


def operation_id(route: Route) -> str:
    """The operation's name for clients: ``getTask``, ``collectAssetData``."""
    first, *others = [part for part in route.name.split("_") if part != "async"]
    return first + "".join(other.capitalize() for other in others)


def schema_name(name: str) -> str:
    """The name of a schema for clients: letters and digits, no generic. ``Listing_Asset_`` is ``AssetPage``."""
    bare = re.sub(r"^Listing_(.+)_$", r"\1_page", name.rpartition("__")[2])
    parts = [part for part in re.split("[_-]", bare) if part and part != "async"]
    return "".join(part[:1].upper() + part[1:] for part in parts)


def _renamed(whole: dict[str, Any]) -> dict[str, Any]:
    """The document with `schema_name`s. Raises ValueError where two schemas would share one."""
    names = {name: schema_name(name) for name in whole["components"]["schemas"]}
    if len(set(names.values())) < len(names):
        shared = sorted(name for name in names if list(names.values()).count(names[name]) > 1)
        raise ValueError(f"schemas of one name: {', '.join(shared)}")
    text = re.sub(
        r'"#/components/schemas/([^"]+)"',
        lambda ref: f'"{REF.format(model=names[ref[1]])}"',
        json.dumps(whole),
    )
    renamed: dict[str, Any] = json.loads(text)
    schemas = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = {
        names[name]: {**schemas[name], "title": names[name]} for name in sorted(names, key=names.__getitem__)
    }
    return renamed


def _webhook(definitions: dict[str, Any]) -> dict[str, Any]:
    """The message that the address in ``callback`` gets."""
    schema = {"$ref": REF.format(model="TaskFinished")}
    text = {"type": "string"}
    signed = {
        "webhook-id": "names the message: the same in every copy of it",
        "webhook-timestamp": "when it was sent, seconds since 1970",
        "webhook-signature": "v1,<base64 of HMAC-SHA256 over id.timestamp.body>, by WEBHOOK_SECRET",
    }
    return {
        "operationId": "taskFinished",
        "summary": "A task that was queued with `callback` has finished",
        "description": "Signed by Standard Webhooks. Sent at least once, for some minutes until it is answered by 2xx.",
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": description, "schema": text}
            for name, description in signed.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example_of(schema, definitions)}},
        },
        "responses": {"2XX": {"description": "taken"}, "410": {"description": "do not send this again"}},
    }


def _schemas(routes: Sequence[Route]) -> tuple[dict[Key, Any], dict[str, Any]]:
    """Schemas of all roles of all operations, and the shared definitions they point to."""
    inputs: list[tuple[Key, JsonSchemaMode, TypeAdapter[Any]]] = [
        (("problem", "reply"), "serialization", TypeAdapter(ProblemDetails)),
        (("webhook", "reply"), "serialization", TypeAdapter(TaskFinished)),
    ]
    for route in routes:
        for role, kind, mode in (
            ("path", route.input.path, "validation"),
            ("query", route.input.query, "validation"),
            ("body", route.input.body and route.input.body.kind, "validation"),
            ("lone", route.input.body and route.input.body.array, "validation"),
            ("reply", route.output.reply, "serialization"),
            ("result", route.output.result, "serialization"),
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
        "operationId": operation_id(route),
        "summary": route.texts.summary,
        "tags": [route.texts.tag],
        "parameters": parameters,
        "responses": _responses(route, schemas, definitions),
        "security": [] if route.access.scope is None else [{}, {"bearer": []}, {"apiKey": []}],
    }
    if route.texts.description:
        operation["description"] = route.texts.description
    if route.access.scope is not None:
        operation["x-scope"] = route.access.scope
    if route.input.files:
        name = f"{route.name}_form"
        definitions[name] = {"type": "object", "required": ["file"], "properties": {"file": BINARY}}
        content: dict[str, Any] = {"multipart/form-data": {"schema": {"$ref": REF.format(model=name)}}}
        content |= {media: {"schema": BINARY} for media in ("application/octet-stream", *route.input.files)}
        operation["requestBody"] = {"required": True, "content": content}
    if (body := route.input.body) is not None and not body.hidden:
        needed = route.input.required
        options = [_not_null(schemas[route.name, "body"])]
        if body.array is not None and body.array_alone:
            options = [_not_null(schemas[route.name, "lone"])]
        elif needed:
            model = _resolved(options[0], definitions)
            model["required"] = sorted(needed & model["properties"].keys())
        schema = options[0] if len(options) == 1 else {"anyOf": options}
        content = {"schema": schema, "example": _body_example(route, options[0], definitions)}
        operation["requestBody"] = {
            "required": body.required or bool(body.array_name and body.array_name in needed),
            "content": {"application/json": content},
        }
    return operation


def _body_example(route: Route, schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """The lone array where a route takes one, else the object; arguments of any job where it may hold anything."""
    alone = route.input.body.array_name if route.input.body is not None and route.input.body.array_alone else ""
    return example_of(schema, definitions, alone) or NAMES["arguments"]


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
        needed = place == "path" or name in required or name in route.input.required
        parameter = {"name": name, "in": place, "required": needed, "schema": bare}
        if text := schema.get("description"):
            parameter["description"] = text
        found.append(parameter)
    return found


def _extra_parameters(route: Route) -> list[dict[str, Any]]:
    found = []
    if route.waits:
        schema = {"type": "number", "minimum": 0, "maximum": 60}
        message = "seconds to wait for the task; `Prefer: wait=…` does the same"
        found.append({"name": "wait", "in": "query", "required": False, "description": message, "schema": schema})
        found.append(_header("Prefer", "`wait=20`, as the query's `wait`", {"type": "string", "examples": ["wait=20"]}))
    if "callback" in route.extras:
        message = "an https address that is told when the task is finished (Standard Webhooks, signed)"
        shape = {"type": "string", "format": "uri", "maxLength": 2000}
        found.append({"name": "callback", "in": "query", "required": False, "description": message, "schema": shape})
    if route.method == "GET" and (route.waits or 304 in route.output.problems):
        message = "the ETag of an answer seen before: 304 while it is still the same"
        found.append(_header("If-None-Match", message, {"type": "string", "examples": ['W/"0a1b2c3d"']}))
    if route.output.streams:
        message = "the id of the last event seen: the stream goes on behind it"
        found.append(_header("Last-Event-ID", message, {"type": "string", "examples": ["1774980000000-0"]}))
    if route.method == "POST":
        shape = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
        message = "the same key and request within 24 h give the first answer again"
        found.append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "description": message, "schema": shape}
        )
    return found


def _header(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the null alternative, which neither a query nor an absent body can say."""
    options = [o for o in schema.get("anyOf", ()) if o.get("type") != "null"]
    bare = {k: v for k, v in schema.items() if k not in ("anyOf", "title") and not (k == "default" and v is None)}
    if not options:
        return bare
    return {**options[0], **bare} if len(options) == 1 else {**bare, "anyOf": options}


def _responses(route: Route, schemas: dict[Key, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    headers = HEADERS if route.access.scope is not None else {"X-Request-Id": HEADERS["X-Request-Id"]}
    found: dict[str, Any] = {}
    success: dict[str, Any] = {"description": title_of(route.output.status)}
    if media := route.output.media.get(route.output.status):
        kinds = media.split(", ")
        file = {"type": "string"} if all(kind.startswith("text/") for kind in kinds) else BINARY
        success["content"] = {kind: {"schema": file} for kind in kinds}
        if "event-stream" in media:
            found["204"] = {"description": "the task is finished: nothing more will come"}
    elif (route.name, "reply") in schemas:
        schema = schemas[route.name, "reply"]
        success["content"] = {"application/json": {"schema": schema, "example": example_of(schema, definitions)}}
        for kind in route.output.also:
            success["content"][kind] = {"schema": {"type": "string"} if kind.startswith("text/") else BINARY}
    found[str(route.output.status)] = success
    if route.output.status == 202:
        headers = {**headers, **TASK_HEADERS}
        if route.waits:
            found["200"] = {
                "description": "the task finished while the client waited: its status",
                "content": {"application/json": _exemplified(_finished(route, schemas, definitions), definitions)},
            }
    headers = headers | {name: HEADERS_OF[name] for name in _answers_with(route)}
    success["headers"] = {n: {"description": d, "schema": {"type": t}} for n, (t, d) in headers.items()}
    if route.method == "GET" and route.output.reply is not None and route.waits:
        found["304"] = {"description": "unchanged since the ETag in If-None-Match"}
    statuses = {*route.output.problems, *ALWAYS}
    statuses |= set(WITH_KEY) if route.access.scope else set()
    statuses |= set(WITH_BODY) if route.input.body is not None else set()
    statuses |= {409} if route.method == "POST" else set()
    for status in sorted(statuses):
        found[str(status)] = {
            "description": title_of(status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="ProblemDetails")}}},
        }
    if route.path == "/readyz":
        found["503"] = found["200"] | {"description": "not ready"}
    return found


HEADERS_OF: dict[str, tuple[str, str]] = {
    "Location": ("string", "where the new thing is"),
    "ETag": ("string", "changes with the answer; give it back as If-None-Match"),
    "Link": ("string", 'the next page, rel="next"; not on the last'),
}


def _answers_with(route: Route) -> list[str]:
    """The headers that an operation's success has of its own."""
    pages = isinstance(route.output.reply, type) and route.output.reply.__name__.startswith("Listing[")
    names = {"Location": route.output.status == 201, "ETag": route.method == "GET" and route.waits, "Link": pages}
    return [name for name, has in names.items() if has]


def _exemplified(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return {"schema": schema, "example": example_of(schema, definitions)}


def _finished(route: Route, schemas: dict[Key, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A finished task's status, with its result typed where the operation queues one kind of job."""
    status = {"$ref": REF.format(model="TaskStatus")}
    result = schemas.get((route.name, "result"))
    if result is None:
        return status
    name = f"{route.name}_finished"
    definitions[name] = {"allOf": [status, {"type": "object", "properties": {"result": result}}]}
    return {"$ref": REF.format(model=name)}


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
