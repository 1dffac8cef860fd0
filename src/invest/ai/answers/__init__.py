"""Questions put to an AI, and its answers: read, checked against the facts, repaired."""

from __future__ import annotations

from invest.ai.answers.answer import (
    MAX_SUMMARY,
    answer_schema,
    dump_schema,
    fact_reader,
    one_line,
    parse_answer,
    plain_schema,
)
from invest.ai.answers.checks import Checked, check_answer, held_facts
from invest.ai.answers.figures import label, show
from invest.ai.answers.questions import (
    Prompt,
    data_hash,
    digest,
    facts_block,
    judged_facts,
    opinion_prompt,
    prompt_language,
    render,
    schema_appendix,
)
from invest.ai.answers.reading import final_text, objects_in

__all__ = [
    "MAX_SUMMARY",
    "Checked",
    "Prompt",
    "answer_schema",
    "check_answer",
    "data_hash",
    "digest",
    "dump_schema",
    "fact_reader",
    "facts_block",
    "final_text",
    "held_facts",
    "judged_facts",
    "label",
    "objects_in",
    "one_line",
    "opinion_prompt",
    "parse_answer",
    "plain_schema",
    "prompt_language",
    "render",
    "schema_appendix",
    "show",
]
