"""The shapes of the API that compares runs: see ``schema``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from treering.limits import (
    COMPARE_MAX_RUNS,
    FILTER_MAX_BYTES,
    IMPORTANCE_MAX_PARAMS,
    MATRIX_MAX_RUNS,
    SERIES_MAX_RUNS,
    STATISTICS_MAX_RUNS,
)

from .run_schema import BestOf, Column, Columns
from .schema import Aggregate, ColumnName, GroupBy, Name, Number, Reply, Request, RunKey, State

Goal = Literal["min", "max"]
Runs = Annotated[list[RunKey], Field(min_length=1, max_length=STATISTICS_MAX_RUNS)]
ConfigKeys = Annotated[list[ColumnName], Field(max_length=1_000)]


class Selection(Request):
    """The runs of a project that match; ``runs`` narrows them to some."""

    entity: Name
    project: Name
    filter: str = Field("", max_length=FILTER_MAX_BYTES)
    search: str = Field("", max_length=FILTER_MAX_BYTES, description="Text in name, id, tags or notes.")
    regex: bool = Field(False, description="`search` is a regular expression (RE2).")
    runs: list[RunKey] | None = Field(None, max_length=SERIES_MAX_RUNS)
    deleted: bool = Field(False, description="Those in the bin, which nothing else shows.")


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────

ColumnKind = Literal["number", "category", "mixed", "time"]


class MatrixQuery(Selection):
    """Which columns of which runs. The newest come first, and stay when there are more than ``limit``."""

    columns: Columns
    limit: int = Field(MATRIX_MAX_RUNS, ge=1, le=MATRIX_MAX_RUNS)


class MatrixColumn(Reply):
    """
    One value per run, null where it is missing.

    ``number``: every value is a number. ``time``: unix seconds. ``category``: none is; lists and maps come as JSON
    text. ``mixed``: some are.
    """

    by: str
    agg: str
    kind: ColumnKind
    values: list[Any]


class Matrix(Reply):
    """Runs in columns, all of one length. ``numbers`` are the ordinals in the project: colours."""

    runs: list[str]
    numbers: list[int]
    names: list[str]
    states: list[State]
    created_at: list[float]
    columns: list[MatrixColumn]
    match: int
    cut: bool = Field(description="More runs match than are here.")
    seq: int


class ColumnInfo(Reply):
    """
    How a column looks over the runs.

    ``spread`` is the chance that two runs differ in it, a missing value counting as one of its own: 0 where all are
    equal, 1 where no two are. ``min`` and ``max`` are of finite numbers.
    """

    by: str
    agg: str
    kind: ColumnKind
    runs: int = Field(description="That have it.")
    missing: int
    distinct: int
    min: Number | None
    max: Number | None
    spread: float


class ColumnsReply(Reply):
    """All columns there are, the most varying first; of the newest ``looked_at`` of ``match`` runs."""

    columns: list[ColumnInfo]
    match: int
    looked_at: int


# ── pivot ────────────────────────────────────────────────────────────────────────────────────────────────────────


class PivotQuery(Selection):
    """Groups by two lists of columns, and one value summed up in each cell."""

    rows: list[GroupBy] = Field(min_length=1, max_length=4)
    columns: list[GroupBy] = Field(max_length=4)
    value: Column
    goal: Goal | None = None


class PivotCell(Reply):
    """Finite values of one cell; ``std`` divides by n − 1 and is 0 for one run."""

    mean: Number
    std: Number
    n: int
    min: Number
    max: Number


class Pivot(Reply):
    """``cells[row][column]``; ``best`` marks the best means of each row where there is a goal."""

    rows: list[list[Any]]
    columns: list[list[Any]]
    cells: list[list[PivotCell | None]]
    best: list[list[bool]]
    goal: Goal | None


# ── comparing runs ───────────────────────────────────────────────────────────────────────────────────────────────

SectionName = Literal["config", "summary", "packages", "hardware", "command", "code", "inputs", "environment"]


class CompareQuery(Request):
    """The runs to compare, in the order of the columns; all sections unless some are named."""

    runs: list[RunKey] = Field(min_length=2, max_length=COMPARE_MAX_RUNS)
    sections: list[SectionName] | None = None


class ComparedRun(Reply):
    """A column of the comparison."""

    run_key: str
    run_id: str
    name: str
    number: int
    state: State
    created_at: float
    ended_at: float | None
    runtime_s: float
    entity: str
    project: str
    group: str | None
    job_type: str | None
    tags: list[str]


class ComparedRow(Reply):
    """One key over the runs; ``present`` tells a run that lacks it from one whose value is null."""

    key: str
    values: list[Any]
    present: list[bool]
    differs: bool


class ComparedSection(Reply):
    """``same`` counts the rows that do not differ. ``cut``: there were more rows; those that differ came first."""

    section: SectionName
    rows: list[ComparedRow]
    same: int
    cut: bool


class Comparison(Reply):
    """Runs side by side."""

    runs: list[ComparedRun]
    sections: list[ComparedSection]


class TwoRuns(Request):
    """Two runs; what is said is how one comes from ``a`` to ``b``."""

    a: RunKey
    b: RunKey


class CodeOf(Reply):
    """The state of the code of one run; null where it was not recorded."""

    commit: str | None
    branch: str | None
    remote: str | None
    dirty: bool | None


class CodeFile(Reply):
    """
    A file that differs.

    ``patch``: a change that was not committed; both sides' changes are compared, so the diff is a diff of diffs.
    ``untracked``: a file that git did not know. ``source``: a committed file, or one of a run without a repository.
    ``diff`` is null where the bytes are not held, are not text or are too many (``cut``).
    """

    path: str
    status: Literal["added", "removed", "changed", "same", "unknown"]
    kind: Literal["patch", "untracked", "source"]
    diff: str | None
    cut: bool


class CodeComparison(Reply):
    """How the code of two runs differs. ``same_commit`` is null where one of them has none on record."""

    a: CodeOf
    b: CodeOf
    same_commit: bool | None
    note: str
    files: list[CodeFile]
    cut: bool = Field(description="More files differ than are here.")


class ConsoleComparison(Reply):
    """What two runs printed, as a unified diff; ``lines`` are how many each has, ``cut`` if not all were compared."""

    diff: str
    cut: bool
    lines: tuple[int, int]


class ChangedQuery(Request):
    """A run, and the earlier one to compare it with; by default the latest one like it."""

    run: RunKey
    earlier: RunKey | None = None


class ChangedInput(Reply):
    """
    One input that differs.

    ``score`` is 0..1: a weight of its kind × how seldom it changes from run to run in the project.
    """

    section: str
    key: str
    before: Any
    after: Any
    score: float
    reason: str


class Changed(Reply):
    """What changed between an earlier run and this one, the most telling first."""

    run: str
    earlier: str | None
    why: str = Field(description="Why this earlier run.")
    changes: list[ChangedInput]


# ── statistics ───────────────────────────────────────────────────────────────────────────────────────────────────


class MetricOf(Request):
    """A metric's one value per run, as in ``Column``."""

    metric: ColumnName = Field(description="A metric's key, or any `by` of a column that begins with `summary.`.")
    agg: Aggregate = "last"
    step: int | None = None
    of: BestOf | None = None


