"""Which IP addresses are publicly reachable, also when embedded in other addresses (RFC 6890 and the IANA
registries).

`is_global` alone is true for addresses that carry a private one inside (IPv4-mapped, 6to4, NAT64, Teredo).
"""

from __future__ import annotations

import ipaddress

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
NOT_PUBLIC = (
    ipaddress.ip_network("192.0.0.0/24"),  # protocol assignments: Python calls parts of it global
    ipaddress.ip_network("192.88.99.0/24"),  # old 6to4 relays
    ipaddress.ip_network("100.64.0.0/10"),  # carrier-grade NAT
    ipaddress.ip_network("::/96"),  # IPv4-compatible
    ipaddress.ip_network("fec0::/10"),  # site-local, deprecated and still routed in places
    ipaddress.ip_network("3fff::/20"),  # documentation (RFC 9637)
    ipaddress.ip_network("5f00::/16"),  # segment routing (RFC 9602)
    ipaddress.ip_network("100::/64"),  # discard only
    ipaddress.ip_network("2001::/23"),  # protocol assignments
)


def unwrap(address: IpAddress) -> IpAddress:
    """The IPv4 address inside a mapped, 6to4, NAT64 or Teredo one; `address` itself otherwise."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in net for net in NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(text: str) -> bool:
    """Whether `text` is an address of the public internet. False for anything that is no address."""
    try:
        address = unwrap(ipaddress.ip_address(text.split("%", 1)[0]))
    except ValueError:
        return False
    blocked = any(address in net for net in NOT_PUBLIC if net.version == address.version)
    return address.is_global and not address.is_multicast and not address.is_reserved and not blocked
