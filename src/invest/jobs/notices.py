"""Tell people of what happened: owe it to their channels, and send what is owed.

A notice is written down before it is sent, so that it is told at least once; a job sends all that one channel owes, and
a schedule finds what was left: by a process that died, or by hours in which somebody sleeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from invest.domain.alerts import Alert, AlertEvent
from invest.domain.notices import APPRISE, WEBHOOK, Channel, Notice, Occasion, Owed
from invest.engine import Client, Context, JobRun, JobState, Retry
from invest.errors import ConfigError, InvestError, NotFound
from invest.jobs.queues import NEVER, REPORTS
from invest.notify import Apprise, ChannelKind, Message, MessageFailed, MessageRefused
from invest.plugins import flat, installed
from invest.reports import DeliveryFailed, DeliveryRefused, post_webhook
from invest.settings import Settings
from invest.store import Secret, Store

RESEND: Final = Retry(retries=7, delay=10)  # with doubling pauses: about twenty minutes in all
REFUSED: Final = (MessageRefused, DeliveryRefused)
TOGETHER: Final = 20  # notices in one message
LOOK_BACK: Final = timedelta(days=1)  # fired alerts that no notice was written of are looked for so far
ChannelId = Annotated[str, Field(min_length=1, max_length=64)]
WORDS: Final = {
    "pt-BR": {
        "report": "Relatório pronto", "failed": "Tarefa falhou", "more": "{n} avisos", "try": "Mensagem de teste",
        "tried": "Este canal recebe os avisos do invest.", "alert": "Alerta",
        "unlinked": "Sem links: defina web.public_url (INVEST_WEB__PUBLIC_URL), o endereço destas páginas.",
    },
    "en": {
        "report": "Report ready", "failed": "Task failed", "more": "{n} notices", "try": "Test message",
        "tried": "This channel receives the notices of invest.", "alert": "Alert",
        "unlinked": "Without links: set web.public_url (INVEST_WEB__PUBLIC_URL), the address of these pages.",
    },
}  # fmt: skip


class Notified(BaseModel):
    """What one run of a channel did."""

    channel_id: str
    sent: int = Field(description="notices that were taken")
    quiet_until: datetime | None = Field(default=None, description="the rest is sent after these hours")


@REPORTS.job(
    retry=RESEND, key="notify:{channel_id}", give_up_on=(*NEVER, *REFUSED), max_running=8,
    owner={"channel_id": "channel"},
)  # fmt: skip
async def notify_channel(ctx: Context, channel_id: ChannelId) -> Notified:
    """Send what one channel owes, unless it is the hour to be quiet."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    sent = 0
    while (channel := await store.notices.channel(channel_id)) is not None and channel.active:
        if (until := channel.silent_until(settings.now())) is not None:
            return Notified(channel_id=channel_id, sent=sent, quiet_until=until)
        # A webhook gets a message each: one that was taken is not sent again because the next one was not.
        owed = await store.notices.owed(channel_id, limit=1 if channel.kind == WEBHOOK else TOGETHER)
        if not owed:
            break
        await _hand_over(ctx, channel, owed)
        sent += len(owed)
    return Notified(channel_id=channel_id, sent=sent)


async def _hand_over(ctx: Context, channel: Channel, owed: Sequence[Owed]) -> None:
    """Send notices and write down how that went. Raises what sending raises."""
    store, ids = ctx.use(Store), [one.id for one in owed]
    try:
        await send(store, ctx.use(Settings), channel, owed)
    except (MessageFailed, DeliveryFailed, *REFUSED, ConfigError) as error:
        last = ctx.attempt > RESEND.retries or not isinstance(error, MessageFailed | DeliveryFailed)
        given_up = datetime.now(UTC) if last else None
        await store.notices.failed(channel.id, ids, str(error), given_up_at=given_up)
        raise
    await store.notices.sent(channel.id, ids, datetime.now(UTC))


