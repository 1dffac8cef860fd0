"""Readers of requests that `bench.fuzz` attacks: heads, queries, cursors, forms, bodies, the headers of each."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any
from unittest import mock

import orjson
from aiohttp import web
from aiohttp.http import HttpVersion11, RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from pydantic import TypeAdapter
from yarl import URL

from bench.fuzz.ai import CHAT, OPINION
from bench.fuzz.target import Target, of_text
from invest import tracing
from invest.api.access import keyring
from invest.api.http import Problem, parts_of
from invest.api.http.etags import etag_matches
from invest.api.http.examples import example_of
from invest.api.http.negotiation import chosen_media
from invest.api.http.paging import opened, read_time, sealed
from invest.api.http.routing import Route, validated
from invest.api.http.wire import check_json, check_json_type, parse_json, query_of
from invest.api.live.hub import last_event_id
from invest.api.pages import session
from invest.api.pages.forms import pairs_of
from invest.api.routes.table import routes
from invest.api.routes.tasks import wait_of
from invest.api.sockets import refusing
from invest.api.sockets.addresses import Networks, is_forwarded, origin_of
from invest.engine import registry
from invest.engine.manage.inspection import read_cursor
from invest.errors import ConfigError
from invest.jobs.declared import declare_all

declare_all()
ROUTES: Mapping[str, Route] = {f"{route.method} {route.path}": route for route in routes(registry)}
PLACES = (
    "2026-03-31", "2026-03-31T12:00:00+00:00", "2026-03-31T12:00:00+00:00~r1", "12", "1774915200000:job",
    "1774915200000-0", "7~0123456789abcdef", "2026-03-31~12",
)  # fmt: skip
HEAD = (
    b"GET /api/v1/assets/PETR4/prices?limit=5&wait=2.5 HTTP/1.1\r\nHost: a.example\r\n"
    b"Authorization: Bearer inv_abc\r\nAccept: text/csv;q=0.5, application/json\r\nIf-None-Match: W/\"abc\", *\r\n"
    b"X-Forwarded-For: 10.0.0.1, 203.0.113.7\r\nForwarded: for=10.0.0.1\r\nPrefer: wait=20, respond-async\r\n"
    b"Last-Event-ID: 1774980000000-0,other=5-1\r\nAccept-Language: pt-BR,en;q=0.5\r\nCookie: invest_form=x; a=b\r\n"
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
    b"Content-Type: application/json; charset=utf-8\r\nOrigin: https://b.example\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
)  # fmt: skip
FORM = (
    b'--xyz\r\nContent-Disposition: form-data; name="note"\r\n\r\na\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n1;2\r\n'
    b"--xyz--\r\n",
)
TYPES = (b"multipart/form-data; boundary=xyz", b'multipart/form-data; boundary="xyz"; charset=utf-8')
FIELDS = (b"a=1&b=%C3%A9+x&a=2&form_token=t", b"args.ticker=PETR4&=x&y")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
NOBODY: Any = mock.Mock(name="the connection behind a request")
WHERE = URL("/api/v1/events")
TRUSTED = Networks(["10.0.0.0/8", "::1"])


def _request(method: str, target: URL, headers: CIMultiDict[str]) -> web.Request:
    message = RawRequestMessage(
        method, str(target), HttpVersion11, CIMultiDictProxy(headers), (), False, None, False, False, target
    )
    return web.Request(message, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY)


def _head(data: bytes) -> object:
    """A request's head: what the socket's own reader takes it for, then every header's reader."""
    if refusing.is_simple(data):
        refusing.may_refuse(data)
    headers: CIMultiDict[str] = CIMultiDict()
    for line in data.decode("utf-8", "surrogateescape").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon and TOKEN.fullmatch(name):
            headers.add(name, value.strip())
    request = _request("GET", WHERE, headers)
    read: list[object] = [keyring.key_of(request), is_forwarded(request), origin_of(request, TRUSTED)]
    read += [tracing.parent_in(request.headers), session.language_of(request), session.theme_of(request)]
    read += [session.key_in(request), session.seed_of(request), etag_matches(request, 'W/"abc"')]
    refusing_readers: tuple[Callable[[], object], ...] = (
        lambda: chosen_media(request, ("application/json", "text/csv")),
        lambda: last_event_id(request, "first"),
        lambda: check_json_type(request),
        lambda: wait_of(request),
        lambda: session.check_form(request, "token"),
    )
    for reader in refusing_readers:
        with suppress(Problem):
            read.append(reader())
    return read


