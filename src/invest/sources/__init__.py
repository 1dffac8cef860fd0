"""Upstreams: one client, one module each, one facade (`Sources`) for the jobs."""

from __future__ import annotations

from invest.sources.client import OUTCOMES, host_key, outcomes_of
from invest.sources.errors import SourceError
from invest.sources.facade import Sources
from invest.sources.live import Trial, try_live
from invest.sources.model import Answer, Delivery, Identity, Want
from invest.sources.recording import as_bytes, recording_of

__all__ = [
    "OUTCOMES",
    "Answer",
    "Delivery",
    "Identity",
    "SourceError",
    "Sources",
    "Trial",
    "Want",
    "as_bytes",
    "host_key",
    "outcomes_of",
    "recording_of",
    "try_live",
]
