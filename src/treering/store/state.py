"""What ingest knows about runs, segments and series: the documents that the metadata store keeps."""

from __future__ import annotations

from typing import Any

import msgspec


class Life(msgspec.Struct):
    """One life of one writer, as far as liveness and the run page need it. Times are unix nanoseconds."""

    writer: str
    created_ns: int
    host: str | None = None
    boot_id: str | None = None
    pid: int | None = None
    start_time: float | None = None
    rank: int | None = None
    local_rank: int | None = None
    world_size: int | None = None
    job_id: str | None = None
    resumed: bool = False
    of: str | None = None  # an uploader's: the life that it looks after
    beat_ns: int = 0  # newest sign of life, by this machine's clock
    end: dict[str, Any] | None = None
    end_ns: int | None = None
    # Of a life whose records come over the network: an earlier arrival by our clock, the newest time that it told,
    # and whether the two advance together.
    heard_ns: int = 0
    told_ns: int = 0
    paced: bool = False
    waiting: int = 0  # media values that were in the process's memory when it last said so


class Gap(msgspec.Struct):
    """Counted loss of one segment."""

    count: int = 0
    points: int = 0
    since_ns: int = 0  # the first lost record of the first gap, and the last of the last one
    until_ns: int = 0
    reason: str = ""


class Fork(msgspec.Struct):
    """Where a run was forked, see ``inheritance.ForkPoint``; ``needs_config``: its records lack the parent's."""

    parent_key: str
    parent_id: str
    step: int
    until_ns: int
    since_ns: int
    lives: list[str] = []
    needs_config: bool = False


class RunState(msgspec.Struct):
    """
    Everything about one run that is not a metric. Stored whole; the columns of the runs table are derived from it.

    ``edits`` maps a field to (time_ns, value): the newest edit of each wins over what the run said at its start.
    """

    id: int
    entity_id: int
    project_id: int
    entity: str
    project: str
    run_id: str
    run_key: str
    number: int
    created_ns: int
    activity_ns: int
    meta: dict[str, Any] = {}
    config: dict[str, Any] = {}
    config_changes: list[tuple[int, str, Any, Any]] = []  # time_ns, dotted key, before, after
    summary: dict[str, Any] = {}
    defines: dict[str, dict[str, Any]] = {}
    facts: dict[str, Any] = {}
    edits: dict[str, tuple[int, Any]] = {}
    lives: dict[str, Life] = {}
    gaps: dict[str, Gap] = {}
    synced: dict[str, int] = {}  # segment → bytes that its uploader has on the server
    foreign_keys: set[int] = set()  # metrics that only ranks and forks have logged, not the main writer
    open_lines: dict[str, tuple[int, str]] = {}  # writer/stream → time_ns and state of a line that is not finished
    fork: Fork | None = None
    unsettled: bool = False  # its aggregates are to be made anew of what its lines show
    unknown: int = 0  # records that need a newer treering
    alerts: int = 0  # that its code raised
    state: str = "running"
    ended_ns: int | None = None
    damaged: bool = False
    error: str | None = None

    def field(self, name: str) -> Any:
        """Return an editable field: the newest edit, else what the run said."""
        edit = self.edits.get(name)
        return edit[1] if edit is not None else self.meta.get(name)

    @property
    def name(self) -> str:
        return str(self.field("name") or self.run_id)

    @property
    def tags(self) -> list[str]:
        tags = self.field("tags")
        return [str(tag) for tag in tags] if isinstance(tags, list) else []

    @property
    def deleted(self) -> bool:
        return bool(self.field("deleted"))

    @property
    def archived(self) -> bool:
        return bool(self.field("archived"))

    @property
    def stop_asked(self) -> tuple[int, str]:
        """When the run was last asked to stop, 0 if never, and by whom."""
        asked_ns, value = self.edits.get("stop", (0, None))
        return asked_ns, str((value.get("by") if isinstance(value, dict) else None) or "somebody")

    def text(self, name: str) -> str | None:
        value = self.field(name)
        return str(value) if value not in (None, "") else None


