"""
Alerts of a project, from code.

::

    for alert in tr.Api().alerts("digits", only="new"):
        print(alert.level, alert.title, alert.run_name, alert.step)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

import msgspec

from treering.errors import RemoteError

from .connection import Connection

__all__ = ["Alert", "iterate_alerts"]

_PAGE: Final = 200


class Alert(msgspec.Struct, frozen=True):
    """
    An alert. Times are unix seconds, None for not yet.

    Attributes:
        source: a ``rule`` of the project, or the ``code`` of the training.
        kind: of the rule's condition (``threshold``, ``change``, ``unusual``, ``not_finite``, ``silent``, ``plateau``,
            ``ended``), or ``code``.
        time, at: when the server noticed, and when it happened by the training's own clock.
        value: of the metric ``key`` at ``step``; it may be NaN.
        is_open: it is still so; ``over_at``: since when it is not.
        seen_by: who has seen it.
    """

    id: str
    source: str
    run_key: str
    run_id: str
    run_name: str
    level: str
    title: str
    text: str
    kind: str
    time: float
    at: float
    key: str | None = None
    step: int | None = None
    value: float | None = None
    rule: str | None = None
    repeats: int = 0
    over_at: float | None = None
    is_open: bool = False
    seen_by: str | None = None
    seen_at: float | None = None


def iterate_alerts(
    connection: Connection, entity: str, project: str, only: Literal["all", "new", "open"]
) -> Iterator[Alert]:
    """Yield the alerts of a project, the newest first, page by page."""
    before: str | float | None = None  # a server of before this version says a time
    while True:
        asked: dict[str, Any] = {"only": only, "limit": _PAGE, **({} if before is None else {"before": before})}
        reply = connection.call("GET", f"{_of_project(entity, project)}?{urlencode(asked)}")
        try:
            rows, before = msgspec.convert(reply["alerts"], list[Alert]), reply["before"]
        except (msgspec.ValidationError, KeyError, TypeError) as error:
            raise RemoteError(f"The server's reply is no list of alerts: {error}.") from None
        yield from rows
        if before is None:
            return


def _of_project(entity: str, project: str) -> str:
    return f"/projects/{quote(entity, safe='')}/{quote(project, safe='')}/alerts"
