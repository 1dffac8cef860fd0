"""Faults on demand: what goes wrong, at which upstream, how often."""

from __future__ import annotations

from itertools import count
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from invest_sandbox.seeds import unit

UPSTREAMS = (
    "cotahist", "b3", "b3_indices", "b3_programmes", "cvm", "cvm_funds", "cvm_etfs", "bcb", "olinda", "brapi", "rss",
    "yahoo", "fundamentus", "google_news", "gdelt", "binance", "mercado_bitcoin", "ai/openai", "ai/anthropic",
    "ai/gemini", "ai/compatible",
)  # fmt: skip
WireKind = Literal[
    "latency", "error", "rate_limit", "hang", "cut", "malformed", "wrong_unit", "stale", "empty", "redirect"
]
AiKind = Literal[
    "refusal",
    "truncation",
    "invalid_structure",
    "overload",
    "safety",
    "blocked",
    "empty_answer",
    "wrong_ticker",
    "other_language",
    "out_of_range",
    "endless",
    "invented_figures",
    "invalid_key",
    "batch_late",
    "batch_partial",
    "batch_expired",
]
Kind = WireKind | AiKind | Literal["injection"]


class Fault(BaseModel):
    """One fault. `upstream` is a name, "ai" for every AI, or "*" for all; `rate` the share of requests it hits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    upstream: str
    kind: Kind
    rate: float = Field(default=1.0, ge=0, le=1)
    seconds: float | None = Field(default=None, ge=0, le=3600, description="of latency (1) or hanging (600)")
    retry_after: float | str | None = Field(default=None, description="seconds or an HTTP date, sent with 429 and 503")
    status: int = Field(default=503, ge=400, le=599, description="of kind error")
    factor: float = Field(default=100.0, gt=0, description="of kind wrong_unit")
    days: int = Field(default=30, ge=1, description="of kind stale")
    first: int | None = Field(default=None, ge=1, description="only the first so many matching requests")

    @property
    def wait(self) -> float:
        """Seconds that a latency or a hang lasts."""
        return self.seconds if self.seconds is not None else 600.0 if self.kind == "hang" else 1.0

    def concerns(self, upstream: str) -> bool:
        """Whether it is meant for `upstream`."""
        return self.upstream in ("*", upstream) or (self.upstream == "ai" and upstream.startswith("ai/"))


class FaultBook:
    """The faults in force. The n-th request to a fault is hit or not by seed and n alone: runs repeat."""

    def __init__(self, seed: int, faults: list[Fault] | None = None) -> None:
        self.seed = seed
        self.faults: list[Fault] = []
        self._seen: list[count[int]] = []
        for fault in faults or ():
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Puts one more in force."""
        self.faults.append(fault)
        self._seen.append(count(1))

    def clear(self, upstream: str | None = None) -> int:
        """Lifts those of `upstream`, or all; answers how many."""
        kept = [(f, n) for f, n in zip(self.faults, self._seen, strict=True) if upstream and f.upstream != upstream]
        gone = len(self.faults) - len(kept)
        self.faults, self._seen = [f for f, _ in kept], [n for _, n in kept]
        return gone

    def strike(self, upstream: str) -> list[Fault]:
        """The faults that hit the next request to `upstream`."""
        hit = []
        for fault, seen in zip(self.faults, self._seen, strict=True):
            if not fault.concerns(upstream):
                continue
            n = next(seen)
            if (fault.first is None or n <= fault.first) and unit(self.seed, upstream, fault.kind, n) < fault.rate:
                hit.append(fault)
        return hit


def parse_fault(text: str) -> Fault:
    """A fault from the command line: ``brapi:latency:seconds=2,rate=0.3``. Raises ValueError saying what is wrong."""
    upstream, _, rest = text.partition(":")
    kind, _, options = rest.partition(":")
    pairs: dict[str, str | float] = {}
    pairs |= dict(p.split("=", 1) for p in options.split(",") if "=" in p)
    if str(pairs.get("retry_after", "")).replace(".", "", 1).isdigit():
        pairs["retry_after"] = float(pairs["retry_after"])  # else an HTTP date, sent as it stands
    known = (*UPSTREAMS, "ai", "*")
    if upstream not in known:
        raise ValueError(f"fault {text!r}: no upstream {upstream!r}; one of {', '.join(known)}")
    return Fault.model_validate({"upstream": upstream, "kind": kind, **pairs})
