"""Upstreams: one client, one module each, one facade (`Sources`) for the jobs."""

from __future__ import annotations

from invest.sources.cvm import Filing
from invest.sources.errors import SourceError
from invest.sources.facade import Sources
from invest.sources.model import Gathered, Identity, Want

__all__ = ["Filing", "Gathered", "Identity", "SourceError", "Sources", "Want"]
