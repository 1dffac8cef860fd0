"""News items: which companies they name, and their tone."""

from __future__ import annotations

from invest.domain.news.recognition import Recogniser, hints, plain
from invest.domain.news.tone import sentiment

__all__ = ["Recogniser", "hints", "plain", "sentiment"]
