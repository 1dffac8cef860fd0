"""The HTTP server, and the log of every process."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from invest.settings.section import Section


class WebSettings(Section):
    """The HTTP door."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    max_body_bytes: int = 1_000_000
    max_file_bytes: int = 10_000_000
    auth: Literal["auto", "on", "off"] = "auto"
    rate_limit: float = Field(default=50, gt=0)
    rate_burst: int = Field(default=500, ge=1)
    max_in_flight: int = Field(default=500, ge=1)
    cors_origins: list[str] = Field(default_factory=list)
    webhook_private: bool = False


class LoggingSettings(Section):
    """How logs look."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "json", "console"] = "auto"
