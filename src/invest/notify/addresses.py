"""What of an address can be said without asking anybody: a service that is reached over the network, no host inside."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from invest.domain.addresses import is_public
from invest.notify.message import MessageRefused

# Services that are reached over the network. What acts on this machine (D-Bus, syslog, files, programs) is none.
NAMES = """
tgram whatsapp ntfy ntfys slack discord mailto mailtos json jsons xml xmls form forms gotify gotifys matrix matrixs
mmost mmosts rocket rockets msteams workflow workflows gchat googlechat webex wxteams zulip pover pushover pbul
pushbullet psafer psafers pushy signal signals twilio vonage sinch sns ses sendgrid mailgun brevo resend smtp2go
sparkpost hassio hassios ifttt line join prowl spush simplepush revolt guilded bark barks lark feishu dingtalk
wecombot pagerduty opsgenie pagertree signl4 splunk victorops nctalk nctalks ncloud nclouds synology synologys
lametric lametrics mastodon mastodons toot toots bluesky reddit threema evolution waha
"""
SCHEMES = frozenset(NAMES.split())


def check_text(address: str, *, private: bool) -> None:
    """Refuse an address that no name has to be resolved for. Raises `MessageRefused`."""
    if not address.isprintable():
        raise MessageRefused("the address is malformed: it holds control characters")
    scheme, colon, _ = address.partition("://")
    if not colon or scheme.lower() not in SCHEMES:
        raise MessageRefused(
            "expected an address of apprise: tgram://token/chat, ntfy://topic, mailto://user:pass@host"
        )
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        raise MessageRefused("the address is malformed") from None
    if not private and is_private_literal(host):
        raise MessageRefused("the address is not on the public internet")


def is_private_literal(host: str) -> bool:
    """Whether a host is written as an address that is not public, or names this machine."""
    bare = host.strip("[]").lower()
    if bare in ("localhost", "ip6-localhost") or bare.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        packed = socket.inet_aton(bare)  # also 127.1, 0x7f000001 and 2130706433
    except OSError:
        return ":" in bare and not is_public(bare)
    # A name of digits alone is a chat or a topic of some services, and never an address that is connected to as such.
    return ("." in bare or bare.startswith("0x")) and not is_public(socket.inet_ntoa(packed))
