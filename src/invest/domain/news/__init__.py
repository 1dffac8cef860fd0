"""News items: which companies they name, their tone, their order, and what official notices tell."""

from __future__ import annotations

from invest.domain.news.notices import (
    OFFICIAL,
    AnnouncedEvent,
    announced_event,
    announced_results,
    notice_near,
    unknown_events,
)
from invest.domain.news.ordering import moment_of, once_each, reading_order, title_key
from invest.domain.news.recognition import Recogniser, hints, plain
from invest.domain.news.tone import sentiment

__all__ = [
    "OFFICIAL",
    "AnnouncedEvent",
    "Recogniser",
    "announced_event",
    "announced_results",
    "hints",
    "moment_of",
    "notice_near",
    "once_each",
    "plain",
    "reading_order",
    "sentiment",
    "title_key",
    "unknown_events",
]
