"""Sending a finished report: e-mail and signed webhook."""

from __future__ import annotations

from invest.reports.delivery.mail import build_email, send_email, smtp_server
from invest.reports.delivery.webhook import DeliveryFailed, DeliveryRefused, check_url, post_webhook, report_event

__all__ = [
    "DeliveryFailed",
    "DeliveryRefused",
    "build_email",
    "check_url",
    "post_webhook",
    "report_event",
    "send_email",
    "smtp_server",
]
