"""What goes into the store and what comes out of it. Field names are those of the HTTP API."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from treering.limits import PAGE_DEFAULT_ROWS

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
UInt32s = NDArray[np.uint32]
UInt8s = NDArray[np.uint8]
Bools = NDArray[np.bool_]

State = Literal["running", "finished", "failed", "killed", "preempted", "crashed"]


# ── projects ─────────────────────────────────────────────────────────────────────────────────────────────────────
class Spark(msgspec.Struct, frozen=True):
    """A tiny line for a project's card: at most 40 values of *key*, oldest first. NaN where a bucket has none."""

    key: str
    values: list[float]


class ProjectRow(msgspec.Struct, frozen=True):
    """One project in the list of projects. Times are unix seconds."""

    entity: str
    project: str
    runs: int
    running: int
    failed: int
    created_at: float
    last_activity_at: float
    spark: Spark | None = None


class KeyInfo(msgspec.Struct, frozen=True):
    """What is known about one metric in a project, as corrections show it."""

    key: str
    kind: str  # "number" | "text" | "media" | "system"
    runs: int
    step_metric: str | None = None
    goal: str | None = None
    unit: str | None = None
    summary: list[str] = []
    hidden: bool = False
    corrections: list[str] = []  # the ids of those that act on it
    logged_as: list[str] = []  # if that is not its name


class ConfigKey(msgspec.Struct, frozen=True):
    """One dotted config key of a project: the type most runs give it and its number of distinct values."""

    key: str
    type: str
    distinct: int


class Project(msgspec.Struct, frozen=True):
    """One project with everything its pages need to build menus."""

    entity: str
    project: str
    runs: int
    running: int
    keys: list[KeyInfo]
    config_keys: list[ConfigKey]
    defines: list[dict[str, Any]]


# ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class BestOf(msgspec.Struct, frozen=True):
    """The first step at which a metric of the run has its least or greatest finite value."""

    key: str
    agg: str = "min"  # "min" | "max"


class Column(msgspec.Struct, frozen=True):
    """
    One value per run; see ``run_columns``. ``by`` is a column (``name``, …), ``config.<key>``, ``summary.<key>``,
    ``meta.<path>`` or ``metric:<key>``. ``agg`` belongs to metrics: ``at`` needs ``step``, and ``when`` needs ``of``.
    """

    by: str
    agg: str = "last"
    step: int | None = None
    of: BestOf | None = None


class Sort(msgspec.Struct, frozen=True):
    """One sort key: a column and its direction. Missing values and NaN come last in both directions."""

    by: str
    agg: str = "last"
    desc: bool = False
    step: int | None = None
    of: BestOf | None = None

    @property
    def column(self) -> Column:
        return Column(self.by, self.agg, self.step, self.of)


class Selection(msgspec.Struct, frozen=True):
    """
    The runs of a project that pass filter and search; ``runs`` narrows them to some run keys.

    ``deleted`` means those in the bin, which nothing else shows.
    """

    entity: str
    project: str
    filter: str | None = None
    search: str | None = None
    regex: bool = False
    runs: list[str] | None = None
    deleted: bool = False


class RunQuery(msgspec.Struct, frozen=True):
    """
    A page of a project's runs. ``config`` lists dotted keys, or is ``"*"`` for all of them.

    ``group`` also takes ``except:`` and a JSON list: all config but these keys. ``nested`` adds the groups by the first
    of several, by the first two, and so on.
    """

    entity: str
    project: str
    filter: str | None = None
    search: str | None = None
    regex: bool = False
    sort: list[Sort] = []
    group: list[str] = []
    offset: int = 0
    limit: int = PAGE_DEFAULT_ROWS
    metrics: list[str] = []
    config: list[str] | Literal["*"] = []
    columns: list[Column] = []
    runs: list[str] | None = None
    nested: bool = False
    deleted: bool = False


