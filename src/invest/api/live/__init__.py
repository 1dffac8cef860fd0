"""What moves: the event hub, callbacks, enqueuing."""

from __future__ import annotations

from invest.api.live.callbacks import Callbacks
from invest.api.live.enqueuing import Enqueuer
from invest.api.live.hub import Hub, frame_of
from invest.api.live.readiness import ReadinessCheck
from invest.api.live.statements import Statements

__all__ = [
    "Callbacks",
    "Enqueuer",
    "Hub",
    "ReadinessCheck",
    "Statements",
    "frame_of",
]
