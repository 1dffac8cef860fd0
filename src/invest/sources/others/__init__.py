"""Other upstreams: Yahoo, Binance, Fundamentus."""

from __future__ import annotations

from invest.sources.others.binance import BinanceSource
from invest.sources.others.fundamentus import FundamentusSource
from invest.sources.others.mercado_bitcoin import MercadoBitcoinSource
from invest.sources.others.yahoo import YahooSource

__all__ = ["BinanceSource", "FundamentusSource", "MercadoBitcoinSource", "YahooSource"]
