"""The shapes of the HTTP API that have to do with corrections of metrics; see ``schema``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from treering.limits import (
    CORRECTION_KEYS_MAX,
    CORRECTION_NOTE_MAX_CHARS,
    CORRECTION_PREVIEW_RUNS,
    CORRECTION_RUNS_MAX,
    CORRECTION_UNIT_MAX_CHARS,
)

from .schema import MetricKey, Reply, Request, RunKey
from .series_schema import SeriesJson

Kind = Literal["rename", "merge", "hide", "rescale", "cut"]


class CorrectionRule(Request):
    """
    What a correction does.

    ``rename`` takes ``from`` and ``to`` (lists of equal length are renamed together), ``merge`` a list ``from`` and
    ``into``, ``hide`` ``keys``, ``rescale`` ``key``, ``factor``, ``offset`` and ``unit`` (shown = logged × factor +
    offset), ``cut`` ``key`` and what of ``runs``, ``steps``, ``times``, ``below`` and ``above`` a point has to meet.
    ``from``, ``key`` and ``keys`` may hold one ``*`` each.
    """

    kind: Kind
    from_: MetricKey | list[MetricKey] | None = Field(None, alias="from", max_length=CORRECTION_KEYS_MAX * 1024)
    to: MetricKey | list[MetricKey] | None = None
    into: MetricKey | None = None
    keys: MetricKey | list[MetricKey] | None = None
    key: MetricKey | None = None
    factor: float | None = None
    offset: float | None = None
    unit: str | None = Field(None, max_length=CORRECTION_UNIT_MAX_CHARS)
    runs: Literal["all"] | list[RunKey] | None = Field(None, description=f"At most {CORRECTION_RUNS_MAX} runs.")
    steps: tuple[int | None, int | None] | None = Field(None, description="Inclusive; null for no bound on a side.")
    times: tuple[float | None, float | None] | None = Field(None, description="Unix seconds, inclusive.")
    below: float | None = None
    above: float | None = None

    def data(self) -> dict[str, Any]:
        """Return what was said, as the store takes it."""
        return self.model_dump(by_alias=True, exclude_none=True)


class NewCorrection(Request):
    """A correction to save."""

    rule: CorrectionRule
    enabled: bool = True
    note: str = Field("", max_length=CORRECTION_NOTE_MAX_CHARS)


class CorrectionChange(Request):
    """The next version of a correction; what is left out stays."""

    version: int = Field(ge=1, description="The version that this change was made to.")
    rule: CorrectionRule | None = None
    enabled: bool | None = None
    note: str | None = Field(None, max_length=CORRECTION_NOTE_MAX_CHARS)
    position: int | None = Field(None, ge=0, le=1_000_000, description="They apply in this order.")


class CorrectionTry(Request):
    """A correction to look at before it is saved."""

    rule: CorrectionRule
    replaces: str | None = Field(None, max_length=64, description="The one of which it would be the next version.")
    runs: list[RunKey] | None = Field(
        None, max_length=CORRECTION_PREVIEW_RUNS, description="Whose lines to show; some of those that change if null."
    )


class CorrectionRow(Reply):
    """A correction and what it does now. Times are unix seconds."""

    id: str
    entity: str
    project: str
    kind: Kind
    rule: dict[str, Any] = Field(description="As `CorrectionRule` has it, without what it does not say.")
    text: str = Field(description="The rule in a few words.")
    enabled: bool
    note: str
    position: int
    created_by: str
    created_at: float
    changed_by: str
    changed_at: float
    version: int
    keys: list[str] = Field(description="The metrics that it acts on, by their names now.")
    conflicts: list[str] = Field(description="What it does that nobody asked for.")
    may_edit: bool


class CorrectionRows(Reply):
    """The corrections of a project, in the order in which they apply."""

    corrections: list[CorrectionRow]
    may_edit: bool


class CorrectionPreviewKey(Reply):
    """A metric that would change: its name before and after, null where it is not shown, and lines of some runs."""

    before: str | None
    after: str | None
    lines_before: list[SeriesJson]
    lines_after: list[SeriesJson]


class CorrectionPreview(Reply):
    """What a correction would do."""

    text: str
    runs: int
    points: int | None = Field(description="How many change; of a cut, how many go. null: too many to count.")
    keys: list[CorrectionPreviewKey] = Field(description="The first of `keys_total`.")
    keys_total: int
    conflicts: list[str] = Field(description="Why it would be refused.")


class CorrectionVersionRow(Reply):
    """A version of a correction."""

    version: int
    time: float
    author: str
    text: str
    enabled: bool
    rule: dict[str, Any]
    note: str


class CorrectionVersions(Reply):
    """The latest versions of a correction, the newest first."""

    versions: list[CorrectionVersionRow]