@REPORTS.job(retry=Retry(retries=2, delay=5), give_up_on=(*NEVER, *REFUSED), owner={"channel_id": "channel"})
async def try_channel(ctx: Context, channel_id: ChannelId) -> Notified:
    """Send a test message by one channel, at any hour."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    channel = await store.notices.channel(channel_id)
    if channel is None:
        raise NotFound(f"no channel {channel_id!r}")
    words, is_linked = words_of(settings), bool(settings.web.address)
    text = words["tried"] if is_linked else f"{words['tried']} {words['unlinked']}"
    trial = Notice(
        occasion=Occasion.TEST, key=f"test:{ctx.job_id}", owner=channel.owner, title=words["try"], text=text,
        path="/alerts" if is_linked else "", at=datetime.now(UTC),
    )  # fmt: skip
    await _hand_over(ctx, channel, [Owed(id=0, notice=trial)])
    return Notified(channel_id=channel_id, sent=1)


@REPORTS.job(retry=Retry(retries=1, delay=60), key="notices", give_up_on=NEVER, cron="*/5 * * * *", catch_up="skip",
             owner="everybody")  # fmt: skip
async def send_notices(ctx: Context) -> int:
    """Send what channels owe whose quiet hours are over, or whose job was lost; how many channels."""
    store, now = ctx.use(Store), ctx.use(Settings).now()
    due = [c.id for c in await store.notices.owing() if c.silent_until(now) is None]
    await queue_channels(ctx.invest, due)
    return len(due)


async def queue_channels(invest: Client, channels: Iterable[str]) -> None:
    """Queue the sending of channels; one that cannot be queued now is found by `send_notices`."""
    for channel_id in sorted(channels):
        with suppress(InvestError, RedisError, OSError):
            await invest.enqueue(notify_channel(channel_id))


async def announce(invest: Client, store: Store, notices: Sequence[Notice]) -> None:
    """Owe notices to the channels that tell of them, and have them sent."""
    await queue_channels(invest, await store.notices.post(notices))


async def announce_alerts(ctx: Context) -> None:
    """Tell of alerts that fired within a day and were not told of."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    events = await store.alerts.events(since=settings.now() - LOOK_BACK, limit=1_000)
    if events:
        alerts = {alert.id: alert for alert in await store.alerts.list(active=None)}
        await announce(ctx.invest, store, [fired(e, alerts[e.alert_id]) for e in events if e.alert_id in alerts])


def fired(event: AlertEvent, alert: Alert) -> Notice:
    """What is told of an alert that fired."""
    return Notice(
        occasion=Occasion.ALERT,
        key=f"alert:{event.alert_id}:{event.occasion}"[:300],
        owner=alert.owner,
        title=plain(event.message, 200),
        text=plain(alert.note, 500),
        path=f"/assets/{event.ticker}",
        at=event.fired_at,
    )


async def announce_report(ctx: Context, report_id: str, title: str, portfolio_id: str | None) -> None:
    """Tell of a report that is ready: the owner of its portfolio, else whoever asked for it."""
    store, owner = ctx.use(Store), ctx.caller
    if portfolio_id is not None:
        owner = await store.portfolios.owner(portfolio_id)
    elif owner is None:
        return  # a report about assets that nobody asked for
    await announce(ctx.invest, store, [report_notice(report_id, title, owner, ctx.use(Settings))])


def report_notice(report_id: str, title: str, owner: str | None, settings: Settings) -> Notice:
    """What is told of a report that is ready."""
    return Notice(
        occasion=Occasion.REPORT,
        key=f"report:{report_id}",
        owner=owner,
        title=plain(f"{words_of(settings)['report']}: {title}", 200),
        path=f"/reports/{report_id}",
        at=datetime.now(UTC),
    )


