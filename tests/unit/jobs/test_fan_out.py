"""What the last step of a batch takes from the jobs before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest

from invest.engine import Context, Err, ErrorInfo, Ok
from invest.jobs.fan_out import split


class Gathering:
    """A context with outcomes before it."""

    def __init__(self, outcomes: Sequence[Any]) -> None:
        self._outcomes = outcomes

    async def iter_results(self, kind: Any = None) -> AsyncIterator[Any]:
        for outcome in self._outcomes:
            yield outcome


def gathering(*outcomes: Any) -> Context:
    return cast(Context, Gathering(outcomes))


async def test_values_are_cut_to_what_is_kept_and_errors_named() -> None:
    failed = Err(job_id="b", error=ErrorInfo(type="Unreachable", message="no source could answer"))
    kept, errors = await split(
        gathering(Ok(job_id="a", value="long"), failed, Ok(job_id="a", value="er")), ["A", "B", "C"], str, len
    )
    assert kept == {"A": 4, "C": 2}
    assert errors == {"B": "Unreachable: no source could answer"}


async def test_an_outcome_too_few_or_too_many_is_an_error() -> None:
    with pytest.raises(LookupError, match="1 outcomes of 2 calls"):
        await split(gathering(Ok(job_id="a", value=1)), ["A", "B"], int, abs)
    with pytest.raises(LookupError, match="2 outcomes of 1 calls"):
        await split(gathering(Ok(job_id="a", value=1), Ok(job_id="a", value=2)), ["A"], int, abs)
