"""What an AI must answer: one strict structure, its reasons before its probabilities, ranges checked afterwards."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from invest.ai.answers.easing import eased, says_nothing
from invest.ai.answers.figures import label
from invest.ai.answers.reading import final_text, objects_in, refuses
from invest.ai.errors import AnswerAbstained, AnswerInvalid, AnswerNotJson, CallFailed
from invest.domain.frozen import Frozen
from invest.domain.market import InvalidTicker, parse_ticker
from invest.domain.opinions import (
    Argument,
    ChangeOfMind,
    KeyFact,
    OpinionStatus,
    Risk,
    Snapshot,
    SnapshotFact,
    language_of,
)

MAX_SUMMARY, MAX_TEXT, MAX_ITEMS = 1500, 600, 20
PRICE_REACH = 5.0  # a price estimate beyond five times (or under a fifth of) the close is no estimate
_REFERENCE = re.compile(
    r"(?i)(?<![a-z0-9_])(?:f|fact|fato)[ _.:#-]*0*(\d{1,4})\b|^[\W_]*0*(\d{1,4})[\W_]*$|\b([a-z][a-z0-9_]{1,40})\b"
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

    Raises `AnswerInvalid` (not the structure, another asset or language, out of range, endless, empty, without one
    argument), `AnswerAbstained` (insufficient data, no probability) or `CallFailed` for a refusal in plain words.
    """
    answer = _read(text)
    if (answer.insufficient_data or answer.p_beat_180d is None) and refuses(answer.summary):
        raise _refusal(answer.summary)
    _check_ticker(answer, snapshot.ticker)
    if answer.insufficient_data:
        raise AnswerAbstained(f"insufficient data, says the analyst: {one_line(answer.summary, 160)}".rstrip(": "))
    _check_length(answer)
    _check_probabilities(answer)
    _check_prices(answer, snapshot)
    _check_language(answer, language)
    if answer.p_beat_180d is None:
        raise AnswerAbstained("gave no probability for 180 days")
    known = _known_facts_only(answer, snapshot)
    if not (known.arguments_for or known.arguments_against):
        raise AnswerInvalid("gave no reasons: no argument that cites a fact", "no_reasons")
    return known


