"""The shapes of the HTTP API that have to do with artifacts, their lineage and what they take; see ``schema``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from treering.limits import (
    ARTIFACT_ALIASES_MAX,
    ARTIFACT_DESCRIPTION_MAX_CHARS,
    ARTIFACT_KEEP_MAX,
    ARTIFACT_NOTE_MAX_CHARS,
    ARTIFACT_REMOVED_MAX,
    ARTIFACT_TTL_MAX_DAYS,
    KEY_MAX_BYTES,
    NAME_MAX_CHARS,
    TAG_MAX_CHARS,
    TAGS_MAX,
)

from .schema import Name, Number, Reply, Request

Alias = Annotated[str, Field(min_length=1, max_length=NAME_MAX_CHARS)]
Aliases = Annotated[list[Alias], Field(max_length=ARTIFACT_ALIASES_MAX)]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=TAG_MAX_CHARS)]], Field(max_length=TAGS_MAX)]
Note = Annotated[str, Field(max_length=ARTIFACT_NOTE_MAX_CHARS)]
TtlDays = Annotated[float, Field(gt=0, le=ARTIFACT_TTL_MAX_DAYS)]


class Keep(Request):
    """A rule of retention: which versions of an artifact stay. The newest one always does."""

    kind: Literal["last", "best"]
    count: int = Field(ge=1, le=ARTIFACT_KEEP_MAX)
    metric: str | None = Field(None, max_length=KEY_MAX_BYTES, description="For `best`: by which metric.")
    goal: Literal["maximize", "minimize"] | None = Field(None, description="For `best`.")


class RunName(Reply):
    """A run that has to do with a version."""

    run_key: str
    name: str
    state: str


class InModel(Reply):
    """A registered model that a version is linked to, as this version of it."""

    model_id: str
    model: str
    number: int
    aliases: list[str]


class Removed(Reply):
    """When, by whom and why a version was removed. ``retention`` and ``expiry`` are rules, not people."""

    at: float
    by: str
    why: str


class VersionRow(Reply):
    """A version of an artifact."""

    entity: str
    project: str
    name: str
    type: str
    version: int
    digest: str = Field(description="SHA-256 of its list of entries: equal content has equal digests.")
    state: Literal["committed", "removed"]
    aliases: list[str]
    tags: list[str]
    description: str
    bytes: int
    files: int
    created_at: float
    run: RunName | None = Field(description="Who logged it first; null if that run is gone or may not be seen.")
    used_by: int = Field(description="How many runs used it.")
    models: list[InModel]
    ttl_days: float | None
    expires_at: float | None
    locked: bool = Field(description="Neither rules nor people remove it.")
    protected: list[str] = Field(description="Why no rule removes it, in words.")
    revision: int = Field(description="Grows with each change; a change says which revision it was made to.")
    removed: Removed | None


class VersionReply(VersionRow):
    """A version with what is said of it."""

    metadata: dict[str, Any]
    manifest_bytes: int = Field(description="Of its list of entries, which `…/blobs/{digest}` gives.")
    step: int | None = Field(description="At which step of its run it was logged.")
    values: dict[str, Number] = Field(description="Values of its run's metrics then, by which rules choose.")
    also_logged_by: list[RunName] = Field(description="Runs that logged equal content later.")


class CollectionRow(Reply):
    """An artifact: all versions of one name."""

    entity: str
    project: str
    name: str
    type: str
    description: str
    versions: int = Field(description="That are not removed.")
    removed: int
    bytes: int = Field(description="Of the versions that are not removed; what they share counts once for each.")
    aliases: dict[str, int] = Field(description="Alias → version.")
    latest: int | None
    created_at: float
    updated_at: float
    keep: Keep | None
    ttl_days: float | None = Field(description="Of versions that say nothing else.")
    revision: int


class TypeRow(Reply):
    """A type of artifacts in a project."""

    type: str
    artifacts: int
    versions: int
    bytes: int


class Artifacts(Reply):
    """The artifacts of a project, the latest changed first."""

    artifacts: list[CollectionRow]
    total: int
    types: list[TypeRow]


class CollectionReply(CollectionRow):
    """An artifact and a page of its versions, newest first."""

    version_rows: list[VersionRow]
    total: int
    may_edit: bool


class EventRow(Reply):
    """Something that was done to an artifact or a registered model."""

    at: float
    by: str
    what: str
    version: int | None
    text: str = Field(description="What was done, in words.")
    details: dict[str, Any]


class Events(Reply):
    """What was done, newest first."""

    events: list[EventRow]
    total: int


class FolderRow(Reply):
    """A folder within a version."""

    name: str
    files: int
    bytes: int


class EntryRow(Reply):
    """A file of a version, or a reference to something elsewhere."""

    path: str
    bytes: int | None = Field(description="Null for a reference of unknown size.")
    sha256: str | None = Field(description="Null for a reference; `…/blobs/{sha256}` gives the bytes.")
    ref: str | None = Field(description="Where a reference leads; the server never follows it.")
    digest: str | None = Field(description="What identifies what a reference leads to.")
    here: bool = Field(description="Whether the bytes are at the server.")


class Entries(Reply):
    """What stands in one folder of a version, or with `search` all that fits, wherever it stands."""

    folders: list[FolderRow]
    entries: list[EntryRow]
    total: int = Field(description="Entries that fit, folders not counted.")
    bytes: int


class VersionEdit(Request):
    """A change of a version; what is left out stays."""

    revision: int | None = Field(
        None, ge=1, description="The revision it was made to. Needed for description, tags and metadata."
    )
    description: str | None = Field(None, max_length=ARTIFACT_DESCRIPTION_MAX_CHARS)
    metadata: dict[str, Any] | None = None
    tags: Tags | None = None
    add_aliases: Aliases = Field([], description="An alias that another version has moves here.")
    remove_aliases: Aliases = Field([])
    ttl_days: TtlDays | Literal["inherit", "never"] | None = None
    locked: bool | None = None


class CollectionEdit(Request):
    """A change of an artifact; what is left out stays."""

    revision: int = Field(ge=1)
    description: str | None = Field(None, max_length=ARTIFACT_DESCRIPTION_MAX_CHARS)
    keep: Keep | Literal["all"] | None = None
    ttl_days: TtlDays | Literal["never"] | None = None


class VersionName(Request):
    """A version of an artifact of the project."""

    name: Name
    version: int = Field(ge=0)


class Removal(Request):
    """Versions to remove."""

    versions: Annotated[list[VersionName], Field(min_length=1, max_length=ARTIFACT_REMOVED_MAX)]
    why: Note = ""
    with_aliases: bool = Field(False, description="Also those that have aliases other than `latest`.")
    dry_run: bool = False


class RefusedVersion(Reply):
    """A version that was not removed."""

    name: str
    version: int
    reason: str


class RemovalReply(Reply):
    """What was removed, or with `dry_run` would be."""

    removed: list[dict[str, Any]] = Field(description="`name`, `version`, `bytes`.")
    refused: list[RefusedVersion]
    free_bytes: int = Field(description="That nothing else refers to: what garbage collection then frees.")


# ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class UseRow(Reply):
    """A version that a run used."""

    entity: str
    project: str
    name: str
    type: str | None
    version: int
    used_at: float
    used_as: str
    visible: bool = Field(description="False: it is in a project that the caller may not see; nothing more is said.")
    exists: bool = Field(description="Whether it is there still.")


class LoggedRow(Reply):
    """A version that a run logged, however far it has come."""

    record: str
    name: str
    type: str
    state: Literal["pending", "committed", "refused"]
    reason: str = Field(description="Why it is refused, or what it waits for.")
    digest: str
    bytes: int
    files: int
    logged_at: float
    equals: bool = Field(description="Its content was there already, as this version.")
    missing_files: int
    missing_bytes: int
    version: VersionRow | None


class RunArtifacts(Reply):
    """What a run logged and used."""

    logged: list[LoggedRow]
    total: int = Field(description="How many the run logged in all.")
    used: list[UseRow]


# ── lineage ──────────────────────────────────────────────────────────────────────────────────────────────────────


class LineageNode(Reply):
    """A run, a version, a registered model's version, or something that the caller may not see."""

    id: str
    kind: Literal["run", "version", "model", "hidden"]
    depth: int = Field(description="Steps from where the question began; negative is upstream.")
    label: str
    entity: str | None = None
    project: str | None = None
    run_key: str | None = None
    state: str | None = None
    job_type: str | None = None
    created_at: float | None = None
    name: str | None = None
    type: str | None = None
    version: int | None = None
    aliases: list[str] = Field([])
    removed: bool = False
    model_id: str | None = None
    more: int = Field(0, description="Neighbours that were left out since the graph is at its limit.")


