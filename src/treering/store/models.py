"""
Registered models: which version of which artifact is in use, since when, who said so, and what was checked before.

A registered model belongs to an entity and is looked after in one of its projects; its versions are versions of
artifacts, of any project. Everything that is done to one is a record of the ledger and never overwritten, promotions
that its checks refused included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from treering.errors import FilterError, InvalidName, InvalidValue, NotFound
from treering.ids import check_alias, check_name
from treering.limits import MODEL_CHECKS_MAX

from .artifact_book import Act, ArtifactBook, Collection, Name, Version
from .documents import Document, Documents
from .query import parse

__all__ = ["Model", "ModelLink", "Models", "clean_check"]

_KIND: Final = "model"


class ModelVersion(msgspec.Struct):
    """A version of a registered model: a version of an artifact that was linked to it. Times are unix nanoseconds."""

    number: int
    source: Name
    version: int
    digest: str
    run_key: str
    linked_ns: int
    linked_by: str
    note: str
    unlinked: bool = False


class Model(msgspec.Struct, frozen=True):
    """A registered model as it now is."""

    id: str
    entity: str
    project: str
    name: str
    description: str
    checks: list[str]
    protected_aliases: list[str]
    aliases: dict[str, int]
    versions: list[ModelVersion]  # the oldest first, unlinked ones included
    version: int
    created_ns: int
    created_by: str
    updated_ns: int

    def find(self, number: int) -> ModelVersion:
        """Return one of its versions that is still linked. Raises NotFound."""
        for version in self.versions:
            if version.number == number and not version.unlinked:
                return version
        raise NotFound(f"the model {self.name!r} has no version {number}.")

    def aliases_of(self, number: int) -> list[str]:
        """Return the aliases of a version."""
        return sorted(alias for alias, its in self.aliases.items() if its == number)


class ModelLink(NamedTuple):
    """A registered model that an artifact's version is linked to, as which version of it. ``place``: its project."""

    model_id: str
    model: str
    number: int
    aliases: list[str]
    place: tuple[str, str]


