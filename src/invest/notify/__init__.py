"""Messages to people: what a channel kind is, and the one that reaches many services through apprise."""

from __future__ import annotations

from invest.notify.apprise import Apprise
from invest.notify.message import ChannelKind, Message, MessageFailed, MessageRefused

__all__ = ["Apprise", "ChannelKind", "Message", "MessageFailed", "MessageRefused"]
