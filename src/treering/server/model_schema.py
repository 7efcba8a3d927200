"""The shapes of the HTTP API of the model registry; see ``schema``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from treering.limits import (
    ARTIFACT_ALIASES_MAX,
    ARTIFACT_DESCRIPTION_MAX_CHARS,
    FILTER_MAX_BYTES,
    MODEL_CHECKS_MAX,
)

from .artifact_schema import Alias, Note, RunName
from .schema import Name, Reply, Request

Check = Annotated[str, Field(min_length=1, max_length=FILTER_MAX_BYTES)]
Checks = Annotated[list[Check], Field(max_length=MODEL_CHECKS_MAX)]
ProtectedAliases = Annotated[list[Alias], Field(max_length=ARTIFACT_ALIASES_MAX)]


class ModelRow(Reply):
    """A registered model."""

    id: str
    entity: str
    project: str = Field(description="Whose members decide about it; its versions may come from elsewhere.")
    name: str
    description: str
    checks: list[str] = Field(description="Filters that the run of a version has to meet before it is promoted.")
    protected_aliases: list[str] = Field(description="That only an admin of the project gives or takes away.")
    aliases: dict[str, int]
    versions: int
    version: int = Field(description="Of its description; a change says which one it was made to.")
    created_at: float
    created_by: str
    updated_at: float
    may_edit: bool
    may_admin: bool


class Models(Reply):
    """Registered models that the caller may see, by name."""

    models: list[ModelRow]


class Source(Reply):
    """The version of an artifact that a model's version is."""

    entity: str
    project: str
    name: str
    type: str
    version: int
    digest: str
    bytes: int
    removed: bool


class ModelVersion(Reply):
    """A version of a registered model."""

    number: int
    aliases: list[str]
    linked_at: float
    linked_by: str
    note: str
    unlinked: bool
    source: Source | None = Field(description="Null where the caller may not see it.")
    run: RunName | None


class ModelReply(ModelRow):
    """A registered model and its versions, newest first."""

    version_rows: list[ModelVersion]


class NewModel(Request):
    """A registered model to make. Its name is unique in its entity."""

    entity: Name
    project: Name
    name: Name
    description: str = Field("", max_length=ARTIFACT_DESCRIPTION_MAX_CHARS)
    checks: Checks = Field([])
    protected_aliases: ProtectedAliases = Field([])


class ModelEdit(Request):
    """A change of a registered model; what is left out stays."""

    version: int = Field(ge=1, description="The version that this change was made to.")
    name: Name | None = None
    description: str | None = Field(None, max_length=ARTIFACT_DESCRIPTION_MAX_CHARS)
    checks: Checks | None = None
    protected_aliases: ProtectedAliases | None = None


class NewLink(Request):
    """A version of an artifact that becomes the next version of a model; one that is linked already stays as it is."""

    entity: Name
    project: Name
    name: Name
    version: str = Field(min_length=1, max_length=200, description="`v3`, an alias, or a digest.")
    aliases: ProtectedAliases = Field([], description="To promote it to at once.")
    note: Note = ""


class Promotion(Request):
    """An alias to give to a version of a model, or with no number to take away."""

    alias: Alias
    number: int | None = Field(None, ge=1)
    note: Note = ""
    dry_run: bool = Field(False, description="Only say what the checks find.")


class CheckResult(Reply):
    """What a check found."""

    text: str
    passed: bool
    seen: str = Field(description="What the run has for what the check names, in words.")


class PromotionReply(Reply):
    """Whether it was promoted. A refused promotion is an error, `check_failed`, that names the checks."""

    state: Literal["promoted", "removed", "would_pass", "would_fail"]
    alias: str
    number: int | None
    before: int | None = Field(description="Which version had the alias.")
    checks: list[CheckResult]
