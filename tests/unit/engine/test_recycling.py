"""When a process that has done its share may claim, and when it ends."""

from __future__ import annotations

from typing import Any

from invest.engine.worker.recycling import LINGER, Recycling


def test_a_process_that_is_not_due_claims_and_does_not_end() -> None:
    recycling = Recycling({})
    assert recycling.may_claim(0.0) and not recycling.over


def test_one_that_is_due_and_idle_ends() -> None:
    recycling = Recycling({})
    assert recycling.become_due() and not recycling.become_due(), "it becomes due once"
    assert recycling.over and not recycling.may_claim(0.0)


def test_beside_a_long_job_the_free_slots_are_used_after_a_moment() -> None:
    running: dict[str, Any] = {"long": 1, "short": 1}
    recycling = Recycling(running)
    recycling.become_due()
    assert not recycling.may_claim(0.0), "what runs may end now"
    assert not recycling.may_claim(LINGER / 2)
    del running["short"]
    assert recycling.may_claim(LINGER), "the long one takes longer"
    running["new"] = 1
    assert recycling.may_claim(LINGER + 100)
    del running["long"]
    assert not recycling.may_claim(LINGER + 101), "the one that was waited for has ended: it tries to end again"
    del running["new"]
    assert recycling.over


def test_one_that_was_told_to_leave_claims_no_more_and_finishes_what_runs() -> None:
    running: dict[str, Any] = {"long": 1}
    recycling = Recycling(running)
    recycling.leave()
    assert not recycling.may_claim(1e9) and not recycling.over
    running.clear()
    assert recycling.over
