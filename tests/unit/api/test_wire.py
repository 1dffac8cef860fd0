"""What is refused of a JSON body before anything is made of it, and at what cost."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from aiohttp.test_utils import make_mocked_request
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from invest.api.http import Problem, invalid_fields
from invest.api.http.wire import MAX_DEPTH, MAX_VALUES, Part, check_json, parse_json, parts_of
from invest.domain.market import EventTerms
from invest.error_info import MAX_NAMED, wrong_values

MEGABYTE = 1_000_000


def refused(body: bytes) -> int | None:
    """The status that a body is refused with."""
    try:
        check_json(body)
    except Problem as problem:
        return problem.status
    return None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), 400),
        (b'[{"a":' * 20 + b"1" + b"}]" * 20, 400),
        (b'["' + b"[" * 100 + b'"]', None),
        (b'["\\"' + b"[" * 100 + b'"]', None),
        (b'["\\\\",' + b"[" * 100 + b"]" * 100 + b"]", 400),
        (b"[]," * (MAX_VALUES + 1), 413),
        (b'["' + b"," * (MAX_VALUES + 1) + b'"]', None),
        (b'"\\u0000"', 422),
        (b'"\\\\u0000"', None),
        (b'"\\\\\\u0000"', 422),
        (b'"\\u001F"', 422),
        (b'"\\b"', 422),
        (b'"\\f"', 422),
        (b'"\\t\\n\\r\\u0009\\u000a\\u000D"', None),
        (b'"\x7f"', 422),
        ('"\uffff"'.encode(), 422),
        (b'"\\uFFFE"', 422),
        (b'"\\ud83d\\ude00"', None),
        (b'"\xff"', 400),
    ],
)
def test_depth_number_and_control_characters_are_counted_outside_and_inside_texts(
    body: bytes, status: int | None
) -> None:
    assert refused(body) == status, body[:80]


class Given(BaseModel):
    """A body with a list and a mapping."""

    model_config = ConfigDict(extra="forbid")

    numbers: tuple[Decimal, ...] = ()
    named: dict[str, Decimal] = {}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * MEGABYTE,
        b"[" + b"[]," * (MEGABYTE // 3) + b"[]]",
        b'["' + b"[" * MEGABYTE + b'"]',
        b'["' + b'\\"' * (MEGABYTE // 2) + b'"]',
        b'["' + b"\\u0041" * (MEGABYTE // 6) + b'"]',
        b'{"numbers":[' + b"{}," * (MAX_VALUES - 1) + b"{}]}",
        b'{"numbers":[' + b"{}," * (MEGABYTE // 3) + b"{}]}",
        b"{" + b",".join(b'"k%d":1' % number for number in range(MAX_VALUES)) + b"}",
        b'{"named":{' + b",".join(b'"k%d":"x"' % number for number in range(MAX_VALUES)) + b"}}",
    ],
)
def test_a_megabyte_of_anything_costs_less_than_a_second_of_the_loop(body: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(Problem) as raised:
        check_json(body)
        parse_json(TypeAdapter(Given), body)
    assert time.process_time() - begun < 1.0  # 20 s before errors were counted; a third of it on a machine at rest
    assert len(raised.value.errors) <= 50


def test_wrong_values_are_named_while_they_are_few() -> None:
    few = b'{"numbers":[' + b'"x",' * 9 + b'"x"]}'
    with pytest.raises(Problem, match=r"numbers\.0") as named:
        parse_json(TypeAdapter(Given), few)
    assert [error.field for error in named.value.errors] == [f"numbers.{n}" for n in range(10)]
    many = b'{"numbers":[' + b'"x",' * MAX_NAMED + b'"x"]}'
    with pytest.raises(Problem, match="1,001 values are wrong"):
        parse_json(TypeAdapter(Given), many)


def form(body: bytes, boundary: str = "b") -> list[Part]:
    """The parts of a form."""
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return parts_of(make_mocked_request("POST", "/", headers=headers), body)


HEAD = b'Content-Disposition: form-data; name="%b"'


def test_a_forms_fields_and_files_are_read_as_they_were_sent() -> None:
    file = HEAD % b"file" + b'; filename="a \\"b\\".csv"\r\nContent-Type: text/csv\r\n\r\n1;2\r\n--\r\n3;4\r\n'
    body = b"--b\r\n" + HEAD % b"text" + b"\r\n\r\n\r\n--b\r\n" + file + b"--b--\r\nafter"
    assert form(body) == [("text", None, b""), ("file", 'a "b".csv', b"1;2\r\n--\r\n3;4")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b\r\n",
        b"--b--",
        b"--b\r\n" * 200_000 + b"--b--",
        b"--b\r\nX: " + b"a" * MEGABYTE + b"\r\n\r\n\r\n--b--",
        b"--b\r\n" + b"X: a\r\n" * 100_000 + b"\r\n\r\n--b--",
        (b"--b\r\n" + HEAD % b"a" + b"\r\n\r\n\r\n") * 20_000 + b"--b--",
        b"--b\r\n" + HEAD % b"a" + b"\r\n\r\nno end",
    ],
)
def test_a_form_that_is_none_or_has_parts_without_end_is_refused_at_once(body: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(Problem) as refusal:
        form(body)
    assert refusal.value.status == 400 and time.process_time() - begun < 0.5


def test_an_error_of_a_whole_body_is_of_the_field_it_names() -> None:
    given = {"kind": "split", "factor": "0.5", "last_date_with": "2025-09-22"}
    with pytest.raises(ValidationError) as refused:
        EventTerms.model_validate(given)
    (error,) = invalid_fields(wrong_values(refused.value, inputs=True)).errors
    assert error.field == "factor"
    assert error.message.startswith("new papers per old one, above 1")
    with pytest.raises(ValidationError) as refused:
        EventTerms.model_validate({"kind": "dividend", "last_date_with": "2025-09-22"})
    (error,) = invalid_fields(wrong_values(refused.value, inputs=True)).errors
    assert (error.field, error.message) == ("body", "dividend: give amount")
