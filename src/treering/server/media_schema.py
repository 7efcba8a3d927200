"""The shapes of the HTTP API that have to do with files, media and logged tables; see ``schema``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from treering.limits import (
    BLOBS_QUERY_MAX,
    FILTER_MAX_BYTES,
    KEY_MAX_BYTES,
    MEDIA_ITEMS_MAX,
    MEDIA_SERIES_MAX,
    MEDIA_STEPS_MAX,
    TABLE_FILTERS_MAX,
    TABLE_PAGE_MAX,
    TABLE_VECTORS_MAX,
)

from .schema import MetricKey, Number, Reply, Request, RunKey

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="The SHA-256 of the bytes.")]
ColumnName = Annotated[str, Field(max_length=KEY_MAX_BYTES)]

# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────


class FileInfo(Reply):
    """A file that belongs to a run. ``held``: its bytes are here. ``about``: what else was said of it."""

    path: str
    sha256: str
    bytes: int
    time: float
    purpose: str
    held: bool
    about: dict[str, Any]


class FilesReply(Reply):
    """Some files of a run, by path; ``total`` and ``bytes`` are of all that match."""

    files: list[FileInfo]
    total: int
    bytes: int


class CodeReply(Reply):
    """
    The code that a run ran, as far as it was recorded.

    ``kind``: ``git`` (a commit, uncommitted changes, untracked files), ``copy`` (the files themselves) or ``none``. The
    bytes of ``tree`` are JSON: ``[path, mode, git's id, bytes]`` per file of the commit.
    """

    kind: str
    git: dict[str, Any] | None
    patch: FileInfo | None
    tree: FileInfo | None
    files: list[FileInfo]
    files_total: int
    skipped: list[Any]
    command: str
    cwd: str


class BlobsQuery(Request):
    """Bytes that a client has for a run, by their hashes."""

    sha256: list[Sha256] = Field(max_length=BLOBS_QUERY_MAX)


class MissingBlob(Reply):
    """Bytes to send, from ``offset`` on."""

    sha256: str
    offset: int


class BlobsReply(Reply):
    """Which of them have to be sent."""

    missing: list[MissingBlob]


class BlobReply(Reply):
    """How many bytes of a file are here; ``complete``: all of them, durably."""

    sha256: str
    length: int
    complete: bool


# ── media ────────────────────────────────────────────────────────────────────────────────────────────────────────


class MediaStepsQuery(Request):
    """Of which runs and keys the steps are wanted."""

    runs: list[RunKey] = Field(max_length=MEDIA_SERIES_MAX)
    keys: list[MetricKey] = Field(max_length=MEDIA_SERIES_MAX)
    limit: int = Field(MEDIA_STEPS_MAX, ge=1, le=MEDIA_STEPS_MAX, description="Of one run and key; thinned evenly.")


class MediaSteps(Reply):
    """The steps at which a run logged media or text; ``n`` before thinning."""

    run: str
    key: str
    kind: str
    n: int
    steps: list[int]
    times: list[float]


class MediaStepsReply(Reply):
    """In the order of the runs and keys that were asked for; those without media are left out."""

    series: list[MediaSteps]


class MediaQuery(Request):
    """Media and texts at one step, or of a range of steps."""

    runs: list[RunKey] = Field(max_length=MEDIA_SERIES_MAX)
    keys: list[MetricKey] = Field(max_length=MEDIA_SERIES_MAX)
    step: int | None = Field(None, description="The last one for null.")
    match: Literal["exact", "at_or_before", "nearest"] = "at_or_before"
    range: tuple[int, int] | None = Field(
        None, description="First and last step; `step` and `match` are not used then."
    )
    limit: int = Field(MEDIA_ITEMS_MAX, ge=1, le=MEDIA_ITEMS_MAX, description="Of one run and key; thinned evenly.")


class MediaItem(Reply):
    """One media or text value; ``n`` is how many there are of this run and key (in the range)."""

    run: str
    key: str
    kind: str
    step: int
    attempt: int
    writer: str
    time: float
    value: dict[str, Any] | str
    n: int


class MediaReply(Reply):
    """By run, key and step."""

    items: list[MediaItem]


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


class TableSortBy(Request):
    """Missing values and NaN come last both ways."""

    column: ColumnName
    desc: bool = False


class TableCondition(Request):
    """A condition on a column; ``missing`` and ``present`` take no value."""

    column: ColumnName
    op: Literal["=", "!=", "<", "<=", ">", ">=", "contains", "missing", "present"]
    value: Annotated[str, Field(max_length=FILTER_MAX_BYTES)] | float | int | bool | None = None


class TableQuery(Request):
    """Which rows and columns of a logged table are wanted; no columns means all."""

    sha256: Sha256
    offset: int = Field(0, ge=0, le=1_000_000_000)
    limit: int = Field(100, ge=0, le=TABLE_PAGE_MAX)
    sort: list[TableSortBy] = Field([], max_length=8)
    search: str = Field("", max_length=FILTER_MAX_BYTES, description="A piece of any cell, whatever its case.")
    filters: list[TableCondition] = Field([], max_length=TABLE_FILTERS_MAX)
    group: list[ColumnName] = Field([], max_length=8)
    columns: list[ColumnName] = Field([], max_length=TABLE_PAGE_MAX)


class TableColumn(Reply):
    """``type``: number, integer, boolean, text, mixed, vector:<n> or a media kind."""

    name: str
    type: str


class TableGroup(Reply):
    """Rows that share values: how many, and the mean of each number column over finite values."""

    values: list[Any]
    count: int
    means: dict[str, Number | None]


class TableReply(Reply):
    """Some rows; ``match`` of ``total`` pass search and filters."""

    columns: list[TableColumn]
    rows: list[list[Any]]
    total: int
    match: int
    groups: list[TableGroup] | None


class VectorsQuery(Request):
    """A vector column of a logged table."""

    sha256: Sha256
    column: ColumnName
    limit: int = Field(TABLE_VECTORS_MAX, ge=1, le=TABLE_VECTORS_MAX)