class MetricStats(msgspec.Struct, frozen=True):
    """
    Aggregates of one series. ``last`` and ``first`` are as logged (NaN and ±inf included); ``min``, ``max`` and
    ``mean`` are over finite values and None when there are none. ``n`` counts points.
    """

    last: float | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    first: float | None = None
    n: int = 0
    last_step: int | None = None


class Loss(msgspec.Struct, frozen=True):
    """What a run's writers could not keep, by their own count."""

    gaps: int
    points: int


class RunRow(msgspec.Struct, frozen=True):
    """One run in a list. Times are unix seconds; ``config`` is flat, with dotted keys."""

    run_key: str
    run_id: str
    name: str
    number: int
    state: str
    created_at: float
    ended_at: float | None
    last_activity_at: float
    runtime_s: float
    entity: str
    project: str
    group: str | None = None
    job_type: str | None = None
    folder: str | None = None
    parent: str | None = None  # run id in the same project
    tags: list[str] = []
    notes: str | None = None
    host: str | None = None
    config: dict[str, Any] = {}
    metrics: dict[str, MetricStats] = {}
    loss: Loss | None = None
    damaged: bool = False
    archived: bool = False
    error: str | None = None
    values: list[Any] = []  # of the query's columns; None where missing


class GroupMetric(msgspec.Struct, frozen=True):
    """The last values of one metric over the runs of a group, finite ones only; ``std`` divides by n - 1."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    n: int


class GroupColumn(msgspec.Struct, frozen=True):
    """
    A column over the runs of a group: its finite numbers (``std`` divides by n - 1, 0 for one), the value that all
    runs have (``common``, else None), and how many different ones there are.
    """

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    n: int
    common: Any
    distinct: int


class GroupPart(msgspec.Struct, frozen=True):
    """One step of a group's path: the key it is grouped by and the value its runs share (None: missing)."""

    by: str
    value: Any


class RunGroup(msgspec.Struct, frozen=True):
    """Runs that share the values of all grouping keys."""

    path: list[GroupPart]
    count: int
    runs: list[str]
    metrics: dict[str, GroupMetric]
    columns: list[GroupColumn] = []


class RunPage(msgspec.Struct, frozen=True):
    """The answer to a ``RunQuery``. ``match`` counts runs that pass filter and search, ``total`` all of the project."""

    runs: list[RunRow]
    match: int
    total: int
    groups: list[RunGroup] | None
    seq: int


class RunKey(msgspec.Struct, frozen=True):
    """A key of one run, with what the project knows of it and the run's own aggregates."""

    key: str
    kind: str
    runs: int
    step_metric: str | None
    goal: str | None
    unit: str | None
    summary: list[str]
    hidden: bool
    n: int
    last: Any
    min: float | None
    max: float | None
    mean: float | None
    first: Any
    last_step: int | None
    corrections: list[str] = []
    logged_as: list[str] = []


class SegmentRow(msgspec.Struct, frozen=True):
    """
    One segment of a run. ``bytes`` are held here, ``synced_bytes`` of them survive a power cut here.

    ``received``: it came over the network; otherwise it was written into this folder.
    """

    segment: str
    bytes: int
    synced_bytes: int
    records: int
    sealed: bool
    received: bool


class Lack(msgspec.Struct, frozen=True):
    """
    Something that a run lacks.

    ``reason``: ``gap`` (``records`` lost where it ran, between ``since`` and ``until``), ``damaged`` (``bytes`` from
    ``offset`` on cannot be read), ``short`` (``bytes`` behind ``offset`` never came), ``unsealed`` (nothing says how it
    ended), ``not_fsynced`` (``bytes`` at the end that a power cut could take), ``files`` (``records`` of them, with
    ``bytes``, were declared and did not come), ``unreadable``.
    """

    reason: str
    segment: str = ""
    writer: str = ""
    records: int = 0
    bytes: int = 0
    offset: int | None = None
    since: float | None = None
    until: float | None = None
    text: str = ""


