"""
Limits on guessing: a few wrong passwords from one address, many more for one account from everywhere.

The account's limit is the larger one by far, so that whoever attacks from one address locks out that address and not
the account's owner. An attempt counts when it begins, so that a thousand at once are not all let through; one that
succeeds is taken back, and only that one, so that an attacker's own account does not wipe the slate.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from treering.limits import (
    ACCOUNT_FAILURES_MAX,
    ATTEMPTS_REMEMBERED_MAX,
    PEER_FAILURES_MAX,
    SIGN_IN_WINDOW_S,
)
from treering.server.errors import ApiError

__all__ = ["Attempts"]

_Stamps = OrderedDict[str, deque[float]]


class Attempts:
    """The sign-ins of the last quarter of an hour that failed or have not ended. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._peers: _Stamps = OrderedDict()
        self._accounts: _Stamps = OrderedDict()

    def begin(self, peer: str, account: str) -> Callable[[], None]:
        """
        Count an attempt; returns how to take it back once it has succeeded.

        Args:
            peer: the real address of the other side.
            account: the name that was given, whether there is such an account or not.

        Raises:
            ApiError: "too_many_attempts", with Retry-After.
        """
        peer, account = _network(peer), account.casefold()[:256]
        now = self._clock()
        with self._lock:
            wait_s = max(
                _wait(self._peers, peer, PEER_FAILURES_MAX, now),
                _wait(self._accounts, account, ACCOUNT_FAILURES_MAX, now),
            )
            if wait_s <= 0:
                _stamps(self._peers, peer).append(now)
                _stamps(self._accounts, account).append(now)
        if wait_s > 0:
            raise ApiError(
                "too_many_attempts",
                "Too many attempts to sign in failed.",
                f"Wait {int(wait_s // 60) + 1} minutes.",
                {"retry-after": str(int(wait_s) + 1)},
            )

        def take_back() -> None:
            with self._lock:
                for attempts, name in ((self._peers, peer), (self._accounts, account)):
                    if now in attempts.get(name, ()):
                        attempts[name].remove(now)

        return take_back


def _network(peer: str) -> str:
    """Return what one attacker can have: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _wait(attempts: _Stamps, name: str, at_most: int, now: float) -> float:
    """Return for how long *name* has to wait, and forget what is old."""
    stamps = attempts.get(name)
    if stamps is None:
        return 0.0
    while stamps and stamps[0] <= now - SIGN_IN_WINDOW_S:
        stamps.popleft()
    return stamps[0] + SIGN_IN_WINDOW_S - now if len(stamps) >= at_most else 0.0


def _stamps(attempts: _Stamps, name: str) -> deque[float]:
    stamps = attempts.setdefault(name, deque())
    attempts.move_to_end(name)
    while len(attempts) > ATTEMPTS_REMEMBERED_MAX:
        attempts.popitem(last=False)
    return stamps
