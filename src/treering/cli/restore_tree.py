"""Bringing a checked-out folder to the bytes that it had: line ends, filtered files, submodules."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from treering.errors import InvalidName, UsageError

__all__ = ["PLAIN", "check_out_submodules", "make_like", "make_plain", "run_git", "target_below"]

# A checkout with these writes what is in the commit, whatever the settings of this machine are.
PLAIN: Final = ("-c", "core.autocrlf=false", "-c", "core.eol=lf", "-c", "core.safecrlf=false")
_SAFE: Final = ("-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never")
_GIT_PLACES: Final = frozenset(
    "GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_COMMON_DIR GIT_NAMESPACE GIT_PREFIX".split()
)


def run_git(
    folder: Path, *command: str, given: bytes | None = None, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run git in *folder* and in no other repository than it is in. Raises UsageError where there is no git."""
    clean = {name: value for name, value in os.environ.items() if name not in _GIT_PLACES}
    try:
        return subprocess.run(
            ["git", *_SAFE, *PLAIN, *command],
            cwd=folder,
            env={**clean, **(environ or {})},
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed; the code cannot be put together without it.") from None


def target_below(root: Path, path: str) -> Path:
    """
    Return where a recorded path goes below *root*. On POSIX a name may hold anything but NUL and ``/``.

    Raises:
        InvalidName: it would lead out of *root*, through a link, or into what belongs to git itself.
    """
    parts = path.split("/")
    if (
        any(part in ("", ".", "..") for part in parts)
        or "\0" in path
        or (os.name == "nt" and ("\\" in path or ":" in path))
    ):
        raise InvalidName(f"{path[:200]!r} is no path below a folder.")
    if any(part.lower().rstrip(". ") == ".git" for part in parts):
        raise InvalidName("is of git itself, which could be made to run something by it")
    target = root
    for part in parts:
        if target != root and target.is_symlink():
            raise UsageError(f"{target} is a link; nothing is written through it.")
        target = target / part
    return target


def make_plain(into: Path) -> None:
    """Write files anew that the checkout wrote with other line ends than they have in the commit, by an attribute."""
    ends = run_git(into, "ls-files", "--eol", "-z").stdout
    staged = run_git(into, "ls-files", "-s", "-z").stdout
    objects = {}
    for entry in staged.split(b"\0"):
        about, tab, path = entry.partition(b"\t")
        if tab:
            objects[path] = about.split()[1].decode()
    for entry in ends.split(b"\0"):
        about, tab, path = entry.partition(b"\t")
        words = [word.partition(b"/")[2] for word in about.split()[:2]]
        if not tab or len(words) < 2 or words[0] == words[1] or not words[1] or path not in objects:
            continue
        if words[0] not in (b"lf", b"crlf", b"mixed"):
            continue  # another form altogether, such as of LFS
        target = into / os.fsdecode(path)
        bytes_ = run_git(into, "cat-file", "blob", objects[path])
        if bytes_.returncode == 0 and target.is_file() and not target.is_symlink():
            _overwrite(target, bytes_.stdout)


def make_like(into: Path, listing: bytes, later: frozenset[str], differs: list[str]) -> None:
    """
    Give files the line ends that they had, and name those whose bytes are not what they were.

    Args:
        listing: what ``capture/work_tree.py`` noted.
        later: files that are recorded whole and written afterwards.
    """
    for path, digest, size, filtered in _rows(listing):
        if path in later:
            continue
        try:
            target = target_below(into, path)
            data = target.read_bytes() if target.is_file() and not target.is_symlink() else None
        except (InvalidName, UsageError, OSError) as error:
            differs.append(f"{path}: {error}")
            continue
        if data is None:
            differs.append(f"{path}: is not in the commit, and its bytes were not recorded")
            continue
        found = next((form for form in _forms(data) if _is_it(form, digest, size)), None)
        if found is None:
            differs.append(f"{path}: {_why(filtered)}")
        elif found != data:
            _overwrite(target, found)


def _rows(listing: bytes) -> list[tuple[str, str | None, int, str]]:
    rows = json.loads(listing)
    return [(str(path), digest and str(digest), int(size), str(filtered)) for path, digest, size, filtered in rows]


def _forms(data: bytes) -> list[bytes]:
    unix = data.replace(b"\r\n", b"\n")
    return [data, unix, unix.replace(b"\n", b"\r\n")]


def _is_it(data: bytes, digest: str | None, size: int) -> bool:
    return len(data) == size and (digest is None or hashlib.sha256(data).hexdigest() == digest)


def _why(filtered: str) -> str:
    if filtered == "lfs":
        return "is kept by git LFS, and other bytes are here than the run had; get them with: git lfs pull"
    if filtered:
        return f"goes through git's filter {filtered}, which gives other bytes here than the run had"
    return "its lines ended in another way, which cannot be made again"


def _overwrite(target: Path, data: bytes) -> None:
    with open(target, "r+b") as file:  # its mode stays
        file.write(data)
        file.truncate()


def check_out_submodules(into: Path, place: Path | None, submodules: Sequence[Any], differs: list[str]) -> None:
    """Check out the commits that submodules were at, where the repository at *place* has them; name the others."""
    for one in submodules:
        path, commit = str(one.get("path")), str(one.get("commit") or "")
        if one.get("absent"):
            continue  # it was not checked out
        try:
            target = target_below(into, path)
        except (InvalidName, UsageError):
            differs.append(f"{path}: is a submodule whose name leads elsewhere")
            continue
        source = place / path if place is not None else None
        if source is None or not (source / ".git").exists() or not _check_out(source, target, commit):
            differs.append(
                f"{path}: is a submodule, at commit {commit[:12]}; get it with: git submodule update --init, "
                f"and in it: git checkout {commit[:12]}"
            )
        elif one.get("changed"):
            differs.append(f"{path}: is a submodule with changes of its own, which are not recorded")


def _check_out(source: Path, target: Path, commit: str) -> bool:
    if len(commit) not in (40, 64) or any(char not in "0123456789abcdef" for char in commit):
        return False
    if run_git(source, "cat-file", "-e", f"{commit}^{{commit}}").returncode != 0:
        return False
    return run_git(source, "worktree", "add", "--force", "--detach", str(target), commit).returncode == 0
