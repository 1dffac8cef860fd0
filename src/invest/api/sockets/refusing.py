"""Refuse a request before reading its body: the cheapest answer an overloaded process can give."""

from __future__ import annotations

import re

from aiohttp import web

from invest.api.http import API_POLICY, SECURITY, render, title_of
from invest.api.sockets.load import PROBES, too_many

# A whole request without a body, as a client with a keep-alive connection sends it: nothing of it is needed to say no.
SIMPLE = re.compile(rb"(?:GET|POST|PUT|DELETE) \S+ HTTP/1\.1\r\n")
# What may announce a body or another protocol, wherever it stands; in small letters.
UNSURE = re.compile(rb"content-length(?!: *0 *\r\n)|transfer-encoding|upgrade|expect|connection(?!: *keep-alive *\r\n)")
END = b"\r\n\r\n"
PROBING = re.compile(
    rb"[A-Z]+ (?:https?://[^/ ]*)?(?:%b)[ ?]" % b"|".join(probe.encode() for probe in sorted(PROBES)), re.IGNORECASE
)


def is_simple(data: bytes) -> bool:
    """Whether `data` is exactly one whole request without a body."""
    return (
        data.endswith(END)
        and SIMPLE.match(data) is not None
        and data.find(END) == len(data) - len(END)
        and data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")  # a proxy may end lines at others
        and UNSURE.search(data.lower()) is None  # looking without regard to case costs several times as much
    )


def may_refuse(data: bytes) -> bool:
    """Whether a simple request is one to refuse: a probe is always answered."""
    return PROBING.match(data) is None


def as_bytes(response: web.Response) -> bytes:
    """An answer of the API with the headers of every answer, as it goes over the wire."""
    assert isinstance(response.body, bytes)
    headers = {**SECURITY, "Content-Security-Policy": API_POLICY, "Cache-Control": "no-store", **response.headers}
    headers["Content-Length"] = str(len(response.body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {response.status} {title_of(response.status)}\r\n{lines}\r\n".encode() + response.body


def is_plain_probe(data: bytes) -> bool:
    """Whether a simple request asks whether the process answers, and nothing else."""
    return data.startswith(ALIVE)


NUMBER = b"(request number)"  # stands for X-Request-Id in an answer that is made once
ALIVE = b"GET /healthz HTTP/1.1\r\n"
REFUSAL = as_bytes(render(too_many()))
