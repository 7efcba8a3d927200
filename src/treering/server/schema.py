"""
The shapes of the HTTP API, from which ``openapi.json`` and the UI's types are generated.

Requests are checked against these models. Replies are described by them and, for speed, not run through them: the
tests hold every reply against its model instead.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from treering.limits import (
    COLUMNS_MAX,
    DISPLAY_NAME_MAX_CHARS,
    FILTER_MAX_BYTES,
    KEY_MAX_BYTES,
    NAME_MAX_CHARS,
    NOTES_MAX_BYTES,
    PAGE_DEFAULT_ROWS,
    PAGE_MAX_ROWS,
    SEGMENTS_QUERY_MAX,
    SERIES_MAX_BUCKETS,
    SERIES_MAX_KEYS,
    SERIES_MAX_RUNS,
    TAG_MAX_CHARS,
    TAGS_MAX,
)

Number = float | Literal["NaN", "Infinity", "-Infinity"]
"""A number, or the name of what JSON cannot write."""

RunKey = Annotated[str, Field(pattern=r"^[a-z2-7]{26}$", description="The run's permanent key.")]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX_CHARS)]
MetricKey = Annotated[str, Field(max_length=KEY_MAX_BYTES)]  # an empty one is a key too
State = Literal["running", "finished", "failed", "killed", "preempted", "crashed"]
Aggregate = Literal["last", "min", "max", "mean", "first", "n", "last_step", "at", "when"]
ColumnName = Annotated[str, Field(min_length=1, max_length=KEY_MAX_BYTES + 16)]
GroupBy = Annotated[str, Field(min_length=1, max_length=16 * KEY_MAX_BYTES)]
Summary = Literal["min", "max", "last", "mean", "best", "none", "copy", "first"]


class Request(BaseModel):
    """Base of what is sent to the server: a field that nobody knows is a mistake, and said so."""

    model_config = ConfigDict(extra="forbid")


class Reply(BaseModel):
    """Base of what the server answers. New fields may appear in any version."""


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Problem(Reply):
    """What went wrong, where, and what to do. The codes are listed in the API's description."""

    code: str
    message: str
    hint: str
    position: int | None = Field(
        None, description="For invalid_filter and invalid_expression: characters from the start of the text."
    )
    request: str | None = Field(None, description="For internal: the id under which the log has the details.")


class ErrorReply(Reply):
    """The body of every reply that is not a success."""

    error: Problem


# ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────────


class OneTimeCode(Request):
    """The code from the fragment of the address that `treering ui` printed."""

    one_time: str = Field(max_length=200)


class NewSession(Reply):
    """A session's token, sent from now on as ``Authorization: Bearer``. Shown once."""

    token: str
    expires_at: float = Field(description="Unix seconds.")


class SessionUser(Reply):
    """Who is signed in, or whose key this is."""

    name: str
    display_name: str
    admin: bool


class Notice(Reply):
    """Something that everybody who looks should know, such as a disk that fills up."""

    level: Literal["info", "warning", "error"]
    code: str
    text: str


class ServerInfo(Reply):
    """Whom the caller talks to, and as whom."""

    version: str
    mode: Literal["local", "team"]
    data_dir: str = Field(description="Empty for those who do not run the server.")
    hostname: str = Field(description="Empty for those who do not run the server.")
    entity: str = Field(description="Under which new runs of this user are filed by default.")
    kind: Literal["folder", "session", "user", "key", "share", "anyone"]
    user: SessionUser | None = Field(description="Null without accounts, for share links and for who did not sign in.")
    notices: list[Notice]


class Link(Reply):
    """A fresh one-time address of the UI; the part after ``#`` is the code."""

    path: str
    expires_in_s: float


class Ended(Reply):
    """How many sessions ended."""

    ended: int


class Health(Reply):
    """The server answers."""

    status: Literal["ok"]


# ── projects ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Spark(Reply):
    """A few values of one series, to draw small."""

    key: str
    values: list[Number | None]


class ProjectRow(Reply):
    """One project in the list."""

    entity: str
    project: str
    runs: int
    running: int
    failed: int
    created_at: float
    last_activity_at: float
    spark: Spark | None


class Projects(Reply):
    """All projects that the caller may see."""

    projects: list[ProjectRow]


