"""Addresses of channels that are refused before anybody is asked."""

from __future__ import annotations

import pytest

from invest.notify.addresses import check_text
from invest.notify.message import MessageRefused


@pytest.mark.parametrize(
    "address",
    [
        "json://127.0.0.1",
        "JSON://127.1/hook",
        "json://0x7f000001",
        "json://0177.0.0.1",
        "json://user@127.0.0.1",
        "json://example.org@127.0.0.1",
        "jsons://[::1]",
        "jsons://[::ffff:127.0.0.1]/",
        "jsons://[64:ff9b::7f00:1]/",
        "gotify://[fd00::1]/token",
        "ntfy://localhost/topic",
        "mailto://user:password@169.254.169.254",
        "json://[::1",
        "json://\x00",
        "json://example.org\r\nHost: other",
        "json://\u2028example.org",
        "syslog://",
        "exec://program",
        "dbus://",
        "file:///etc/passwd",
        "",
        "://",
    ],
)
def test_addresses_within_and_services_of_this_machine_are_refused(address: str) -> None:
    with pytest.raises(MessageRefused):
        check_text(address, private=False)


@pytest.mark.parametrize("address", ["tgram://123456:token/987654", "ntfy://topic", "json://example.org/hook"])
def test_public_services_are_taken(address: str) -> None:
    check_text(address, private=False)
