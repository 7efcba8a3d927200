"""
How the code of two runs differs, from what each recorded: commit, uncommitted changes, other files.

Of a run in a git repository there are the commit's id, the list of its files with their hashes, the patch of what was
not committed, and the files that git did not know. Of another there are the source files. Committed files are not
stored, so between two commits it can be said which differ but not how; the patches say it of the rest, and two patches
of one file are compared as texts: a diff of diffs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from treering.limits import CODE_DIFF_MAX_BYTES, CODE_DIFF_MAX_FILES, CODE_FILES_SHOWN, DIFF_MAX_LINES

from .blobs import FileBlobs
from .comparison import read_text
from .files import list_files
from .line_diff import unified_diff
from .metadata import MetadataStore
from .model import FileEntry
from .state import RunState

__all__ = ["CodeComparison", "CodeFile", "CodeOf", "compare_code", "split_patch"]

_TREE_MAX_BYTES: Final = 16 << 20
_HEAD: Final = re.compile(r'^diff --git (?:"?a/.*?"?) (?:"?b/(.*?)"?)$')
_HEAD_MAX_CHARS: Final = 4_096  # two paths; the time to look at a line is the square of its length
_NUMBERS: Final = re.compile(r"^(index [0-9a-f]+\.\.[0-9a-f]+.*|@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@.*)$")


class CodeOf(msgspec.Struct, frozen=True):
    """The state of a run's code; None where it was not recorded."""

    commit: str | None
    branch: str | None
    remote: str | None
    dirty: bool | None


class CodeFile(msgspec.Struct, frozen=True):
    """
    A file that differs, or whose change is the same on both sides.

    ``kind``: ``patch`` (of a change that was not committed; the diff is of both patches, or the one patch there is),
    ``untracked`` or ``source``. ``diff`` is None where the bytes are not here, are no text or are too many (``cut``).
    """

    path: str
    status: str
    kind: str
    diff: str | None
    cut: bool


class CodeComparison(msgspec.Struct, frozen=True):
    """From a to b. ``same_commit`` is None where one has none on record. ``cut``: more files differ than are here."""

    a: CodeOf
    b: CodeOf
    same_commit: bool | None
    note: str
    files: list[CodeFile]
    cut: bool


class _Side:
    """What one run recorded of its code."""

    def __init__(self, metadata: MetadataStore, blobs: FileBlobs, state: RunState) -> None:
        def listed(*purposes: str) -> list[FileEntry]:
            return list_files(metadata, blobs, state, purposes, limit=CODE_FILES_SHOWN).files

        git = state.facts.get("git")
        self._git = git if isinstance(git, dict) else {}
        self.patch = next(iter(listed("patch")), None)
        self.tree = next(iter(listed("tree")), None)
        self.files = {_code_path(file.path): file for file in listed("code", "notebook")}
        self.about = CodeOf(self._text("commit"), self._text("branch"), self._text("remote"), self._dirty())

    def _text(self, name: str) -> str | None:
        value = self._git.get(name)
        return value if isinstance(value, str) and value else None

    def _dirty(self) -> bool | None:
        value = self._git.get("dirty")
        return value if isinstance(value, bool) else None


class _Texts:
    """Reads texts until there are too many."""

    def __init__(self, blobs: FileBlobs) -> None:
        self._blobs = blobs
        self._left_bytes = CODE_DIFF_MAX_BYTES
        self._left_lines = DIFF_MAX_LINES

    def read(self, file: FileEntry | None) -> str | None:
        if file is None or file.bytes > self._left_bytes:
            return None
        self._left_bytes -= file.bytes
        return read_text(self._blobs, file)

    def diff(self, a: list[str], b: list[str], path: str) -> str | None:
        self._left_lines -= min(len(a) + len(b), DIFF_MAX_LINES)
        if self._left_lines < 0 and len(a) + len(b) > 100:
            return None
        return unified_diff(a, b, f"a/{path}", f"b/{path}")


def compare_code(metadata: MetadataStore, blobs: FileBlobs, a: RunState, b: RunState) -> CodeComparison:
    """Return how the code differs from run *a* to run *b*; what differs comes first, each part by path."""
    left, right = _Side(metadata, blobs, a), _Side(metadata, blobs, b)
    texts = _Texts(blobs)
    both = left.about.commit is not None and right.about.commit is not None
    same_commit = left.about.commit == right.about.commit if both else None
    files = [*_patches(left, right, texts), *_stored(left, right, texts)]
    seen = {file.path for file in files}
    if same_commit is False:
        files += [file for file in _committed(left, right, blobs) if file.path not in seen]
    files.sort(key=lambda file: (file.status == "same", file.path))
    note = _note(left, right, same_commit)
    return CodeComparison(
        left.about, right.about, same_commit, note, files[:CODE_DIFF_MAX_FILES], len(files) > CODE_DIFF_MAX_FILES
    )


