"""Sending a finished report by the configured channels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from invest.engine import Context
from invest.errors import ConfigError, NotFound
from invest.jobs.results import Delivered
from invest.reports import Mail, Webhook, export_view, load_view, send_mail, send_webhook
from invest.settings import Settings
from invest.store import Store

Channel = Literal["email", "webhook"]
