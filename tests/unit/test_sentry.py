"""Errors go to Sentry's protocol on loopback, without secrets and without anything of a person."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from invest import sentry
from invest.errors import NotFound

pytest.importorskip("sentry_sdk", reason="the extra sentry is not installed")

SECRETS = ("hunter2" * 2, "abcdef" * 3, "123.456." + "789-09")  # put together: the lines of a program are sent along


@pytest.fixture
def received() -> Iterator[tuple[str, list[bytes]]]:
    """A DSN on loopback, and the bodies that came to it."""
    bodies: list[bytes] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://public@127.0.0.1:{server.server_port}/1", bodies
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_error_arrives_scrubbed_and_an_expected_one_does_not(
    received: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn, bodies = received
    monkeypatch.setenv(sentry.DSN, dsn)
    monkeypatch.setattr(sentry, "_sdk", None)
    try:
        assert sentry.set_up("worker")
        of_a_person = SECRETS[2] * 2  # a local variable
        try:
            raise RuntimeError(f"no answer from https://user:{SECRETS[0]}@db.example with token={SECRETS[1]}")
        except RuntimeError as error:
            sentry.report(error, job="collect_asset_data_async", job_id="j1", request_id=None)
        sentry.report(NotFound("no portfolio 'x'"))
        sentry.flush()
    finally:
        import sentry_sdk

        sentry_sdk.get_client().close()
        monkeypatch.setattr(sentry, "_sdk", None)
    events = [body for body in bodies if b'"exception"' in body]
    assert len(events) == 1 and b"RuntimeError" in events[0] and b"collect_asset_data_async" in events[0]
    for secret in (*SECRETS, of_a_person, '"vars"', "abs_path"):
        assert secret.encode() not in events[0], secret


@pytest.mark.parametrize("dsn", ["", "nonsense"])
def test_no_address_or_a_wrong_one_leaves_the_platform_running(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sentry.DSN, dsn)
    monkeypatch.setattr(sentry, "_sdk", None)
    assert not sentry.set_up("web")
    sentry.report(RuntimeError("x"))
    sentry.flush()
