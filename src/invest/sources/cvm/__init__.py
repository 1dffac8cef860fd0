"""CVM: filings, the company register, material facts (IPE)."""

from __future__ import annotations

from invest.sources.cvm.etfs import CvmEtfsSource
from invest.sources.cvm.funds import CvmFundsSource
from invest.sources.cvm.source import CvmSource

__all__ = ["CvmEtfsSource", "CvmFundsSource", "CvmSource"]
