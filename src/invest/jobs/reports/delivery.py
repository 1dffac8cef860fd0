"""Sending a finished report by the configured channels; a retry goes only to those that did not take it yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from invest.engine import Context, RetryLater
from invest.errors import ConfigError, NotFound
from invest.jobs.callers import count_mail
from invest.jobs.queues import DELIVERY, NEVER, REPORTS
from invest.jobs.reports.arguments import ReportId
from invest.jobs.results import Delivered
from invest.reports import (
    AnyView,
    DeliveryFailed,
    DeliveryRefused,
    build_email,
    export_view,
    load_view,
    post_webhook,
    report_event,
    send_email,
    smtp_server,
)
from invest.settings import DeliverySettings, Settings
from invest.store import Store

TAKEN = "invest:delivered:"  # set of channels that took a report, by job


TAKEN_FOR = 7 * 86400


@REPORTS.job(retry=DELIVERY, give_up_on=(*NEVER, DeliveryRefused), owner={"report_id": "report"})
async def deliver_report(
    ctx: Context, report_id: ReportId, channels: list[Literal["email", "webhook"]] | None = None
) -> Delivered:
    """Send a finished report by e-mail and signed webhook, by the channels that are configured (or those named)."""
    return await deliver(ctx, report_id, channels)


Channel = Literal["email", "webhook"]


async def deliver(ctx: Context, report_id: str, channels: Sequence[Channel] | None) -> Delivered:
    """Send one report. Raises `NotFound`, `ConfigError` for a channel that is not configured, `RetryLater` while one
    does not answer, and `DeliveryRefused` where one never will.
    """
    settings = ctx.use(Settings).delivery
    wanted = list(channels) if channels is not None else configured(settings)
    if not wanted:
        raise ConfigError("no channel is configured: set delivery.mail_to and SMTP_URL, or delivery.webhook_url")
    stored = await ctx.use(Store).reports.get(report_id)
    if stored is None:
        raise NotFound(f"no report {report_id!r}")
    view = load_view(stored.view)
    redis, key = ctx.invest.redis, TAKEN + ctx.job_id
    answers: dict[str, str] = {}
    late: list[DeliveryFailed] = []
    for channel in wanted:
        if await redis.sismember(key, channel):  # type: ignore[misc] # redis-py: Awaitable | int
            answers[channel] = "taken by an earlier attempt"
            continue
        if channel == "email":
            await count_mail(ctx)
        try:
            answers[channel] = await _send(channel, view, settings, ctx.job_id)
        except DeliveryFailed as error:
            late.append(error)
            continue
        await redis.sadd(key, channel)  # type: ignore[misc] # redis-py: Awaitable | int
        await redis.expire(key, TAKEN_FOR)
    if late:
        waits = [e.retry_after for e in late if e.retry_after]
        if waits:
            raise RetryLater(max(waits), "; ".join(str(e) for e in late))
        raise late[0]
    return Delivered(report_id=report_id, channels=answers, delivered_at=datetime.now(UTC))


def configured(settings: DeliverySettings) -> list[Channel]:
    """Channels that have everything they need."""
    found: list[Channel] = []
    if settings.smtp_url and settings.mail_to:
        found.append("email")
    if settings.webhook_url and settings.webhook_secret:
        found.append("webhook")
    return found


async def _send(channel: Channel, view: AnyView, settings: DeliverySettings, job_id: str) -> str:
    if channel == "email":
        return await _mail(view, settings)
    return await _post(view, settings, job_id)


async def _mail(view: AnyView, settings: DeliverySettings) -> str:
    if settings.smtp_url is None or not settings.mail_to or not settings.mail_from:
        raise ConfigError("e-mail needs SMTP_URL, delivery.mail_from and delivery.mail_to")
    file = await asyncio.to_thread(export_view, view, "pdf")
    message = build_email(view, sender=settings.mail_from, recipients=settings.mail_to, attachments=[file])
    server = smtp_server(settings.smtp_url.get_secret_value(), timeout=settings.timeout)
    await send_email(message, server)
    return f"sent to {len(settings.mail_to)} by {server.host}"


async def _post(view: AnyView, settings: DeliverySettings, job_id: str) -> str:
    if not settings.webhook_url or settings.webhook_secret is None:
        raise ConfigError("the webhook needs delivery.webhook_url and WEBHOOK_SECRET")
    status = await post_webhook(
        settings.webhook_url,
        settings.webhook_secret.get_secret_value(),
        f"msg_{job_id}",
        report_event(view),
        now=datetime.now(UTC),
        timeout=settings.timeout,
    )
    return f"taken with {status}"
