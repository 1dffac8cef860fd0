"""Makes any value fit any JSON Schema a client may send, keeping of the value what the schema allows."""

from __future__ import annotations

import math
import re
from typing import Any

from invest_sandbox.seeds import unit

Schema = dict[str, Any]
MISSING: Any = object()
# Words in a property's name, and where in an opinion its value is found.
SYNONYMS: tuple[tuple[str, str], ...] = (
    (r"insufficient", "insufficient_data"),
    (r"(prob|p_|beat).*180|six_month", "p_beat_180d"),
    (r"(prob|p_|beat).*90", "p_beat_90d"),
    (r"(prob|p_|beat).*30", "p_beat_30d"),
    (r"p10|low_price|price_low", "price_p10"),
    (r"p90|high_price|price_high", "price_p90"),
    (r"p50|target|price_median", "price_p50"),
    (r"prob", "p_beat_180d"),
    (r"ticker|symbol|asset|ativo", "ticker"),
    (r"lang|idioma", "language"),
    (r"rating|recommend|verdict|action|nota", "rating"),
    (r"confid", "confidence"),
    (r"against|cons$|bear|contra|objection", "arguments_against"),
    (r"arguments|pros$|bull|favor|strength", "arguments_for"),
    (r"risk", "risks"),
    (r"change", "would_change"),
    (r"fact", "key_facts"),
    (r"summary|resumo|text|content|reason|rationale|answer|response|analysis|comment|explanation", "summary"),
)


def fit(schema: Schema, value: Any, idea: dict[str, Any] | None = None) -> Any:
    """An instance of `schema` as close to `value` as it allows; `idea` is where named properties may come from."""
    return _Fitter(schema, idea or (value if isinstance(value, dict) else {})).any(schema, value, "", 0)


class _Fitter:
    """One walk through one schema. Depth is bounded: recursive schemas end with the least they allow."""

    def __init__(self, root: Schema, idea: dict[str, Any]) -> None:
        self.root = root
        self.idea = idea

    def any(self, schema: Schema, value: Any, name: str, depth: int) -> Any:
        """Dispatch by what the schema says."""
        schema = self.resolve(schema)
        if "const" in schema:
            return schema["const"]
        if options := schema.get("enum"):
            return value if value in options else _choice(options, value, name)
        for word in ("anyOf", "oneOf"):
            if branches := schema.get(word):
                return self.branch(branches, value, name, depth)
        kinds = self.kinds(schema)
        if value is None and "null" in kinds:
            return None
        if value is MISSING and "null" in kinds and depth > 6:
            return None
        return self.typed(next((k for k in kinds if k != "null"), "null"), schema, value, name, depth)

    def resolve(self, schema: Schema) -> Schema:
        """Follows ``$ref`` within the document and folds ``allOf`` in."""
        seen = 0
        while "$ref" in schema and seen < 20:
            node: Any = self.root
            for part in str(schema["$ref"]).lstrip("#/").split("/"):
                node = node.get(part, {}) if isinstance(node, dict) else {}
            schema = {**node, **{k: v for k, v in schema.items() if k != "$ref"}}
            seen += 1
        for part in schema.get("allOf", ()):
            merged = self.resolve(part)
            properties = {**schema.get("properties", {}), **merged.get("properties", {})}
            required = [*schema.get("required", ()), *merged.get("required", ())]
            schema = {**merged, **{k: v for k, v in schema.items() if k != "allOf"}}
            if properties:
                schema |= {"properties": properties, "required": required}
        return schema

    def kinds(self, schema: Schema) -> list[str]:
        """The types allowed, in lower case (Gemini writes STRING); ``nullable`` counts."""
        given = schema.get("type")
        names = [str(t).lower() for t in given] if isinstance(given, list) else [str(given).lower()] if given else []
        if not names:
            names = ["object"] if "properties" in schema else ["array"] if "items" in schema else ["string"]
        return [*names, "null"] if schema.get("nullable") else names

    def branch(self, branches: list[Schema], value: Any, name: str, depth: int) -> Any:
        """The first alternative whose type is the value's, else the first that is not null."""
        resolved = [self.resolve(b) for b in branches]
        nullable = any("null" in self.kinds(b) for b in resolved)
        if nullable and (value is None or (value is MISSING and depth > 6)):
            return None
        solid = [b for b in resolved if self.kinds(b) != ["null"]] or resolved
        fitting = [b for b in solid if _matches(self.kinds(b), value)]
        return self.any((fitting or solid)[0], value, name, depth)

    def typed(self, kind: str, schema: Schema, value: Any, name: str, depth: int) -> Any:
        """An instance of one type."""
        match kind:
            case "object":
                return self.object(schema, value, depth)
            case "array":
                return self.array(schema, value, name, depth)
            case "integer" | "number":
                return _number(schema, value, whole=kind == "integer")
            case "boolean":
                return value if isinstance(value, bool) else False
            case "null":
                return None
            case _:
                return _string(schema, value, name, self.idea)

    def object(self, schema: Schema, value: Any, depth: int) -> dict[str, Any]:
        """Every property named (strict modes require all), optional ones left out when nesting gets deep."""
        given = value if isinstance(value, dict) else {}
        properties: dict[str, Schema] = schema.get("properties", {})
        required = set(schema.get("required", properties))
        out = {}
        for name, sub in properties.items():
            if depth > 6 and name not in required:
                continue
            candidate = given.get(name, MISSING)
            if candidate is MISSING:
                candidate = self.meaning(name)
            out[name] = self.any(sub, candidate, name, depth + 1)
        return out

    def meaning(self, name: str) -> Any:
        """What the idea says about a property called `name`."""
        if name in self.idea:
            return self.idea[name]
        key = next((k for pattern, k in SYNONYMS if re.search(pattern, name.lower())), None)
        return self.idea.get(key, MISSING) if key else MISSING

    def array(self, schema: Schema, value: Any, name: str, depth: int) -> list[Any]:
        """As many items as there are and as the schema allows."""
        items = list(value) if isinstance(value, list | tuple) else [] if value in (None, MISSING) else [value]
        if prefix := schema.get("prefixItems"):
            items += [MISSING] * (len(prefix) - len(items))
            return [self.any(s, v, name, depth + 1) for s, v in zip(prefix, items, strict=False)]
        low = int(schema.get("minItems", 0))
        high = int(schema.get("maxItems", max(20, low)))
        items = items[:high] + [MISSING] * (low - len(items))
        sub = schema.get("items") or {"type": "string"}
        return [self.any(sub, v, name, depth + 1) for v in items]


