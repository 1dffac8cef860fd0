"""Runs in a child process: apprise, under a guard that sees every connection of the process before it is made.

Apprise resolves names and follows redirects by itself; so what it connects to is checked at the socket, where neither
a name with two answers nor a redirect leads past it.
"""

from __future__ import annotations

import logging
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any

import apprise

from invest.domain.addresses import is_public
from invest.notify.addresses import is_private_literal

WRONG = re.compile(r"error=(\d{3})\b")
PASSING = frozenset({408, 409, 425, 429})
FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile", "pty.spawn")
NET = frozenset({socket.AF_INET, socket.AF_INET6})


class Guard:
    """Refuses connections to addresses that are not public, and programs."""

    def __init__(self, *, private: bool) -> None:
        self.private = private
        self.refused = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """An audit hook: called before the thing happens, an exception keeps it from happening."""
        if event in FORBIDDEN:
            self.refused = True
            raise PermissionError("a channel runs no program")
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg") and not self.private:
            at = args[1] if len(args) > 1 else None
            if at is None:
                return  # a socket that is connected already
            host = at[0] if isinstance(at, tuple) else ""
            if args[0].family not in NET or not is_public(str(host)):
                self.refused = True
                raise PermissionError("a channel reaches the public internet alone")


class Heard(logging.Handler):
    """The status of HTTP that apprise's log names: it gives no other word of why a message was not taken."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.status: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the number alone: the line may hold addresses."""
        found = WRONG.search(record.getMessage())
        if found is not None:
            self.status = int(found[1])


def run(address: str, message: tuple[str, str] | None, *, private: bool) -> Iterator[tuple[str, str]]:
    """Check an address, and send by it where there is a message: ("ok", scheme), or ("refused" | "failed", why)."""
    scheme = address.partition("://")[0].lower()
    guard, heard = Guard(private=private), Heard()
    logging.getLogger("apprise").addHandler(heard)
    sys.addaudithook(guard)
    found = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if found is None:
        yield "refused", f"apprise cannot read this {scheme}:// address: a part of it is missing or malformed"
        return
    if not private and is_private_literal(str(getattr(found, "host", "") or "")):
        yield "refused", "the address is not on the public internet"
        return
    if message is None:
        yield "ok", scheme
        return
    taken = found.notify(title=message[0], body=message[1], body_format=apprise.NotifyFormat.TEXT)
    if taken:
        yield "ok", scheme
    elif guard.refused:
        yield "refused", "the address is not on the public internet"
    elif heard.status is not None and 400 <= heard.status < 500 and heard.status not in PASSING:
        yield "refused", f"the service answered {heard.status}"
    else:
        yield "failed", f"the service answered {heard.status}" if heard.status else "the service did not answer"
