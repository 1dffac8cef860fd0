"""What came of a siege."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SILENCE_MS = 300.0  # the longest /healthz may be silent
GROWTH_MB = 300.0  # what an attack may cost the web process in memory


@dataclass(slots=True)
class Attack:
    """What came of one attack."""

    held: bool
    rss_growth_mb: float
    fault: str = ""


@dataclass(slots=True)
class Report:
    """What happened: attacks by name, the longest silence of /healthz, and what was lost over the outages."""

    attacks: dict[str, Attack] = field(default_factory=dict)
    healthz_silent_ms: float = 0.0
    lost: int = 0
    outages: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether everything held."""
        held = all(attack.held for attack in self.attacks.values())
        return held and not self.lost and self.healthz_silent_ms <= SILENCE_MS