class LineageEdge(Reply):
    """``made`` from a run to a version, ``used`` from a version to a run, ``linked`` from a version to a model."""

    source: str
    target: str
    kind: Literal["made", "used", "linked"]


class LineageGraph(Reply):
    """Where something comes from and what became of it."""

    root: str
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    hidden: int
    truncated: bool


# ── difference ───────────────────────────────────────────────────────────────────────────────────────────────────


class ChangedEntry(Reply):
    """A file that differs between two versions."""

    path: str
    change: Literal["added", "removed", "changed"]
    a_bytes: int | None
    b_bytes: int | None
    a_sha256: str | None
    b_sha256: str | None


class ChangedMetadata(Reply):
    """A metadata value that differs."""

    key: str
    a: Any
    b: Any
    in_a: bool
    in_b: bool


class ChangedTable(Reply):
    """A table that differs."""

    path: str
    a_rows: int | None
    b_rows: int | None
    added_columns: list[str]
    removed_columns: list[str]
    changed_columns: list[str] = Field(description="In both, with different values or another type.")
    problem: str = Field("", description="Why it could not be compared.")


class VersionsDiff(Reply):
    """What is different in *b*."""

    a: VersionRow
    b: VersionRow
    equal: bool
    same_files: int
    added: int
    removed: int
    changed: int
    entries: list[ChangedEntry]
    more_entries: int
    metadata: list[ChangedMetadata]
    tables: list[ChangedTable]


