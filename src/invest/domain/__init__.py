"""Pure rules of the market: no I/O, no async, no settings."""
