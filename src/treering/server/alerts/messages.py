"""What a message says: as text for mail and chats, and as JSON for programs, signed."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from treering.limits import DIGEST_MAX, OUTBOUND_BODY_MAX_BYTES
from treering.store.alerting import Alert

__all__ = ["chat_body", "headline", "mail_text", "signature", "webhook_body"]

_CHAT_MAX_CHARS: Final = 15_000  # of at most four bytes each

_encode = msgspec.json.Encoder().encode


def headline(alerts: Sequence[Alert]) -> str:
    """Return a message in one line."""
    if not alerts:
        return "treering: a test message"
    first = alerts[0]
    if len(alerts) == 1:
        return f"{first.level}: {first.title} · {first.run_name} ({first.entity}/{first.project})"
    return f"{len(alerts):,} alerts in {first.entity}/{first.project}"


def mail_text(alerts: Sequence[Alert], address: str) -> str:
    """Return the text of a mail."""
    if not alerts:
        return "This channel works: treering's alerts arrive here.\n"
    parts = []
    for alert in alerts[:DIGEST_MAX]:
        lines = [f"{alert.level}  {alert.title}", *_details(alert)]
        if link := _link(alert, address):
            lines.append(link)
        parts.append("\n".join(lines))
    if len(alerts) > DIGEST_MAX:
        parts.append(f"and {len(alerts) - DIGEST_MAX:,} more")
    return "\n\n".join(parts) + "\n"


def chat_body(alerts: Sequence[Alert], address: str) -> bytes:
    """Return the body for a chat that takes what Slack takes."""
    if not alerts:
        return _encode({"text": "This channel works: treering's alerts arrive here."})
    lines = [f"*{_chat(headline(alerts))}*"]
    for alert in alerts[:DIGEST_MAX]:
        if len(alerts) > 1:
            lines.append(f"*{_chat(f'{alert.level}: {alert.title}')}*")
        lines += [_chat(line) for line in _details(alert)]
        if link := _link(alert, address):
            lines.append(f"<{_chat(link)}|{_chat(alert.run_name)}>")
    if len(alerts) > DIGEST_MAX:
        lines.append(f"and {len(alerts) - DIGEST_MAX:,} more")
    return _encode({"text": "\n".join(lines)[:_CHAT_MAX_CHARS]})


def webhook_body(alerts: Sequence[Alert], address: str) -> bytes:
    """Return the body for a program: ``event`` is alert, digest or test."""
    event = "test" if not alerts else "alert" if len(alerts) == 1 else "digest"
    most = DIGEST_MAX
    while True:
        named = [_data(alert, address) for alert in alerts[:most]]
        body = _encode({"event": event, "alerts": named, "more": max(0, len(alerts) - most)})
        if len(body) <= OUTBOUND_BODY_MAX_BYTES or most == 1:
            return body
        most //= 2


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return what a receiver compares: HMAC-SHA256 over the timestamp, a dot, and the body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _details(alert: Alert) -> list[str]:
    lines = [alert.text[:1_000]] if alert.text else []
    if alert.repeats:
        lines.append(f"and {alert.repeats:,} of the same title before, held back by the training")
    at = datetime.fromtimestamp(alert.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    step = "" if alert.step is None else f" · step {alert.step:,}"
    return [*lines, f"{alert.entity}/{alert.project} · {alert.run_name}{step} · {at}"]


def _data(alert: Alert, address: str) -> dict[str, Any]:
    return {
        "id": alert.id,
        "level": alert.level,
        "title": alert.title,
        "text": alert.text[:1_000],
        "source": alert.source,
        "kind": alert.kind,
        "entity": alert.entity,
        "project": alert.project,
        "run": {"key": alert.run_key, "id": alert.run_id, "name": alert.run_name, "url": _link(alert, address) or None},
        "metric": alert.key,
        "step": alert.step,
        "value": _number(alert.value),
        "at": alert.at,
        "time": alert.time,
        "rule": alert.rule,
        "repeats": alert.repeats,
    }


def _number(value: float | None) -> float | str | None:
    """JSON has no NaN: it is a word there, as everywhere in the API."""
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _link(alert: Alert, address: str) -> str:
    return f"{address.rstrip('/')}/r/{alert.run_key}" if address else ""


def _chat(text: str) -> str:
    """Take from a text what means something to a chat: nobody is mentioned, and no link looks like another."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("*", "∗").replace("`", "ˋ").replace("@", "@\u200b")
