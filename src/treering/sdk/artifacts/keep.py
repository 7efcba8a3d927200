"""Which versions of an artifact stay: ``run.log_artifact(weights, keep=Keep.best(3, "val/acc"))``."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from treering.errors import InvalidValue
from treering.limits import ARTIFACT_KEEP_MAX

__all__ = ["Keep"]

_LESS_IS_BETTER: Final = re.compile(
    r"(^|[^a-z])(loss|error|err|perplexity|ppl|nll|mse|rmse|mae|wer|cer|fid)$", re.IGNORECASE
)


class Keep(msgspec.Struct, frozen=True):
    """
    A rule of retention; the server applies it whenever a version is complete.

    Never removed by a rule are the newest version, one with an alias of its own or a link to a registered model, one
    that is locked or of a locked run, one that a run uses which goes on, and one from which something was made that is
    held like this. What a rule removes stays listed as removed, with the reason.

    Attributes:
        kind: ``last`` or ``best``.
        count: how many versions stay.
        metric: for ``best``: a metric of the run, as it was when the version was logged.
        goal: for ``best``: ``maximize`` or ``minimize``; None for what ``define_metric`` says, else ``maximize``.

    Raises:
        InvalidValue: no such rule can be.
    """

    kind: Literal["last", "best"]
    count: int
    metric: str | None = None
    goal: Literal["maximize", "minimize"] | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("last", "best"):
            raise InvalidValue(f"Keep: kind is 'last' or 'best', got {self.kind!r:.80}.")
        count = self.count
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= ARTIFACT_KEEP_MAX:
            raise InvalidValue(f"Keep: the number of versions that stay is 1 to {ARTIFACT_KEEP_MAX:,}, got {count!r}.")
        if self.kind == "last" and (self.metric, self.goal) != (None, None):
            raise InvalidValue("Keep: the last versions are told by no metric; Keep.best() takes one.")
        if self.kind == "best" and (not isinstance(self.metric, str) or not self.metric):
            raise InvalidValue(f"Keep.best(): metric is the name of a metric of the run, got {self.metric!r:.80}.")
        if self.goal not in (None, "maximize", "minimize"):
            raise InvalidValue(f"Keep.best(): goal is 'maximize' or 'minimize', got {self.goal!r:.80}.")

    @classmethod
    def last(cls, count: int) -> Keep:
        """Keep the newest *count* versions. Raises InvalidValue."""
        return cls("last", count)

    @classmethod
    def best(cls, count: int, metric: str, goal: Literal["maximize", "minimize"] | None = None) -> Keep:
        """
        Keep the *count* versions with the best value of a metric.

        A version whose run had no value when it was logged is not judged, and stays; NaN is the worst value, and of
        equal ones the newer is the better.

        Args:
            goal: whether more or less is better; what ``define_metric`` says by default. Without either more is better,
                but of a metric that is called a loss or an error it has to be said.

        Raises:
            InvalidValue: no such rule can be.
        """
        return cls("best", count, metric, goal)

    def towards(self, defined: str | None) -> Keep:
        """
        Return the rule with its goal: its own, else *defined*, which ``define_metric`` says, else ``maximize``.

        Raises:
            InvalidValue: nothing says it, and the metric's name says that less is better.
        """
        if self.kind == "last" or self.goal is not None:
            return self
        if defined is None and _LESS_IS_BETTER.search(str(self.metric)):
            raise InvalidValue(
                f"Keep.best({self.count}, {self.metric!r}): say goal='minimize' (or 'maximize'). Without it the "
                "versions with the highest value would stay."
            )
        return Keep(self.kind, self.count, self.metric, "minimize" if defined == "minimize" else "maximize")

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as records and the HTTP API have it."""
        return msgspec.structs.asdict(self)
