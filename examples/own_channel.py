"""A kind of channel of your own: messages as lines of a file that a desk's screen shows. See docs/extending.md.

[project.entry-points."invest.channels"]
desk = "own_channel:Desk"

invest channel add desk.txt --kind desk
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from invest.notify import Message, MessageFailed, MessageRefused

FOLDER = Path("desks")


class Desk:
    """Appends each message to a file of one folder; the address is the file's name."""

    name = "desk"

    def check(self, address: str) -> str:
        """The name as it is: no secret. Raises `MessageRefused`."""
        if address != Path(address).name or not address.endswith(".txt"):
            raise MessageRefused("expected the name of a file such as desk.txt")
        return address

    async def send(self, address: str, message: Message) -> None:
        """Add a line. Raises `MessageFailed` where the folder cannot be written."""
        try:
            await asyncio.to_thread(_append, FOLDER / address, f"{message.title}: {message.text}\n")
        except OSError as error:
            raise MessageFailed(f"the file cannot be written: {error.strerror}") from None


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(line)
