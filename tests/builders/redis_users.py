"""Users of the tests' Redis who may touch the keys and channels of one prefix alone."""

from __future__ import annotations

import re
from typing import Any

import redis


def owner_of(redis_url: str, prefix: str) -> str:
    """The server's address for a user who owns `prefix`; anything else is refused to him, and in the server's log."""
    user = "own-" + prefix.replace(":", "-")
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("ACL", "LOG", "RESET")
        allowed = ["on", ">secret", "+@all", f"~{{{prefix}}}:*", f"&{{{prefix}}}:*"]
        client.execute_command("ACL", "SETUSER", user, "reset", *allowed)
    return redis_url.replace("://", f"://{user}:secret@")


def server_of(address: str) -> redis.Redis:
    """The server of an address as its owner, who may see and empty all of it."""
    return redis.Redis.from_url(re.sub(r"://own-[^@]*@", "://", address))


def refused(redis_url: str) -> list[Any]:
    """What the server refused its users since the last of them was made."""
    with redis.Redis.from_url(redis_url) as client:
        log: Any = client.execute_command("ACL", "LOG")
    return list(log)
