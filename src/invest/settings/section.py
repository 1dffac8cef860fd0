"""The base of every section of the settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of the nested sections."""

    model_config = ConfigDict(frozen=True, extra="forbid")
