"""Which versions of an artifact stay: ``run.log_artifact(weights, keep=Keep.best(3, "val/acc"))``."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from treering.errors import InvalidValue
from treering.limits import ARTIFACT_KEEP_MAX

__all__ = ["Keep"]


class Keep(msgspec.Struct, frozen=True):
    """
    A rule of retention; the server applies it whenever a version is complete.

    Versions with an alias of their own, with a link to a registered model, or locked ones are never removed by a rule,
    and neither is the newest. What a rule removes stays listed as removed, with the reason.

    Attributes:
        kind: ``last`` or ``best``.
        count: how many versions stay.
        metric: for ``best``: a metric of the run, as it was when the version was logged.
        goal: for ``best``: ``maximize`` or ``minimize``.
    """

    kind: Literal["last", "best"]
    count: int
    metric: str | None = None
    goal: Literal["maximize", "minimize"] | None = None

    @classmethod
    def last(cls, count: int) -> Keep:
        """Keep the newest *count* versions. Raises InvalidValue."""
        return cls("last", _checked(count))

    @classmethod
    def best(cls, count: int, metric: str, goal: Literal["maximize", "minimize"] = "maximize") -> Keep:
        """
        Keep the *count* versions with the best value of a metric.

        A version whose run had no value when it was logged is not judged, and stays; NaN is the worst value.

        Raises:
            InvalidValue: no such rule can be.
        """
        if not isinstance(metric, str) or not metric:
            raise InvalidValue(f"Keep.best(): metric is the name of a metric of the run, got {metric!r}.")
        if goal not in ("maximize", "minimize"):
            raise InvalidValue(f"Keep.best(): goal is 'maximize' or 'minimize', got {goal!r}.")
        return cls("best", _checked(count), metric, goal)

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as records and the HTTP API have it."""
        return msgspec.structs.asdict(self)


def _checked(count: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= ARTIFACT_KEEP_MAX:
        raise InvalidValue(f"Keep: the number of versions that stay is 1 to {ARTIFACT_KEEP_MAX:,}, got {count!r}.")
    return count