def _note(left: _Side, right: _Side, same_commit: bool | None) -> str:
    without = [name for name, side in (("a", left), ("b", right)) if side.about.commit is None and not side.files]
    if without:
        return f"No code was recorded of {' and '.join(without)}."
    if same_commit is None:
        return "Not both runs ran in a git repository; the files that were stored are compared."
    if same_commit:
        return "Both ran the same commit; what was not committed is compared."
    trees = left.tree is not None and right.tree is not None
    return (
        f"The commits differ: in the repository, `git diff {(left.about.commit or '')[:12]} "
        f"{(right.about.commit or '')[:12]}` shows how. Each patch is relative to its own commit."
        + ("" if trees else " Which committed files differ was not recorded.")
    )


# ── uncommitted changes ──────────────────────────────────────────────────────────────────────────────────────────
def split_patch(patch: str) -> dict[str, list[str]]:
    """Return path → lines of a patch in git's format."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in patch.splitlines():
        head = _HEAD.match(line) if len(line) <= _HEAD_MAX_CHARS else None
        if head is not None:
            lines = found.setdefault(head.group(1), [])
        lines.append(line)
    return found


def _patches(left: _Side, right: _Side, texts: _Texts) -> Iterable[CodeFile]:
    if left.patch is None and right.patch is None:
        return
    if left.patch is not None and right.patch is not None and left.patch.sha256 == right.patch.sha256:
        a = b = split_patch(texts.read(left.patch) or "")
    else:
        read = [None if side.patch is None else texts.read(side.patch) for side in (left, right)]
        for side, text in zip((left, right), read, strict=True):
            if side.patch is not None and text is None:
                yield CodeFile("uncommitted changes", "unknown", "patch", None, side.patch.held)
                return
        a, b = split_patch(read[0] or ""), split_patch(read[1] or "")
    for path in sorted({*a, *b}):
        if path not in b:
            yield CodeFile(path, "removed", "patch", _joined(a[path]), False)
        elif path not in a:
            yield CodeFile(path, "added", "patch", _joined(b[path]), False)
        elif _content(a[path]) == _content(b[path]):
            yield CodeFile(path, "same", "patch", None, False)
        else:
            diff = texts.diff(a[path], b[path], path)
            yield CodeFile(path, "changed", "patch", diff, diff is None)


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _content(lines: list[str]) -> list[str]:
    """Return what a patch does, without where: the same change of two commits stands on other lines."""
    return [line for line in lines if not _NUMBERS.match(line)]


# ── stored files ─────────────────────────────────────────────────────────────────────────────────────────────────
def _code_path(path: str) -> str:
    return path.removeprefix("code/")


def _stored(left: _Side, right: _Side, texts: _Texts) -> Iterable[CodeFile]:
    for path in sorted({*left.files, *right.files}):
        a, b = left.files.get(path), right.files.get(path)
        kind = "untracked" if any(file is not None and file.about.get("untracked") for file in (a, b)) else "source"
        if a is not None and b is not None and a.sha256 == b.sha256:
            if kind == "untracked":
                yield CodeFile(path, "same", kind, None, False)
            continue
        status = "added" if a is None else "removed" if b is None else "changed"
        before, after = texts.read(a), texts.read(b)
        if (a is not None and before is None) or (b is not None and after is None):
            held = all(file is None or file.held for file in (a, b))
            yield CodeFile(path, status if held else "unknown", kind, None, held)
            continue
        diff = texts.diff((before or "").splitlines(), (after or "").splitlines(), path)
        yield CodeFile(path, status, kind, diff, diff is None)


def _committed(left: _Side, right: _Side, blobs: FileBlobs) -> Iterable[CodeFile]:
    a, b = _tree(left.tree, blobs), _tree(right.tree, blobs)
    if a is None or b is None:
        return
    for path in sorted({*a, *b}):
        if a.get(path) != b.get(path):
            status = "added" if path not in a else "removed" if path not in b else "changed"
            yield CodeFile(path, status, "source", None, False)


def _tree(file: FileEntry | None, blobs: FileBlobs) -> dict[str, tuple[Any, Any]] | None:
    """Return path → (mode, id) of a commit's files."""
    text = None if file is None else read_text(blobs, file, _TREE_MAX_BYTES)
    if text is None:
        return None
    try:
        listed = msgspec.json.decode(text)
        return {str(entry[0]): (entry[1], entry[2]) for entry in listed}
    except (msgspec.DecodeError, TypeError, IndexError, KeyError):
        return None
