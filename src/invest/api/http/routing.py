"""A flat table of typed routes: the handler gets its values, the reply its JSON, the API its schema from one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import UnionType
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from invest.api.http import wire
from invest.api.http.bodies import Bodies
from invest.api.http.caller import Caller
from invest.api.http.problems import Problem, invalid_fields
from invest.error_info import wrong_values

T = TypeVar("T")
Method = Literal["GET", "POST", "DELETE", "PUT", "PATCH"]
ScopeName = Literal["read", "write", "admin"]
PREFIX = "/api/v1"
LINE = web.RequestKey("line", dict[str, Any])  # what handlers add to the request's log line


@dataclass(slots=True)
class Incoming:
    """A request on its way to its handler: what came, from whom, and how much of a body is taken."""

    http: web.Request
    caller: Caller
    request_id: str
    max_body: int  # bytes
    bodies: Bodies
    _body: bytes | None = None
    _held: int = 0
    _is_file: bool = False
    job_id: str | None = None  # of an idempotent request: a repeat whose answer was lost makes no second job

    async def read(self) -> bytes:
        """The body, read once. Raises 413, 408 or 400."""
        if self._body is None:
            self._body = await wire.read_body(self.http, self.max_body, self.count)
        return self._body

    def stand_in(self, body: bytes) -> None:
        """Take `body` for the file that came: a page read it out of a form, which was counted when it came."""
        self._body, self._is_file = body, True

    async def file(self) -> bytes:
        """The file that came: the body, or the first file of a form. Raises what `read` and `file_in` raise."""
        body = await self.read()
        return body if self._is_file else wire.file_in(self.http, body)

    def count(self, size: int) -> None:
        """Count bytes that came towards the budget of all bodies. Raises 429 or 503."""
        self.bodies.take(self.caller.id, size)
        self._held += size

    def done(self) -> None:
        """The body is no longer needed."""
        self._body = None
        self.bodies.give(self.caller.id, self._held)
        self._held = 0

    def tell(self, **fields: Any) -> None:
        """Add to the request's log line."""
        self.http[LINE].update(fields)

    @property
    def path(self) -> str:
        """The path that was asked for."""
        return self.http.rel_url.path


@dataclass(slots=True)
class Reply(Generic[T]):
    """An answer that needs another status or headers than its route's; None has no body, bytes are JSON."""

    value: Any
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[..., Awaitable[Any]]
Guard = Callable[[Any, Any], Awaitable[None]]  # of the request and its path


@dataclass(frozen=True)
class Body:
    """The JSON body that an operation takes: its type, and the array that may stand for it."""

    kind: Any
    required: bool = True
    array: Any = None  # the type of an array that may stand for the body
    array_name: str = ""  # the argument that the array gives
    array_alone: bool = True  # the array is all that the body can hold
    hidden: bool = False  # taken and not described: its fields are the query's

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Reads the body."""
        return TypeAdapter(self.kind)

    @cached_property
    def array_adapter(self) -> TypeAdapter[Any] | None:
        """Reads a body that is an array."""
        return None if self.array is None else TypeAdapter(self.array)

    async def read(self, request: Incoming) -> Any:
        """The validated body; None where it is empty and may be. Raises `Problem`."""
        body = await request.read()
        if not body.strip():
            if self.required:
                raise Problem(422, "this request needs a JSON body", kind="urn:invest:invalid")
            return None
        wire.check_json_type(request.http)
        wire.check_json(body)
        if self.array_adapter is not None and body.lstrip()[:1] == b"[":
            return wire.parse_json(self.array_adapter, body, at=self.array_name)
        return wire.parse_json(self.adapter, body)


@dataclass(frozen=True)
class Texts:
    """What the API's description says about an operation."""

    summary: str
    tag: str
    description: str = ""


@dataclass(frozen=True)
class Access:
    """Who may call: the least scope that a key needs, and whether the caller may touch what the path names."""

    scope: ScopeName | None  # None: anybody
    guard: Guard | None = None  # asked before the body is read