def _query(data: bytes) -> object:
    """The query of an operation, as JSON of its name and parameters; what the handler asks of it is asked too."""
    given = orjson.loads(data)
    if not isinstance(given, dict) or not isinstance(given.get("query"), dict):
        raise Problem(400, "no query")
    route = ROUTES.get(str(given.get("route")))
    if route is None or route.input.query is None:
        raise Problem(404, "no such operation")
    values = {name: v if isinstance(v, str) else orjson.dumps(v).decode() for name, v in given["query"].items()}
    query = validated(route.input.query, values)
    for name, member in inspect.getmembers(type(query)):
        if isinstance(member, property | cached_property) and not name.startswith(("model_", "_")):
            getattr(query, name)
    return query


def _queries() -> Iterator[bytes]:
    """Good queries of each operation that takes one: with each cursor that it takes, or without."""
    for name, route in ROUTES.items():
        if route.input.query is None:
            continue
        schema = route.input.query.model_json_schema()
        examples = {f: example_of(shape, schema.get("$defs", {}), f) for f, shape in schema["properties"].items()}
        query = {field: str(value) for field, value in examples.items() if value is not None}
        places = [sealed(place) for place in PLACES if "cursor" in schema["properties"]]
        for more in ({}, *({"cursor": place} for place in places)):
            with suppress(Problem):
                validated(route.input.query, query | more)
                yield orjson.dumps({"route": name, "query": query | more})


def _cursor(text: str) -> object:
    """A cursor as each list reads it, sealed or plain."""
    for place in (text, sealed(text)):
        read_time(opened(place))
    return text


def _form(data: bytes) -> object:
    """A form with a good head."""
    return parts_of(_request("POST", URL("/"), CIMultiDict({"Content-Type": TYPES[0].decode()})), data)


def _form_type(data: bytes) -> object:
    """A good form with a spoilt head."""
    return parts_of(_request("POST", URL("/"), CIMultiDict({"Content-Type": data.decode("latin-1")})), FORM[0])


def _address(data: bytes) -> object:
    """The query string of an address."""
    return query_of(_request("GET", URL("/x?" + data.decode("latin-1")), CIMultiDict()), {"a": 1, "b": 2})


def targets() -> Iterator[Target]:
    """Every reader of a request."""
    anything: TypeAdapter[Any] = TypeAdapter(dict[str, Any])
    bodies = (orjson.dumps(OPINION), orjson.dumps(CHAT))

    def body(data: bytes) -> object:
        check_json(data)
        return parse_json(anything, data)

    yield Target("request_head", _head, HEAD)
    yield Target("request_query", _query, tuple(_queries()), (Problem, orjson.JSONDecodeError))
    yield Target("query_string", _address, (b"a=1&b=%C3%A9", b"a=+x;y&b="), (Problem, ValueError))
    yield Target("cursor", of_text(_cursor), tuple(place.encode() for place in PLACES[1:2]), (Problem, ValueError))
    yield Target("job_cursor", of_text(read_cursor), (PLACES[4].encode(),), (ConfigError,))
    yield Target("request_body", body, bodies, (Problem,))
    yield Target("multipart", _form, FORM, (Problem,))
    yield Target("multipart_type", _form_type, TYPES, (Problem,))
    yield Target("form", of_text(pairs_of), FIELDS, (ValueError,))
