"""What an AI must answer: one strict structure, its reasons before its probabilities, ranges checked afterwards."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from invest.ai.errors import AnswerAbstained, AnswerInvalid, CallFailed
from invest.domain.frozen import Frozen
from invest.domain.market import InvalidTicker, parse_ticker
from invest.domain.opinions import Argument, ChangeOfMind, KeyFact, OpinionStatus, Risk, Snapshot, language_of

MAX_SUMMARY, MAX_TEXT, MAX_ITEMS = 1500, 600, 20
PRICE_REACH = 5.0  # a price estimate beyond five times (or under a fifth of) the close is no estimate
_FENCE = re.compile(r"^\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
# A refusal in words, where the vendor's format has no place for one.
_REFUSAL = re.compile(
    r"(?i)\b(?:(?:can['’]?t|cannot|unable\s+to|won['’]t|not\s+able\s+to)\s+(?:\w+\s+)?"
    r"(?:help|assist|comply|provide|fulfil)"
    r"|não\s+(?:posso|consigo)\s+(?:\w+\s+)?(?:ajud|atend|fornec|respond|cumpr))"
)
_NOISE = frozenset({"title", "default", "description"})


class Answer(Frozen):
    """The structure every AI fills in: every field required, nullable rather than optional, nothing besides."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    ticker: str
    language: Literal["pt-BR", "en"]
    key_facts: tuple[KeyFact, ...]
    arguments_for: tuple[Argument, ...]
    arguments_against: tuple[Argument, ...]
    risks: tuple[Risk, ...]
    would_change: tuple[ChangeOfMind, ...]
    summary: str
    insufficient_data: bool
    p_beat_30d: float | None
    p_beat_90d: float | None
    p_beat_180d: float | None
    price_p10: float | None
    price_p50: float | None
    price_p90: float | None

    def texts(self) -> Iterator[str]:
        """Every free text of the answer."""
        yield self.summary
        for argument in (*self.arguments_for, *self.arguments_against):
            yield argument.text
        for risk in self.risks:
            yield risk.text


@cache
def plain_schema(model: type[BaseModel]) -> dict[str, Any]:
    """`model` as the subset of JSON Schema that every vendor's strict mode takes: inlined, no constraints."""
    schema = model.model_json_schema()
    plain: dict[str, Any] = _plain(schema, schema.get("$defs", {}))
    return plain


def answer_schema() -> dict[str, Any]:
    """The structure of an answer."""
    return plain_schema(Answer)


