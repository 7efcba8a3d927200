"""The shapes of the HTTP API of points, lines of output and news of runs; see ``schema``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from treering.limits import (
    KEY_MAX_BYTES,
    SERIES_MAX_BUCKETS,
    SERIES_MAX_KEYS,
    SERIES_MAX_RUNS,
)

from .run_schema import DamageInfo
from .schema import MetricKey, Number, Reply, Request, RunKey, State

# ── series ───────────────────────────────────────────────────────────────────────────────────────────────────────


Center = Literal["mean", "median", "iqm"]
Band = Literal["std", "stderr", "minmax", "iqr", "ci", "none"]
Ranks = Literal["main", "band", "each"]


class SeriesGroup(Request):
    """Runs to be drawn as one mean with a band."""

    id: str = Field(max_length=KEY_MAX_BYTES)
    runs: list[RunKey] = Field(max_length=SERIES_MAX_RUNS)


class SeriesQuery(Request):
    """
    Chart columns for runs × keys.

    ``x`` is ``step``, ``relative`` (seconds since the run began), ``wall`` (unix seconds) or ``metric:<key>``.
    A key that begins with ``=`` is an expression over metrics such as ``=1 - val/acc``, evaluated on every point.
    ``range`` cuts x on both sides, ends included. With at most ``buckets`` points in the range they come as they are,
    else each bucket keeps its last value, its lowest and its highest.
    """

    runs: list[RunKey] | None = Field(None, max_length=SERIES_MAX_RUNS)
    groups: list[SeriesGroup] | None = Field(None, max_length=SERIES_MAX_RUNS)
    keys: list[MetricKey] = Field(min_length=1, max_length=SERIES_MAX_KEYS)
    x: str = Field("step", pattern=r"^(step|relative|wall|metric:.+)$", max_length=KEY_MAX_BYTES + 16)
    range: tuple[float, float] | None = None
    buckets: int = Field(1000, ge=1, le=SERIES_MAX_BUCKETS)
    individual: bool = Field(False, description="With groups: also each run's own line.")
    center: Center = Field("mean", description="Of groups, per bucket over runs; `iqm` is the mean of the middle half.")
    band: Band = Field(
        "std",
        description="Of groups: std and stderr around the mean, min to max, quartiles, or a bootstrap interval (`ci`).",
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="Of `ci`.")
    ranks: Ranks = Field(
        "main",
        description="Of a run with several processes: the main one's line, a band over all of them, or each.",
    )


class NonFinite(Reply):
    """Where values were not finite: 1 NaN, 2 +inf, 3 -inf."""

    x: list[Number]
    kind: list[int]


class Line(Reply):
    """A bare line."""

    x: list[Number]
    y: list[Number]


class SeriesJson(Reply):
    """One series; see ``SeriesQuery``."""

    run: str | None
    group: str | None
    key: str
    exact: bool
    n: int
    total: int
    total_all: int
    x: list[Number]
    y: list[Number]
    lo: list[Number] | None
    hi: list[Number] | None
    count: list[int] | None
    nonfinite: NonFinite | None
    ghost: Line | None
    first_x: Number | None
    last_x: Number | None
    band: Band | None
    center: Center | None
    confidence: float | None = Field(description="Of the interval, for band `ci`.")
    resamples: int | None = Field(description="Of the bootstrap, for band `ci`.")
    process: str | None = Field(description="Whose line it is, where processes are drawn one by one.")
    rank: int | None


class MissingSeries(Reply):
    """A run that never logged this key."""

    run: str
    key: str


class SeriesReply(Reply):
    """The reply with ``format=json``; by default the same comes as binary frames."""

    x: str
    range: tuple[float, float] | None
    seq: int
    series: list[SeriesJson]
    missing: list[MissingSeries]


# ── live ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class ChangedRun(Reply):
    """A run that changed; ``rows`` is how many rows came since."""

    run_key: str
    seq: int
    state: State
    keys_changed: bool
    rows: int


class Changes(Reply):
    """What changed after ``since``. With ``reset`` the server no longer knows: load everything again."""

    seq: int
    runs: list[ChangedRun]
    reset: bool


# ── one run's record ─────────────────────────────────────────────────────────────────────────────────────────────


class HistoryReply(Reply):
    """Every row of the run. A key that a row lacks was not logged there, which is not the same as NaN."""

    rows: list[dict[str, Any]]


class ConsoleLine(Reply):
    """A line that the run printed, number ``n`` of it; it may have ANSI colour codes."""

    time: float
    stream: Literal["stdout", "stderr"]
    text: str
    writer: str
    n: int
    rank: int | None


class OpenLine(Reply):
    """What a writer's stream shows behind its last finished line: a progress bar, a prompt."""

    time: float
    stream: str
    text: str
    writer: str
    rank: int | None


class Console(Reply):
    """A page of console lines of ``total``; ``next`` is the offset to ask for next, also when nothing is there yet."""

    lines: list[ConsoleLine]
    next: int
    total: int
    state: list[OpenLine]


class SegmentCheck(Reply):
    """One file of the run, read whole and checked."""

    segment: str
    writer: str | None
    bytes: int
    frames: int
    records: int
    status: Literal["clean", "torn", "damaged", "sealed", "unreadable"]
    damage: list[DamageInfo]
    sealed: bool
    sha256_ok: bool | None


class FileCheck(Reply):
    """A file of a run that is not what the run's log says."""

    path: str
    sha256: str
    bytes: int
    problem: str = Field(description="Why, in words.")


class FilesCheck(Reply):
    """The files of a run; content that several share counts once."""

    count: int
    bytes: int
    unread_bytes: int = Field(description="Of files that are here with their size, beyond what one check reads.")
    waiting: int = Field(description="Files that have not come yet.")
    damaged_count: int
    damaged: list[FileCheck] = Field(description="The first ones.")


class Verification(Reply):
    """The record of one run: its log, checked frame by frame, and its files."""

    segments: list[SegmentCheck]
    ok: bool
    files: FilesCheck
    lock: list[str] | None = Field(description="Of a locked run the segments that are not what they were.")
