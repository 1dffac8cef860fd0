"""Asyncio-native task system for investment research on the Brazilian exchange (B3)."""

__version__ = "0.1.0"
