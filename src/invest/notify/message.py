"""A message, and what takes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from invest.errors import InvestError


@dataclass(frozen=True, slots=True)
class Message:
    """Plain text: no markup is meant, whatever it may look like."""

    title: str
    text: str


class MessageFailed(InvestError):
    """The message was not taken now; trying again may help."""


class MessageRefused(InvestError):
    """The message will not be taken however often it is tried."""


class ChannelKind(Protocol):
    """A kind of channel that a package adds: an entry point of the group ``invest.channels`` (docs/extending.md).

    The entry point is an instance, or a class without arguments.
    """

    name: str

    def check(self, address: str) -> str:
        """What of an address may be shown. Raises `MessageRefused` saying what is wrong with it."""

    async def send(self, address: str, message: Message) -> None:
        """Hand a message over. Raises `MessageFailed` or `MessageRefused`, without the address in their words."""