class SeedsQuery(Selection, MetricOf):
    """Runs that are equal but for the seed. ``ignore`` names the config keys that do not count."""

    goal: Goal | None = None
    ignore: ConfigKeys | None = Field(None, description="By default every key that is called like a seed.")
    confidence: float = Field(0.95, gt=0, lt=1)


class SeedGroup(Reply):
    """
    Runs with one configuration.

    ``label`` has the keys that vary among all groups; ``hash`` is of the whole configuration but the ignored keys.
    ``values`` belong to ``runs``; statistics are of the ``n`` finite ones, null where there are too few.
    """

    label: dict[str, Any]
    hash: str
    runs: list[str]
    values: list[Number | None]
    n: int
    mean: Number | None
    std: Number | None
    stderr: Number | None
    ci: tuple[Number, Number] | None
    min: Number | None
    max: Number | None
    rank: int | None


class Seeds(Reply):
    """Groups by rank: 1 is the best mean by ``goal``, without one the highest."""

    ignored: list[str]
    varying: list[str]
    groups: list[SeedGroup]
    match: int


class StatisticsQuery(MetricOf):
    """Two sets of runs, unpaired, or paired by a column whose value both have."""

    a: Runs
    b: Runs
    pair_by: ColumnName | None = None
    confidence: float = Field(0.95, gt=0, lt=1)
    power: float = Field(0.8, gt=0, lt=1)


class Effect(Reply):
    """A standardised difference with its interval."""

    name: str
    value: Number | None
    ci: tuple[Number, Number] | None


class MoreRuns(Reply):
    """How many more runs each set needs to tell them apart, were the difference what it seems; null if unknowable."""

    per_group: int | None
    needed: int | None
    note: str


class Statistics(Reply):
    """``difference`` is mean of a − mean of b; ``superiority`` the chance that a run of a exceeds one of b."""

    n: tuple[int, int]
    mean: tuple[Number | None, Number | None]
    std: tuple[Number | None, Number | None]
    difference: Number | None
    ci: tuple[Number, Number] | None
    test: Literal["welch", "paired t"] | None
    t: Number | None
    df: Number | None
    p: float | None
    effect: Effect
    superiority: float | None
    more_runs: MoreRuns
    warnings: list[str]


Method = Literal["fanova", "ped_anova", "mdi", "correlation"]


class ImportanceQuery(Selection, MetricOf):
    """Which parameters of the configuration decide about a metric."""

    params: Annotated[list[ColumnName], Field(max_length=IMPORTANCE_MAX_PARAMS)] | None = None
    method: Method | Literal["auto"] = "auto"
    goal: Goal | None = Field(None, description="For ped_anova, which asks what makes the best runs: by default min.")


class ParamImportance(Reply):
    """``importance`` sums to 1 over the parameters but for correlation, where it is |ρ|; null where it has none."""

    by: str
    importance: float | None
    correlation: float | None = Field(description="Spearman's ρ, of parameters that are numbers.")
    n: int
    kind: Literal["number", "category"]


class Importance(Reply):
    """Parameters, the most important first, from ``n`` runs."""

    method: Method
    n: int
    params: list[ParamImportance]
    warnings: list[str]


# ── export ───────────────────────────────────────────────────────────────────────────────────────────────────────


class TableJson(Reply):
    """A table as JSON: grouped queries have one row a group."""

    columns: list[str]
    rows: list[list[Any]]
    corrections: list[str] = Field([], description="What is said of corrected metrics in it; left out if none is.")
