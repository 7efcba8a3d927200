"""What a run does with artifacts: logging versions, and using those of others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treering.errors import InvalidValue, NotFound, ProjectNotFound, TreeringError
from treering.ids import clean_name
from treering.limits import ARTIFACT_TTL_MAX_DAYS, NAME_MAX_CHARS
from treering.runlog import records

from .reproduced import reproduced_run
from .settings import Settings
from .terminal import Terminal

if TYPE_CHECKING:
    from treering.runlog.artifact_manifest import Entry

    from .artifacts.artifact import Artifact
    from .artifacts.keep import Keep
    from .artifacts.names import Reference
    from .artifacts.recorder import Recorder
    from .connection import Connection
    from .encoder import Encoder

__all__ = ["ArtifactRun", "find_artifact", "server_of"]


class ArtifactRun:
    """The part of :class:`treering.Run` that is about artifacts. All of it is loaded with the first one."""

    settings: Settings
    _terminal: Terminal
    _record: Callable[[int, Any], None]
    _endings: list[Callable[[bool], None]]
    _last: dict[str, Any]
    _defines: dict[str, dict[str, Any]]
    _step: int
    _recorder: Recorder | None

    @property
    def key(self) -> str:
        """See :class:`treering.Run`."""
        raise NotImplementedError

    @property
    def id(self) -> str:
        """See :class:`treering.Run`."""
        raise NotImplementedError

    def _encoding(self) -> Encoder:
        raise NotImplementedError

    def _is_over(self, what: str) -> bool:
        raise NotImplementedError

    # ── logging ─────────────────────────────────────────────────────────────────────────────────────────────────

    def log_artifact(
        self,
        artifact_or_path: Artifact | str | os.PathLike[str],
        name: str | None = None,
        type: str | None = None,  # noqa: A002 - the field's word for it
        aliases: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        *,
        keep: Keep | None = None,
        overwrite: bool = False,
        ttl_days: float | None = None,
    ) -> Artifact:
        """
        Log a version of an artifact; return at once. It is stored, and sent, beside the training.

        Content that equals the newest version's makes no new one: the aliases move there, and after ``wait()`` the
        artifact's ``version`` says which it equals.

        Args:
            artifact_or_path: what ``tr.Artifact`` made; or a file, a folder, or the address of a reference.
            name: of a path: the artifact's name, ``run-<id>-<file name>`` by default.
            type: of a path: the artifact's type, ``unspecified`` by default.
            aliases: names that move to this version. ``latest`` moves by itself.
            tags: words by which people find it.
            keep: which versions of this name stay from now on, such as ``Keep.best(3, "val/acc")``.
            overwrite: the same as ``keep=Keep.last(1)``.
            ttl_days: for how many days this version is kept.

        Raises:
            InvalidName, InvalidValue: an argument that cannot be right.
            UsageError: the artifact was logged before, or read from a server.
            ServerUnavailable: it is incremental, and nobody says what the latest version has.
        """
        from .artifacts.keep import Keep
        from .artifacts.recorder import Job
        from .recorded_runs import Run

        artifact = self._artifact_of(artifact_or_path, name, type)
        contents = artifact._draft("log_artifact()")
        if artifact.incremental:
            contents.fill(self._latest_entries(artifact._name))
        about = artifact._about(list(aliases or ()), list(tags or ()))
        if ttl_days is not None:
            is_number = isinstance(ttl_days, (int, float)) and not isinstance(ttl_days, bool)
            if not is_number or not 0 < ttl_days <= ARTIFACT_TTL_MAX_DAYS:
                raise InvalidValue(
                    f"log_artifact(): ttl_days is more than 0 and at most {ARTIFACT_TTL_MAX_DAYS:g}, got {ttl_days!r}."
                )
            about["ttl_days"] = float(ttl_days)
        if keep is not None and not isinstance(keep, Keep):
            raise InvalidValue(f"log_artifact(): keep is a rule such as tr.Keep.last(3), got {keep!r:.80}.")
        if keep is not None and overwrite:
            raise InvalidValue("log_artifact(): overwrite=True is keep=Keep.last(1); give one of the two.")
        rule = Keep.last(1) if overwrite else keep
        if rule is not None:
            rule = rule.towards(self._defines.get(rule.metric or "", {}).get("goal"))
        about["keep"] = None if rule is None else rule.as_dict()
        about["step"] = self._step - 1 if self._step else None
        about["values"] = self._judged(rule, artifact)
        job = Job(contents, about, f"artifact {artifact._name!r}")
        if self._is_over("log_artifact"):
            return artifact
        self._recording().put(job)
        artifact._begin_logging(job, self.key, self._connect, Run)
        return artifact

    def _artifact_of(self, given: Any, name: str | None, kind: str | None) -> Artifact:
        from .artifacts.artifact import Artifact

        if isinstance(given, Artifact):
            return given
        if not isinstance(given, (str, os.PathLike)):
            raise InvalidValue(f"log_artifact(): takes an Artifact or a path, got {given!r:.80}.")
        text = os.fspath(given)
        base = clean_name(text.rstrip("/").rpartition("/")[2], "files")
        artifact = Artifact(name or f"run-{self.id}-{base}"[:NAME_MAX_CHARS], kind or "unspecified")
        if "://" in text:
            artifact.add_reference(text)
        elif Path(text).is_dir():
            artifact.add_dir(text)
        else:
            artifact.add_file(text)
        return artifact

    def _latest_entries(self, name: str) -> dict[str, Entry]:
        try:
            return find_artifact(self.settings, name)._entries_manifest().entries
        except (NotFound, ProjectNotFound):  # it is the first one
            return {}

    def _judged(self, rule: Keep | None, artifact: Artifact) -> dict[str, float]:
        """Return the value by which a rule of retention judges this version, as the run has it now."""
        if rule is None or rule.metric is None:
            return {}
        value = self._last.get(rule.metric, artifact.metadata.get(rule.metric))
        if not isinstance(value, bool) and isinstance(value, Real):
            return {rule.metric: float(value)}
        self._terminal.warn_once(
            f"keep {rule.metric}",
            f"log_artifact(): the run has no number {rule.metric!r} yet, so {artifact._name!r} is kept as it is.",
        )
        return {}

    def _recording(self) -> Recorder:
        if self._recorder is None:
            from .artifacts.recorder import Recorder
            from .blobs import Blobs

            say, warn = self._terminal.say, self._terminal.warn_once
            recorder = Recorder(Blobs(Path(self.settings.dir) / "blobs"), self._encoding(), warn, say)
            patience_s = self.settings.finish_timeout_s
            self._endings.append(lambda quick: recorder.drain(patience_s, quick))
            self._recorder = recorder
        return self._recorder

    def _connect(self) -> Connection:
        return server_of(self.settings)

    # ── using ───────────────────────────────────────────────────────────────────────────────────────────────────

    def use_artifact(
        self,
        artifact_or_name: Artifact | str,
        type: str | None = None,  # noqa: A002 - the field's word for it
        aliases: Sequence[str] | None = None,
        use_as: str | None = None,
    ) -> Artifact:
        """
        Return a version, and note that this run used it.

        Args:
            artifact_or_name: ``name:v3``, ``name:alias``, ``project/name:…`` or ``entity/project/name:…``; the latest
                version if none is named. A draft is logged first.
            type: that it has to be of.
            aliases: of a draft that is logged.
            use_as: what for; shown beside it.

        Raises:
            NotFound, ProjectNotFound: there is none, or one may not see it.
            InvalidName, InvalidValue: no such name can be, or it is of another type.
            ServerUnavailable: nobody answers; a training that needs the files cannot go on without.
        """
        from .artifacts.artifact import Artifact

        if isinstance(artifact_or_name, Artifact):
            artifact = artifact_or_name
            if artifact.is_draft:
                self.log_artifact(artifact, aliases=aliases)
            artifact.wait()
        else:
            artifact = find_artifact(self.settings, artifact_or_name, type)
        body = {
            "entity": artifact.entity,
            "project": artifact.project,
            "name": artifact._name,
            "type": artifact.type,
            "version": int(artifact.version[1:]),
            "digest": artifact.digest,
            "use_as": use_as or "",
        }
        if not self._is_over("use_artifact"):
            self._record(records.USE, [time.time_ns(), body])
        return artifact

    # ── models ──────────────────────────────────────────────────────────────────────────────────────────────────

    def log_model(
        self, path: str | os.PathLike[str], name: str | None = None, aliases: Sequence[str] | None = None
    ) -> Artifact:
        """Log a file or a folder as an artifact of the type ``model``; raises as ``log_artifact``."""
        return self.log_artifact(path, name, "model", aliases)

    def use_model(self, name: str) -> Path:
        """
        Download a model and return where it is: the file, if it has one, else the folder.

        Args:
            name: of an artifact, as for ``use_artifact``.

        Raises:
            InvalidValue: its type does not say that it is a model.
            others: as ``use_artifact`` and ``Artifact.download``.
        """
        artifact = self.use_artifact(name)
        if "model" not in artifact.type.lower():
            raise InvalidValue(f"{artifact.qualified_name} is a {artifact.type}, not a model; use_artifact() takes it.")
        folder = artifact.download()
        files = artifact.files()
        return folder / files[0].path if len(files) == 1 else folder

    def link_artifact(
        self, artifact: Artifact, target_path: str, aliases: Sequence[str] | None = None, note: str = ""
    ) -> Any:
        """Make a version the next version of a registered model; a draft is logged first. See ``Artifact.link``."""
        if artifact.is_draft:
            self.log_artifact(artifact)
        return artifact.link(target_path, aliases, note)

    def link_model(
        self,
        path: str | os.PathLike[str],
        registered_model_name: str,
        name: str | None = None,
        aliases: Sequence[str] | None = None,
    ) -> Any:
        """Log a file or folder as a model, and make it the next version of a registered model; waits for both."""
        return self.log_model(path, name).link(registered_model_name, aliases)


def server_of(settings: Settings) -> Connection:
    """Return a connection to where a run with these settings goes: the server, or the one that reads the folder."""
    from .connection import Connection, connect_to_folder

    if settings.base_url and settings.mode in ("online", "disabled"):
        connection = Connection.to_url(settings.base_url, settings.api_key)
    else:
        connection = connect_to_folder(Path(settings.dir))
        connection.close()  # what finding it left open
    connection.is_kept = False  # an artifact asks now and then, for as long as the training has it
    return connection


def find_artifact(settings: Settings, reference: str, kind: str | None = None) -> Artifact:
    """Return a version as ``use_artifact`` names it; raises as that."""
    from .artifacts.names import parse_reference
    from .artifacts.reader import read_artifact
    from .recorded_runs import Run

    named, connection = parse_reference(reference, settings.entity, settings.project), server_of(settings)
    original = reproduced_run(os.environ)
    if original is not None:
        named = as_used_by(connection, original, named)
    return read_artifact(connection, named, kind, Run)


def as_used_by(connection: Connection, run_key: str, named: Reference) -> Reference:
    """
    Return the version of an artifact that another run used; what is named if it used none, or several.

    An alias has moved on since; a run that reproduces another one needs what that one had.
    """
    try:
        used = connection.call("GET", f"/runs/{run_key}/artifacts")["used"]
        versions = {
            int(row["version"])
            for row in used
            if (row["entity"], row["project"], row["name"]) == named[:3] and row["exists"]
        }
    except (TreeringError, KeyError, TypeError, ValueError):  # what is named is asked for, and says what is wrong
        return named
    return named._replace(version=f"v{versions.pop()}") if len(versions) == 1 else named
