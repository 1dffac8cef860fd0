"""What of an error or a result may leave the platform: no address of a server, no path of a file, no secret.

The log has the whole text.
"""

from __future__ import annotations

import re
from typing import Any

from invest.errors import PoolFull, ServerAway
from invest.logs import mask

SERVER = re.compile(r"\b(PostgreSQL|Redis) at \S+")
SOCKET = re.compile(r"\((?:'[^'\n]{1,100}'|\"[^\"\n]{1,100}\"), ?\d{1,5}(?:, ?\d+, ?\d+)?\)")
ROOTS = "home|root|srv|var|tmp|usr|opt|data|app|mnt|etc|run|private|Users|work|workspace|builds"
FILE = re.compile(rf"(?<![\w/:.])/(?:{ROOTS})(?:/[\w.@+=-]+)+/?")
EXPORTS = frozenset({"export_report_async", "batch_export_reports", "finish_batch_export"})
DEEPEST = 6


def public_text(text: str) -> str:
    """An error's text for those outside."""
    text = SERVER.sub(r"\1", mask(text))
    return FILE.sub("(a file of the server)", SOCKET.sub("(an address)", text))


def public_error(error: BaseException) -> str:
    """An error for those outside."""
    if isinstance(error, PoolFull):
        return f"{error.server} is in use: try again in a moment"
    if isinstance(error, ServerAway):
        return f"{error.server} does not answer"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return public_text(str(error))


def public_result(value: Any, depth: int = 0) -> Any:
    """A result whose files are named relative to the data folder, without the folder's own path."""
    if depth < DEEPEST and isinstance(value, dict):
        return {
            name: "/".join(inner.replace("\\", "/").split("/")[-2:])
            if name == "file_path" and isinstance(inner, str)
            else public_result(inner, depth + 1)
            for name, inner in value.items()
        }
    if depth < DEEPEST and isinstance(value, list):
        return [public_result(item, depth + 1) for item in value]
    return value