def buried(rows: Iterable[JobRun], words: dict[str, str]) -> list[Notice]:
    """What is told of jobs that failed for good; nothing of steps, whose workflow fails, nor of messages themselves."""
    return [
        Notice(
            occasion=Occasion.DEAD_LETTER,
            key=f"dead:{row.id}",
            owner=row.caller,
            title=plain(f"{words['failed']}: {row.name}", 200),
            text=plain(row.error_type or "", 200),  # its words may name servers and files: the job's page hides those
            path=f"/ops/jobs/{row.id}",
            at=row.finished_at,
        )
        for row in rows
        if row.state is JobState.FAILED
        and row.workflow is None
        and row.finished_at is not None
        and row.name not in (notify_channel.name, try_channel.name)
    ]


async def send(store: Store, settings: Settings, channel: Channel, owed: Sequence[Owed]) -> None:
    """Send notices by one channel: a webhook gets one message each, people get one for all."""
    secret = await store.notices.address(channel.id)
    if secret is None:
        raise NotFound(f"no channel {channel.id!r}")
    if channel.kind == WEBHOOK:
        for one in owed:
            await _post(settings, channel, secret, one)
        return
    kind = kind_of(channel.kind, settings)
    message = message_of([one.notice for one in owed], words_of(settings), settings.web.address)
    if settings.sandbox:
        message = Message(f"[SANDBOX] {message.title}", message.text)
    await kind.send(secret.address, message)


async def _post(settings: Settings, channel: Channel, secret: Secret, one: Owed) -> None:
    notice = one.notice
    event: dict[str, Any] = {
        "type": f"notice.{notice.occasion}",
        "timestamp": notice.at.isoformat(),
        "data": {"key": notice.key, "title": notice.title, "text": notice.text, "path": notice.path,
                 "url": link_of(notice, settings.web.address) if settings.web.address else None,
                 "channel_id": channel.id, "sandbox": settings.sandbox},
    }  # fmt: skip
    ident = f"msg_{channel.id}_{one.id}" if one.id else f"msg_{channel.id}_{notice.key.replace(':', '_')}"
    await post_webhook(
        secret.address, secret.signing_key or "", ident, event, now=datetime.now(UTC),
        timeout=settings.delivery.timeout, allow_private=settings.web.webhook_private,
    )  # fmt: skip


def link_of(notice: Notice, address: str) -> str:
    """Where to read it: a link where the address of the pages is known, else the path on them."""
    return f"{address}{notice.path}" if notice.path else ""


def message_of(notices: Sequence[Notice], words: dict[str, str], address: str) -> Message:
    """One message for all: the one title, or how many there are and a line each."""
    if len(notices) == 1:
        only = notices[0]
        return Message(only.title, "\n".join(filter(None, (only.text, link_of(only, address)))) or only.title)
    lines = [" · ".join(filter(None, (n.title, link_of(n, address)))) for n in notices]
    return Message(words["more"].format(n=len(notices)), "\n".join(lines))


def kind_of(name: str, settings: Settings) -> Any:
    """The kind of a channel. Raises `ConfigError` for one that is not installed here."""
    if name == APPRISE:
        return Apprise(private=settings.web.webhook_private)
    found = installed_kinds().get(name)
    if found is None:
        raise ConfigError(f"no channel kind {name!r} is installed: {', '.join((APPRISE, WEBHOOK, *installed_kinds()))}")
    return found


def installed_kinds() -> dict[str, ChannelKind]:
    """The kinds that other packages add, by name. Raises `ConfigError` for one that is none."""
    found: dict[str, ChannelKind] = {}
    for plugin in installed("invest.channels"):
        for value in flat(plugin.value):
            kind = value() if isinstance(value, type) else value
            if not (hasattr(kind, "name") and hasattr(kind, "check") and hasattr(kind, "send")):
                raise ConfigError(f"invest.channels {plugin.name!r}: expected a name, check and send, not {kind!r}")
            found[kind.name] = kind
    return found


def words_of(settings: Settings) -> dict[str, str]:
    """The words of messages in the platform's language."""
    return WORDS["en" if settings.language.startswith("en") else "pt-BR"]


def plain(text: str, most: int) -> str:
    """A text on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]
