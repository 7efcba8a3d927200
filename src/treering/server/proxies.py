"""
Proxies in front of the server, named one by one.

``X-Forwarded-For`` is a claim that anybody can make. It counts only from a peer that the operator named, and of the
addresses in it only the last that no named proxy added: what is left of that one the other side wrote itself.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from treering.errors import InvalidValue

__all__ = ["Network", "TrustedProxies", "parse_proxies"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_proxies(texts: Iterable[str]) -> tuple[Network, ...]:
    """
    Return the networks for ``--trusted-proxy`` values.

    Raises:
        InvalidValue: not an address or a network, or one that has everybody in it.
    """
    networks = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            raise InvalidValue(
                f"--trusted-proxy {text!r} is not an IP address or a network such as 10.0.0.0/24."
            ) from None
        if network.prefixlen == 0:
            raise InvalidValue(f"--trusted-proxy {text!r} is everybody. Name the addresses of your proxies.")
        networks.append(network)
    return tuple(networks)


class TrustedProxies:
    """The outermost layer: puts the real address, and whether the browser came by https, where the others look."""

    def __init__(self, app: ASGIApp, proxies: tuple[Network, ...]) -> None:
        self.app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client is not None and self._is_trusted(client[0]):
            scope = dict(scope)
            scope["client"] = (self._real_address(client[0], _values(scope, b"x-forwarded-for")), 0)
            # Several values are the proxies' own quarrel; then the connection to us is what counts.
            if _values(scope, b"x-forwarded-proto") == ["https"]:
                scope["scheme"] = "https"
        await self.app(scope, receive, send)

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._proxies)

    def _real_address(self, peer: str, claims: list[str]) -> str:
        for claim in reversed(claims):
            address = _address(claim)
            if address is None:
                return peer
            peer = str(address)
            if not self._is_trusted(peer):
                return peer
        return peer


def _values(scope: Scope, wanted: bytes) -> list[str]:
    fields = [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
    return [part.strip() for field in fields for part in field.split(",") if part.strip()]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