class KeyInfo(Reply):
    """A metric of the project as corrections show it, and how it wants to be drawn."""

    key: str
    kind: Literal["number", "text", "media", "system"]
    runs: int
    step_metric: str | None
    goal: Literal["minimize", "maximize"] | None
    unit: str | None
    summary: list[str]
    hidden: bool
    corrections: list[str] = Field([], description="The ids of the corrections that act on it.")
    logged_as: list[str] = Field([], description="The keys that it was logged under, if that is not its name.")


class ConfigKey(Reply):
    """A config key, flat and dotted, that runs of the project have."""

    key: str
    type: str
    distinct: int


class Define(Reply):
    """A ``define_metric`` of the project."""

    name: str
    step_metric: str | None = None
    summary: list[str] = []
    goal: Literal["minimize", "maximize"] | None = None
    unit: str | None = None
    hidden: bool = False


class ProjectDetail(Reply):
    """What the workspace needs before it draws."""

    entity: str
    project: str
    runs: int
    running: int
    keys: list[KeyInfo]
    config_keys: list[ConfigKey]
    defines: list[Define]


# ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class BestOf(Request):
    """The step at which a metric of the run is best: the first with its least or greatest finite value."""

    key: MetricKey
    agg: Literal["min", "max"] = "min"


class Column(Request):
    """
    One value per run.

    ``by`` is a column of the runs table (``name``, ``state``, ``created_at``, ``runtime``, ``tags``, …),
    ``config.<key>``, ``summary.<key>``, ``meta.<path>`` (``meta.git.commit``, ``meta.command``, ``meta.gpu``, …) or
    ``metric:<key>``. ``agg`` says which value of a metric: over its whole life, ``at`` the last step that is not
    beyond ``step``, or ``when`` another metric is best (``of``).
    """

    by: ColumnName
    agg: Aggregate = "last"
    step: int | None = Field(None, ge=-(2**62), le=2**62, description="For at.")
    of: BestOf | None = Field(None, description="For when.")


Columns = Annotated[list[Column], Field(max_length=COLUMNS_MAX)]


class SortBy(Column):
    """
    One level of sorting, by what a ``Column`` says. Missing values and NaN come last both ways.

    ``at``, ``when`` and ``meta.`` are refused where very many runs match: every run's record would have to be read.
    """

    desc: bool = False


class RunsQuery(Request):
    """Which runs, in which order, with which columns."""

    entity: Name
    project: Name
    filter: str = Field(
        "", max_length=FILTER_MAX_BYTES, description='For example `state = "failed" and config.lr > 0.1`.'
    )
    search: str = Field("", max_length=FILTER_MAX_BYTES, description="Text in name, id, tags or notes.")
    regex: bool = Field(False, description="`search` is a regular expression (RE2).")
    sort: list[SortBy] = Field([], max_length=8)
    group: list[GroupBy] = Field(
        [],
        max_length=8,
        description='A column, `config.<key>`, `summary.<key>`, or `except:["seed", …]`: all config but these keys.',
    )
    nested: bool = Field(False, description="Also groups by the first of `group`, by the first two, and so on.")
    runs: list[RunKey] | None = Field(None, max_length=SERIES_MAX_RUNS, description="Of these runs only.")
    deleted: bool = Field(False, description="Those in the bin, which nothing else shows.")
    columns: Columns = Field([], description="What `values` of each run, and `columns` of each group, are.")
    offset: int = Field(0, ge=0, le=1_000_000_000)
    limit: int = Field(PAGE_DEFAULT_ROWS, ge=0, le=PAGE_MAX_ROWS)
    metrics: list[MetricKey] = Field([], max_length=SERIES_MAX_KEYS)
    config: list[MetricKey] | Literal["*"] = Field([])


class MetricSummary(Reply):
    """One metric of one run over its whole life."""

    last: Number | None = None
    min: Number | None = None
    max: Number | None = None
    mean: Number | None = None
    first: Number | None = None
    n: int
    last_step: int | None = None


class Loss(Reply):
    """What is known to be missing from the record."""

    gaps: int
    points: int