class Writer(msgspec.Struct, frozen=True):
    """One writer label of a run, over all its lives."""

    label: str
    host: str | None
    pid: int | None
    rank: int | None
    state: str
    last_beat_at: float | None
    segments: int
    bytes: int
    synced_bytes: int
    files: list[SegmentRow] = []


class Guarantee(msgspec.Struct, frozen=True):
    """
    How safe the run's bytes are.

    ``saved`` survives kill -9, ``fsynced`` a power cut; ``uploaded``: all that its writers are known to have written
    came over the network and is fsynced and indexed here, so the machine it ran on is not needed any more.
    """

    saved: bool
    fsynced: bool
    uploaded: bool


class DamageRow(msgspec.Struct, frozen=True):
    """Bytes of a segment that could not be read."""

    segment: str
    offset: int
    length: int
    reason: str


class End(msgspec.Struct, frozen=True):
    """How a run ended."""

    state: str
    exit_code: int | None = None
    reason: str | None = None
    traceback: str | None = None


class ForkOf(msgspec.Struct, frozen=True):
    """
    The run that a run was forked from, and the last step that it takes from there.

    ``here``: its points can be shown. ``name`` is None where it is not here, or filed elsewhere.
    """

    run_key: str
    run_id: str
    name: str | None
    step: int
    here: bool


class ForkedRun(msgspec.Struct, frozen=True):
    """A run that was forked from a run, at a step."""

    run_key: str
    name: str
    number: int
    state: str
    step: int


class Run(RunRow, frozen=True, kw_only=True):
    """Everything about one run: a row, its config nested as it was given, and what only its own page shows."""

    summary: dict[str, Any]
    keys: list[RunKey]
    meta: dict[str, Any]
    end: End | None
    writers: list[Writer]
    guarantee: Guarantee
    damage: list[DamageRow]
    defines: list[dict[str, Any]]
    url: str
    lacks: list[Lack] = []
    stopping: bool = False
    fork_of: ForkOf | None = None
    forks: list[ForkedRun] = []


# ── holdings ─────────────────────────────────────────────────────────────────────────────────────────────────────
class Holding(msgspec.Struct, frozen=True):
    """What is held of one project, or of one user's runs. ``received_bytes`` of the bytes came over the network."""

    entity: str
    project: str
    user: str
    runs: int
    running: int
    not_whole: int
    bytes: int
    received_bytes: int
    points: int
    last_activity_at: float


class NotWhole(msgspec.Struct, frozen=True):
    """A run that lacks something."""

    run_key: str
    entity: str
    project: str
    name: str
    state: str
    last_activity_at: float
    lacks: list[Lack]


class Holdings(msgspec.Struct, frozen=True):
    """What the store holds. ``not_whole`` are the latest of ``not_whole_total``."""

    store_id: str
    restores: int
    runs: int
    bytes: int
    points: int
    projects: list[Holding]
    users: list[Holding]
    not_whole: list[NotWhole]
    not_whole_total: int


class Past(msgspec.Struct, frozen=True):
    """
    What a process needs that resumes a run somewhere else: how far its writer label came, and what the run says.

    ``restarts``: times (unix nanoseconds, by the writers' clocks) of the lives that began the run anew at step 0.
    """

    last_step: int | None
    config: dict[str, Any]
    summary: dict[str, Any]
    defines: dict[str, dict[str, Any]]
    meta: dict[str, Any]
    end_state: str | None
    lives: int
    newest_created_ns: int
    restarts: list[int]


# ── files and media ──────────────────────────────────────────────────────────────────────────────────────────────
class FileEntry(msgspec.Struct, frozen=True):
    """A file that belongs to a run. ``held``: its bytes are here. ``about``: what else was said when it was stored."""

    path: str
    sha256: str
    bytes: int
    time: float
    purpose: str
    held: bool
    about: dict[str, Any] = {}


class FilePage(msgspec.Struct, frozen=True):
    """Some files of a run, by path; ``total`` and ``bytes`` are of all that match."""

    files: list[FileEntry]
    total: int
    bytes: int


