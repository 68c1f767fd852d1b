"""Which addresses may be called: public ones, unless the connection or the setting allows more.

Addresses are judged after resolving, and the connection is made to the very address that was judged (the transport's
resolver is where this happens), so that a name cannot point elsewhere in between.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flowengine.errors import Blocked

_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        # What `ipaddress.is_global` lets through, or has let through in some Python version.
        "100.64.0.0/10",  # shared by carriers
        "168.63.129.16/32",  # Azure's platform
        "192.0.0.0/24",  # protocol assignments, 192.0.0.192 among them: Oracle Cloud's metadata
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",
        "64:ff9b:1::/48",
        "2001::/23",
        "2001:db8::/32",
        "fec0::/10",
    )
)
_CARRIERS_OF_IPV4 = (
    (ip_network("64:ff9b::/96"), 0),  # NAT64: the last 32 bits
    (ip_network("::/96"), 0),  # IPv4-compatible
    (ip_network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (ip_network("::ffff:0:0:0/96"), 0),  # IPv4-translated
    (ip_network("2002::/16"), 80),  # 6to4: bits 16 to 48
)


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Whether an IP address in text is one of the open internet; what is no address is not."""
    try:
        parsed = ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        carried = _carried(parsed)
        if carried is not None:
            # 2002::/16 and NAT64 reach IPv4 only through a relay; what they carry decides, and 6to4 is never needed.
            return parsed not in _CARRIERS_OF_IPV4[-1][0] and is_public(str(carried))
    return _is_global(parsed)


def _carried(address: IPv6Address) -> IPv4Address | None:
    for network, shift in _CARRIERS_OF_IPV4:
        if address in network:
            return IPv4Address((int(address) >> shift) & 0xFFFF_FFFF)
    return None


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address.version == network.version and address in network for network in _NOT_PUBLIC)
    )


def refuse_private(host: str, address: str) -> None:
    """Raise `Blocked` when `host` led to an `address` that is not public."""
    if not is_public(address):
        where = host if host == address else f"{host} ({address})"
        raise Blocked(
            f"{where} is not a public address; a connection that may call it says `allow_private_network: true`"
        )
