"""
Sending alerts to the channels of their projects.

Each channel has a queue of its own, so that one whose other side does not answer keeps none waiting. Alerts that come
within two seconds are one message, and so are those that quiet hours, a failure or too many messages an hour held back.
What was delivered, and what was given up, is a note in the ledger: a server that was killed goes on with the rest, so a
message may come twice, and none is lost without a word.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from treering.errors import NotFound, TreeringError
from treering.limits import (
    DELIVERIES_PER_HOUR,
    DELIVERY_AT_ONCE,
    DELIVERY_LATE_S,
    DELIVERY_QUEUE_MAX,
    DELIVERY_TRIES_MAX,
)
from treering.server.outbound import Outbound, Outcome
from treering.store.alert_rule_documents import LEVELS
from treering.store.alerting import Alert, Alerts

from .channels import Channel, Channels
from .mail import Mail
from .messages import chat_body, headline, mail_text, signature, webhook_body

__all__ = ["Delivery", "Standing"]

log = logging.getLogger("treering.server")

_TOGETHER_S: Final = 2.0
_AGAIN_S: Final = (10.0, 30.0, 120.0, 600.0, 3_600.0)
_HOUR_S: Final = 3_600.0
_TICK_S: Final = 0.5


class Standing(NamedTuple):
    """
    How a channel stands. Times are unix seconds.

    Attributes:
        waiting: alerts in its queue.
        quiet_until: the end of the quiet hours that it is now.
        next_at: when the next try is, after one that failed, or the next message, after as many as an hour may have.
        problem: why the last try failed; "" if it did not.
        last_at: when the last message was taken.
    """

    waiting: int = 0
    quiet_until: float | None = None
    next_at: float | None = None
    problem: str = ""
    last_at: float | None = None


@dataclass(slots=True)
class _Queue:
    """What waits for a channel."""

    waiting: deque[Alert] = field(default_factory=deque)
    known: set[str] = field(default_factory=set)  # ids that wait or are being sent
    first_s: float = 0.0  # when the oldest of them came
    tries: int = 0
    next_s: float = 0.0
    problem: str = ""
    last_s: float | None = None
    sent_s: deque[float] = field(default_factory=deque)
    is_busy: bool = False


class Delivery:
    """
    Queues and a few threads. ``offer`` may be called from any thread and never waits.

    Args:
        clock: unix seconds.
        address: returns where people reach this server, "" if that is not known.
    """

    def __init__(
        self,
        alerts: Callable[[], Alerts],
        channels: Channels,
        outbound: Outbound,
        mail: Mail,
        clock: Callable[[], float] = time.time,
        address: Callable[[], str] = lambda: "",
    ) -> None:
        self._alerts = alerts
        self._channels = channels
        self._outbound = outbound
        self._mail = mail
        self._clock = clock
        self._address = address
        self._queues: dict[str, _Queue] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._pool: ThreadPoolExecutor | None = None

    # ── what is to be sent ──────────────────────────────────────────────────────────────────────────────────────

    def offer(self, alerts: Iterable[Alert], *, is_news: bool = False) -> None:
        """
        Queue alerts for those channels that want them and have not had them.

        Args:
            is_news: they were raised just now, whatever the clock of their machine says. Of others, what was raised
                before a channel was made or turned on is none of its business.
        """
        now = self._clock()
        for alert in alerts:
            if not is_news and now - alert.time > DELIVERY_LATE_S:
                continue
            for channel in self._channels.of_project(alert.entity, alert.project):
                if self._wants(channel, alert) and (is_news or alert.time >= channel.since - _TOGETHER_S):
                    self._put(channel, alert)
        self._wake.set()

    def offer_again(self, channel: Channel, alerts: Iterable[Alert]) -> int:
        """Queue alerts once more that were given up. Returns how many."""
        some = [alert for alert in alerts if channel.id in alert.undelivered]
        for alert in some:
            self._put(channel, alert, again=True)
        with self._lock:
            queue = self._queues.get(channel.id)
            if queue is not None:
                queue.tries, queue.next_s = 0, 0.0
        self._wake.set()
        return len(some)

    def _wants(self, channel: Channel, alert: Alert) -> bool:
        if not channel.enabled or LEVELS.index(alert.level) < LEVELS.index(channel.level):
            return False
        if alert.rule is None:
            return True
        try:
            chosen = self._alerts().rules.find(alert.rule).spec.channels
        except NotFound:  # deleted meanwhile: whoever did that wants to hear no more of it
            return False
        return chosen is None or channel.id in chosen

    def _put(self, channel: Channel, alert: Alert, *, again: bool = False) -> None:
        with self._lock:
            queue = self._queues.setdefault(channel.id, _Queue())
            # What the ledger says now, and not when the alert was read: it may have been sent in between.
            became = self._alerts().log.outcome(alert.id)
            if alert.id in queue.known or channel.id in became.delivered:
                return
            if channel.id in became.undelivered and not again:
                return
            full = len(queue.waiting) >= DELIVERY_QUEUE_MAX
            if not full:
                if not queue.waiting:
                    queue.first_s = self._clock()
                queue.waiting.append(alert)
                queue.known.add(alert.id)
        if full:
            self._note([alert], "undelivered", channel, f"{DELIVERY_QUEUE_MAX:,} others waited already")

    def standing(self, channel: Channel) -> Standing:
        """Return how a channel stands."""
        with self._lock:
            queue = self._queues.get(channel.id, _Queue())
            next_s = None
            if queue.waiting and queue.problem:
                next_s = queue.next_s
            elif queue.waiting and len(queue.sent_s) >= DELIVERIES_PER_HOUR:
                next_s = queue.sent_s[0] + _HOUR_S
            waiting, problem, last_s = len(queue.waiting), queue.problem, queue.last_s
        try:
            quiet = None if channel.quiet is None else channel.quiet.until(self._clock())
        except TreeringError as error:
            quiet, problem = None, str(error)
        return Standing(waiting, quiet, next_s, problem, last_s)

    # ── sending ─────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begin to send."""
        self._pool = ThreadPoolExecutor(DELIVERY_AT_ONCE, thread_name_prefix="treering-delivery")
        self._thread = threading.Thread(target=self._run, name="treering-deliveries", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop sending; what waits is queued again at the next start. Idempotent."""
        self._is_closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _run(self) -> None:
        while not self._is_closed:
            self._wake.wait(_TICK_S)
            self._wake.clear()
            try:
                for channel, some in self.due():
                    if self._pool is not None and not self._is_closed:
                        self._pool.submit(self._send_in_turn, channel, some)
            except Exception:  # it must go on sending
                log.exception("deliveries failed; they go on")

    def due(self) -> list[tuple[Channel, list[Alert]]]:
        """Return what is to be sent now, and take it out of the queues."""
        now = self._clock()
        found: list[tuple[Channel, list[Alert]]] = []
        dropped: list[tuple[Channel, list[Alert]]] = []
        with self._lock:
            for channel_id, queue in list(self._queues.items()):
                channel = self._channels.get(channel_id)
                if channel is None or not channel.enabled:  # nobody wants it any more
                    if not queue.is_busy:
                        del self._queues[channel_id]
                        if channel is not None:
                            dropped.append((channel, list(queue.waiting)))
                    continue
                try:
                    some = self._take(channel, queue, now)
                except TreeringError as error:  # its time zone is gone with an update, say: it costs this channel
                    queue.problem = str(error)[:300]
                    continue
                if some:
                    found.append((channel, some))
        for channel, waiting in dropped:
            self._note(waiting, "undelivered", channel, "the channel was turned off")
        return found

    def _take(self, channel: Channel, queue: _Queue, now: float) -> list[Alert]:
        if not queue.waiting or queue.is_busy or now < queue.next_s or now - queue.first_s < _TOGETHER_S:
            return []
        while queue.sent_s and now - queue.sent_s[0] >= _HOUR_S:
            queue.sent_s.popleft()
        if len(queue.sent_s) >= DELIVERIES_PER_HOUR:
            return []
        some = list(queue.waiting)
        if channel.quiet is not None and channel.quiet.until(now) is not None:
            some = [alert for alert in some if alert.level == "ERROR"] if channel.quiet.urgent else []
        if some:
            taken = {alert.id for alert in some}
            queue.waiting = deque(alert for alert in queue.waiting if alert.id not in taken)
            queue.is_busy = True
        return some

    def _send_in_turn(self, channel: Channel, some: list[Alert]) -> None:
        try:
            outcome = self.send(channel, some)
        except Exception:  # of ours: the message is tried again like any other
            log.exception("the message for channel %s could not be made", channel.id)
            outcome = Outcome("send", "The message could not be made; the server's log says why.", retry=True)
        self.settle(channel, some, outcome)

    def settle(self, channel: Channel, some: Sequence[Alert], outcome: Outcome) -> None:
        """Note how a message went; one that may go better later waits in front of the queue."""
        now = self._clock()
        with self._lock:
            queue = self._queues.setdefault(channel.id, _Queue())
            queue.problem = "" if outcome.is_delivered else outcome.text
            queue.tries = 0 if outcome.is_delivered else queue.tries + 1
            waits = not outcome.is_delivered and outcome.retry and queue.tries < DELIVERY_TRIES_MAX
            if waits:
                queue.waiting.extendleft(reversed(some))
                queue.next_s = now + _AGAIN_S[min(queue.tries, len(_AGAIN_S)) - 1]
                queue.is_busy = False
                return
            if outcome.is_delivered:
                queue.last_s = now
                queue.sent_s.append(now)
        # Before they are no longer known here: whoever offers one of them meanwhile would have it sent twice.
        self._note(some, "delivered" if outcome.is_delivered else "undelivered", channel, outcome.text)
        with self._lock:
            queue.known.difference_update(alert.id for alert in some)
            queue.next_s, queue.first_s, queue.tries = 0.0, now, 0
            queue.is_busy = False

    def _note(self, some: Sequence[Alert], what: str, channel: Channel, why: str) -> None:
        more = {"why": why[:300]} if what == "undelivered" else {}
        ids = [alert.id for alert in some]
        if not ids:
            return
        try:
            self._alerts().log.note_outcomes(ids, what, int(self._clock() * 1e9), channel=channel.id, **more)
        except OSError as error:  # a full disk: after a restart they may come twice
            log.warning("cannot note that %d alerts were %s, %s the first: %s", len(ids), what, ids[0], error)

    def send(self, channel: Channel, alerts: Sequence[Alert]) -> Outcome:
        """Send one message, a test if there are no *alerts*, and return how it went."""
        address = self._address()
        delivery_id = alerts[0].id if alerts else "test"
        if channel.kind == "email":
            subject = f"[treering] {headline(alerts)}"
            mail_id = f"{delivery_id}.{len(alerts)}" if alerts else f"test.{secrets.token_hex(8)}"
            return self._mail.send(channel.to, subject, mail_text(alerts, address), mail_id)
        headers = {"Content-Type": "application/json"}
        if channel.kind == "slack":
            return self._outbound.post(channel.url, chat_body(alerts, address), headers)
        body = webhook_body(alerts, address)
        stamp = str(int(self._clock()))
        headers |= {"X-Treering-Delivery": delivery_id, "X-Treering-Timestamp": stamp}
        if channel.secret:
            headers["X-Treering-Signature"] = signature(channel.secret, stamp, body)
        return self._outbound.post(channel.url, body, headers)
