"""Upstreams of market data, one module each, through one HTTP client."""
