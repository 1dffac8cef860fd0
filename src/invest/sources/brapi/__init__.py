"""brapi.dev: quotes, fundamentals, coins."""

from __future__ import annotations

from invest.sources.brapi.source import BrapiSource

__all__ = ["BrapiSource"]
