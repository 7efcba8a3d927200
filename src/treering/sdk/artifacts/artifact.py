"""
``tr.Artifact``: a named set of files with versions, being made or read back.

::

    data = tr.Artifact("digits", type="dataset")
    data.add_dir("data/digits")
    run.log_artifact(data, aliases=["clean"])

    run.use_artifact("digits:clean").download("data/digits")
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from treering.errors import FormatError, InvalidValue, NotFound, RunNotFound, UsageError
from treering.sdk.connection import Connection
from treering.values import clean_config, to_json

from .cache import Cache
from .download import Source, check_tree, fetch_all, stray_files
from .draft import ArtifactDraft
from .entry import ArtifactEntry, ArtifactManifest
from .facts import MakeRun
from .names import Reference, clean_aliases, clean_tags
from .objects import read_object
from .recorder import Job
from .reference_download import fetch_references, holds
from .registry import link_version

__all__ = ["Artifact"]

_POLL_FIRST_S: Final = 0.05
_POLL_MAX_S: Final = 1.0


class Artifact(ArtifactDraft):
    """
    A version of an artifact.

    One that is made here takes files until it is logged; one that was read from a server, or was logged and waited for,
    can be downloaded, described, and given other aliases.

    Args:
        name: unique in its project.
        type: what it is, such as ``dataset`` or ``model``; a name keeps its type.
        description: text for people, Markdown.
        metadata: a map of values that describe it.
        incremental: when it is logged, keep what the latest version has at other paths.
        use_as: accepted for scripts of other trackers; changes nothing.

    Raises:
        InvalidName, InvalidValue: an argument that cannot be right.
    """

    # ── what is in it ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def manifest(self) -> ArtifactManifest:
        """What is in it."""
        entries: Any = self._entries_manifest().entries if self._row else self._draft_entries()
        return ArtifactManifest({path: ArtifactEntry(self, path, entry) for path, entry in sorted(entries.items())})

    # ── being logged ────────────────────────────────────────────────────────────────────────────────────────────

    def _begin_logging(self, job: Job, run_key: str, connect: Callable[[], Connection], make_run: MakeRun) -> None:
        """Become a version that a run logs; nothing is added any more."""
        self._job, self._run_key, self._connect, self._make_run = job, run_key, connect, make_run
        self._contents = None

    def _about(self, aliases: Sequence[str], tags: Sequence[str]) -> dict[str, Any]:
        """Return what a run's record says of it beside its content."""
        days = self._ttl_days
        return {
            "name": self._name,
            "type": self.type,
            "aliases": clean_aliases([*self.aliases, *aliases], "log_artifact()"),
            "tags": clean_tags([*self.tags, *tags], "log_artifact()"),
            "description": self._description,
            "metadata": to_json(clean_config(self._metadata, lambda subject, text: None)),
            "ttl_days": None if days == "inherit" else float("inf") if days == "never" else days,
        }

    def wait(self, timeout: float | None = None) -> Artifact:
        """
        Wait until the server has every byte, and the version its number; return this artifact.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            UsageError: it was not logged.
            InvalidValue: it cannot become a version; the message says why.
            TimeoutError: it is not complete yet. Logging goes on.
            ServerUnavailable: nobody answers.
        """
        if self._row:
            return self
        if self._job is None:
            raise UsageError(f"artifact {self._name!r} was not logged: run.log_artifact(artifact).")
        until = None if timeout is None else time.monotonic() + timeout
        if not self._job.done.wait(timeout):
            raise TimeoutError(f"artifact {self._name!r} is not stored yet, after {timeout:g} s.")
        if self._job.error:
            raise InvalidValue(f"artifact {self._name!r} was not logged: {self._job.error}.")
        assert self._connect is not None
        connection = self._connect()
        pause_s = _POLL_FIRST_S
        while True:
            row = self._ask(connection)
            if row.get("state") == "committed":
                self._take_version(connection, row)
                return self
            if row.get("state") == "refused":
                raise InvalidValue(f"artifact {self._name!r} cannot become a version: {row.get('reason')}")
            if until is not None and time.monotonic() >= until:
                why = row.get("reason") or "the server does not know of it yet"
                raise TimeoutError(f"artifact {self._name!r} is not complete after {timeout:g} s: {why}.")
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _POLL_MAX_S)

    def _ask(self, connection: Connection) -> dict[str, Any]:
        assert self._job is not None
        try:
            row: dict[str, Any] = connection.call("GET", f"/runs/{self._run_key}/artifacts/{self._job.record}")
        except (RunNotFound, NotFound):  # its record has not arrived
            return {}
        return row

    def _take_version(self, connection: Connection, logged: dict[str, Any]) -> None:
        try:
            row = logged["version"]
            where = Reference(row["entity"], row["project"], row["name"], f"v{int(row['version'])}")
        except (KeyError, TypeError, ValueError):
            raise FormatError(f"{connection.name} describes an artifact in an unexpected form.") from None
        manifest = self._job.manifest if self._job is not None else None
        self._take(connection, connection.call("GET", where.version_path))
        self._manifest = manifest

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def get_entry(self, name: str | os.PathLike[str]) -> ArtifactEntry:
        """Return an entry by its path. Raises KeyError: there is none."""
        path = os.fspath(name)
        entries: Any = self._entries_manifest().entries if self._row else self._draft_entries()
        if path not in entries:
            raise KeyError(f"artifact {self.name} has no entry {path!r}")
        return ArtifactEntry(self, path, entries[path])

    def get_path(self, name: str | os.PathLike[str]) -> ArtifactEntry:
        """The same as ``get_entry``."""
        return self.get_entry(name)

    def get(self, name: str) -> Any:
        """Return the rich value that was added under *name*; None if there is none."""
        return read_object(self, name)

    def files(self, names: Sequence[str] | None = None) -> list[ArtifactEntry]:
        """Return all entries by path, or those that *names* names."""
        entries = self.manifest.entries
        return [entry for path, entry in entries.items() if names is None or path in set(names)]

    def file(self, root: str | os.PathLike[str] | None = None) -> Path:
        """Download the one file that it has; return where it is. Raises UsageError: it has more, or none."""
        entries = self.files()
        if len(entries) != 1:
            raise UsageError(f"{self.name} has {len(entries):,} entries, not one; download() writes all.")
        return entries[0].download(root)

    def download(
        self,
        root: str | os.PathLike[str] | None = None,
        allow_missing_references: bool = True,
        skip_cache: bool | None = None,
        path_prefix: str | os.PathLike[str] | None = None,
        *,
        references: bool = False,
    ) -> Path:
        """
        Write its files below a folder and return that. What is there with the same content is left as it is.

        Several files come at once, each is checked against its hash before it has its name, and a download that was
        cut off goes on where it ended. References stay where they are, unless they are asked for: whoever logged the
        version chose the addresses, and they are looked at from this machine.

        Args:
            root: the folder; ``./artifacts/<name>:v3`` by default.
            path_prefix: only what is below it, or the one entry of that path.
            references: bring what references lead to as well, as it was when it was added: of a bucket that keeps
                versions that version, else what is there, if it is the same.
            allow_missing_references, skip_cache: accepted for scripts of other trackers; change nothing.

        Raises:
            InvalidName, UsageError: a path, or a link in the way, would lead out of the folder; nothing was written.
            FormatError: the server sent other bytes than the hashes say; or references lead to something else by now,
                or to nothing, which the message names. All others were written.
            StorageError: the disk refuses.
            NotFound: the version was removed, or has nothing below *path_prefix*.
            MissingExtra: references into buckets need boto3, or google-cloud-storage.
            ServerUnavailable: nobody answers; calling this again goes on.
        """
        folder = self._root(root)
        entries = self._entries_manifest().entries
        if path_prefix is not None:
            prefix = os.fspath(path_prefix).rstrip("/")
            entries = {p: e for p, e in entries.items() if p == prefix or p.startswith(f"{prefix}/") or not prefix}
            if prefix and not entries:
                raise NotFound(f"{self.name} has nothing at {prefix!r}; files() lists what it has.")
        source = Source(self._server(), f"{self._path}/blobs", Cache.from_environ(os.environ))
        fetch_all(source, entries, folder, lambda size: None)
        if references:
            fetch_references(self.name, entries, folder, lambda size: None)
        return folder

    def checkout(self, root: str | os.PathLike[str] | None = None) -> str:
        """Make a folder hold exactly its files: download, and remove all others there. Raises as ``download``."""
        folder = self._root(root)
        entries = self._entries_manifest().entries
        check_tree(folder, entries)  # before anything is removed
        if folder.is_dir():
            for path in stray_files(folder, entries):
                path.unlink()
        self.download(folder)
        for place, folders, _ in os.walk(folder, topdown=False):
            for name in folders:
                if not os.listdir(os.path.join(place, name)):
                    shutil.rmtree(os.path.join(place, name), ignore_errors=True)
        return str(folder)

    def verify(self, root: str | os.PathLike[str] | None = None) -> None:
        """
        Check that a folder holds exactly its files. What references lead to may be there, and is compared if it is.

        Raises:
            FormatError: a file is missing, differs, or is none of its; the message names the first ones.
        """
        folder = self._root(root)
        entries = self._entries_manifest().entries
        check_tree(folder, entries)
        wrong = [f"{path.relative_to(folder)} is none of its files" for path in stray_files(folder, entries)]
        for path, entry in sorted(entries.items()):
            try:
                if not holds(folder / path, entry):
                    wrong.append(f"{path} differs")
            except OSError:
                if entry.ref is None:  # a reference may stay where it is
                    wrong.append(f"{path} is missing")
        if wrong:
            more = f", and {len(wrong) - 5:,} more" if len(wrong) > 5 else ""
            raise FormatError(f"{folder} does not hold {self.name}: {', '.join(wrong[:5])}{more}.")

    def _root(self, root: str | os.PathLike[str] | None) -> Path:
        if root is None:
            return Path("artifacts") / f"{self._name}:{self.version}"
        return Path(root)

    # ── lineage, and what people say ────────────────────────────────────────────────────────────────────────────

    def logged_by(self) -> Any:
        """Return the run that made it, as ``Api().run`` does; None if that is gone or may not be seen."""
        run = self._known("run")
        return None if run is None else self._run(run["run_key"])

    def used_by(self) -> list[Any]:
        """Return the runs that used it and that one may see."""
        graph = self._server().call("GET", f"{self._path}/lineage?direction=down&depth=1&nodes=1000")
        keys = [node["run_key"] for node in graph["nodes"] if node["kind"] == "run" and not node["removed"]]
        return [self._run(key) for key in keys]

    def _run(self, key: str) -> Any:
        assert self._make_run is not None
        return self._make_run(self._server(), self._server().call("GET", f"/runs/{key}"))

    def lineage(self, direction: Literal["up", "down", "both"] = "both", depth: int = 5) -> dict[str, Any]:
        """Return what it came from and what became of it, as the HTTP API describes it: ``nodes`` and ``edges``."""
        graph: dict[str, Any] = self._server().call(
            "GET", f"{self._path}/lineage?direction={direction}&depth={int(depth)}&nodes=1000"
        )
        return graph

    def link(self, target_path: str, aliases: Sequence[str] | None = None, note: str = "") -> Any:
        """
        Make it the next version of a registered model, which is made if there is none.

        Args:
            target_path: ``name`` or ``entity/name``.
            aliases: to promote it to at once, if the model's checks allow it.

        Raises:
            RemoteError: with code "check_failed", a check of the model refused an alias.
        """
        self.wait()
        assert self._reference is not None
        return link_version(self._server(), self._reference, target_path, clean_aliases(aliases, "link()"), note)

    def save(self) -> None:
        """
        Send changed description, metadata, aliases, tags and time to live; or log a draft to the active run.

        Raises:
            UsageError: it is a draft, and no run is active.
            RemoteError: with code "conflict", somebody else changed it meanwhile; read it again.
        """
        if not self._row:
            if self._job is None:
                raise UsageError(f"artifact {self._name!r} is a draft: run.log_artifact(artifact) saves it.")
            self.wait()
        before, now = set(self._row["aliases"]), set(clean_aliases(self.aliases, "save()"))
        change: dict[str, Any] = {
            "revision": self._row["revision"],
            "add_aliases": sorted(now - before),
            "remove_aliases": sorted(before - now - {"latest"}),
        }
        for field, value in (("description", self._description), ("metadata", self._metadata)):
            if field in self._changed and value != self._row.get(field):
                change[field] = to_json(value)
        if self.tags != self._row["tags"]:
            change["tags"] = clean_tags(self.tags, "save()")
        if "ttl_days" in self._changed:
            change["ttl_days"] = self._ttl_days
        connection = self._server()
        self._take(connection, connection.call("PATCH", self._path, change))

    def delete(self, delete_aliases: bool = False) -> None:
        """
        Remove the version; it stays listed as removed.

        Args:
            delete_aliases: also if it has aliases of its own.

        Raises:
            InvalidValue: it is protected; the message says by what.
        """
        connection = self._server()
        assert self._reference is not None
        number, where = int(self._row["version"]), self._reference
        removal = {"versions": [{"name": where.name, "version": number}], "with_aliases": delete_aliases}
        reply = connection.call("POST", f"{where.path.rpartition('/')[0]}/remove", removal)
        if reply["refused"]:
            raise InvalidValue(f"{self.name} was not removed: {reply['refused'][0]['reason']}.")
        self._take(connection, connection.call("GET", self._path))
