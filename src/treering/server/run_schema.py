"""The shapes of the HTTP API of runs: lists, pages, edits; see ``schema``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from treering.limits import (
    COLUMNS_MAX,
    DISPLAY_NAME_MAX_CHARS,
    FILTER_MAX_BYTES,
    NAME_MAX_CHARS,
    NOTES_MAX_BYTES,
    PAGE_DEFAULT_ROWS,
    PAGE_MAX_ROWS,
    SERIES_MAX_KEYS,
    SERIES_MAX_RUNS,
    TAG_MAX_CHARS,
    TAGS_MAX,
)

from .schema import (
    Aggregate,
    ColumnName,
    Define,
    GroupBy,
    KeyInfo,
    MetricKey,
    Name,
    Number,
    Reply,
    Request,
    RunKey,
    State,
)


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