class RunRow(Reply):
    """One run in the list. ``config`` is flat with dotted keys; it and ``metrics`` hold what the query named."""

    run_key: str
    run_id: str
    name: str
    number: int = Field(description="The run's ordinal in its project: its colour, for ever.")
    state: State
    created_at: float
    ended_at: float | None
    last_activity_at: float
    runtime_s: float
    entity: str
    project: str
    group: str | None
    job_type: str | None
    folder: str | None = Field(None, description="Where it stands within its project: names with / between.")
    parent: str | None = Field(None, description="Id of the run in the same project that it belongs to.")
    tags: list[str]
    notes: str | None
    host: str | None
    config: dict[str, Any]
    metrics: dict[str, MetricSummary]
    loss: Loss | None
    damaged: bool
    archived: bool
    error: str | None = Field(description="Why this run cannot be read whole, or null.")
    values: list[Any] = Field([], description="One for each of the query's `columns`; null where it is missing.")


class GroupKey(Reply):
    """One step on the way to a group."""

    by: str
    value: Any


class Spread(Reply):
    """A metric over the runs of a group."""

    mean: Number | None
    std: Number | None
    min: Number | None
    max: Number | None
    n: int


class GroupColumn(Spread):
    """
    A column over the runs of a group. ``std`` divides by n − 1 and is 0 for one run.

    ``common`` is the value that all its runs have, else null; ``distinct`` counts different values.
    """

    common: Any
    distinct: int


class RunGroup(Reply):
    """
    Runs with equal values of the group keys. ``runs`` are the keys of all of them, not of this page only.

    The value of ``except:`` is a map of the keys that vary among the runs that match; a missing key is not in it.
    """

    path: list[GroupKey]
    count: int
    runs: list[str]
    metrics: dict[str, Spread]
    columns: list[GroupColumn] = Field([], description="One for each of the query's `columns`.")


class RunPage(Reply):
    """One page of runs: ``match`` pass the filter, of ``total`` in the project."""

    runs: list[RunRow]
    match: int
    total: int
    groups: list[RunGroup] | None
    seq: int = Field(description="Changes after this number are not in this page.")


class RunKeyInfo(KeyInfo):
    """A key of one run with its summary."""

    n: int
    last: Number | str | bool | dict[str, Any] | None = None
    min: Number | None = None
    max: Number | None = None
    mean: Number | None = None
    first: Number | str | bool | dict[str, Any] | None = None
    last_step: int | None = None


class RunEnd(Reply):
    """How the run ended."""

    state: State
    exit_code: int | None
    reason: str | None
    traceback: str | None


class SegmentInfo(Reply):
    """One segment of a writer. ``received``: it came over the network, and what is held is durable."""

    segment: str
    bytes: int
    synced_bytes: int
    records: int
    sealed: bool
    received: bool


class WriterInfo(Reply):
    """One process that writes into the run."""

    label: str
    host: str | None
    pid: int | None
    rank: int | None
    state: State
    last_beat_at: float | None
    segments: int
    bytes: int
    synced_bytes: int
    files: list[SegmentInfo]


class Guarantee(Reply):
    """How far the run's record is safe: from a killed process, from a power cut, from the loss of the machine."""

    saved: bool
    fsynced: bool
    uploaded: bool


class DamageInfo(Reply):
    """Bytes of a segment that could not be read, and why."""

    segment: str
    offset: int
    length: int
    reason: str


class LackInfo(Reply):
    """Something that a run lacks. Numbers that do not apply are 0."""

    reason: Literal["gap", "damaged", "short", "unsealed", "not_fsynced", "unreadable"]
    segment: str
    writer: str
    records: int = Field(description="For gap: records that were lost where the run ran.")
    bytes: int = Field(description="Bytes that are damaged, missing or not fsynced.")
    offset: int | None = Field(description="Where in the segment.")
    since: float | None = Field(description="For gap, unix seconds by the run's own clock.")
    until: float | None
    text: str


class ForkOf(Reply):
    """
    The run that a run was forked from, and the last step that its lines take from there.

    ``here``: that run's points can be shown. ``name`` is null where it is not here, or filed elsewhere.
    """

    run_key: str
    run_id: str
    name: str | None
    step: int
    here: bool


class ForkedRun(Reply):
    """A run that was forked from this one, and the last step that it takes from it."""

    run_key: str
    name: str
    number: int
    state: State
    step: int


