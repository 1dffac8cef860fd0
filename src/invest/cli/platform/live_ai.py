"""The vendors' part of `invest doctor --live`, and what the settings tell of their age without asking anybody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from invest.cli.platform.checks import Check

if TYPE_CHECKING:
    from invest.settings import Settings


async def vendors(settings: Settings, *, spend: bool = False) -> list[Check]:
    """Each enabled AI asked for its models; with `spend` also one small structured question each."""
    from invest.ai import ask_vendors

    return [Check(f"AI {s.name}", s.state, s.found, s.advice) for s in await ask_vendors(settings, spend=spend)]


def ages(settings: Settings) -> list[Check]:
    """Models that end soon and prices that nobody looked at for long."""
    from invest.ai import dated

    return [Check(f"AI {s.name}", s.state, s.found, s.advice) for s in dated(settings, datetime.now(UTC).date())]
