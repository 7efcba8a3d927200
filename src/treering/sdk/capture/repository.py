"""
A git repository as it stands: commit, uncommitted changes, untracked files, so that it can be put together again.

The git program does the reading, with everything switched off that a repository's own settings could make it run, and
within a deadline: a repository that is too large or too slow costs a note and nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from treering.limits import CAPTURE_TREE_MAX_BYTES, CODE_MAX_BYTES
from treering.sdk.redact import is_secret_file, redact_source, redact_text

__all__ = ["Patch", "Repository", "Skipped"]

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
    "log.showSignature=false",
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
        failed: what git could not say.
    """

    def __init__(self, root: Path, until: float) -> None:
        self.root = root
        self.cut: list[str] = []
        self.failed: list[str] = []
        self._until = until
        self._filters: list[str] | None = None
        self._commit: str | None = None
        self._names: list[str] = []

    @property
    def until(self) -> float:
        """When the present part has to be over."""
        return self._until

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
        command = ("-r", "-z", "--full-tree", self.commit)
        listed = self._git("ls-tree", "-l", *command, limit=CAPTURE_TREE_MAX_BYTES)
        if listed is None and "ls-tree" not in self.cut:  # a partial clone does not know sizes of what it lacks
            listed = self._git("ls-tree", *command, limit=CAPTURE_TREE_MAX_BYTES, needed=True)
        if listed is None:
            return None
        rows = []
        for entry in listed.split(b"\0"):
            about, tab, path = entry.partition(b"\t")
            if tab:
                mode, _, name, *size = about.split()
                text = path.decode("utf-8", "replace")
                rows.append([text, mode.decode(), name.decode(), int(size[0]) if size and size[0].isdigit() else None])
        return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()

    # ── uncommitted changes ─────────────────────────────────────────────────────────────────────────────────────

    def patch(self) -> Patch:
        """Return what ``git diff HEAD`` says, binary files included, without the files that hold secrets."""
        base = self.commit or self._line("hash-object", "-t", "tree", "/dev/null") or ""
        names = self._names = self._changed(base)
        filtered = self._filtered(names)
        skipped = [Skipped(name, "holds secrets, by its name") for name in names if is_secret_file(name)]
        skipped += [Skipped(name, f"goes through git's filter {filtered[name]}") for name in filtered]
        wanted = [name for name in names if not is_secret_file(name) and name not in filtered]
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

    @property
    def changed(self) -> list[str]:
        """The tracked files with uncommitted changes, once ``patch`` has looked."""
        return self._names

    def _changed(self, base: str) -> list[str]:
        raw = self._git(*_DIFF, "--name-only", "-z", base, "--", limit=CAPTURE_TREE_MAX_BYTES, needed=True)
        return [os.fsdecode(name) for name in (raw or b"").split(b"\0") if name]

    def _filtered(self, names: Sequence[str]) -> dict[str, str]:
        """
        Return those of *names* whose bytes in the commit are not those on the disk: of LFS, or encrypted.

        What is on the disk may be a secret then, and does not fit the commit.
        """
        if not names or not self._filter_options():
            return {}
        asked = b"".join(os.fsencode(name) + b"\0" for name in names)
        said = self._git("check-attr", "-z", "--stdin", "filter", given=asked, limit=2 * CAPTURE_TREE_MAX_BYTES)
        if said is None:
            return dict.fromkeys(names, "of an unknown name")
        parts = said.split(b"\0")
        found = zip(parts[::3], parts[2::3], strict=False)
        none = (b"unspecified", b"unset", b"")
        return {os.fsdecode(name): os.fsdecode(how) for name, how in found if how not in none}

    # ── what git writes in another form than it keeps it ────────────────────────────────────────────────────────

    def setting(self, key: str) -> str:
        """Return a setting of git here; empty if it is not set."""
        return (self._line("config", "--get", key) or "").lower()

    def attribute_files(self) -> list[str]:
        """Return the files that give attributes to files here."""
        listed = self._git("ls-files", "-z", "--", ".gitattributes", ":(glob)**/.gitattributes") or b""
        found = [os.fsdecode(name) for name in listed.split(b"\0") if name]
        own = self._line("rev-parse", "--git-path", "info/attributes")
        others = [self.root / own] if own else []
        others.append(Path(self.setting("core.attributesfile") or "~/.config/git/attributes").expanduser())
        return found + [str(path) for path in others if path.is_file()]

    def line_ends(self) -> dict[str, tuple[str, str]] | None:
        """Return tracked files → how lines end in the index and on the disk: lf, crlf, mixed, none, -text, or empty."""
        listed = self._git("ls-files", "--eol", "-z", limit=2 * CAPTURE_TREE_MAX_BYTES, needed=True)
        if listed is None:
            return None
        found = {}
        for entry in listed.split(b"\0"):
            about, tab, path = entry.partition(b"\t")
            words = about.split()
            if tab and len(words) >= 2:
                in_index, on_disk = (word.partition(b"/")[2].decode("ascii", "replace") for word in words[:2])
                found[os.fsdecode(path)] = in_index, on_disk
        return found

    def attributes(self, names: Sequence[str], wanted: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return which of *names* have which of the *wanted* attributes, with their values."""
        if not names:
            return {}
        asked = b"".join(os.fsencode(name) + b"\0" for name in names)
        limit = (1 + len(wanted)) * CAPTURE_TREE_MAX_BYTES
        parts = (self._git("check-attr", "-z", "--stdin", *wanted, given=asked, limit=limit) or b"").split(b"\0")
        found: dict[str, dict[str, str]] = {}
        for name, attribute, value in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
            if value not in (b"unspecified", b"unset", b""):
                found.setdefault(os.fsdecode(name), {})[attribute.decode()] = os.fsdecode(value)
        return found

    def _filter_options(self) -> list[str]:
        """Return options that switch off the filters of the configuration: each is a program that git would run."""
        if self._filters is None:
            self._filters = []
            listed = self._git("config", "-z", "--name-only", "--get-regexp", "^filter\\.")
            keys = [os.fsdecode(key) for key in (listed or b"").split(b"\0") if key]
            for key in dict.fromkeys(key.rpartition(".")[0] for key in keys):
                off = (f"{key}.clean=", f"{key}.smudge=", f"{key}.process=", f"{key}.required=false")
                self._filters += [word for option in off for word in ("-c", option)]
        return self._filters

    def kept_encrypted(self, names: Sequence[str]) -> list[Skipped]:
        """Return those of the untracked *names* that git would store in another form, such as encrypted."""
        return [
            Skipped(name, f"goes through git's filter {how}")
            for name, how in self._filtered(names).items()
            if how != "lfs"  # that only stores it elsewhere
        ]

    def untracked(self) -> Iterator[str]:
        """Yield the paths of files that git neither tracks nor ignores; a repository in it is one, with ``/``."""
        listed = self._git(
            "ls-files", "--others", "--exclude-standard", "-z", limit=CAPTURE_TREE_MAX_BYTES, needed=True
        )
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
                name, recorded = os.fsdecode(path), about.split()[1].decode()
                found.append({"path": name, "commit": recorded, "recorded": recorded})
                if not (self.root / name / ".git").exists():
                    found[-1]["absent"] = True
                    continue
                part = Repository(self.root / name, self._until)
                found[-1]["commit"] = part.commit or recorded
                if part._git("status", "--porcelain", "-z", limit=1 << 16) != b"":
                    found[-1]["changed"] = True
        return found

    def _line(self, *command: str) -> str | None:
        said = self._git(*command)
        text = (said or b"").decode("utf-8", "replace").strip()
        return text or None

    def _git(
        self, *command: str, limit: int = 1 << 20, given: bytes | None = None, needed: bool = False
    ) -> bytes | None:
        """
        Return what git says; None if it fails, says more than *limit* bytes, or would take too long.

        Args:
            given: its standard input.
            needed: a failure of git leaves a gap in what is recorded.
        """
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            self.cut.append(command[0])
            return None
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            # What a partial clone lacks is not fetched: that can be everything, or run a program.
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "LC_ALL": "C",
        }
        filters = [] if command[0] in ("config", "rev-parse", "hash-object") else self._filter_options()
        try:
            process = subprocess.Popen(
                ["git", *_OPTIONS, *filters, *command],
                cwd=self.root,
                env=environ,
                stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # so that whatever it started ends with it
            )
        except OSError:
            return None
        with process:
            if given is not None:
                threading.Thread(target=_write, args=(process, given), daemon=True).start()
            said = _read(process, limit, self._until)
        if said is None:
            self.cut.append(next(word for word in command if not word.startswith("-")))
        elif needed and process.returncode != 0:
            self.failed.append(command[0])
        return said if said is not None and process.returncode == 0 else None


def _write(process: subprocess.Popen[bytes], given: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(given)
        process.stdin.close()
    except (OSError, ValueError):  # it ended before it had read everything
        pass


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        process.kill()


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
                _kill(process)
                return None
            return b"".join(pieces)
        if piece is None or size + len(piece) > limit:
            _kill(process)
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
        after, count = redact_source(before, name)
        if count:
            redacted += count
            pairs = zip(before.split("\n"), after.split("\n"), strict=False)
            if before.count("\n") != after.count("\n") or any(a != b and not a.startswith("+") for a, b in pairs):
                inexact.append(name)
            part = after.encode("utf-8", "surrogateescape")
        kept.append(part)
    return Patch(b"".join(kept), len(kept), redacted, inexact, skipped)