class RunDetail(RunRow):
    """Everything about one run but its points. ``config`` is nested here, as it was given."""

    summary: dict[str, Any]
    keys: list[RunKeyInfo]
    meta: dict[str, Any]
    end: RunEnd | None
    writers: list[WriterInfo]
    guarantee: Guarantee
    damage: list[DamageInfo]
    defines: list[Define]
    url: str
    lacks: list[LackInfo] = Field(description="What is missing of it, by its own records; empty if it is whole.")
    may_edit: bool = Field(description="Whether the caller may change what people say about it, and stop it.")
    stopping: bool = Field(description="Somebody asked it to stop and it has not ended yet.")
    fork_of: ForkOf | None
    forks: list[ForkedRun] = Field(description="Runs that were forked from it, in its project.")


class RunEdit(Request):
    """What to change; what is not named stays. An edit is a record of the run, and the last one wins."""

    name: str | None = Field(None, min_length=1, max_length=DISPLAY_NAME_MAX_CHARS)
    notes: str | None = Field(None, max_length=NOTES_MAX_BYTES)
    tags: list[Annotated[str, Field(min_length=1, max_length=TAG_MAX_CHARS)]] | None = Field(None, max_length=TAGS_MAX)
    archived: bool | None = None
    deleted: bool | None = None
    group: str | None = Field(None, max_length=DISPLAY_NAME_MAX_CHARS)
    job_type: str | None = Field(None, max_length=DISPLAY_NAME_MAX_CHARS)
    folder: str | None = Field(None, max_length=DISPLAY_NAME_MAX_CHARS)
    parent: str | None = Field(None, max_length=NAME_MAX_CHARS)


class StopRequest(Request):
    """Nothing to say yet."""


class PastReply(Reply):
    """What a process needs to know that goes on with a run. Times are unix nanoseconds by the writers' clocks."""

    last_step: int | None
    config: dict[str, Any]
    summary: dict[str, Any]
    defines: dict[str, dict[str, Any]]
    meta: dict[str, Any]
    end_state: State | None
    lives: int
    newest_created_ns: int
    restarts: list[int]


# ── segments ─────────────────────────────────────────────────────────────────────────────────────────────────────


class SegmentsQuery(Request):
    """Segments to ask after, by id."""

    segments: list[Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]] = Field(max_length=SEGMENTS_QUERY_MAX)


class SegmentHeld(Reply):
    """How much of a segment is held durably, the chain value there, and how far the index has applied it."""

    length: int
    chain: int
    sealed: bool
    indexed: int


class SegmentsReply(Reply):
    """
    Another ``store_id`` or ``restores`` than before means that the server is not what it was: ask after everything.
    """

    store_id: str
    restores: int
    segments: dict[str, SegmentHeld]


class SegmentReply(SegmentHeld):
    """The answer to an append."""

    store_id: str
    restores: int
    stop: bool = Field(description="Somebody asked the run to stop since this life of it began.")
    stopped_by: str = Field(description="Who asked; empty if nobody did.")
    every_s: float = Field(description="How often the server wants new records of this segment at present.")


# ── holdings ─────────────────────────────────────────────────────────────────────────────────────────────────────


class HoldingInfo(Reply):
    """What is held of one project, or of the runs that one user sent. Times are unix seconds."""

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


class NotWholeRun(Reply):
    """A run that lacks something."""

    run_key: RunKey
    entity: str
    project: str
    name: str
    state: State
    last_activity_at: float
    lacks: list[LackInfo]


class DiskRoom(Reply):
    """A disk that the server writes to, in bytes. Below ``reserve`` nothing new is stored."""

    folder: str
    total: int
    free: int
    reserve: int


class HoldingsReply(Reply):
    """What the server holds of what the caller may see. ``not_whole`` are the latest of ``not_whole_total``."""

    store_id: str
    restores: int
    runs: int
    bytes: int
    points: int
    projects: list[HoldingInfo]
    users: list[HoldingInfo]
    not_whole: list[NotWholeRun]
    not_whole_total: int
    disk: list[DiskRoom]


class Readiness(Reply):
    """
    Whether a server answers in full; ``read_only`` while its disk is too full for anything new.

    ``catching_up`` is how many files are read again after a crash; what asks for their points waits for them.
    """

    status: Literal["starting", "ready", "read_only"]
    catching_up: int


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


class Verification(Reply):
    """The record of one run, checked frame by frame."""

    segments: list[SegmentCheck]
    ok: bool
