"""Embedded Valkey and PostgreSQL for a machine that has neither."""