class CodeState(msgspec.Struct, frozen=True):
    """
    The code that a run ran, as far as it was recorded.

    ``kind``: ``git`` (commit, uncommitted changes, untracked files), ``copy`` (no repository; the files themselves) or
    ``none``. ``tree`` lists the files of the commit as JSON ``[path, mode, id, bytes]``.
    """

    kind: str
    git: dict[str, Any] | None
    patch: FileEntry | None
    tree: FileEntry | None
    files: list[FileEntry]
    files_total: int
    skipped: list[Any]
    command: str
    cwd: str


class MediaSteps(msgspec.Struct, frozen=True):
    """The steps at which a run logged media or text under a key, thinned evenly beyond a limit; ``n`` of all."""

    run: str
    key: str
    kind: str
    n: int
    steps: list[int]
    times: list[float]


class MediaItem(msgspec.Struct, frozen=True):
    """One media or text value. ``n``: how many the run has under this key in the range that was asked for."""

    run: str
    key: str
    kind: str
    step: int
    attempt: int
    writer: str
    time: float
    value: Any
    n: int


class TableColumn(msgspec.Struct, frozen=True):
    """A column of a logged table; ``type`` is number, integer, boolean, text, mixed, vector:<n> or a media kind."""

    name: str
    type: str


class TableGroup(msgspec.Struct, frozen=True):
    """Rows of a table that share values: how many, and the mean of each number column over finite values."""

    values: list[Any]
    count: int
    means: dict[str, float | None]


class TablePage(msgspec.Struct, frozen=True):
    """Some rows of a logged table. ``match`` of ``total`` rows pass search and filters."""

    columns: list[TableColumn]
    rows: list[list[Any]]
    total: int
    match: int
    groups: list[TableGroup] | None = None


# ── series ───────────────────────────────────────────────────────────────────────────────────────────────────────
class SeriesGroup(msgspec.Struct, frozen=True):
    """Runs to draw as one line with a band."""

    id: str
    runs: list[str]


class SeriesRequest(msgspec.Struct, frozen=True):
    """
    Lines of a chart. ``x`` is ``step``, ``relative`` (seconds since the run's start), ``wall`` (unix seconds) or
    ``metric:<key>``; ``range`` is inclusive at both ends; ``individual`` adds the runs of groups as own lines. A key
    that begins with ``=`` is an expression (``expression``); ``center`` and ``band`` of groups are those of ``bands``.
    ``ranks``: of a run with several processes the line of the ``main`` one, a ``band`` over them, or ``each``.
    """

    keys: list[str]
    runs: list[str] | None = None
    groups: list[SeriesGroup] | None = None
    x: str = "step"
    range: tuple[float, float] | None = None
    buckets: int = 1_000
    individual: bool = False
    center: str = "mean"
    band: str = "std"
    confidence: float = 0.95
    ranks: str = "main"


class Nonfinite(msgspec.Struct, frozen=True):
    """Where values are not finite; kind 1 = NaN, 2 = +inf, 3 = -inf. Thinned to one of each kind per bucket."""

    x: Float64s
    kind: UInt8s


class Ghost(msgspec.Struct, frozen=True):
    """Points that a later attempt replaced or a rewind hid, thinned to one per bucket, in step order."""

    x: Float64s
    y: Float64s


class SeriesColumns(msgspec.Struct, frozen=True):
    """
    One line. Arrays have equal length and x rises.

    ``exact``: one entry per point, ``lo`` and ``hi`` None. Otherwise one per bucket: ``x`` and ``y`` of its last
    finite point, ``lo`` and ``hi`` the lowest and highest finite value of *all* its points (NaN if none is finite),
    ``count`` how many points it stands for. Groups: ``y`` the center over runs, ``lo`` and ``hi`` the band around it
    (None for none), ``count`` runs.
    """

    run: str | None
    group: str | None
    key: str
    exact: bool
    n: int
    total: int
    total_all: int
    x: Float64s
    y: Float64s
    lo: Float64s | None
    hi: Float64s | None
    count: UInt32s | None
    nonfinite: Nonfinite | None
    ghost: Ghost | None
    first_x: float | None
    last_x: float | None
    band: str | None = None
    center: str | None = None
    confidence: float | None = None
    resamples: int | None = None
    process: str | None = None  # whose line it is, where a run's processes are drawn one by one
    rank: int | None = None


