"""
Reading back: ``treering.Api()``.

::

    api = tr.Api()
    for run in api.runs("digits", filters='state = "finished" and config.lr < 0.1', order="-metric:val/acc"):
        print(run.name, run.summary["val/acc"], len(run.history()))

Everything comes over HTTP from the one process that owns the folder's index, so reading while a training writes, or
from ten notebooks at once, needs no lock. Nothing is sampled unless it says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from treering.errors import (
    AmbiguousName,
    InvalidValue,
    NotFound,
    ProjectNotFound,
    RunNotFound,
)
from treering.ids import RUN_KEY

from .artifacts.artifact import Artifact
from .artifacts.names import Reference, parse_reference
from .artifacts.reader import (
    ArtifactCollection,
    ArtifactType,
    exists,
    list_collections,
    list_types,
    read_artifact,
)
from .artifacts.registry import RegisteredModel, create_model, find_model, list_models
from .connection import Connection, connect_to_folder
from .credentials import Credentials, credentials_path, plain_url
from .metric_corrections import MetricCorrection, list_corrections, preview_correction, save_correction
from .origin import FileFacts, find_origins, read_facts
from .recorded_runs import Run, Runs, convert, field, filter_text, quoted, sort_of
from .saved_alerts import Alert, iterate_alerts
from .saved_reports import SavedReport, create_report, list_reports, read_report
from .saved_views import SavedView, list_views, read_view, save_view
from .settings import Settings, current_folder, default_folder

__all__ = ["Api", "Project", "Run", "Runs"]


class Project(msgspec.Struct, frozen=True):
    """A project: names, how many runs, and unix times."""

    entity: str
    project: str
    runs: int
    running: int
    failed: int
    created_at: float
    last_activity_at: float


class Api:
    """
    Read and edit the runs of a data folder or of a server.

    Args:
        data: a data folder; by default the one that runs started here would use.
        base_url: a server's address instead; by default ``TREERING_BASE_URL``, or what ``treering login --default``
            chose, if there is no *data*.
        token: the key to send there; by default ``TREERING_TOKEN``, ``TREERING_API_KEY``, or the one that ``treering
            login`` keeps for this address.

    Raises:
        NotFound: the folder does not exist.
        ServerUnavailable: nobody answers, or the folder's server could not be started.
    """

    def __init__(
        self, data: str | os.PathLike[str] | None = None, base_url: str | None = None, *, token: str | None = None
    ) -> None:
        if base_url is not None and data is not None:
            raise InvalidValue("Api(): give data, a folder, or base_url, a server, but not both.")
        if base_url is None and data is None:
            base_url = _default_server()
        if base_url is not None:
            self._connection = Connection.to_url(base_url, token or _key_for(base_url))
        else:
            folder = Path(data).expanduser() if data is not None else default_folder(os.environ, current_folder())
            self._connection = connect_to_folder(folder.absolute())

    def __repr__(self) -> str:
        return f"Api({self._connection.name!r})"

    def close(self) -> None:
        """Close the connection; it opens again when it is needed."""
        self._connection.close()

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def projects(self) -> list[Project]:
        """Return all projects, the one with the latest activity first."""
        reply = self._connection.call("GET", "/projects")
        projects: list[Project] = convert(field(reply, "projects"), list[Project])
        return projects

    def runs(
        self,
        project: str,
        filters: str | Mapping[str, object] | None = None,
        order: str = "-created_at",
        *,
        agg: Literal["last", "min", "max", "mean", "first"] = "last",
        metrics: Sequence[str] = (),
        config: Sequence[str] = (),
    ) -> Runs:
        """
        Return the runs of a project; they are fetched page by page while one goes through them.

        Args:
            project: ``project`` or ``entity/project``.
            filters: text in the filter language, e.g. ``'state = "failed" and metric.loss.min < 0.1'``, or a mapping of
                what must be equal, e.g. ``{"state": "finished", "config.lr": 0.1}``.
            order: ``created_at``, ``name``, ``runtime``, ``state``, ``config.<key>``, ``metric.<key>.<agg>`` as in the
                filter language, or ``metric:<key>``, with ``-`` in front for descending. Missing and NaN come last
                both ways.
            agg: which value of a ``metric:<key>`` in ``order`` counts.
            metrics, config: keys whose values come with each row, in ``run.row``, without another request a run.

        Raises:
            ProjectNotFound: there is none, or several entities have one of this name.
            FilterError: the filter does not parse; raised when the first page is fetched.
        """
        entity, name = self._find_project(project)
        query = {
            "entity": entity,
            "project": name,
            "filter": filter_text(filters),
            "sort": [sort_of(order, agg)],
            "metrics": list(metrics),
            "config": list(config),
        }
        return Runs(self._connection, query)

    def run(self, reference: str) -> Run:
        """
        Return one run by its key, by ``entity/project/id`` or ``project/id``, or by an id or name that only one run
        has.

        Raises:
            RunNotFound: no run fits.
            AmbiguousName: several do; the message lists them.
        """
        if RUN_KEY.fullmatch(reference):
            return Run(self._connection, self._connection.call("GET", f"/runs/{reference}"))
        candidates = self.find(reference)
        if not candidates:
            raise RunNotFound(f"No run has the key, id or name {reference!r}.")
        if len(candidates) > 1:
            listed = ", ".join(f"{run.path} ({run.name})" for run in candidates[:5])
            more = f" and {len(candidates) - 5} more" if len(candidates) > 5 else ""
            raise AmbiguousName(
                f"{len(candidates)} runs fit {reference!r}: {listed}{more}. Name one by entity/project/id."
            )
        return candidates[0]

    def find(self, reference: str) -> list[Run]:
        """Return every run that a reference fits, those by id before those by name; see ``run``."""
        *where, last = reference.split("/")
        by_id: list[Run] = []
        by_name: list[Run] = []
        for row in self.projects():
            names = {reference}  # a display name may have slashes of its own
            if where in ([], [row.project], [row.entity, row.project]):
                names.add(last)
            text = " or ".join(f"id = {quoted(name)} or name = {quoted(name)}" for name in sorted(names))
            query = {"entity": row.entity, "project": row.project, "filter": text}
            for run in Runs(self._connection, query):
                (by_id if run.id in names else by_name).append(run)
        return by_id or by_name

    def diff(self, runs: Sequence[Run]) -> list[dict[str, Any]]:
        """
        Return 2 to 50 runs side by side, key by key: ``{"section", "key", "values", "present", "differs"}``.

        Sections are config, summary, packages, hardware, command, code, inputs and environment; a run without the key
        has None and is not ``present``.
        """
        reply = self._connection.call("POST", "/runs/compare", {"runs": [run.key for run in runs]})
        sections = convert(field(reply, "sections"), list[dict[str, Any]])
        return [{"section": part["section"], **row} for part in sections for row in part["rows"]]

    def verify(self, run: Run) -> dict[str, Any]:
        """
        Have every byte of a run's record checked.

        ``ok`` says whether it is whole, ``segments`` what was found of its log, ``files`` of its files, and ``lock`` of
        a locked run which segments are not what they were.
        """
        reply = self._connection.call("GET", f"/runs/{run.key}/verify")
        field(reply, "ok")
        field(reply, "segments")
        report: dict[str, Any] = reply
        return report

    def views(self, project: str) -> list[SavedView]:
        """Return the saved views of a project that one may see, by name. Raises ProjectNotFound."""
        return list_views(self._connection, *self._find_project(project))

    def view(self, view_id: str) -> SavedView:
        """Return a saved view by its id. Raises NotFound."""
        return read_view(self._connection, view_id)

    def save_view(self, project: str, name: str, spec: dict[str, Any], *, shared: bool = False) -> SavedView:
        """
        Save a view, over the one of that name if there is one.

        Args:
            project: ``project`` or ``entity/project``.
            spec: what ``treering.views.layout`` returns, or an exported view.
            shared: everybody who may see the project sees it.

        Raises:
            ProjectNotFound: there is no such project.
            InvalidValue: *spec* is no view.
            RemoteError: it may not be saved, or somebody else saved it in this very moment (code "conflict").
        """
        return save_view(self._connection, *self._find_project(project), name, spec, shared)

    def reports(self, project: str) -> list[SavedReport]:
        """Return the reports of a project that one may see, the latest changed first. Raises ProjectNotFound."""
        return list_reports(self._connection, *self._find_project(project))

    def report(self, report_id: str) -> SavedReport:
        """Return a report by its id. Raises NotFound."""
        return read_report(self._connection, report_id)

    def frozen_report(self, report_id: str) -> dict[str, Any]:
        """
        Return the data that a frozen report keeps, as JSON has it.

        Raises:
            NotFound: there is no such report, or it is not frozen.
        """
        kept = self._connection.fetch("GET", f"/reports/{quote(report_id, safe='')}/frozen")
        found: dict[str, Any] = msgspec.json.decode(kept)
        return found

    def fetch(self, path: str) -> bytes:
        """Return what a route below ``/api/1`` answers, as it is. Raises what its error code names."""
        return self._connection.fetch("GET", path)

    def create_report(
        self, project: str, title: str, markdown: str, *, published: bool = False, template: bool = False
    ) -> SavedReport:
        """Save a new report; ``treering.Report`` writes its Markdown. Raises ProjectNotFound."""
        place = self._find_project(project)
        return create_report(self._connection, *place, title, markdown, published=published, template=template)

    def alerts(self, project: str, only: Literal["all", "new", "open"] = "all") -> Iterator[Alert]:
        """
        Yield the alerts of a project, the newest first.

        Args:
            only: ``new`` for those that nobody has seen, ``open`` for those that are still so.

        Raises:
            ProjectNotFound: there is none, or several entities have one of this name.
        """
        return iterate_alerts(self._connection, *self._find_project(project), only)

    def origin(self, file: str | os.PathLike[str] | FileFacts) -> list[dict[str, Any]]:
        """
        Return the runs that a file on the disk comes from, the most certain first; none if no run is known.

        Each has ``how`` it is known: ``hash``, the run saved these very bytes; ``parts``, a share of them
        (``["file"]["share"]``); or ``stamp``, the file says so. Beside it the run, its commit, config, inputs, and its
        metrics as they were when the file was saved.

        Raises:
            InvalidValue: there is no such file.
        """
        facts = file if isinstance(file, FileFacts) else read_facts(Path(file))
        return find_origins(self._connection, facts)

    def corrections(self, project: str) -> list[MetricCorrection]:
        """Return the corrections of a project's metrics in the order in which they apply. Raises ProjectNotFound."""
        return list_corrections(self._connection, *self._find_project(project))

    def correct(
        self, project: str, kind: str, *, note: str = "", enabled: bool = True, **rule: Any
    ) -> MetricCorrection:
        """
        Correct metrics of a project for everybody who looks at it; what was logged stays as it is.

        Args:
            project: ``project`` or ``entity/project``.
            kind: ``rename`` (``from_``, ``to``: names, or lists that belong together), ``merge`` (``from_``: a list,
                the first counts where several have a step; ``into``), ``hide`` (``keys``), ``rescale`` (``key``,
                ``factor``, ``offset``, ``unit``), or ``cut`` (``key`` and what of ``runs``, ``steps``, ``times``,
                ``below``, ``above`` a point has to meet). A name may hold one ``*``.
            note: why.
            enabled: False saves it without applying it.

        Raises:
            ProjectNotFound: there is no such project.
            InvalidValue: the fields make no such correction, or it would bring two metrics under one name.
        """
        return save_correction(self._connection, *self._find_project(project), _rule(kind, rule), note, enabled)

    def preview_correction(self, project: str, kind: str, **rule: Any) -> dict[str, Any]:
        """Return what ``correct`` would do: ``runs`` and ``points`` that change, ``keys``, ``conflicts``, ``text``."""
        return preview_correction(self._connection, *self._find_project(project), _rule(kind, rule))

    # ── artifacts and registered models ─────────────────────────────────────────────────────────────────────────

    def artifact(self, name: str, type: str | None = None) -> Artifact:  # noqa: A002 - the field's word for it
        """
        Return a version of an artifact.

        Args:
            name: ``entity/project/name:v3``, ``…:alias``, or a digest for the version, the latest if none is named.
                Without entity or project those of a run that is started here.
            type: that it has to be of.

        Raises:
            NotFound, ProjectNotFound: there is none.
            InvalidName, InvalidValue: no such name can be, or it is of another type.
        """
        return read_artifact(self._connection, self._reference(name), type, Run)

    def artifact_exists(self, name: str, type: str | None = None) -> bool:  # noqa: A002 - the field's word for it
        """Return whether there is such a version; see ``artifact``."""
        return exists(self._connection, self._reference(name), type, Run)

    def artifacts(self, type_name: str | None, name: str) -> Iterator[Artifact]:
        """Yield the versions of an artifact, newest first. Raises NotFound, ProjectNotFound."""
        yield from self.artifact_collection(type_name, name).versions()

    def artifact_types(self, project: str) -> list[ArtifactType]:
        """Return the types of artifacts in a project. Raises ProjectNotFound."""
        return list_types(self._connection, *self._find_project(project), Run)

    def artifact_type(self, type_name: str, project: str) -> ArtifactType:
        """Return one of them. Raises NotFound, ProjectNotFound."""
        for found in self.artifact_types(project):
            if found.name == type_name:
                return found
        raise NotFound(f"There are no artifacts of the type {type_name!r} in {project}.")

    def artifact_collections(self, project: str, type_name: str | None = None) -> list[ArtifactCollection]:
        """Return the artifacts of a project, or those of a type, the latest changed first. Raises ProjectNotFound."""
        return list_collections(self._connection, *self._find_project(project), type_name, Run)

    def artifact_collection(self, type_name: str | None, name: str) -> ArtifactCollection:
        """Return an artifact with all its versions, by ``entity/project/name``. Raises NotFound, ProjectNotFound."""
        reference = self._reference(name)
        row = self._connection.call("GET", f"{reference.path}?limit=0")
        if type_name not in (None, row["type"]):
            raise NotFound(f"{name} is a {row['type']}, not a {type_name}.")
        return ArtifactCollection(self._connection, row, Run)

    def models(self, entity: str | None = None) -> list[RegisteredModel]:
        """Return the registered models that one may see, or those of an entity, by name."""
        return list_models(self._connection, entity)

    def model(self, name: str) -> RegisteredModel:
        """Return a registered model by ``name`` or ``entity/name``. Raises NotFound."""
        return find_model(self._connection, name)

    def create_model(
        self,
        project: str,
        name: str,
        *,
        description: str = "",
        checks: Sequence[str] = (),
        protected_aliases: Sequence[str] = (),
    ) -> RegisteredModel:
        """
        Register a model.

        Args:
            project: whose members decide about it; its versions may come from elsewhere.
            name: unique in the project's entity.
            checks: filters that the run of a version has to meet before it is promoted, such as ``"val/acc >= 0.9"``.
            protected_aliases: aliases that only an admin of the project gives.

        Raises:
            ProjectNotFound: there is no such project.
            InvalidName, InvalidValue: its name is none, or taken.
            FilterError: a check does not parse.
        """
        found = self._find_project(project)
        return create_model(self._connection, *found, name, description, checks, protected_aliases)

    def model_artifact(self, name: str) -> Artifact:
        """Return the version behind ``model:alias``, ``model:v3``, or the newest one of ``model``. Raises NotFound."""
        model, _, version = name.partition(":")
        return read_artifact(self._connection, self.model(model).source_of(version or "latest"), None, Run)

    def collect_garbage(self, *, dry_run: bool = True) -> dict[str, Any]:
        """
        Remove versions whose time is over, and content that nothing refers to any more; or only say what that would be.

        Returns:
            ``files``, ``bytes``, ``kept_files`` (too young to tell), ``garbage`` and ``expired``.

        Raises:
            RemoteError: with code "forbidden", one does not run the server.
        """
        found: dict[str, Any] = self._connection.call("POST", "/storage/collect", {"dry_run": dry_run})
        return found

    def _reference(self, name: str) -> Reference:
        """Return what a name means: without a project, that of a run that is started here."""
        where = name.count("/")
        if where == 0:
            settings = Settings.resolve({}, os.environ, current_folder())
            return parse_reference(name, settings.entity, settings.project)
        return parse_reference(name, *(self._find_project(name.partition("/")[0]) if where == 1 else ("", "")))

    def _find_project(self, text: str) -> tuple[str, str]:
        entity, _, name = text.rpartition("/")
        if entity:
            return entity, name
        found = [row for row in self.projects() if row.project == name]
        if len(found) == 1:
            return found[0].entity, name
        if not found:
            raise ProjectNotFound(f"There is no project {name!r} here.")
        listed = ", ".join(f"{row.entity}/{row.project}" for row in found[:5])
        raise ProjectNotFound(f"Several entities have a project {name!r}: {listed}. Name it as entity/project.")


def _rule(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a correction as the server takes it: ``from`` cannot be the name of an argument in Python."""
    return {"kind": kind, **{"from" if name == "from_" else name: value for name, value in fields.items()}}


def _default_server() -> str | None:
    if os.environ.get("TREERING_BASE_URL"):
        return os.environ["TREERING_BASE_URL"]
    return Credentials(os.environ).default if credentials_path(os.environ).exists() else None


def _key_for(base_url: str) -> str:
    """Return the key to send to an address: one that was set for this process, else the one kept for exactly it."""
    for variable in ("TREERING_TOKEN", "TREERING_API_KEY"):
        if os.environ.get(variable):
            return os.environ[variable]
    login = Credentials(os.environ).find(plain_url(base_url)) if credentials_path(os.environ).exists() else None
    return login.key if login is not None else ""
