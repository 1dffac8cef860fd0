"""Forms made from the jobs' signatures: JSON Schema to fields, and what was typed back to arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from invest.api.http import invalid
from invest.api.pages.forms import Form

Kind = Literal["text", "integer", "number", "boolean", "choice", "list", "json"]
PREFIX = "arg."


@dataclass(frozen=True)
class Field:
    """One field of a form. `optional`: left empty it keeps the job's default."""

    name: str
    kind: Kind
    value: str
    optional: bool
    default: str = ""
    choices: tuple[str, ...] = ()
    about: str = ""
    example: str = ""

    @property
    def key(self) -> str:
        """The field's name in the form."""
        return PREFIX + self.name


def fields_of(schema: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> list[Field]:
    """The fields for a job's parameters, filled with `given` or empty."""
    required, found = set(schema.get("required", ())), []
    for name, own in schema.get("properties", {}).items():
        shape, nullable = _shape(own, schema)
        value = (given or {}).get(name, own.get("default"))
        default = own.get("default")
        found.append(
            Field(
                name=name,
                kind=_kind(shape),
                value=_written(value, _kind(shape)),
                optional=name not in required or nullable,
                default=_written(default, _kind(shape)) if default is not None else "",
                choices=tuple(map(str, shape.get("enum", ()))),
                example=_example(own, shape),
                about=str(own.get("description") or shape.get("description") or ""),
            )
        )
    return found


def _shape(own: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The schema of a parameter without its null alternative and references; whether it may be null."""
    options = [o for o in own.get("anyOf", ()) if o.get("type") != "null"]
    nullable = any(o.get("type") == "null" for o in own.get("anyOf", ()))
    shape = options[0] if len(options) == 1 else own
    if "$ref" in shape:
        shape = schema.get("$defs", {}).get(str(shape["$ref"]).rpartition("/")[2], {})
    if "const" in shape:
        shape = {**shape, "enum": [shape["const"]]}
    return shape, nullable


def _example(own: Mapping[str, Any], shape: Mapping[str, Any]) -> str:
    """What a value looks like, by the parameter's own examples or those of its items."""
    items = _shape(shape.get("items", {}), {})[0]
    named = own.get("examples") or shape.get("examples") or items.get("examples") or ()
    if not named:
        return ""
    return ", ".join(map(str, named[0])) if isinstance(named[0], list) else ", ".join(map(str, named[:3]))


def _kind(shape: Mapping[str, Any]) -> Kind:  # noqa: PLR0911 - a table of types
    if shape.get("enum"):
        return "choice"
    match shape.get("type"):
        case "string":
            return "text"
        case "integer":
            return "integer"
        case "number":
            return "number"
        case "boolean":
            return "boolean"
        case "array" if _shape(shape.get("items", {}), {})[0].get("type", "string") == "string":
            return "list"
    return "json"


def _written(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind == "list" and isinstance(value, list):
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def arguments_of(schema: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """The arguments that a form says. Raises 422 naming the field that cannot be read."""
    given, found = form.given(PREFIX), {}
    for field in fields_of(schema):
        text = given.get(field.name, "").strip()
        if not text and (field.optional or field.kind == "boolean"):
            continue
        found[field.name] = _read(field, text)
    return found


def _read(field: Field, text: str) -> Any:
    try:
        match field.kind:
            case "integer":
                return int(text)
            case "number":
                return float(text.replace(",", "."))
            case "boolean":
                return text == "true"
            case "list":
                return [part for line in text.splitlines() for part in line.replace(",", " ").split()]
            case "json":
                return orjson.loads(text)
    except ValueError:
        wanted = {"integer": "a whole number", "number": "a number", "json": "JSON"}[field.kind]
        raise invalid(field.name, f"{text[:40]!r} is not {wanted}") from None
    return text
