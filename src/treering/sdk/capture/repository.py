"""
A git repository as it stands: commit, uncommitted changes, untracked files, so that it can be put together again.

The git program does the reading, with everything switched off that a repository's own settings could make it run, and
within a deadline: a repository that is too large or too slow costs a note and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from treering.limits import CAPTURE_TREE_MAX_BYTES, CODE_MAX_BYTES
from treering.sdk.redact import is_secret_file, redact_source, redact_text

__all__ = ["Patch", "Repository", "Skipped"]

_EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
# Whatever the repository or its owner has configured: nothing is run, nothing asks, and diffs have one form.
_OPTIONS: Final = (
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.quotePath=false",
    "-c",
    "safe.directory=*",
    "-c",
    "diff.noprefix=false",
    "-c",
    "diff.mnemonicPrefix=false",
)
_DIFF: Final = (
    "diff",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--ignore-submodules=all",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
_SUBMODULES_MAX: Final = 50
_MESSAGE_MAX_CHARS: Final = 200


class Skipped(NamedTuple):
    """A file that was not recorded, and why."""

    path: str
    reason: str
    bytes: int = 0


class Patch(NamedTuple):
    """
    Uncommitted changes of tracked files, as ``git apply`` takes them.

    ``redacted`` counts what was hidden. In ``inexact`` files that hit lines which are in the commit, too, so that the
    patch no longer fits them.
    """

    data: bytes
    files: int
    redacted: int
    inexact: list[str]
    skipped: list[Skipped]


class Repository:
    """
    One work tree.

    Args:
        root: its top folder.
        until: when reading has to be over, by ``time.monotonic``; ``go_on`` gives more time for the next part.

    Attributes:
        cut: what was left out because it would have taken too long, or is too much.
    """

    def __init__(self, root: Path, until: float) -> None:
        self.root = root
        self.cut: list[str] = []
        self._until = until
        self._commit: str | None = None

    def go_on(self, seconds: float) -> None:
        """Begin another part, which may take so long."""
        self._until = time.monotonic() + seconds

    @classmethod
    def find(cls, places: Sequence[Path], until: float) -> Repository | None:
        """Return the repository that the first of *places* to be in one is in."""
        for place in places:
            probe = cls(place, until)
            said = probe._git("rev-parse", "--show-toplevel")
            if said is not None and said.strip():
                return cls(Path(os.fsdecode(said.rstrip(b"\n"))), until)
        return None

    @property
    def commit(self) -> str | None:
        """The commit that is checked out; None before the first one."""
        if self._commit is None:
            self._commit = self._line("rev-parse", "--verify", "-q", "HEAD")
        return self._commit

    def describe(self) -> dict[str, Any]:
        """Return commit, branch, remote and the like, as facts of the run."""
        branch = self._line("symbolic-ref", "--short", "-q", "HEAD")
        changed = self._git("status", "--porcelain", "-z", "--ignore-submodules=all", limit=1 << 16)
        return {
            "commit": self.commit,
            "branch": branch,
            "detached": branch is None,
            "remote": redact_text(self._remote() or "") or None,
            "dirty": None if changed is None else bool(changed),
            "message": redact_text((self._line("log", "-1", "--format=%s") or "")[:_MESSAGE_MAX_CHARS]),
            "root": redact_text(str(self.root)),
            "submodules": self._submodules(),
        }

    def tree(self) -> bytes | None:
        """Return the files of the commit as JSON ``[path, mode, id, bytes]``; None if there are too many."""
        if self.commit is None:
            return None
        listed = self._git("ls-tree", "-r", "-z", "-l", "--full-tree", self.commit, limit=CAPTURE_TREE_MAX_BYTES)
        if listed is None:
            return None
        rows = []
        for entry in listed.split(b"\0"):
            about, tab, path = entry.partition(b"\t")
            if tab:
                mode, _, name, size = about.split()
                text = path.decode("utf-8", "replace")
                rows.append([text, mode.decode(), name.decode(), int(size) if size.isdigit() else None])
        return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()

    # ── uncommitted changes ─────────────────────────────────────────────────────────────────────────────────────

    def patch(self) -> Patch:
        """Return what ``git diff HEAD`` says, binary files included, without the files that hold secrets."""
        base = self.commit or _EMPTY_TREE
        names = self._changed(base)
        skipped = [Skipped(name, "holds secrets, by its name") for name in names if is_secret_file(name)]
        wanted = [name for name in names if not is_secret_file(name)]
        if not wanted:
            return Patch(b"", 0, 0, [], skipped)
        sections: dict[str, bytes] = {}
        whole = None if skipped else self._git(*_DIFF, "--binary", base, "--", limit=CODE_MAX_BYTES)
        parts = _sections(whole or b"")
        if whole is not None and len(parts) == len(wanted):
            sections = dict(zip(wanted, parts, strict=True))
        else:
            left = CODE_MAX_BYTES
            for name in wanted:
                part = self._git(*_DIFF, "--binary", base, "--", f":(literal){name}", limit=left)
                if part is None:
                    skipped.append(Skipped(name, "its changes are too large, or took too long to read"))
                    continue
                sections[name] = part
                left -= len(part)
        return _redacted(sections, skipped)

    def _changed(self, base: str) -> list[str]:
        raw = self._git(*_DIFF, "--name-only", "-z", base, "--", limit=CAPTURE_TREE_MAX_BYTES)
        return [os.fsdecode(name) for name in (raw or b"").split(b"\0") if name]

    def untracked(self) -> Iterator[str]:
        """Yield the paths of files that git neither tracks nor ignores; a repository in it is one, with ``/``."""
        listed = self._git("ls-files", "--others", "--exclude-standard", "-z", limit=CAPTURE_TREE_MAX_BYTES)
        for name in (listed or b"").split(b"\0"):
            path = os.fsdecode(name)
            if path:
                yield path

    # ── git ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _remote(self) -> str | None:
        address = self._line("config", "--get", "remote.origin.url")
        if address is None:
            first = (self._line("remote") or "").split()
            address = self._line("config", "--get", f"remote.{first[0]}.url") if first else None
        return address

    def _submodules(self) -> list[dict[str, Any]]:
        staged = self._git("ls-files", "-s", "-z", limit=CAPTURE_TREE_MAX_BYTES)
        found: list[dict[str, Any]] = []
        for entry in (staged or b"").split(b"\0"):
            about, _, path = entry.partition(b"\t")
            if about.startswith(b"160000 ") and len(found) < _SUBMODULES_MAX:
                name = os.fsdecode(path)
                at = Repository(self.root / name, self._until)._line("rev-parse", "--verify", "-q", "HEAD")
                recorded = about.split()[1].decode()
                found.append({"path": name, "commit": at or recorded, "recorded": recorded})
        return found

    def _line(self, *command: str) -> str | None:
        said = self._git(*command)
        text = (said or b"").decode("utf-8", "replace").strip()
        return text or None

    def _git(self, *command: str, limit: int = 1 << 20) -> bytes | None:
        """Return what git says; None if it fails, says more than *limit* bytes, or would take too long."""
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            self.cut.append(command[0])
            return None
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C",
        }
        try:
            process = subprocess.Popen(
                ["git", *_OPTIONS, *command],
                cwd=self.root,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return None
        with process:
            said = _read(process, limit, self._until)
        if said is None:
            self.cut.append(next(word for word in command if not word.startswith("-")))
        return said if said is not None and process.returncode == 0 else None


def _read(process: subprocess.Popen[bytes], limit: int, until: float) -> bytes | None:
    import select

    assert process.stdout is not None
    pieces: list[bytes] = []
    size = 0
    while True:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))
        piece = os.read(process.stdout.fileno(), 1 << 16) if ready else None
        if piece == b"":
            try:
                process.wait(max(0.01, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                return None
            return b"".join(pieces)
        if piece is None or size + len(piece) > limit:
            process.kill()
            return None
        pieces.append(piece)
        size += len(piece)


def _sections(patch: bytes) -> list[bytes]:
    """Split a patch by file. In it only the head of a file's part begins a line with these words."""
    if not patch:
        return []
    parts = patch.split(b"\ndiff --git ")
    return [
        (part if n == 0 else b"diff --git " + part) + (b"" if n == len(parts) - 1 else b"\n")
        for n, part in enumerate(parts)
    ]


def _redacted(sections: dict[str, bytes], skipped: list[Skipped]) -> Patch:
    kept: list[bytes] = []
    redacted = 0
    inexact: list[str] = []
    for name, part in sections.items():
        before = part.decode("utf-8", "surrogateescape")
        after, count = redact_source(before)
        if count:
            redacted += count
            pairs = zip(before.split("\n"), after.split("\n"), strict=False)
            if before.count("\n") != after.count("\n") or any(a != b and not a.startswith("+") for a, b in pairs):
                inexact.append(name)
            part = after.encode("utf-8", "surrogateescape")
        kept.append(part)
    return Patch(b"".join(kept), len(kept), redacted, inexact, skipped)