def _matches(kinds: list[str], value: Any) -> bool:
    if isinstance(value, bool):
        return "boolean" in kinds
    pairs = ((str, ("string",)), (int, ("integer", "number")), (float, ("number",)), (dict, ("object",)))
    if any(isinstance(value, t) and set(names) & set(kinds) for t, names in pairs):
        return True
    return isinstance(value, list | tuple) and "array" in kinds


def _choice(options: list[Any], value: Any, name: str) -> Any:
    """The option that reads like `value`, else one decided by the property's name."""
    text = str(value).lower()
    for option in options:
        if isinstance(option, str) and value is not MISSING and (option.lower() in text or text in option.lower()):
            return option
    return options[int(unit("choice", name) * len(options))]


EDGE = 1e-6  # how far inside an exclusive bound a number is put


def _bounds(schema: Schema) -> tuple[float, float]:
    """The least and greatest number allowed; booleans of older drafts beside minimum and maximum count as well."""
    low, high = schema.get("minimum"), schema.get("maximum")
    under, over = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    lows = [float(low) + (EDGE if under is True else 0)] if low is not None else []
    highs = [float(high) - (EDGE if over is True else 0)] if high is not None else []
    lows += [under + EDGE] if isinstance(under, int | float) and not isinstance(under, bool) else []
    highs += [over - EDGE] if isinstance(over, int | float) and not isinstance(over, bool) else []
    return max(lows, default=-math.inf), min(highs, default=math.inf)


def _number(schema: Schema, value: Any, *, whole: bool) -> float | int:
    low, high = _bounds(schema)
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    elif math.isinf(low) and math.isinf(high):
        number = 0.5
    else:
        number = low + 1 if math.isinf(high) else high - 1 if math.isinf(low) else (low + high) / 2
    number = min(max(number, low), high)
    step = schema.get("multipleOf") or (1 if whole else None)
    if step:
        number = round(number / step) * step
        number += step if number < low else -step if number > high else 0
    return round(number) if whole else number


_FORMATS = {
    "date": "2026-01-30",
    "date-time": "2026-01-30T12:00:00Z",
    "uri": "https://sandbox.invalid/",
    "email": "a@sandbox.invalid",
}


def _string(schema: Schema, value: Any, name: str, idea: dict[str, Any]) -> str:
    if fixed := _FORMATS.get(str(schema.get("format"))):
        return fixed
    text = value if isinstance(value, str) else str(idea.get("summary") or name or "texto")
    if (pattern := schema.get("pattern")) and not re.search(str(pattern), text):
        text = next((s for s in (str(idea.get("ticker", "")), "f01", "0.5", "1", "A1") if re.search(pattern, s)), text)
    limit = int(schema.get("maxLength", len(text)))
    return text[:limit].ljust(int(schema.get("minLength", 0)), ".")