# ── storage ──────────────────────────────────────────────────────────────────────────────────────────────────────


class StoragePart(Reply):
    """What one part takes."""

    name: str
    bytes: int = Field(description="Each content counts once within the part.")
    shared_bytes: int = Field(description="Of these, what others refer to as well.")
    files: int


class StorageRun(StoragePart):
    """What a run takes."""

    run_key: str
    run: str
    log_bytes: int


class StorageArtifact(StoragePart):
    """What the versions of an artifact take."""

    type: str
    versions: int


class ProjectStorage(Reply):
    """What a project takes on the server's disk."""

    entity: str
    project: str
    bytes: int = Field(description="All content of the project once, and its run logs.")
    log_bytes: int
    removed_bytes: int = Field(description="Of removed versions; garbage collection frees what nothing else needs.")
    by_purpose: list[StoragePart]
    by_user: list[StoragePart]
    runs: list[StorageRun]
    more_runs: int
    artifacts: list[StorageArtifact]


class StorageRow(Reply):
    """A project in the list of what takes how much."""

    entity: str
    project: str
    bytes: int
    log_bytes: int
    shared_bytes: int = Field(description="Of its content, what other projects have as well.")
    runs: int


class Storage(Reply):
    """What all projects take that the caller may see."""

    projects: list[StorageRow]
    bytes: int = Field(description="Each content once.")
    free_bytes: int | None = Field(description="Of the disk; null for who does not run the server.")


class Collect(Request):
    """Ask for garbage collection."""

    dry_run: bool = True


class Garbage(Reply):
    """Content that nothing refers to any more."""

    sha256: str
    bytes: int
    names: list[str] = Field(description="What it was called in removed versions.")


class CollectReply(Reply):
    """What was removed, or with `dry_run` would be."""

    dry_run: bool
    files: int
    bytes: int
    kept_files: int = Field(description="Too young to tell: something may be about to refer to it.")
    garbage: list[Garbage] = Field(description="The largest.")
    expired: list[dict[str, Any]] = Field(
        description="Versions that went: `entity`, `project`, `name`, `version`, `bytes`, `why`."
    )
