"""An example of each value of the API, made from its JSON schema: always one that the schema accepts."""

from __future__ import annotations

from typing import Any

NAMES: dict[str, Any] = {  # what a reader recognises, by the name of the field
    "ticker": "PETR4",
    "tickers": ["PETR4", "VALE3"],
    "market": "stocks",
    "portfolio_id": "9a52c82d5d52bc6a",
    "report_id": "01930f3a4c5e8d7b6a91",
    "report_ids": ["01930f3a4c5e8d7b6a91"],
    "task_id": "01930f3a4c5e8d7b6a90",
    "workflow_id": "01930f3a4c5e8d7b6a92",
    "ai_provider": "openai",
    "providers": ["openai", "rules"],
    "job": "collect_asset_data_async",
    "arguments": {"ticker": "PETR4"},
    "message": "queued: Analyse one asset",
    "total_assets": 2,
    "queue": "analysis",
    "event_id": "1774980000000-0",
    "cursor": None,
    "callback": "https://example.com/hooks/invest",
    "Idempotency-Key": "3f6c1e9a-collect-petr4",
}
FORMATS = {
    "date-time": "2026-03-31T18:00:00Z",
    "date": "2026-03-31",
    "uri": "https://example.com",
    "duration": "PT1S",
}
TELLING = frozenset({"ticker", "portfolio_id", "arguments", "transactions"})  # shown also where they may be left out
DEEPEST = 8  # levels; beyond them only what a schema demands


def example_of(schema: dict[str, Any], definitions: dict[str, Any], name: str = "", depth: int = 0) -> Any:  # noqa: PLR0911
    """A value of `schema`; `name` is the field it stands in."""
    if "$ref" in schema:
        return example_of(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions, name, depth)
    if "allOf" in schema:
        parts = [example_of(part, definitions, name, depth) for part in schema["allOf"]]
        return {k: v for part in parts for k, v in part.items()}
    if schema.get("examples"):
        return schema["examples"][0]
    if name in NAMES and not _is_null(schema):
        return NAMES[name]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        wanted = [o for o in options if not _is_null(o)] if depth < DEEPEST else options[::-1]
        return example_of((wanted or options)[0], definitions, name, depth)
    return _plain(schema, definitions, name, depth)


def _plain(schema: dict[str, Any], definitions: dict[str, Any], name: str, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        required, fields = schema.get("required", ()), schema.get("properties", {}).items()
        shown = {k: v for k, v in fields if k in required or k in TELLING or v.get("default") is not None}
        return {k: example_of(v, definitions, k, depth + 1) for k, v in shown.items()}
    if kind == "array":
        items = schema.get("prefixItems")
        if items is None:
            items = [schema.get("items", {})] * max(schema.get("minItems", 0), 1 if depth < DEEPEST else 0)
        return [example_of(item, definitions, "", depth + 1) for item in items]
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), min(schema.get("maximum", 1), 1))
    if kind == "string":
        written = "31.42" if "\\d" in schema.get("pattern", "") else name or "text"
        return FORMATS.get(schema.get("format", ""), written)
    return False if kind == "boolean" else None


def _is_null(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "null"
