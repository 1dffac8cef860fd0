"""The HTTP server, what one of its keys may use, and the log of every process."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from invest.settings.section import Section

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _refuse_open_address(name: str, address: str) -> None:
    """Raise `ValueError` for an address that people's browsers must not be sent to."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError(f"{name} is {address[:100]!r}: expected https://… (http on loopback alone)")


class OpenIdSettings(Section):
    """Sign-in to the pages by an OpenID provider; without an issuer by API keys alone."""

    issuer: str = ""
    client_id: str = ""
    client_secret: SecretStr | None = None
    public_url: str = ""
    name: str = Field(default="OpenID", min_length=1, max_length=60)
    ask_for: list[str] = Field(default_factory=lambda: ["openid", "profile", "email"])
    groups_claim: str = "groups"
    groups: dict[str, Literal["read", "write", "admin"]] = Field(default_factory=dict)
    everybody: Literal["", "read", "write", "admin"] = ""
    session_hours: float = Field(default=12, gt=0, le=720)

    @property
    def on(self) -> bool:
        """Whether people may sign in this way."""
        return bool(self.issuer)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.on:
            return self
        lacking = [name for name in ("client_id", "public_url") if not getattr(self, name)]
        if lacking:
            raise ValueError(f"web.openid.issuer is set, and {' and '.join(lacking)} not")
        if not self.groups and not self.everybody:
            raise ValueError("web.openid: nobody could sign in: set groups (a group's name = a scope) or everybody")
        if "openid" not in self.ask_for:
            raise ValueError('web.openid.ask_for must hold "openid"')
        for name, address in (("issuer", self.issuer), ("public_url", self.public_url)):
            _refuse_open_address(f"web.openid.{name}", address)
        return self


class WebSettings(Section):
    """The web process and its API."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    max_body_bytes: int = 1_000_000
    max_file_bytes: int = 10_000_000
    auth: Literal["auto", "on", "off"] = "auto"
    rate_limit: float = Field(default=50, gt=0)
    rate_burst: int = Field(default=500, ge=1)
    wait_max: float = Field(default=60, gt=0, le=60)
    max_in_flight: int = Field(default=500, ge=1)
    max_connections: int = Field(default=4_000, ge=10)
    max_connections_per_peer: int = Field(default=1_000, ge=1)
    max_bodies_bytes: int = Field(default=64_000_000, ge=1_000_000)
    max_unsent_bytes: int = Field(default=32_000_000, ge=1_000_000)
    trusted_proxies: list[str] = Field(default_factory=list)
    cors_origins: list[str] = Field(default_factory=list)
    webhook_private: bool = False
    public_url: str = ""
    openid: OpenIdSettings = OpenIdSettings()

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.public_url:
            _refuse_open_address("web.public_url", self.public_url)
        return self

    @property
    def address(self) -> str:
        """What people's links begin with, without a slash at the end; empty where nobody said it."""
        return (self.public_url or self.openid.public_url).rstrip("/")


class QuotaSettings(Section):
    """What one API key below scope admin may use; 0 is no limit."""

    portfolios: int = Field(default=100, ge=0)
    transactions: int = Field(default=200_000, ge=0)
    alerts: int = Field(default=500, ge=0)
    queued_jobs: int = Field(default=10_000, ge=0)
    delayed_jobs: int = Field(default=1_000, ge=0)
    kept_answer_bytes: int = Field(default=5_000_000, ge=0)
    ai_usd_per_day: float = Field(default=2.0, ge=0)
    mails_per_hour: int = Field(default=20, ge=0)


class LoggingSettings(Section):
    """How logs look."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "json", "console"] = "auto"
