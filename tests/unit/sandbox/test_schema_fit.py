"""Whatever JSON Schema a client sends, the answer satisfies it."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.ai.answers.answer import answer_schema
from invest_sandbox.ai.opinion import judge
from invest_sandbox.ai.question import understand
from invest_sandbox.ai.schema import fit

PROMPT = (
    'Ativo: PETR4.\n{"id":"f01","key":"p_l","value":5.1}\n{"id":"f02","key":"roe","value":0.21}\n'
    '{"id":"f03","key":"volatility_1y","value":0.4}\n{"id":"f04","key":"close","value":31.0}'
)
IDEA = judge(understand("Você avalia.", PROMPT), "openai", "gpt")

leaf = st.one_of(
    st.just({"type": "string"}),
    st.just({"type": "boolean"}),
    st.just({"type": ["number", "null"]}),
    st.integers(0, 5).map(lambda n: {"type": "string", "minLength": n, "maxLength": n + 3}),
    st.integers(-5, 5).map(lambda n: {"type": "integer", "minimum": n, "maximum": n + 2}),
    st.integers(1, 5).map(lambda n: {"type": "number", "exclusiveMinimum": 0, "maximum": n}),
    st.integers(2, 9).map(lambda n: {"type": "integer", "multipleOf": n, "minimum": 1, "maximum": 40}),
    st.lists(st.sampled_from(["buy", "hold", "sell", "a", "b"]), min_size=1, unique=True).map(
        lambda v: {"type": "string", "enum": v}
    ),
    st.just({"const": "fixed"}),
    st.just({"type": "string", "format": "date"}),
)
names = st.sampled_from(["p_beat_180d", "ticker", "risks", "summary", "rating", "x", "key_facts", "confidence"])


def extend(children: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    made = st.dictionaries(names, children, max_size=4).map(
        lambda p: {"type": "object", "properties": p, "required": list(p), "additionalProperties": False}
    )
    lists = st.tuples(children, st.integers(0, 3)).map(
        lambda c: {"type": "array", "items": c[0], "minItems": c[1], "maxItems": c[1] + 2}
    )
    return st.one_of(made, lists, st.tuples(children).map(lambda c: {"anyOf": [c[0], {"type": "null"}]}))


@given(st.recursive(leaf, extend, max_leaves=12))
def test_the_answer_satisfies_any_schema(schema: dict[str, Any]) -> None:
    jsonschema_rs.validate(schema, fit(schema, IDEA, IDEA))


def test_references_and_recursion_end() -> None:
    schema = {
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                    "all": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                },
                "required": ["text", "next", "all"],
            }
        },
        "$ref": "#/$defs/Node",
    }
    jsonschema_rs.validate(schema, fit(schema, IDEA))


def test_geminis_own_dialect_is_understood() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {"p_beat_180d": {"type": "NUMBER"}, "target": {"type": "NUMBER", "nullable": True}},
        "required": ["p_beat_180d"],
    }
    assert fit(schema, IDEA) == {"p_beat_180d": IDEA["p_beat_180d"], "target": IDEA["price_p50"]}


def test_the_products_own_schema_is_filled_with_the_opinion() -> None:
    answer = fit(answer_schema(), IDEA)
    jsonschema_rs.validate(answer_schema(), answer)
    assert answer["p_beat_180d"] == IDEA["p_beat_180d"]
    assert answer["arguments_for"] == IDEA["arguments_for"]


@pytest.mark.parametrize("name", ["verdict", "recommendation", "rating"])
def test_a_verdict_under_another_name_is_found(name: str) -> None:
    schema = {"type": "object", "properties": {name: {"type": "string", "enum": ["SELL", "HOLD", "BUY"]}}}
    assert fit(schema, IDEA)[name].lower() == IDEA["rating"]
