"""A job's signature as data: validates arguments, reads and writes JSON, gives the JSON schema."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from functools import cached_property
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from invest.engine.calls.workflow import Workflow
from invest.engine.errors import InvalidArguments
from invest.error_info import wrong_values


class Signature:
    """The parameters after the context, and the result. Types are resolved at first use, not at declaration."""

    def __init__(self, name: str, fn: Callable[..., Any]) -> None:
        self.name = name
        self.fn = fn
        parameters = list(inspect.signature(fn).parameters.values())
        if not parameters or parameters[0].kind not in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        ):
            raise TypeError(f"{name}: the first parameter of a job is its Context")
        self.parameters = parameters[1:]
        for p in self.parameters:
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.POSITIONAL_ONLY):
                raise TypeError(f"{name}: parameter {p.name} must be a plain named one (no *args, **kwargs or /)")
        self._shape = inspect.Signature(self.parameters)

    @cached_property
    def hints(self) -> dict[str, Any]:
        """Resolved annotations."""
        return get_type_hints(self.fn, include_extras=True)

    @cached_property
    def model(self) -> type[BaseModel]:
        """One model with a field per parameter."""
        fields: dict[str, Any] = {}
        for p in self.parameters:
            default = ... if p.default is p.empty else p.default
            fields[p.name] = (self.hints.get(p.name, Any), default)
        config = ConfigDict(extra="forbid", arbitrary_types_allowed=False, validate_default=True)
        return create_model(f"{self.name}_arguments", __config__=config, **fields)

    @cached_property
    def result(self) -> TypeAdapter[Any]:
        """Validates and writes what the job returns (for a job that hands over: what its workflow returns)."""
        return TypeAdapter(self.result_type)

    @cached_property
    def result_type(self) -> Any:
        """The result behind the return annotation."""
        return result_type(self.hints.get("return", Any))

    def bind(self, args: tuple[Any, ...] | list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Validated arguments by name, as Python values. Raises `InvalidArguments` naming each wrong one."""
        return self._values(self._validated(args, kwargs))

    def encode(self, args: tuple[Any, ...] | list[Any], kwargs: dict[str, Any]) -> bytes:
        """Validated arguments as one JSON object. Raises `InvalidArguments`."""
        return self._json(self._validated(args, kwargs))

    def _json(self, model: BaseModel) -> bytes:
        try:
            return model.__pydantic_serializer__.to_json(model, exclude_unset=True)
        except (ValueError, TypeError) as error:
            raise InvalidArguments(self.name, [{"loc": (), "msg": str(error), "type": "not_json"}]) from None

    def both(self, kwargs: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Validated arguments as values by name and as JSON, validated once. Raises `InvalidArguments`."""
        model = self._validated((), kwargs)
        return self._values(model), self._json(model)

    def _values(self, model: BaseModel) -> dict[str, Any]:
        return {p.name: getattr(model, p.name) for p in self.parameters}

    def _validated(self, args: tuple[Any, ...] | list[Any], kwargs: dict[str, Any]) -> BaseModel:
        if args:
            named = self._by_position(args)
            if twice := named.keys() & kwargs.keys():
                raise InvalidArguments(
                    self.name, [_problem(n, "given twice", "multiple_argument_values") for n in twice]
                )
            kwargs = {**named, **kwargs}
        try:
            return self.model.model_validate(kwargs)
        except ValidationError as error:
            raise InvalidArguments(self.name, wrong_values(error, inputs=True)) from None

    def _by_position(self, args: tuple[Any, ...] | list[Any]) -> dict[str, Any]:
        names = [p.name for p in self.parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        if len(args) > len(names):
            message = f"{len(args)} positional arguments given, {len(names)} taken"
            raise InvalidArguments(self.name, [_problem("", message, "unexpected_positional_argument")])
        return dict(zip(names, args, strict=False))

    @cached_property
    def parameters_schema(self) -> dict[str, Any]:
        """JSON schema of the arguments (one object)."""
        return self.model.model_json_schema()

    @cached_property
    def result_schema(self) -> dict[str, Any]:
        """JSON schema of the result."""
        return self.result.json_schema(mode="serialization")


def _problem(name: str, message: str, kind: str) -> dict[str, Any]:
    return {"loc": (name,) if name else (), "msg": message, "type": kind}


def result_type(annotation: Any) -> Any:
    """The result behind a return annotation: ``Workflow[R]`` and ``R | Workflow[R]`` are R."""
    origin = get_origin(annotation)
    if origin is Workflow:
        return get_args(annotation)[0]
    if annotation is Workflow:
        return Any
    if origin in (Union, types.UnionType):
        plain = [a for a in get_args(annotation) if get_origin(a) is not Workflow and a is not Workflow]
        if len(plain) < len(get_args(annotation)):
            return Union[tuple(plain)] if plain else result_type(get_args(annotation)[0])  # noqa: UP007 - built at run time
    return annotation
