"""The shapes of the HTTP API that have to do with reports, comments and pictures; see ``schema``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from treering.limits import COMMENT_MAX_BYTES, FORMULA_MAX_CHARS, REPORT_FORMULAS_MAX, REPORT_MAX_BYTES

from .schema import Name, Number, Reply, Request


class FrozenMark(Reply):
    """Since when a report is frozen, by whom, for which version of its text, and the bytes of its data."""

    sha256: str
    bytes: int
    at: float
    by: str
    version: int


class ReportRow(Reply):
    """A report without its text."""

    id: str
    entity: str
    project: str
    title: str
    published: bool = Field(description="Everybody who may see the project sees it; a draft is for its members.")
    template: bool
    frozen: FrozenMark | None = Field(description="Null while it is live.")
    owner: str
    version: int = Field(description="Grows with each change; a change says which version it was made to.")
    created_at: float
    updated_at: float
    updated_by: str
    excerpt: str
    may_edit: bool
    may_delete: bool


class ReportReply(ReportRow):
    """A report."""

    markdown: str


class ReportRows(Reply):
    """The reports of a project that the caller may see, the latest changed first."""

    reports: list[ReportRow]
    may_edit: bool


class NewReport(Request):
    """A report to save."""

    title: Name
    markdown: str = Field("", max_length=REPORT_MAX_BYTES)
    published: bool = False
    template: bool = False


class ReportChange(Request):
    """The next version of a report; what is left out stays."""

    version: int = Field(ge=1, description="The version that this change was made to.")
    title: Name | None = None
    markdown: str | None = Field(None, max_length=REPORT_MAX_BYTES)
    published: bool | None = None
    template: bool | None = None


class ReportStep(Request):
    """Something that makes the next version of a report."""

    version: int = Field(ge=1, description="The version that the caller saw.")


class ReportRestore(ReportStep):
    """Which earlier version becomes the newest."""

    earlier: int = Field(ge=1)


class ReportVersionRow(Reply):
    """A version of a report."""

    version: int
    time: float
    author: str
    title: str
    published: bool
    frozen: bool
    bytes: int


class ReportVersions(Reply):
    """The latest versions of a report, newest first."""

    versions: list[ReportVersionRow]


class ReportDifference(Reply):
    """What differs between two versions of a report's text."""

    diff: str = Field(description="Unified; empty if they are equal.")


# ── what it shows ────────────────────────────────────────────────────────────────────────────────────────────────


class ReportQuestion(Request):
    """A text whose run sets and formulas are worked out."""

    markdown: str = Field(max_length=REPORT_MAX_BYTES)
    formulas: list[str] | None = Field(
        None,
        max_length=REPORT_FORMULAS_MAX,
        description=f"Those that are wanted, of at most {FORMULA_MAX_CHARS:,} characters; by default all of the text.",
    )


class RunSetMember(Reply):
    """A run of a run set."""

    run_key: str
    id: str
    name: str
    number: int
    state: str
    created_at: float


class MemberGroup(Reply):
    """Runs that share the values of the grouping columns."""

    path: list[dict[str, Any]]
    label: str = Field(description="How formulas name the group.")
    runs: list[str]


class ShownRuns(Reply):
    """What a run set means: a selection of the API, and its runs in order."""

    entity: str
    project: str
    filter: str
    search: str
    regex: bool
    runs: list[str] | None
    members: list[RunSetMember]
    groups: list[MemberGroup] | None
    pinned: list[str]
    baseline: str | None
    match: int
    problem: str = Field(description="Why there are no runs; empty if all is well.")
    unknown: list[str] = Field(description="Runs that are named and are not there.")


class FigureRuns(Reply):
    """A figure, by the lines of its block, and the name of its run set."""

    source: str
    set: str
    problem: str


class FormulaValue(Reply):
    """The value of a formula, as it stands in the text, and what to know about it."""

    text: str
    written: str
    value: Number | str | None
    spread: Number | None
    n: int
    missing: int
    nonfinite: int
    running: int
    runs: list[str]
    notes: list[str]
    error: str
    position: int | None


class ReportEvaluation(Reply):
    """What a report shows now. ``main`` is the set of figures and formulas that name none."""

    sets: dict[str, ShownRuns]
    main: str
    figures: list[FigureRuns]
    formulas: dict[str, FormulaValue]
    problems: list[str]
    seq: int = Field(description="Where the data stands that was looked at; the live feed goes on from it.")


class NumberByHand(Reply):
    """A number in the text that is no formula."""

    line: int
    column: int
    text: str
    formulas: list[str] = Field(description="That have this value now.")


class NumbersByHand(Reply):
    """The numbers that somebody typed."""

    numbers: list[NumberByHand]


class ReportDelta(Reply):
    """One thing that is another than when the report was frozen."""

    kind: str
    text: str
    runs: list[str]
    name: str


class ReportDeltas(Reply):
    """What has changed since a report was frozen; nothing if it still says what the runs say."""

    since: float
    changes: list[ReportDelta]


# ── comments ─────────────────────────────────────────────────────────────────────────────────────────────────────


class CommentTarget(Request):
    """
    What a comment is about: a report by its id, a run by its key, a panel by its id in the project's workspace.

    ``part`` is a figure of a report or a panel of a run's page.
    """

    kind: Literal["report", "run", "panel"]
    id: str = Field(min_length=1, max_length=2_048)
    part: str = Field("", max_length=2_048)


class NewComment(Request):
    """A comment to save."""

    target: CommentTarget
    text: str = Field(min_length=1, max_length=COMMENT_MAX_BYTES)
    reply_to: str | None = Field(None, max_length=64)


class CommentChange(Request):
    """Another text of a comment, or its thread closed or opened."""

    version: int = Field(ge=1)
    text: str | None = Field(None, min_length=1, max_length=COMMENT_MAX_BYTES)
    resolved: bool | None = None


class CommentRow(Reply):
    """A comment. ``resolved_by``: who closed the thread that it begins."""

    id: str
    entity: str
    project: str
    target: dict[str, Any]
    text: str
    author: str
    created_at: float
    edited_at: float | None
    reply_to: str | None
    resolved_by: str | None
    version: int
    mine: bool
    may_delete: bool


class CommentCount(Reply):
    """How many open threads one thing has."""

    kind: str
    id: str
    part: str
    open: int


class CommentRows(Reply):
    """Comments, the oldest first, and how many open threads there are on the things of the project."""

    comments: list[CommentRow]
    open: list[CommentCount]
    may_comment: bool


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────


class PictureReply(Reply):
    """A picture that a text of the project may name as `picture:<sha256>`."""

    sha256: str
    bytes: int
    type: str
    author: str
