"""Crontab lines in words, forms from signatures, groups of failures, graphs folded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from invest.api.http.problems import Problem
from invest.api.pages.console.graph import Box, draw_graph
from invest.api.pages.console.job_filter import JobFilter, group_failures
from invest.api.pages.console.rows import arguments_text
from invest.api.pages.console.schedules import cron_words
from invest.api.pages.console.schema_forms import arguments_of, fields_of
from invest.api.pages.entrance import local_path
from invest.api.pages.forms import Form
from invest.api.pages.wording import Wording
from invest.engine import ErrorInfo, JobState, JobStatus

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("*/5 10-17 * * mon-fri", "every 5 min, 10h to 17h, Monday to Friday"),
        ("0 19 * * *", "at 19:00"),
        ("0 * * * *", "every hour, at minute 0"),
        ("0 2 * * sun", "at 02:00, Sunday"),
        ("30 6,18 * * 1,3", "at 06:30, 18:30, Monday, Wednesday"),
        ("15 4 1 * *", "at 04:15, on day 1 of the month"),
        ("*/10 * * * *", "every 10 min"),
        ("0 */6 * * *", "every 6 hours"),
        ("1-5 0 * * *", "1-5 0 * * *"),
        ("0 0 * 1 *", "0 0 * 1 *"),
        ("nonsense", "nonsense"),
    ],
)
def test_crontab_lines_in_words(line: str, said: str) -> None:
    assert cron_words(line, Wording("en")) == said


SCHEMA: dict[str, Any] = {
    "properties": {
        "ticker": {"type": "string"},
        "limit": {"type": "integer", "default": 100},
        "score": {"type": "number", "default": 7.0},
        "force": {"type": "boolean", "default": False},
        "tickers": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}], "default": None},
        "market": {"$ref": "#/$defs/Market", "default": "stocks"},
        "extra": {"type": "object", "default": {}},
    },
    "required": ["ticker"],
    "$defs": {"Market": {"enum": ["stocks", "fiis"], "type": "string"}},
}


def test_a_form_has_a_field_for_each_parameter() -> None:
    fields = {f.name: f for f in fields_of(SCHEMA, {"ticker": "PETR4", "tickers": ["A", "B"]})}
    kinds = {name: f.kind for name, f in fields.items()}
    assert kinds == {
        "ticker": "text", "limit": "integer", "score": "number", "force": "boolean", "tickers": "list",
        "market": "choice", "extra": "json",
    }  # fmt: skip
    assert fields["ticker"].value == "PETR4" and not fields["ticker"].optional
    assert fields["tickers"].value == "A\nB" and fields["market"].choices == ("stocks", "fiis")


def test_what_was_typed_becomes_arguments_and_what_was_left_out_stays_out() -> None:
    typed = {"ticker": "PETR4", "limit": "5", "score": "6,5", "force": "true", "tickers": "VALE3, ITUB4\nWEGE3",
             "market": "", "extra": '{"a": 1}'}  # fmt: skip
    form = Form({f"arg.{name}": [text] for name, text in typed.items()})
    assert arguments_of(SCHEMA, form) == {
        "ticker": "PETR4", "limit": 5, "score": 6.5, "force": True, "tickers": ["VALE3", "ITUB4", "WEGE3"],
        "extra": {"a": 1},
    }  # fmt: skip
    assert arguments_of(SCHEMA, Form({"arg.ticker": ["X"]})) == {"ticker": "X"}


@pytest.mark.parametrize(("name", "text"), [("limit", "many"), ("score", "x"), ("extra", "{")])
def test_what_cannot_be_read_names_its_field(name: str, text: str) -> None:
    with pytest.raises(Problem, match=name):
        arguments_of(SCHEMA, Form({"arg.ticker": ["X"], f"arg.{name}": [text]}))


def job(number: int, name: str = "collect", error: str = "NotFound", **changes: Any) -> JobStatus:
    """A dead letter."""
    fields: dict[str, Any] = {
        "id": f"j{number}", "name": name, "queue": "q", "state": JobState.FAILED, "attempt": 1, "delivery": 1,
        "finished_at": NOW + timedelta(minutes=number), "error": ErrorInfo(type=error, message=f"{error} {number}"),
    }  # fmt: skip
    return JobStatus(**fields | changes)


def test_failures_are_grouped_by_job_and_kind_the_largest_first() -> None:
    groups = group_failures([job(1), job(2), job(3, error="Timeout"), job(4, name="deliver", error="NotFound")])
    assert [(g.name, g.error, g.count) for g in groups] == [
        ("collect", "NotFound", 2), ("collect", "Timeout", 1), ("deliver", "NotFound", 1),
    ]  # fmt: skip
    assert (groups[0].first, groups[0].last) == (NOW + timedelta(minutes=1), NOW + timedelta(minutes=2))


def test_the_filter_lives_in_the_address() -> None:
    wanted = JobFilter.of({"state": "failed", "queue": "q", "text": "petr4 timeout", "cursor": "1:x", "other": "y"})
    assert JobFilter.of(wanted.query()) == JobFilter.of(wanted.query() | {"cursor": ""}) and wanted.cursor == "1:x"
    assert wanted.takes(job(1, error="Timeout", kwargs={"ticker": "PETR4"}), NOW.timestamp())
    assert not wanted.takes(job(1, kwargs={"ticker": "PETR4"}), NOW.timestamp())
    hour = JobFilter(span="hour")
    assert hour.takes(job(1), NOW.timestamp() + 60) and not hour.takes(job(1), NOW.timestamp() + 8000)
    with pytest.raises(Problem, match="state"):
        JobFilter.of({"state": "lost"})


def test_arguments_in_few_words() -> None:
    assert arguments_text([], {"ticker": "WEGE3", "force": None}) == "ticker=WEGE3"
    assert arguments_text([], {"tickers": ["A"] * 120}) == "120 tickers"
    assert len(arguments_text([], {"text": "x" * 500, "more": "y" * 500, "third": "z" * 90})) <= 120


def test_a_graph_draws_every_box_and_edge_and_escapes_what_it_says() -> None:
    class Reader:
        """Says texts as they are."""

        @staticmethod
        def say(text: str, **values: Any) -> str:
            """The text."""
            return text

    boxes = [
        Box(["a"], "<b>first</b>", "succeeded", "succeeded", "/ops/jobs/a"),
        Box(["b", "c"], "2 more", "2 × failed", "failed"),
        Box(["d"], "last", "waits", "scheduled", "/ops/jobs/d", after={0, 1}),
    ]
    drawn = str(draw_graph(Reader(), boxes))  # type: ignore[arg-type] # it only says texts
    assert drawn.count("<rect") == 3 and drawn.count("<path") == 2 and "<b>" not in drawn
    assert boxes[2].column == 1 and boxes[0].column == boxes[1].column == 0


@pytest.mark.parametrize(
    "where", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", "/a\r\nSet-Cookie: x"]
)
def test_after_a_form_nobody_is_sent_elsewhere(where: str) -> None:
    assert local_path(where) == "/"
    assert local_path("/ops/jobs?state=failed") == "/ops/jobs?state=failed"
