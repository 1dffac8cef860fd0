"""Sending a finished report by the configured channels."""

from __future__ import annotations

from typing import Literal

Channel = Literal["email", "webhook"]
