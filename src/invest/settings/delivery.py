"""Where finished reports are sent."""

from __future__ import annotations

from pydantic import Field, SecretStr

from invest.settings.section import Section


class DeliverySettings(Section):
    """Where finished reports are sent."""

    smtp_url: SecretStr | None = None
    mail_from: str = ""
    mail_to: list[str] = Field(default_factory=list)
    webhook_url: str = ""
    webhook_secret: SecretStr | None = None
    timeout: float = Field(default=20, gt=0)
