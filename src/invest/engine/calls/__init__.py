"""Values that describe work: calls, signatures, policies, workflows, outcomes. No Redis."""

from __future__ import annotations

from invest.engine.calls.acting import acting_for
from invest.engine.calls.calls import Call, Declared, Options, Owner, Scope, kept_for
from invest.engine.calls.outcome import Err, Ok, Outcome
from invest.engine.calls.policy import Priority, Rate, Retry, parse_rate
from invest.engine.calls.signature import Signature
from invest.engine.calls.workflow import Threshold, Workflow, chain, chord, group, result_adapter

__all__ = [
    "Call",
    "Declared",
    "Err",
    "Ok",
    "Options",
    "Outcome",
    "Owner",
    "Priority",
    "Rate",
    "Retry",
    "Scope",
    "Signature",
    "Threshold",
    "Workflow",
    "acting_for",
    "chain",
    "chord",
    "group",
    "kept_for",
    "parse_rate",
    "result_adapter",
]
