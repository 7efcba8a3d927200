"""The alerts of a running server: what looks at runs once a second, and what sends what that finds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from treering.limits import ALERT_LOOK_S, DELIVERY_AT_ONCE, DELIVERY_LATE_S
from treering.server.outbound import Outbound, Outcome
from treering.store.alert_watch import is_recent
from treering.store.alerting import Alert, Alerts

from .channels import Channel, Channels
from .delivery import Delivery
from .mail import Mail

if TYPE_CHECKING:
    from treering.store import Store

__all__ = ["AlertService"]

log = logging.getLogger("treering.server")

_AFTER_FAILURE_S: Final = 5.0


class AlertService:
    """
    Watches and sends while it is started. One of a server; an idle server that a reading command started has none.

    Attributes:
        address: where people reach this server; set once it listens.
    """

    def __init__(
        self, store: Store, file: Path, outbound: Outbound, mail: Mail, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._clock = clock
        self.address = ""
        self.mail = mail
        self.outbound = outbound
        self.channels = Channels(file, outbound, clock)
        self.delivery = Delivery(lambda: self._alerts, self.channels, outbound, mail, clock, lambda: self.address)
        self._tests = threading.BoundedSemaphore(DELIVERY_AT_ONCE)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def _alerts(self) -> Alerts:
        return self._store.alerts

    def send_test(self, channel: Channel) -> Outcome:
        """Send a test message now; a few at once at most: each may keep one of the server's threads for a minute."""
        if not self._tests.acquire(blocking=False):
            return Outcome("send", "Other channels are being tested just now. Try again in a minute.", retry=True)
        try:
            return self.delivery.send(channel, [])
        finally:
            self._tests.release()

    def start(self) -> None:
        """Begin to watch and to send."""
        self._stop.clear()
        self._alerts.watch.start()
        self.delivery.start()
        self._thread = threading.Thread(target=self._run, name="treering-alerts", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop. Idempotent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.delivery.close()

    def _run(self) -> None:
        has_begun = False
        while not self._stop.wait(ALERT_LOOK_S):
            try:
                if not has_begun:
                    # What a kill left in the queues, and what came while no server ran.
                    since_us = int((self._clock() - DELIVERY_LATE_S) * 1e6)
                    self.delivery.offer(self._current(self._alerts.recent(since_us)))
                    has_begun = True
                self.look()
            except Exception:  # it must go on watching
                log.exception("the look at alerts failed")
                self._stop.wait(_AFTER_FAILURE_S)

    def look(self) -> None:
        """Look once: judge what came, and queue what is to be sent."""
        watch = self._alerts.watch
        self.delivery.offer(self._alerts.raised(watch.look()), is_news=True)
        raised = watch.take_raised()
        if raised:
            self.delivery.offer(self._current(self._alerts.of_code(raised)), is_news=True)

    def _current(self, alerts: list[Alert]) -> list[Alert]:
        """Return what rules raised, and of what code did that of runs that run, or ended a short time ago."""
        keys = {alert.run_key for alert in alerts if alert.source == "code"}
        states = self._store.metadata.runs_by_key(keys) if keys else {}
        now_ns = int(self._clock() * 1e9)
        current = {key for key, state in states.items() if is_recent(state, now_ns)}
        return [alert for alert in alerts if alert.source == "rule" or alert.run_key in current]
