"""Mask keys in vendors' answers: the key that was sent, in any shape, and everything shaped like a key."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "[key]"
SHORTEST_PREFIX = 8  # so many characters of a key are given away only on purpose; fewer are no secret
_KEY_LIKE = re.compile(
    r"\b(?:sk|pk|gsk|key|xai|pplx|nvapi|hf|fw|csk|r8|tgp|AIza)[-_][-_A-Za-z0-9*.]{8,}"
    r"|\bAIza[-_A-Za-z0-9*.]{8,}"
    r"|\bAQ\.[-_A-Za-z0-9*.]{8,}"
    r"|(?i:\bbearer\s+)[-_A-Za-z0-9.=+/]{12,}"
)


def hide_keys(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without `secrets` and without anything like a key.

    A secret is found plain, quoted for an address or JSON, in Base64, cut short, and in other capitals.
    """
    for secret in secrets:
        if len(secret) < 4:
            continue
        coded = base64.b64encode(secret.encode()).decode().rstrip("=")
        for form in {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}:
            text = re.sub(re.escape(form), MASK, text, flags=re.IGNORECASE)
        text = re.sub(re.escape(coded[:-1]) + r"[A-Za-z0-9+/]=*", MASK, text)
        if len(secret) >= SHORTEST_PREFIX * 2:
            start = re.escape(secret[:SHORTEST_PREFIX])
            text = re.sub(rf"(?<![A-Za-z0-9]){start}[^\s\"'<>,;)]*", MASK, text, flags=re.IGNORECASE)
    return _KEY_LIKE.sub(MASK, text)
