"""
Recording how a run came about: what is looked at, in which order, and within which limits.

The training process says what only it knows (its program, folder, modules); the uploader looks at the rest.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from treering.limits import CAPTURE_S, CODE_MAX_BYTES
from treering.sdk.plan import Plan

from .machine import environment, hardware
from .packages import requirements
from .repository import Repository, Skipped
from .sources import Sources, source_files
from .work_tree import unlike_commit

__all__ = ["Record", "capture"]

_SKIPPED_MAX: Final = 200  # named in the facts


class Record(Protocol):
    """Where what was found goes."""

    def fact(self, topic: str, value: Any) -> None:
        """Note something about the run."""

    def file(self, path: str, data: bytes, about: dict[str, Any]) -> None:
        """Store a file with the run."""

    def is_over(self) -> bool:
        """Whether the run ended a while ago, so that no more should be read."""


def capture(
    plan: Plan, record: Record, environ: Mapping[str, str], clock: Callable[[], float] = time.monotonic
) -> None:
    """Record everything of *plan*. What cannot be read costs only itself, and no part takes longer than its limit."""
    steps: list[tuple[str, Callable[[], None]]] = [
        ("hardware", lambda: record.fact("hardware", hardware())),
        ("environment", lambda: record.fact("environment", environment(environ, plan.variables))),
        ("code", lambda: _code(plan, record, clock() + CAPTURE_S)),
        ("packages", lambda: _packages(plan, record)),
    ]
    for topic, step in steps:
        try:
            step()
        except Exception as error:  # a machine may be strange in ways nobody thought of; the run goes on
            record.fact(f"{topic}_not_recorded", f"{type(error).__name__}: {error}"[:500])


def _packages(plan: Plan, record: Record) -> None:
    found = requirements(plan.path)
    record.file("requirements.txt", found, {"purpose": "packages"})
    record.fact("packages", {"count": found.count(b"\n")})


def _code(plan: Plan, record: Record, until: float) -> None:
    places = [Path(plan.program).parent] if plan.program else []
    places.append(Path(plan.cwd))
    repository = Repository.find(places, until) if plan.git else None
    if repository is not None:
        record.fact("git", repository.describe())
    if not plan.code:
        return
    if repository is None:
        _copy(plan, record, until)
    else:
        _changes(plan, repository, record, until)


def _changes(plan: Plan, repository: Repository, record: Record, until: float) -> None:
    """Record what makes the work tree another than its commit."""
    hidden: list[dict[str, Any]] = []
    repository.go_on(CAPTURE_S)
    untracked = list(repository.untracked())
    private = repository.kept_encrypted(untracked)
    untracked = [path for path in untracked if path not in {one.path for one in private}] if private else untracked
    repository.go_on(CAPTURE_S)
    tree = repository.tree()
    if tree is not None:
        record.file("code.tree.json", tree, {"purpose": "tree", "files": tree.count(b"],[") + (len(tree) > 2)})
    repository.go_on(CAPTURE_S)
    patch = repository.patch()
    if patch.data:
        about = {"purpose": "patch", "files": patch.files}
        if patch.redacted:
            hidden.append({"where": "uncommitted changes", "count": patch.redacted})
            about |= {"redacted": patch.redacted, "inexact": patch.inexact}
        record.file("code.patch", patch.data, about)
    repository.go_on(CAPTURE_S)
    unlike = unlike_commit(repository, repository.changed)
    if unlike.files:
        record.file("code.worktree.json", unlike.listing, {"purpose": "worktree", "files": unlike.files})
    sources = Sources(repository.root, CODE_MAX_BYTES - len(patch.data), [Path(plan.data_dir)])
    tracked = source_files(repository.root, until) if plan.everything else ()
    seen = set(untracked)
    paths = dict.fromkeys([*untracked, *unlike.whole, *tracked])
    _store(sources, record, list(paths), hidden, seen)
    gaps = []
    if repository.cut:
        gaps.append(f"{_named(repository.cut)} took longer than {CAPTURE_S:g} s, or says too much")
    if repository.failed:
        gaps.append(f"{_named(repository.failed)} failed")
    if gaps:
        record.fact("code_not_whole", "; ".join(gaps))
    _say(
        record,
        "git",
        sources,
        [*patch.skipped, *private, *unlike.skipped, *sources.skipped],
        hidden,
        str(repository.root),
    )


def _named(commands: list[str]) -> str:
    return ", ".join(dict.fromkeys(f"git {word}" for word in commands))


def _copy(plan: Plan, record: Record, until: float) -> None:
    """There is no repository: record the program, what it imported from beside it, and the sources around it."""
    hidden: list[dict[str, Any]] = []
    root = Path(plan.program).parent if plan.program else Path(plan.cwd)
    inside = [path for path in [plan.program, *plan.modules] if path.startswith(str(root) + os.sep)]
    paths = dict.fromkeys(os.path.relpath(path, root) for path in inside if path)
    if root not in (Path(os.path.expanduser("~")), Path("/"), Path("/tmp"), Path("/root"), Path("/home")):  # noqa: S108 - no project's folder
        paths.update(dict.fromkeys(source_files(root, until)))
    sources = Sources(root, CODE_MAX_BYTES, [Path(plan.data_dir)])
    _store(sources, record, list(paths), hidden, None)
    _say(record, "copy" if sources.files else "none", sources, sources.skipped, hidden, str(root))


def _store(
    sources: Sources, record: Record, paths: list[str], hidden: list[dict[str, Any]], untracked: set[str] | None
) -> None:
    for source in sources.read(paths):
        about: dict[str, Any] = {"purpose": "code", "mode": source.mode}
        if untracked is not None and source.path in untracked:
            about["untracked"] = True
        if source.link is not None:
            about["link"] = source.link
        if source.name:  # bytes that are no text
            about["name"] = source.name
        if source.link_name:
            about["link_name"] = source.link_name
        if source.redacted:
            about["redacted"] = source.redacted
            hidden.append({"where": source.path, "count": source.redacted})
        record.file(f"code/{source.path}", source.data, about)
        if record.is_over():
            sources.skipped.append(Skipped(source.path, "and others: the run had ended before they were read"))
            break


def _say(
    record: Record, kind: str, sources: Sources, skipped: list[Skipped], hidden: list[dict[str, Any]], root: str
) -> None:
    record.fact(
        "code",
        {
            "kind": kind,
            "root": root,
            "files": sources.files,
            "bytes": sources.bytes,
            "skipped": [one._asdict() for one in skipped[:_SKIPPED_MAX]],
            "skipped_count": len(skipped),
        },
    )
    if hidden:
        record.fact("hidden", hidden[:_SKIPPED_MAX])