class SegmentDoc(msgspec.Struct):
    """What is known of a segment beyond its position."""

    bytes: int = 0
    records: int = 0
    sealed: bool = False
    damage: list[tuple[int, int, str]] = []


class SegmentState(msgspec.Struct):
    """One segment file and how far it has been applied to the metadata."""

    id: int
    segment: str
    run: int
    entity_id: int
    project_id: int
    writer: str
    writer_id: int
    life: str
    life_created_ns: int
    life_index: int
    from_step: int | None
    base_step: int
    last_step: int | None
    offset: int
    chain: int
    status: str
    doc: SegmentDoc


class SeriesStat(msgspec.Struct):
    """
    Aggregates of one series. ``last`` and ``first`` may be NaN; ``min``/``max`` are NaN while nothing is finite.

    Which value is first or last is told by when its life began, and within a life by its place in the log: a row's
    own clock may stand a day wrong.
    """

    key: int
    run: int
    entity_id: int
    project_id: int
    n: int = 0
    finite: int = 0
    last: float | None = None
    last_text: str | None = None
    last_step: int = 0
    last_life_us: int = -(1 << 62)
    last_place: int = -1
    first: float | None = None
    first_text: str | None = None
    first_step: int = 0
    first_life_us: int = 1 << 62
    first_place: int = 1 << 62
    min: float | None = None
    max: float | None = None
    sum: float = 0.0
    is_int: bool = True


class ConsoleSpan(msgspec.Struct):
    """Console lines that stand together in a segment."""

    segment_id: int
    offset: int
    end_offset: int
    lines: int
    first_us: int
    last_us: int


class RewindRow(msgspec.Struct):
    """A rewind inside a life."""

    segment_id: int
    off: int
    writer_id: int
    from_step: int


class FileRow(msgspec.Struct):
    """The newest declaration of a path of a run. ``about`` is JSON."""

    path: str
    sha256: str
    bytes: int
    time_us: int
    purpose: str
    about: str
    received: bool


class HeldRow(msgspec.Struct):
    """Bytes that came over the network for a run."""

    sha256: str
    bytes: int


class OriginRow(msgspec.Struct):
    """A state of a saved file; ``digests`` of its parts, see ``runlog.file_parts``."""

    sha256: str
    path: str
    bytes: int
    time_us: int
    purpose: str
    received: bool
    digests: list[str]


class AlertRow(msgspec.Struct):
    """An alert that the run's code raised."""

    segment_id: int
    segment: str
    off: int
    time_us: int
    level: str
    title: str
    text: str
    step: int | None
    repeats: int


class ArtifactRow(msgspec.Struct):
    """A version of an artifact as the run that made it says. ``about`` is an ``artifact_records.About`` as JSON."""

    record: str
    segment: str
    name: str
    type: str
    digest: str
    manifest_bytes: int
    bytes: int
    files: int
    time_us: int
    about: str


class UseRow(msgspec.Struct):
    """A version of an artifact that a run used. ``artifact`` is ``entity/project/name``."""

    artifact: str
    version: int
    type: str
    digest: str
    use_as: str
    time_us: int


class Attr(msgspec.Struct):
    """One config value, explicit summary value or tag."""

    kind: str
    num: float | None = None
    text: str | None = None


class RunBatch(msgspec.Struct):
    """Everything one pass of ingest changes about one run, written in one transaction with the offsets."""

    state: RunState
    segments: list[SegmentState] = []
    series: list[SeriesStat] = []
    attrs: dict[int, Attr | None] = {}  # key id → value, None = removed
    console: list[ConsoleSpan] = []
    rewinds: list[RewindRow] = []
    files: list[FileRow] = []
    held: list[HeldRow] = []
    artifacts: list[ArtifactRow] = []
    uses: list[UseRow] = []
    alerts: list[AlertRow] = []
    origins: list[OriginRow] = []
    new_keys: list[int] = []  # metrics that this run logs for the first time
    rows: int = 0
    keys_changed: bool = False
    settled: bool = False  # its aggregates were made anew


def stream_of(name: object) -> str:
    """Return the stream that a console record names; what is none of the two was printed, wherever to."""
    return "stderr" if name == "stderr" else "stdout"
