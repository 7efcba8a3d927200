"""What holds for all tests."""

from __future__ import annotations

import signal

import pytest

# They take minutes, each in one piece: what begins last would be waited for alone.
_LONG = ("journeys/test_browser.py", "exam/test_18_stored_xss.py", "exam/test_32_server_kill_9.py", "simulation/")


def pytest_configure() -> None:
    """
    Give signals back their usual meaning.

    Under nohup, and in the background of a shell, some are ignored, and every process that a test starts would
    inherit that: it could not be interrupted or hung up.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest."""

    def place(item: pytest.Item) -> int:
        return next((n for n, name in enumerate(_LONG) if name in item.nodeid), len(_LONG))

    items.sort(key=place)
