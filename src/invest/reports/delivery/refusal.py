"""Sending finished reports: what the jobs use of e-mail and webhooks."""

from invest.reports.delivery.mail import SmtpServer, build_email, checked_address, send_email, smtp_server
from invest.reports.delivery.webhook import (
    DeliveryFailed,
    DeliveryRefused,
    check_url,
    post_webhook,
    report_event,
    sign,
    verify,
)

__all__ = [
    "DeliveryFailed",
    "DeliveryRefused",
    "SmtpServer",
    "build_email",
    "check_url",
    "checked_address",
    "post_webhook",
    "report_event",
    "send_email",
    "sign",
    "smtp_server",
    "verify",
]
