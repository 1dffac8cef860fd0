"""Banco Central: SGS series and Olinda (Focus)."""

from __future__ import annotations

from invest.sources.bcb.olinda import OlindaSource
from invest.sources.bcb.sgs import BcbSource

__all__ = ["BcbSource", "OlindaSource"]
