"""Questions put together from the prompt files and a snapshot. No date goes in: same facts, same question."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from invest.ai.answers.answer import dump_schema
from invest.ai.answers.figures import label, show
from invest.domain.analysis import FACT_KEYS
from invest.domain.opinions import Snapshot, SnapshotFact, SnapshotNews, age_of, clean_excerpt, plain_name

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_NEWS = 8


@dataclass(frozen=True, slots=True)
class Prompt:
    """System and user text, and the hash of both without the boundary's random part."""

    system: str
    user: str
    hash: str


def prompt_language(language: str) -> str:
    """The language of the prompt files for `language`: "pt-BR" for any Portuguese, else "en"."""
    return "pt-BR" if language.lower().startswith("pt") else "en"


def opinion_prompt(snapshot: Snapshot, language: str, *, with_news: bool) -> Prompt:
    """The question about `snapshot`. Blind (`with_news` false) it holds neither news nor figures made of news."""
    nonce = f"=== {secrets.token_hex(12)} ==="
    news = news_lines(snapshot.news) if with_news else ""
    values = {
        "ticker": snapshot.ticker,
        "name": plain_name(snapshot.name),
        "kind": snapshot.kind,
        "sector": plain_name(snapshot.sector),
        "base_rate": None if snapshot.base_rate_180d is None else _percent(snapshot.base_rate_180d, language),
        "index": snapshot.index_label,
        "facts": facts_block(snapshot.facts, language),
        "news": news,
        "boundary": nonce,
    }
    system = render("system", language, index=snapshot.index_label)
    user = render("question", language, **values)
    return Prompt(system, user, digest(system, user.replace(nonce, ""), dump_schema()))


def schema_appendix(schema: dict[str, Any]) -> str:
    """What is added to the system text for a server that takes no schema."""
    return "\n\nJSON Schema:\n" + dump_schema(schema)


def facts_block(facts: Sequence[SnapshotFact], language: str) -> str:
    """One JSON object per line and fact; figures made of news are left out, they are the attacker's to choose."""
    lines = []
    for fact in judged_facts(facts):
        row: dict[str, Any] = {"id": fact.id, "key": fact.key, "name": label(fact, language)}
        row |= {"value": _short(fact.value), "unit": fact.unit, "text": show(fact.value, fact, language)}
        for name, value in (("own_median", fact.own_median), ("sector_median", fact.sector_median)):
            if value is not None:
                row |= {name: _short(value), f"{name}_text": show(value, fact, language)}
        lines.append(json.dumps(row, ensure_ascii=False))
    return "\n".join(lines)


def judged_facts(facts: Sequence[SnapshotFact]) -> list[SnapshotFact]:
    """The facts a judgement may rest on: all but those counted from news."""
    return [fact for fact in facts if (known := FACT_KEYS.get(fact.key)) is None or known.group != "news"]


def news_lines(news: Sequence[SnapshotNews]) -> str:
    """One line per item: tone, topic, age and the excerpt, which is cleaned once more here."""
    rows = (
        {"tone": item.tone, "topic": item.topic, "age": age_of(item.age_days), "excerpt": clean_excerpt(item.excerpt)}
        for item in news[:MAX_NEWS]
    )
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def data_hash(snapshot: Snapshot, language: str) -> str:
    """SHA-256 of what the analysts read, without the day it was put together."""
    shown = snapshot.model_dump(mode="json", exclude={"as_of", "news", "language"})
    return digest(json.dumps(shown, sort_keys=True), news_lines(snapshot.news), prompt_language(language))


def digest(*parts: str) -> str:
    """SHA-256 of `parts`, kept apart."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def render(file: str, language: str, /, **values: Any) -> str:
    """The prompt file `file` in `language`, filled in. An unknown placeholder raises."""
    template = _environment().get_template(f"{file}.{prompt_language(language)}.md")
    return template.render(**values).strip()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("invest.ai", "prompts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 - plain text for a model, never markup for a browser
    )


def _short(value: float) -> float:
    """`value` to six digits: further digits would only change the hash."""
    return float(f"{value:.6g}")


def _percent(fraction: float, language: str) -> str:
    text = f"{fraction * 100:.0f}%"
    return text.replace(".", ",") if language.startswith("pt") else text
