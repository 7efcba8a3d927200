"""The shapes of the API of distributed training: see ``schema``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from treering.limits import (
    CONSOLE_MAX_LINES,
    FILTER_MAX_BYTES,
    HEATMAP_MAX_COLUMNS,
    NAME_MAX_CHARS,
    PROCESSES_MAX,
    SERIES_MAX_BUCKETS,
    SERIES_MAX_KEYS,
)

from .schema import MetricKey, Name, Number, Reply, Request, RunKey, State

ProcessId = Annotated[
    str,
    Field(
        max_length=NAME_MAX_CHARS,
        description="A run's key; with `/rank3` behind it, the rank that writes into that run.",
    ),
]
Axis = Literal["step", "relative", "wall"]


class Where(Request):
    """Which processes: those of a `run`, or those of the runs of a `group`, which needs `entity` and `project` too."""

    run: RunKey | None = None
    entity: Name | None = None
    project: Name | None = None
    group: str | None = Field(None, max_length=NAME_MAX_CHARS)
    job_type: str | None = Field(None, max_length=NAME_MAX_CHARS)


class WhereSome(Where):
    """All processes that are meant, or some of them by their ids."""

    processes: list[ProcessId] | None = Field(None, max_length=PROCESSES_MAX)


class Process(Reply):
    """
    One process over all its attempts. Times are unix seconds.

    ``writer`` is its label in its run, empty for the main writer. ``runtime_s`` counts from its first start to its end
    or its last sign of life. ``last_step`` is that of the line that is shown. ``points`` are without system metrics.
    """

    id: str
    run_key: str
    run_name: str
    number: int = Field(description="Of the run in its project.")
    writer: str
    rank: int
    local_rank: int | None
    world_size: int | None
    host: str | None
    pid: int | None
    job_id: str | None = Field(description="Of the scheduler or launcher.")
    job_type: str | None
    state: State
    started_at: float
    ended_at: float | None
    last_activity_at: float
    runtime_s: float
    last_step: int | None
    points: int
    attempts: int


class Attempt(Reply):
    """
    One life of a process, numbered from 1: a requeue, a resume or a rewind begins another.

    ``from_step``: it declared that the steps from there on are its own. ``steps_lost``: steps that earlier attempts had
    reached and that it computed again.
    """

    process: str
    number: int
    life_id: str
    started_at: float
    ended_at: float | None
    state: State
    reason: str | None
    exit_code: int | None
    first_step: int | None
    last_step: int | None
    from_step: int | None
    host: str | None
    pid: int | None
    job_id: str | None
    resumed: bool
    steps_lost: int


class ProcessKey(Reply):
    """A metric and how many processes log it."""

    key: str
    kind: Literal["number", "system"]
    processes: int
    unit: str | None


class Since(Reply):
    """From when on: a step (null for system figures), and unix seconds."""

    step: int | None
    time: float | None


class Finding(Reply):
    """
    Something that is worth knowing of a process, in one plain sentence.

    ``value`` is its own, ``typical`` that of the others, ``ratio`` one by the other, ``score`` how clear it is: a
    robust z. ``key`` is the metric, null where it is about step times, rows or an end.
    """

    kind: Literal["straggler", "outlier", "silent", "dead", "behind"]
    process: str
    rank: int
    key: str | None
    value: Number | None
    typical: Number | None
    ratio: Number | None
    score: Number
    since: Since
    text: str


class ProcessesReply(Reply):
    """Processes by rank, what they log, and what stands out, most telling first. `truncated`: there are more."""

    processes: list[Process]
    attempts: list[Attempt]
    keys: list[ProcessKey]
    findings: list[Finding]
    truncated: bool


class ProcessSeriesQuery(WhereSome):
    """
    Lines of processes × keys; the reply is that of `/series`.

    ``band``: y is the mean over the processes, lo and hi the lowest and highest of them, count how many have a point.
    ``each``: a line per process, which says its `process` and `rank`. ``relative`` counts from when the first of the
    runs began; system metrics are drawn over it where steps are asked.
    """

    keys: list[MetricKey] = Field(min_length=1, max_length=SERIES_MAX_KEYS)
    x: Axis = "step"
    range: tuple[float, float] | None = None
    buckets: int = Field(1000, ge=1, le=SERIES_MAX_BUCKETS)
    form: Literal["band", "each"] = "band"


class HeatmapQuery(WhereSome):
    """One metric as processes × columns of steps or time."""

    key: MetricKey
    x: Axis = "step"
    range: tuple[float, float] | None = None
    columns: int = Field(200, ge=1, le=HEATMAP_MAX_COLUMNS, description="At most.")
    value: Literal["mean", "min", "max"] = Field("mean", description="Of the points of a process in a column.")


class HeatmapReply(Reply):
    """
    A row per process; a value is "NaN" where it has no finite point.

    As frames (the default): the same names in the header, `x_edges`, `values` and `counts` as arrays, row by row.
    """

    key: str
    x: Axis = Field(description="The axis that was used: `relative` where steps were asked of a system metric.")
    value: Literal["mean", "min", "max"]
    x_edges: list[float] = Field(description="One more than there are columns.")
    processes: list[str]
    ranks: list[int]
    values: list[list[Number]]
    counts: list[list[int]]
    lo: float | None
    hi: float | None


class ProcessConsoleQuery(WhereSome):
    """Lines from number `offset` on, or the last ones below number `before`."""

    offset: int = Field(0, ge=0, le=2**63 - 1)
    before: int | None = Field(None, ge=0, le=2**63 - 1)
    limit: int = Field(1_000, ge=1, le=CONSOLE_MAX_LINES)
    search: str = Field("", max_length=FILTER_MAX_BYTES, description="A piece of a line, whatever its case.")


class ProcessLine(Reply):
    """A finished line of a process; ``n`` numbers the lines of all processes that were asked for."""

    time: float
    stream: Literal["stdout", "stderr"]
    text: str
    process: str
    run_key: str
    writer: str
    rank: int
    n: int


class ProcessConsole(Reply):
    """Lines in time order; ``next`` is the offset to ask for next."""

    lines: list[ProcessLine]
    next: int
    total: int
