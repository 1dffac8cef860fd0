"""The same panel in front of the sandbox's three APIs, well and with every fault it knows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from invest.ai import Analysts
from invest.domain.opinions.opinion import OpinionStatus, Snapshot
from invest.settings import Settings
from invest_sandbox.faults import Fault, Kind
from invest_sandbox.server import Sandbox

CUT = OpinionStatus.TRUNCATED
VENDORS = ("openai", "anthropic", "gemini")
FAULTS: list[tuple[Kind, OpinionStatus]] = [
    ("error", OpinionStatus.UNAVAILABLE),
    ("rate_limit", OpinionStatus.UNAVAILABLE),
    ("cut", OpinionStatus.UNAVAILABLE),
    ("malformed", OpinionStatus.INVALID),
    ("hang", OpinionStatus.TIMEOUT),
    ("refusal", OpinionStatus.REFUSED),
    ("safety", OpinionStatus.REFUSED),
    ("blocked", OpinionStatus.REFUSED),
    ("truncation", OpinionStatus.TRUNCATED),
    ("invalid_structure", OpinionStatus.INVALID),
    ("overload", OpinionStatus.UNAVAILABLE),
    ("wrong_ticker", OpinionStatus.INVALID),
    ("other_language", OpinionStatus.INVALID),
    ("out_of_range", OpinionStatus.INVALID),
    ("endless", OpinionStatus.INVALID),
    ("invented_figures", OpinionStatus.UNFAITHFUL),
    ("invalid_key", OpinionStatus.UNAVAILABLE),
]


def chosen(settings: Callable[..., Settings], sandbox: Sandbox, **ai: object) -> Settings:
    """Settings in the sandbox, in a hurry."""
    return settings(sandbox_url=sandbox.url, ai={"timeout": 3, "retries": 1, **ai})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("language", ["pt-BR", "en"])
async def test_everyone_answers_in_the_sandbox(
    settings: Callable[..., Settings], news_snapshot: Snapshot, stream: bool, language: str
) -> None:
    streaming = {name: {"stream": stream} for name in VENDORS}
    async with Sandbox.start(20) as sandbox, Analysts.open(chosen(settings, sandbox, providers=streaming)) as panel:
        opinions = await panel.ask(news_snapshot, language=language)
    assert [o.provider for o in opinions] == [*VENDORS, "rules"]
    assert all(o.status is OpinionStatus.OK for o in opinions), [o.reason for o in opinions]
    assert all(o.sandbox and o.language == language for o in opinions)
    assert all(o.cost_usd is not None and o.tokens_in is not None for o in opinions)


@pytest.mark.parametrize(("kind", "status"), FAULTS)
async def test_each_fault_becomes_its_abstention(
    settings: Callable[..., Settings], snapshot: Snapshot, kind: Kind, status: OpinionStatus
) -> None:
    fault = Fault(upstream="ai", kind=kind, retry_after=30, seconds=20)
    quick = {"timeout": 1.0} if kind == "hang" else {}
    async with (
        Sandbox.start(20, faults=[fault]) as sandbox,
        Analysts.open(chosen(settings, sandbox, **quick)) as panel,
    ):
        *opinions, rules = await panel.ask(snapshot)
    # An endless answer may also run into the limit of tokens, which is a truncation.
    found = {o.provider: status if kind == "endless" and o.status is CUT else o.status for o in opinions}
    assert found == dict.fromkeys(VENDORS, status), [o.reason for o in opinions]
    assert all(o.reason and o.rating is None for o in opinions if status is not OpinionStatus.UNFAITHFUL)
    assert rules.status is OpinionStatus.OK


async def test_an_overload_in_a_stream_is_an_overload(settings: Callable[..., Settings], snapshot: Snapshot) -> None:
    fault = Fault(upstream="ai/anthropic", kind="overload")
    streaming = {"anthropic": {"stream": True}}
    async with (
        Sandbox.start(20, faults=[fault]) as sandbox,
        Analysts.open(chosen(settings, sandbox, providers=streaming)) as panel,
    ):
        opinion = await panel.ask_one("anthropic", snapshot)
    assert opinion.status is OpinionStatus.UNAVAILABLE
    assert "verload" in (opinion.reason or "")


async def test_a_fault_that_passes_is_survived(settings: Callable[..., Settings], snapshot: Snapshot) -> None:
    faults = [
        Fault(upstream="ai", kind="rate_limit", retry_after=0.05, first=1),
        Fault(upstream="ai", kind="cut", first=1),
    ]
    async with (
        Sandbox.start(20, faults=faults) as sandbox,
        Analysts.open(chosen(settings, sandbox, retries=2)) as panel,
    ):
        opinions = await panel.ask(snapshot)
    assert all(o.status is OpinionStatus.OK for o in opinions), [o.reason for o in opinions]