class Models:
    """The registered models of a store. Thread-safe. Whoever calls it has asked whether the caller may."""

    def __init__(self, documents: Documents, book: ArtifactBook, clock_ns: Callable[[], int]) -> None:
        self._documents = documents
        self._book = book
        self._clock_ns = clock_ns
        self._links: tuple[int, dict[tuple[Name, int], list[tuple[str, int]]]] = (-1, {})

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def all(self, entity: str | None = None, project: str | None = None) -> list[Model]:
        """Return registered models by name, all or those of an entity or project."""
        found = [
            one
            for one in self._documents.of_kind(_KIND)
            if entity in (None, one.entity) and project in (None, one.project)
        ]
        return sorted((self._model(one) for one in found), key=lambda one: (one.name.casefold(), one.entity, one.id))

    def get(self, model_id: str) -> Model:
        """Return a registered model. Raises NotFound."""
        return self._model(self._document(model_id))

    def acts(self, model_id: str) -> list[Act]:
        """Return what was done to a model, the latest first, changes of its description among them."""
        document = self._document(model_id)
        edits = [
            Act(version.time_ns, version.author, "edit" if version.number > 1 else "create", None, {})
            for version in self._documents.versions(document.id)
        ]
        return sorted([*self._book.model_acts.get(model_id, ()), *edits], key=lambda act: -act.time_ns)

    def links_of(self, name: Name, version: int) -> list[ModelLink]:
        """Return the registered models that a version of an artifact is linked to."""
        return [
            ModelLink(model.id, model.name, number, model.aliases_of(number), (model.entity, model.project))
            for model_id, number in self._index().get((name, version), ())
            if (model := self._alive(model_id)) is not None
        ]

    def _index(self) -> dict[tuple[Name, int], list[tuple[str, int]]]:
        """Return which models' versions are which versions of artifacts; made anew when something was done."""
        with self._book.lock:
            count = sum(len(acts) for acts in self._book.model_acts.values())
            if self._links[0] != count:
                links: dict[tuple[Name, int], list[tuple[str, int]]] = {}
                for model_id, acts in self._book.model_acts.items():
                    for one in _versions(acts):
                        if not one.unlinked:
                            links.setdefault((one.source, one.version), []).append((model_id, one.number))
                self._links = count, links
            return self._links[1]

    def _alive(self, model_id: str) -> Model | None:
        try:
            return self.get(model_id)
        except NotFound:
            return None

    def _document(self, model_id: str) -> Document:
        try:
            document = self._documents.get(model_id)
        except NotFound:
            document = None
        if document is None or document.kind != _KIND:
            raise NotFound(f"there is no registered model {model_id[:64]!r}.")
        return document

    def _model(self, document: Document) -> Model:
        body = self._documents.body(document.id)
        with self._book.lock:
            acts = list(self._book.model_acts.get(document.id, ()))
        latest = max([document.updated_ns, *(act.time_ns for act in acts)])
        return Model(
            id=document.id,
            entity=document.entity,
            project=document.project,
            name=document.name,
            description=str(body.get("description") or ""),
            checks=[str(check) for check in body.get("checks") or ()],
            protected_aliases=[str(alias) for alias in body.get("protected_aliases") or ()],
            aliases=_aliases(acts),
            versions=_versions(acts),
            version=document.version,
            created_ns=document.created_ns,
            created_by=document.owner,
            updated_ns=latest,
        )

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def create(
        self,
        entity: str,
        project: str,
        name: str,
        description: str,
        checks: Sequence[str],
        protected_aliases: Sequence[str],
        author: str,
    ) -> Model:
        """
        Register a model.

        Raises:
            InvalidName, InvalidValue: its name is none, or taken in its entity.
            FilterError: a check does not parse.
            LimitExceeded, OSError.
        """
        with self._book.lock:
            name = self._check_name(entity, name)
            body = _body(description, checks, protected_aliases)
            now_ns = self._clock_ns()
            return self._model(self._documents.create(_KIND, entity, project, name, body, author, now_ns))

    def change(
        self,
        model_id: str,
        version: int,
        author: str,
        name: str | None = None,
        description: str | None = None,
        checks: Sequence[str] | None = None,
        protected_aliases: Sequence[str] | None = None,
    ) -> Model:
        """Change what is said of a model; None keeps what is. Raises EditConflict, and as ``create``."""
        with self._book.lock:
            old = self.get(model_id)
            self._documents.check_version(model_id, version)
            if name is not None and name != old.name:
                name = self._check_name(old.entity, name)
            body = _body(
                old.description if description is None else description,
                old.checks if checks is None else checks,
                old.protected_aliases if protected_aliases is None else protected_aliases,
            )
            now_ns = self._clock_ns()
            self._documents.change(model_id, author, now_ns, version=version, name=name, body=body)
            return self.get(model_id)

    def delete(self, model_id: str, author: str) -> None:
        """Delete a model; what was done to it stays in the ledger. Raises NotFound, OSError."""
        self._document(model_id)
        self._documents.delete(model_id, author, self._clock_ns())

    def link(self, model_id: str, collection: Collection, version: Version, note: str, author: str) -> ModelVersion:
        """
        Make a version of an artifact the next version of a model; if it is one already, that is returned.

        Raises:
            NotFound, OSError.
            InvalidValue: the version was removed.
        """
        with self._book.lock:
            model = self.get(model_id)
            for one in model.versions:
                if (one.source, one.version) == (collection.name, version.number) and not one.unlinked:
                    return one
            if version.removed is not None:
                raise InvalidValue(
                    f"{collection.path}:v{version.number} was removed; it cannot become a model's version."
                )
            number = max((one.number for one in model.versions), default=0) + 1
            entity, project, name = collection.name
            source = {"entity": entity, "project": project, "name": name, "version": version.number}
            run_key = version.loggers[0][0] if version.loggers else ""
            about = {"number": number, "source": source, "digest": version.digest, "run_key": run_key, "note": note}
            self._book.write_act("link", author, self._clock_ns(), model=model_id, **about)
            return self.get(model_id).find(number)

    def unlink(self, model_id: str, number: int, author: str, note: str = "") -> Model:
        """Take a version out of a model, with its aliases. Raises NotFound, OSError."""
        with self._book.lock:
            self.get(model_id).find(number)
            self._book.write_act("unlink", author, self._clock_ns(), model=model_id, number=number, note=note)
            return self.get(model_id)

    def promote(
        self, model_id: str, alias: str, number: int | None, note: str, author: str, checks: list[dict[str, Any]]
    ) -> Model:
        """Give an alias to a version, or with None take it away. Raises NotFound, InvalidName, OSError."""
        alias = check_alias(alias)
        if alias == "latest":
            raise InvalidName("'latest' is no alias of a model: its newest version is its last one.")
        with self._book.lock:
            model = self.get(model_id)
            if number is not None:
                model.find(number)
            before = model.aliases.get(alias)
            if number is None and before is None:
                raise NotFound(f"no version of {model.name!r} has the alias {alias!r}.")
            about = {"alias": alias, "note": note, "before": before, "checks": checks}
            what, number = ("promote", number) if number is not None else ("demote", before)
            self._book.write_act(what, author, self._clock_ns(), model=model_id, number=number, **about)
            return self.get(model_id)

    def note_refusal(
        self, model_id: str, alias: str, number: int, note: str, author: str, checks: list[dict[str, Any]]
    ) -> None:
        """Note that a promotion was asked for and that checks refused it. Raises OSError."""
        about = {"alias": alias, "note": note, "checks": checks}
        self._book.write_act("refuse", author, self._clock_ns(), model=model_id, number=number, **about)

    def _check_name(self, entity: str, name: str) -> str:
        name = check_name(name, "model")
        if any(
            one.name.casefold() == name.casefold() for one in self._documents.of_kind(_KIND) if one.entity == entity
        ):
            raise InvalidValue(f"{entity} has a registered model {name!r} already.")
        return name