@dataclass(frozen=True)
class Input:
    """What an operation reads: the parts of its path, its query, and a body of JSON or of bytes."""

    path: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    body: Body | None = None
    required: frozenset[str] = frozenset()  # arguments that the query may leave to the body, but not both
    files: tuple[str, ...] = ()  # media types of a body that the handler reads as bytes

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names of the query's parameters."""
        fields = self.query.model_fields if self.query else {}
        return frozenset(f.alias or name for name, f in fields.items())

    def path_of(self, http: web.Request) -> BaseModel | None:
        """The validated parts of the path. Raises `Problem`."""
        if self.path is None:
            return None
        return validated(self.path, {k: wire.checked_text(k, v) for k, v in http.match_info.items()})


@dataclass(frozen=True)
class Output:
    """What an operation answers with."""

    status: int = 200
    reply: Any = None  # the type of its JSON
    result: Any = None  # of the job that the operation queues
    problems: tuple[int, ...] = ()
    media: Mapping[int, str] = field(default_factory=dict)  # status -> media type, where it is not JSON
    also: tuple[str, ...] = ()  # media types that stand beside JSON, chosen by Accept

    @property
    def streams(self) -> bool:
        """Whether the answer has no end of its own."""
        return "text/event-stream" in self.media.values()


@dataclass(frozen=True)
class Route:
    """One operation. The handler takes ``(request)`` and, where it names them, ``path``, ``query`` and ``body``."""

    method: Method
    path: str
    handler: Handler
    texts: Texts
    access: Access
    input: Input = Input()
    output: Output = Output()
    waits: bool = False  # takes ?wait= and Prefer: wait

    @property
    def name(self) -> str:
        """The operation's id in OpenAPI."""
        return self.handler.__name__

    @cached_property
    def extras(self) -> frozenset[str]:
        """Query parameters that are not the handler's."""
        if not self.waits:
            return frozenset()
        return frozenset({"wait"} if self.method == "GET" else {"wait", "callback"})

    @cached_property
    def _known(self) -> dict[str, None]:
        """All query parameters."""
        return dict.fromkeys(self.input.fields | self.extras)

    async def arguments(self, request: Incoming) -> dict[str, Any]:
        """The validated parameters of a request. Raises `Problem`."""
        values: dict[str, Any] = {}
        http = request.http
        if self.input.path is not None:
            values["path"] = self.input.path_of(http)
        query = wire.query_of(http, self._known)
        for name in self.extras:
            query.pop(name, None)
        if self.input.query is not None:
            values["query"] = validated(self.input.query, query)
        if self.input.body is not None:
            values["body"] = await self.input.body.read(request)
        return values


def validated(model: type[BaseModel], values: Mapping[str, str]) -> BaseModel:
    """The texts of a path or a query as its model. Raises `Problem`."""
    try:
        return model.model_validate(values if type(values) is dict else dict(values))
    except ValidationError as error:
        raise invalid_fields(wrong_values(error)) from None


def _replied(annotation: Any) -> Any:
    """What a handler answers with: X of ``Reply[X]``, None where it writes the response itself."""
    if get_origin(annotation) in (Union, UnionType):  # a reply, or a file of the same
        annotation = next((kind for kind in get_args(annotation) if get_origin(kind) is Reply), annotation)
    if get_origin(annotation) is Reply:
        return get_args(annotation)[0]
    is_response = isinstance(annotation, type) and issubclass(annotation, web.StreamResponse)
    return None if is_response else annotation


def route(
    method: Method,
    path: str,
    *,
    tag: str,
    scope: ScopeName | None = "read",
    status: int = 200,
    problems: tuple[int, ...] = (),
    media: Mapping[int, str] | None = None,
    waits: bool = False,
    takes: tuple[str, ...] = (),
    also: tuple[str, ...] = (),
    guard: Guard | None = None,
    api: bool = True,
) -> Callable[[Handler], Route]:
    """Declare an operation; the types come from the handler's annotations, the texts from its docstring."""

    def make(handler: Handler) -> Route:
        hints = get_type_hints(handler, include_extras=True)
        summary, _, description = (handler.__doc__ or handler.__name__).strip().partition("\n")
        body = hints.get("body")
        optional = body is not None and type(None) in getattr(body, "__args__", ())
        return Route(
            method,
            (PREFIX if api else "") + path,
            handler,
            Texts(summary.rstrip("."), tag, " ".join(description.split())),
            Access(scope, guard),
            Input(
                hints.get("path"),
                hints.get("query"),
                None if body is None else Body(body, required=not optional),
                files=takes,
            ),
            Output(status, _replied(hints.get("return")), problems=problems, media=media or {}, also=also),
            waits,
        )

    return make
