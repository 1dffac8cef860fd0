"""The answer of a stand-in AI: the opinion in the requested shape, or one of the ways in which AIs fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from invest_sandbox.ai.opinion import judge
from invest_sandbox.ai.question import Question, objects, understand
from invest_sandbox.ai.schema import fit
from invest_sandbox.ai.words import INVENTED, REFUSAL

Finish = Literal["stop", "length", "refusal", "safety", "blocked", "empty"]
THINKING = 180  # tokens that a thinking model spends before it writes


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, freed of its vendor's wire: texts, the schema wanted (if any), the name of a forced tool."""

    vendor: str
    model: str
    system: str
    user: str
    schema: dict[str, Any] | None = None
    tool: str | None = None
    max_tokens: int | None = None
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """What comes back, free of any wire. `text` is JSON where a schema was given."""

    text: str
    finish: Finish
    tokens_in: int
    tokens_out: int
    thinking: int = 0


def tokens(text: str) -> int:
    """About how many tokens `text` is."""
    return len(text) // 4 + 1


def complete(asked: Asked, faults: Sequence[str] = ()) -> Completion:
    """The completion of `asked`, spoilt by `faults`, cut where `max_tokens` ends."""
    question = understand(asked.system, asked.user)
    spent = tokens(asked.system) + tokens(asked.user)
    if "refusal" in faults:
        text = REFUSAL[question.language]
        return Completion(text, "refusal", spent, tokens(text))
    for kind in ("safety", "blocked"):
        if kind in faults:
            return Completion("", "safety" if kind == "safety" else "blocked", spent, 0)
    if "empty_answer" in faults:
        return Completion("", "empty", spent, 0, THINKING)
    text = _text(asked, question, faults)
    whole = Completion(text, "stop", spent, tokens(text), THINKING if asked.vendor == "gemini" else 0)
    if "truncation" in faults:
        return replace(whole, text=text[: len(text) // 2], finish="length", tokens_out=tokens(text) // 2)
    return _limited(whole, asked.max_tokens)


def _limited(whole: Completion, limit: int | None) -> Completion:
    """Thinking counts against the limit; what is left decides how much is written."""
    if limit is None or whole.tokens_out + whole.thinking <= limit:
        return whole
    left = max(0, limit - whole.thinking)
    return replace(
        whole,
        text=whole.text[: left * 4],
        finish="length",
        tokens_out=min(left, whole.tokens_out),
        thinking=min(whole.thinking, limit),
    )


def _text(asked: Asked, question: Question, faults: Sequence[str]) -> str:
    if "invalid_structure" in faults:
        return '{"ticker": 7, "verdict": "BUY BUY BUY", "arguments_for": "see above"}'
    if "other_language" in faults:
        question = replace(question, language="en" if question.language == "pt-BR" else "pt-BR")
    if "wrong_ticker" in faults:
        question = replace(question, ticker="VALE3" if question.ticker != "VALE3" else "PETR4")
    idea = judge(question, asked.vendor, asked.model)
    if "out_of_range" in faults:
        idea |= {"p_beat_30d": 55.0, "p_beat_90d": -0.2, "p_beat_180d": 1.7}
    if "endless" in faults:
        idea["summary"] = " ".join([idea["summary"]] * 400)
    if "invented_figures" in faults:
        idea["summary"] = f"{INVENTED[question.language]} {idea['summary']}"
        for argument in idea["arguments_for"]:
            argument["text"] = INVENTED[question.language]
    schema = asked.schema or _schema_in(asked.system) or _schema_in(asked.user)
    if schema is None:
        return str(idea["summary"])
    return orjson.dumps(fit(schema, idea)).decode()


def _schema_in(text: str) -> dict[str, Any] | None:
    """A JSON Schema written out in the prompt, for servers that take none."""
    for node in objects(text) if '"properties"' in text else ():
        if isinstance(node, dict) and isinstance(node.get("properties"), dict):
            return node
    return None


def pieces(text: str, size: int = 24) -> list[str]:
    """`text` in the pieces a stream delivers it in."""
    return [text[i : i + size] for i in range(0, len(text), size)] or [""]


def breaking_point(text: str) -> int:
    """At which piece a stream of `text` breaks off under an overload."""
    return min(3, len(pieces(text)) - 1)