def _body(description: str, checks: Sequence[str], protected_aliases: Sequence[str]) -> dict[str, Any]:
    if len(checks) > MODEL_CHECKS_MAX:
        raise InvalidValue(f"a model has at most {MODEL_CHECKS_MAX} checks.")
    return {
        "description": description,
        "checks": [clean_check(check) for check in checks],
        "protected_aliases": [check_alias(alias) for alias in dict.fromkeys(protected_aliases)],
    }


def clean_check(text: str) -> str:
    """
    Return a check as the filter that it is: ``val/acc >= 0.9`` stands for ``metric.val/acc >= 0.9``.

    Raises:
        FilterError: it is neither.
    """
    text = text.strip()
    try:
        parse(text)
    except FilterError as error:
        try:
            parse(f"metric.{text}")
        except FilterError:
            raise FilterError(f"the check {text[:80]!r} is no filter: {error}", error.position) from None
        return f"metric.{text}"
    return text


def _versions(acts: Sequence[Act]) -> list[ModelVersion]:
    found: dict[int, ModelVersion] = {}
    for act in acts:
        if act.what == "link" and act.version is not None and act.version not in found:
            source = act.body["source"]
            found[act.version] = ModelVersion(
                number=act.version,
                source=(str(source["entity"]), str(source["project"]), str(source["name"])),
                version=int(source["version"]),
                digest=str(act.body.get("digest") or ""),
                run_key=str(act.body.get("run_key") or ""),
                linked_ns=act.time_ns,
                linked_by=act.author,
                note=str(act.body.get("note") or ""),
            )
        elif act.what == "unlink" and act.version in found:
            found[act.version].unlinked = True
    return [found[number] for number in sorted(found)]


def _aliases(acts: Sequence[Act]) -> dict[str, int]:
    aliases: dict[str, int] = {}
    for act in acts:
        alias = str(act.body.get("alias") or "")
        if act.what == "promote" and act.version is not None:
            aliases[alias] = act.version
        elif act.what == "demote":
            aliases.pop(alias, None)
        elif act.what == "unlink":
            aliases = {name: number for name, number in aliases.items() if number != act.version}
    return aliases