def _plain(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_plain(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    plain = {
        key: {name: _plain(sub, definitions) for name, sub in value.items()}
        if key == "properties"
        else _plain(value, definitions)
        for key, value in node.items()
        if key == "properties" or (key not in _NOISE and key != "$defs")
    }
    if plain.get("type") == "object":
        plain["required"] = list(plain["properties"])
        plain["additionalProperties"] = False
    return plain


def parse_answer(text: str, snapshot: Snapshot, language: str) -> Answer:
    """The answer in `text`, checked against `snapshot`; citations of facts that do not exist are dropped.

    Raises `AnswerInvalid` (not the structure, another asset or language, out of range, endless, empty),
    `AnswerAbstained` (insufficient data, no probability) or `CallFailed` for a refusal in plain words.
    """
    answer = _read(text)
    _check_ticker(answer, snapshot.ticker)
    if answer.insufficient_data:
        raise AnswerAbstained(f"insufficient data, says the analyst: {one_line(answer.summary, 160)}".rstrip(": "))
    _check_length(answer)
    _check_probabilities(answer)
    _check_prices(answer, snapshot)
    _check_language(answer, language)
    if answer.p_beat_180d is None:
        raise AnswerAbstained("gave no probability for 180 days")
    return _known_facts_only(answer, frozenset(fact.id for fact in snapshot.facts))


def one_line(text: str, limit: int = 200) -> str:
    """`text` on one line, at most `limit` characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _read(text: str) -> Answer:
    body = text.strip()
    if not body:
        raise AnswerInvalid("empty answer")
    if match := _FENCE.match(body):
        body = match[1].strip()
    if not body.startswith("{") and _REFUSAL.search(body[:200]):
        raise CallFailed(OpinionStatus.REFUSED, f"refused to answer: {one_line(body, 160)}")
    try:
        return Answer.model_validate_json(body)
    except ValidationError as error:
        raise AnswerInvalid(_describe(error)) from None


def _describe(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(str(part) for part in e['loc']) or 'answer'}: {one_line(e['msg'], 90)}" for e in found[:3]]
    more = f" (+{len(found) - 3} more)" if len(found) > 3 else ""
    return "not the structure asked for: " + "; ".join(lines) + more


def _check_ticker(answer: Answer, ticker: str) -> None:
    code = answer.ticker.strip().upper().removesuffix(".SA")
    try:
        code = parse_ticker(code)
    except InvalidTicker:
        code = one_line(answer.ticker, 20)
    if code != ticker:
        raise AnswerInvalid(f"answered about {code or 'nothing'} instead of {ticker}")


def _check_length(answer: Answer) -> None:
    if len(answer.summary) > MAX_SUMMARY:
        raise AnswerInvalid(f"summary of {len(answer.summary)} characters; {MAX_SUMMARY} are allowed")
    longest = max((len(text) for text in list(answer.texts())[1:]), default=0)
    if longest > MAX_TEXT:
        raise AnswerInvalid(f"a text of {longest} characters; {MAX_TEXT} are allowed")
    lists = (answer.key_facts, answer.arguments_for, answer.arguments_against, answer.risks, answer.would_change)
    if max(len(items) for items in lists) > MAX_ITEMS:
        raise AnswerInvalid(f"a list of more than {MAX_ITEMS} items")
    if not any(text.strip() for text in answer.texts()):
        raise AnswerInvalid("gave no reasons: every text is empty")


def _check_probabilities(answer: Answer) -> None:
    for name in ("p_beat_30d", "p_beat_90d", "p_beat_180d"):
        p = getattr(answer, name)
        if p is not None and not 0 <= p <= 1:
            raise AnswerInvalid(f"{name} = {p:g} is outside 0..1")


def _check_prices(answer: Answer, snapshot: Snapshot) -> None:
    prices = [p for p in (answer.price_p10, answer.price_p50, answer.price_p90) if p is not None]
    if prices != sorted(prices):
        raise AnswerInvalid("price_p10 <= price_p50 <= price_p90 does not hold")
    close = next((fact.value for fact in snapshot.facts if fact.key == "close"), None)
    for price in prices:
        if price <= 0 or (close and not close / PRICE_REACH <= price <= close * PRICE_REACH):
            raise AnswerInvalid(f"price estimate {price:g} is out of range for a close of {close or 'unknown'}")


def _check_language(answer: Answer, language: str) -> None:
    spoken = language_of(" ".join(answer.texts()))
    if spoken is not None and spoken != language[:2].lower():
        raise AnswerInvalid(f"wrote in {spoken} instead of {language}")


def plain_line(text: str) -> str:
    """`text` on one line without control, invisible and bidirectional characters; markup stays, to be escaped."""
    shown = (c if unicodedata.category(c) not in ("Cc", "Zl", "Zp") else " " for c in text)
    return " ".join("".join(c for c in shown if unicodedata.category(c) not in ("Cf", "Co", "Cs", "Cn")).split())


def _among(facts: tuple[str, ...], known: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fact for fact in facts if fact in known))


def _known_facts_only(answer: Answer, known: frozenset[str]) -> Answer:
    """Citations of unknown facts go, an argument that then rests on nothing with them; texts become plain lines."""

    def cited(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
        kept = (Argument(text=plain_line(a.text), fact_ids=_among(a.fact_ids, known)) for a in arguments)
        return tuple(a for a in kept if a.fact_ids and a.text)

    return answer.model_copy(
        update={
            "key_facts": tuple(fact for fact in answer.key_facts if fact.fact_id in known),
            "arguments_for": cited(answer.arguments_for),
            "arguments_against": cited(answer.arguments_against),
            "risks": tuple(r.model_copy(update={"text": plain_line(r.text)}) for r in answer.risks),
            "summary": plain_line(answer.summary),
            "would_change": tuple(change for change in answer.would_change if change.fact_id in known),
        }
    )


def dump_schema(schema: dict[str, Any] | None = None) -> str:
    """A schema (by default the answer's) as text, for servers that take none and must read it in the prompt."""
    return json.dumps(schema or answer_schema(), ensure_ascii=False)