# ── changes ──────────────────────────────────────────────────────────────────────────────────────────────────────
class Change(msgspec.Struct, frozen=True):
    """One run that changed since the asked sequence number."""

    run_key: str
    seq: int
    state: str
    keys_changed: bool
    rows: int


class Changes(msgspec.Struct, frozen=True):
    """``reset``: the asker's number is not of this index; read everything again."""

    seq: int
    runs: list[Change]
    reset: bool


# ── history, console, verify, diff ───────────────────────────────────────────────────────────────────────────────
class HistoryColumn(msgspec.Struct, frozen=True):
    """
    One key over the rows of a batch. ``kind`` is ``float``, ``int``, ``bool`` or ``object`` (text, media, mixed);
    ``values`` has that dtype and is meaningful where ``present``. Missing is not NaN.
    """

    key: str
    kind: str
    values: NDArray[Any]
    present: Bools


class HistoryBatch(msgspec.Struct, frozen=True):
    """Complete rows in columns, in logging order. ``timestamp`` is unix seconds, ``runtime`` counts from the start."""

    step: Int64s
    attempt: Int64s
    writer: list[str]
    timestamp: Float64s
    runtime: Float64s
    columns: list[HistoryColumn]


class ConsoleLine(msgspec.Struct, frozen=True):
    """A line of output, number ``n`` of its run. ``time`` is unix seconds; ``rank`` is None where nothing says it."""

    time: float
    stream: str
    text: str
    writer: str = ""
    n: int = 0
    rank: int | None = None


class OpenLine(msgspec.Struct, frozen=True):
    """What a writer's stream shows behind its last finished line: a progress bar, a prompt."""

    time: float
    stream: str
    text: str
    writer: str
    rank: int | None = None


class ConsolePage(msgspec.Struct, frozen=True):
    """Lines from an offset on; ``next`` is the offset to ask for next, also when nothing is there yet."""

    lines: list[ConsoleLine]
    next: int
    total: int = 0
    state: list[OpenLine] = []


class SegmentCheck(msgspec.Struct, frozen=True):
    """What a full read of one segment found. ``sha256_ok`` is None for a segment without a seal."""

    segment: str
    writer: str
    bytes: int
    frames: int
    records: int
    status: str
    damage: list[DamageRow]
    sealed: bool
    sha256_ok: bool | None


class FileCheck(msgspec.Struct, frozen=True):
    """A file of a run that is not what the run's log says. ``problem`` says why, in words."""

    path: str
    sha256: str
    bytes: int
    problem: str


class FilesCheck(msgspec.Struct, frozen=True):
    """
    The files of a run, content that several share counted once.

    ``waiting``: those that have not come yet. ``unread_bytes``: of those that are here with their size, beyond what one
    check reads. ``damaged`` are the first ones, ``damaged_count`` is of all.
    """

    count: int = 0
    bytes: int = 0
    unread_bytes: int = 0
    waiting: int = 0
    damaged_count: int = 0
    damaged: list[FileCheck] = []


class Verification(msgspec.Struct, frozen=True):
    """
    All segments of a run and all its files, read from the first byte to the last.

    ``lock``: of a locked run the segments that are not what they were, else None.
    """

    segments: list[SegmentCheck]
    ok: bool
    files: FilesCheck = FilesCheck()
    lock: list[str] | None = None


class RebuildProgress(msgspec.Struct, frozen=True):
    """How far a rebuild has come."""

    segments: int
    segments_total: int
    bytes: int
    bytes_total: int
    points: int
