"""
The shapes of the HTTP API, from which ``openapi.json`` and the UI's types are generated.

Requests are checked against these models. Replies are described by them and, for speed, not run through them: the
tests hold every reply against its model instead.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from treering.limits import (
    KEY_MAX_BYTES,
    NAME_MAX_CHARS,
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

    # Replies are written by their routes; the shapes are for whoever asks how the API looks.
    model_config = ConfigDict(defer_build=True)


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
