"""Mask keys in vendors' answers: the key that was sent, in any writing, and everything shaped like a key."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, unquote

MASK = "[key]"
SHORTEST = 4  # shorter texts are no secrets
SHORTEST_PREFIX = 8  # so many characters of a key are given away only on purpose; fewer are no secret
LONGEST = 20_000  # characters searched for a key that is written character by character
STEP = 4  # every run of SHORTEST_PREFIX + STEP - 1 characters of a key holds one of the pieces that are looked for
_KEY_LIKE = re.compile(
    r"\b(?:sk|pk|gsk|key|xai|pplx|nvapi|hf|fw|csk|r8|tgp|AIza)[-_][-_A-Za-z0-9*.]{8,}"
    r"|\bAIza[-_A-Za-z0-9*.]{8,}"
    r"|\bAQ\.[-_A-Za-z0-9*.]{8,}"
    r"|(?i:\b(?:bearer|basic)\s+)[-_A-Za-z0-9.=+/]{12,}"
)
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "/": "&sol;", "+": "&plus;"}
# What may stand between two characters of a key: breaks of lines, spaces, invisible characters, as such or escaped.
_BETWEEN = (
    r"(?:[\s\u200b-\u200f\u2028\u2029\u2060\ufeff\u00ad]|\\+[nrt]|\\+u(?:200[b-f]|2060|feff|00ad|000[9ad])"
    r"|%(?:25)*(?:0[9ad]|20)|<br ?/?>)*"
)
_SPACE = re.compile(r"[\s\u200b-\u200f\u2028\u2029\u2060\ufeff\u00ad]+")
_BREAK = re.compile(r"\\+[nrt]|<br ?/?>")
_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_LOWER = str.maketrans({chr(code): chr(code + 32) for code in range(65, 91)})
_TOKEN = re.compile(r"[A-Za-z0-9+/=_-]*")


def hide_keys(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without `secrets` and without anything like a key.

    A secret is found plain, spread over lines, quoted for an address, JSON or HTML, character by character, in Base64
    (also behind a user's name), in hexadecimal digits, cut short on either side, and in other capitals.
    """
    for secret in secrets:
        if len(secret) < SHORTEST:
            continue
        text = _without_writings(text, secret)
        if len(secret) >= SHORTEST_PREFIX * 2:
            start = re.escape(secret[:SHORTEST_PREFIX])
            text = re.sub(rf"(?<![A-Za-z0-9]){start}[^\s\"'<>,;)]*", MASK, text, flags=re.IGNORECASE)
            text = _without_runs(text, (secret,), whole_token=False)
        text = _without_runs(text, _codings(secret), whole_token=True)
    return _KEY_LIKE.sub(MASK, text)


def _without_writings(text: str, secret: str) -> str:
    """`text` without the whole secret, however its characters are written; a long text that hides it so goes whole."""
    for form in (secret, quote(secret, safe="")):
        text = re.sub(re.escape(form), MASK, text, flags=re.IGNORECASE)
    wanted = _lower(_SPACE.sub("", secret).replace("\\", ""))
    if not any(wanted in _lower(plain) for plain in _plain(text)):
        return text
    if len(text) > LONGEST:
        return f"{MASK} ({len(text)} characters in which the key was spread)"
    return _writing(secret).sub(MASK, text)


def _plain(text: str) -> Iterator[str]:
    """`text` with its escapes read and what may stand between two characters left out: quick to search."""
    read = html.unescape(text)
    for _ in range(3):
        read = unquote(read) if "%" in read else read
    read = _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), read)
    yield _SPACE.sub("", _BREAK.sub("", read)).replace("\\", "")
    yield _SPACE.sub("", read).replace("\\", "")


@lru_cache(maxsize=64)
def _writing(secret: str) -> re.Pattern[str]:
    """The whole secret, each of its characters plain or escaped."""
    return re.compile(_BETWEEN.join(_character(c) for c in secret), re.IGNORECASE)


def _character(c: str) -> str:
    code = ord(c)
    forms = [re.escape(c), rf"\\+u{code:04x}", rf"\\+x{code:02x}", rf"&#0*{code};", rf"&#x0*{code:x};"]
    forms.append("".join(rf"%(?:25)*{byte:02x}" for byte in c.encode()))
    if not c.isalnum():
        forms.append(r"\\+" + re.escape(c))
    if c in _NAMED:
        forms.append(_NAMED[c])
    return f"(?:{'|'.join(forms)})"


@lru_cache(maxsize=64)
def _codings(secret: str) -> tuple[str, ...]:
    """The secret in Base64, at each of its three places behind other bytes, and in hexadecimal digits."""
    return tuple(dict.fromkeys(form for form in _coded(secret.encode()) if len(form) >= SHORTEST_PREFIX))


def _coded(raw: bytes) -> Iterator[str]:
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6  # characters that the secret alone decides
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * before + raw).decode()[first:last]
    yield raw.hex()
    yield quote(base64.b64encode(raw).decode().rstrip("="), safe="")


def _without_runs(text: str, forms: Iterable[str], *, whole_token: bool) -> str:
    """`text` without runs of a form's characters; with `whole_token` without the token that holds such a run."""
    lower = _lower(text)
    spans: list[tuple[int, int]] = []
    for form in forms:
        wanted = _lower(form)
        for at in range(0, max(len(wanted) - SHORTEST_PREFIX, 0) + 1, STEP):
            piece = wanted[at : at + SHORTEST_PREFIX]
            place = lower.find(piece)
            while place >= 0:
                spans.append(_widened(lower, wanted, place, at, len(piece), whole_token=whole_token))
                place = lower.find(piece, max(spans[-1][1], place + 1))
    shown, after = [], 0
    for start, end in sorted(spans):
        if end > after:
            shown += [text[after:start], MASK] if start >= after else []
            after = end
    return "".join([*shown, text[after:]])


def _lower(text: str) -> str:
    """Small letters, of the same length."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text.translate(_LOWER)


def _widened(text: str, form: str, place: int, at: int, size: int, *, whole_token: bool) -> tuple[int, int]:
    start, end = place, place + size
    while at > 0 and start > 0 and text[start - 1] == form[at - 1]:
        start, at = start - 1, at - 1
    at += end - start
    while at < len(form) and end < len(text) and text[end] == form[at]:
        end, at = end + 1, at + 1
    if whole_token:
        tail = _TOKEN.match(text, end)
        end = tail.end() if tail else end
        while start > 0 and _TOKEN.fullmatch(text[start - 1]):
            start -= 1
    return start, end
