"""What holds for all tests."""

from __future__ import annotations

import signal


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
