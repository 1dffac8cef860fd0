"""Messages through apprise, in a process of its own that may connect to public addresses alone."""

from __future__ import annotations

import importlib.util
from typing import Any

from invest.errors import ConfigError
from invest.extras import lacking
from invest.isolated import Isolated, TooCostly
from invest.notify.addresses import check_text
from invest.notify.message import Message, MessageFailed, MessageRefused

SECONDS = 30.0  # for a message, retries of none included
CPU_SECONDS = 10.0
MEMORY = 400_000_000  # bytes, beyond what its libraries take
HIDDEN = "********"


class Apprise:
    """Checks addresses and sends messages.

    `private`: whether addresses of private networks may be reached (settings: `web.webhook_private`).
    """

    name = "apprise"

    def __init__(self, *, private: bool = False) -> None:
        self._private = private
        self._child = Isolated(
            "invest.notify.child:run", cpu_seconds=CPU_SECONDS, memory_bytes=MEMORY, wall_seconds=SECONDS, warm=False
        )

    async def check(self, address: str) -> str:
        """What of an address may be shown: its scheme. Raises `MessageRefused`, or `ConfigError` without the extra."""
        outcome, detail = await self._ask(address, None)
        if outcome != "ok":
            raise MessageRefused(detail)
        return f"{detail}://{HIDDEN}"

    async def send(self, address: str, message: Message) -> None:
        """Hand a message over. Raises `MessageFailed`, `MessageRefused`, or `ConfigError` without the extra."""
        outcome, detail = await self._ask(address, (message.title, message.text))
        if outcome == "refused":
            raise MessageRefused(detail)
        if outcome != "ok":
            raise MessageFailed(detail)

    async def _ask(self, address: str, message: tuple[str, str] | None) -> tuple[str, str]:
        try:
            check_text(address, private=self._private)
        except MessageRefused as error:
            return "refused", str(error)
        if importlib.util.find_spec("apprise") is None:
            raise ConfigError(lacking("notify", "a message to a person"))
        try:
            pieces: list[Any] = await self._child.call(address, message, private=self._private)
        except TooCostly as error:
            raise MessageFailed(f"the service was given up: {error}") from None
        outcome, detail = pieces[0]
        return str(outcome), str(detail)
