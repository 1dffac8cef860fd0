"""The object store that machines share."""

from __future__ import annotations

from pydantic import Field, SecretStr

from invest.settings.section import Section


class ObjectSettings(Section):
    """Where large bytes and exports are kept for all machines; nothing: on the disk of each."""

    url: str = ""
    options: dict[str, SecretStr] = Field(default_factory=dict)
    timeout: float = Field(default=30, gt=0)