def one_line(text: str, limit: int = 200) -> str:
    """`text` on one line, at most `limit` characters."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _read(text: str) -> Answer:
    """The last object of `text` that is the structure asked for: what stands before it are thoughts and drafts."""
    body = final_text(text)
    if not body:
        raise AnswerInvalid("empty answer", "empty")
    wrong: ValidationError | None = None
    for written in reversed(list(objects_in(body))):
        try:
            return Answer.model_validate_json(written)
        except ValidationError as error:
            wrong = wrong or error
        with suppress(ValidationError):
            return Answer.model_validate_json(eased(written))
    if refuses(body):
        raise _refusal(body)
    if wrong is None:
        raise AnswerNotJson("not the structure asked for: no JSON object in the answer")
    raise AnswerInvalid(_describe(wrong)) from None


def _refusal(text: str) -> CallFailed:
    message = one_line(text, 160)
    return CallFailed(
        OpinionStatus.REFUSED, f"refused to answer: {message}", code="refused", values={"detail": message}
    )


def _too_long(message: str, most: int) -> AnswerInvalid:
    return AnswerInvalid(message, "too_long", n=str(most))


def _out_of_range(message: str, figure: str) -> AnswerInvalid:
    return AnswerInvalid(message, "out_of_range", figure=figure)


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
        raise AnswerInvalid(
            f"answered about {code or 'nothing'} instead of {ticker}",
            "another_asset",
            answered=code or "-",
            wanted=ticker,
        )


def _check_length(answer: Answer) -> None:
    if len(answer.summary) > MAX_SUMMARY:
        raise _too_long(f"summary of {len(answer.summary)} characters; {MAX_SUMMARY} are allowed", MAX_SUMMARY)
    longest = max((len(text) for text in list(answer.texts())[1:]), default=0)
    if longest > MAX_TEXT:
        raise _too_long(f"a text of {longest} characters; {MAX_TEXT} are allowed", MAX_TEXT)
    lists = (answer.key_facts, answer.arguments_for, answer.arguments_against, answer.risks, answer.would_change)
    if max(len(items) for items in lists) > MAX_ITEMS:
        raise _too_long(f"a list of more than {MAX_ITEMS} items", MAX_ITEMS)
    if not any(text.strip() for text in answer.texts()):
        raise AnswerInvalid("gave no reasons: every text is empty", "no_reasons")


def _check_probabilities(answer: Answer) -> None:
    for name in ("p_beat_30d", "p_beat_90d", "p_beat_180d"):
        p = getattr(answer, name)
        if p is not None and not 0 <= p <= 1:
            raise _out_of_range(f"{name} = {p:g} is outside 0..1", f"{name} = {p:g}")


def _check_prices(answer: Answer, snapshot: Snapshot) -> None:
    prices = [p for p in (answer.price_p10, answer.price_p50, answer.price_p90) if p is not None]
    if prices != sorted(prices):
        raise _out_of_range("price_p10 <= price_p50 <= price_p90 does not hold", "price_p10 > price_p50 > price_p90")
    close = next((fact.value for fact in snapshot.facts if fact.key == "close"), None)
    for price in prices:
        if price <= 0 or (close and not close / PRICE_REACH <= price <= close * PRICE_REACH):
            message = f"price estimate {price:g} is out of range for a close of {close or 'unknown'}"
            raise _out_of_range(message, f"{price:g}")


def _check_language(answer: Answer, language: str) -> None:
    spoken = language_of(" ".join(answer.texts()))
    if spoken is not None and spoken != language[:2].lower():
        raise AnswerInvalid(
            f"wrote in {spoken} instead of {language}", "another_language", answered=spoken, wanted=language
        )


def plain_line(text: str) -> str:
    """`text` on one line without control, invisible and bidirectional characters; markup stays, to be escaped."""
    shown = (c if unicodedata.category(c) not in ("Cc", "Zl", "Zp") else " " for c in text)
    return " ".join("".join(c for c in shown if unicodedata.category(c) not in ("Cf", "Co", "Cs", "Cn")).split())


def fact_reader(facts: Sequence[SnapshotFact]) -> Callable[[Iterable[str]], tuple[str, ...]]:
    """Reads references as models write them ("f2", "F02", "[f2]", "f2, f3", "p_l", "P/L") as ids; others go."""
    by_number = {int(digits[-1]): fact.id for fact in facts if (digits := re.findall(r"\d+", fact.id))}
    by_name = {fact.key.lower(): fact.id for fact in facts} | {fact.id.lower(): fact.id for fact in facts}
    by_label = {_bare(label(fact, language)): fact.id for fact in facts for language in ("pt-BR", "en")}

    def read(references: Iterable[str]) -> tuple[str, ...]:
        ids: dict[str, None] = {}
        for reference in references:
            if named := by_label.get(_bare(reference)):
                ids[named] = None
                continue
            for match in _REFERENCE.finditer(reference):
                number = match[1] or match[2]
                known = by_number.get(int(number)) if number else by_name.get(match[3].lower())
                if known:
                    ids[known] = None
        return tuple(ids)

    return read


def _bare(name: str) -> str:
    """A label as it may be cited: "[P/L]", "Dividend Yield (12 meses)", "Dívida líquida" without marks or brackets."""
    plain = unicodedata.normalize("NFD", re.sub(r"\s*\([^)]*\)", "", name).casefold())
    return " ".join("".join(c for c in plain if c.isalnum() or c in "/ ").split())


def _known_facts_only(answer: Answer, snapshot: Snapshot) -> Answer:
    """Citations of unknown facts go, an argument that then rests on nothing with them; texts become plain lines."""
    read = fact_reader(snapshot.facts)

    def cited(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
        kept = (Argument(text=plain_line(a.text), fact_ids=read(a.fact_ids)) for a in arguments)
        return tuple(a for a in kept if a.fact_ids and not says_nothing(a.text))

    return answer.model_copy(
        update={
            "key_facts": tuple(
                KeyFact(fact_id=ids[0], reading=fact.reading)
                for fact in answer.key_facts
                if (ids := read([fact.fact_id]))
            ),
            "arguments_for": cited(answer.arguments_for),
            "arguments_against": cited(answer.arguments_against),
            "risks": tuple(r.model_copy(update={"text": plain_line(r.text)}) for r in answer.risks),
            "summary": plain_line(answer.summary),
            "would_change": tuple(
                change.model_copy(update={"fact_id": ids[0]})
                for change in answer.would_change
                if (ids := read([change.fact_id]))
            ),
        }
    )


def dump_schema(schema: dict[str, Any] | None = None) -> str:
    """A schema (by default the answer's) as text, for servers that take none and must read it in the prompt."""
    return json.dumps(schema or answer_schema(), ensure_ascii=False)
