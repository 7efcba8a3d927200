"""``treering restore RUN``: put the code that a run ran together again."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

from treering.errors import InvalidName, NotFound, UsageError
from treering.limits import CODE_MAX_BYTES
from treering.sdk.api import Run
from treering.sdk.run_files import RunFile

from .output import print_json, visible
from .reading import find_run, open_api
from .restore_tree import check_out_submodules, make_like, make_plain, run_git, target_below

__all__ = ["Restored", "command_line", "free_folder", "restore", "run"]

_CODE: Final = "code/"
_LISTING: Final = "code.worktree.json"
_PATCH_MAX_BYTES: Final = 2 * CODE_MAX_BYTES
_GLOB: Final = re.compile(r"[*?\[\\]")
_ESCAPED: Final = r"\\\g<0>"


class Restored(NamedTuple):
    """What was done, and what is not as it was."""

    folder: Path
    commit: str | None
    patched: int
    files: int
    differs: list[str]


def run(arguments: argparse.Namespace) -> int:
    """Make a folder with the code as it was; 0 if it is so byte for byte, 1 if something is not."""
    with open_api(arguments) as api:
        found = find_run(api, arguments.what)
        code = found.code()
        into = free_folder(arguments.into, f"{found.row['name']}-code")
        restored = _restore(found, code, into, arguments.repo)
    how = _how(code, found.detail, restored)
    if arguments.json:
        print_json({**restored._asdict(), "folder": str(restored.folder), "command": how})
    else:
        _print(found, restored, how)
    return 1 if restored.differs else 0


def free_folder(wanted: str | None, usual: str) -> Path:
    """Return the folder that is wanted, else one of the usual name here. Raises UsageError: something is in it."""
    name = "".join(char if char.isalnum() or char in "-_." else "-" for char in usual)
    into = Path(os.path.abspath(Path(wanted or name).expanduser()))
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UsageError(f"{into} is there already. Name another folder with --into.")
    return into


def restore(found: Run, into: Path, repo: str | None) -> Restored:
    """Put the code of a run together in a new folder. Raises NotFound, UsageError."""
    return _restore(found, found.code(), into, repo)


def command_line(code: dict[str, Any], detail: dict[str, Any], restored: Restored) -> tuple[list[str], Path]:
    """Return the arguments of Python with which the run was started, and the folder to start it in."""
    return shlex.split(str(code["command"])), _place(code, detail, restored)


def _restore(found: Run, code: dict[str, Any], into: Path, repo: str | None) -> Restored:
    git = code["git"] or {}
    commit = git.get("commit")
    files = [file for file in found.files(search=_CODE) if file.purpose == "code" and file.name.startswith(_CODE)]
    differs = [f"{one['path']}: not recorded ({one['reason']})" for one in code["skipped"] if isinstance(one, dict)]
    if found.detail["meta"].get("code_not_whole"):
        differs.append(f"not everything was recorded: {found.detail['meta']['code_not_whole']}")
    if code["kind"] == "none" and not files:
        raise NotFound(f"nothing was recorded of the code of {found.path}.")
    if commit:
        place = _check_out(str(commit), into, repo, str(git.get("remote") or ""))
        make_plain(into)
        check_out_submodules(into, place, git.get("submodules") or [], differs)
    else:
        into.mkdir(parents=True, exist_ok=True)
    patched = _patch(found, code, into, differs)
    for listing in found.files(search=_LISTING):
        if listing.name == _LISTING and listing.purpose == "worktree" and listing.size <= _PATCH_MAX_BYTES:
            if listing.held:
                make_like(into, listing.read(), frozenset(_path(file) for file in files), differs)
            else:
                differs.append("line ends: what was noted of them is not at the server")
    for file in sorted(files, key=lambda file: "link" in file.about):  # links last: nothing is written through one
        _write(file, into, differs)
    return Restored(into, commit, patched, len(files), differs)


def _check_out(commit: str, into: Path, repo: str | None, remote: str) -> Path | None:
    """
    Make a work tree of *commit*: of the repository that is named, of the one we stand in, or of the remote.

    Returns the top folder of the repository if it is one on this machine.
    """
    if len(commit) not in (40, 64) or any(char not in "0123456789abcdef" for char in commit):
        raise UsageError(f"the run's commit is {visible(commit)[:80]!r}, which is none.")
    for place in [Path(repo).expanduser()] if repo and Path(repo).expanduser().is_dir() else [Path.cwd()]:
        if _git(place, "cat-file", "-e", f"{commit}^{{commit}}") == 0:
            if _git(place, "worktree", "add", "--detach", str(into), commit) != 0:
                raise UsageError(f"git could not make a work tree of {commit[:12]} at {into}.")
            return Path(os.fsdecode(run_git(place, "rev-parse", "--show-toplevel").stdout.rstrip(b"\n")) or place)
    source = repo if repo and not Path(repo).expanduser().is_dir() else remote
    if not source or "[redacted]" in source or not source.startswith(("https://", "ssh://", "git@", "file://", "/")):
        where = f" Its remote is {visible(source)}." if source else ""
        raise UsageError(
            f"commit {commit[:12]} is not in a repository here.{where} "
            "Run this in a clone of it, or name one: --repo PATH_OR_URL"
        )
    print(f"treering: cloning {visible(source)}", file=sys.stderr)
    if _git(Path("/"), "clone", "--quiet", "--no-checkout", "--", source, str(into)) != 0:
        raise UsageError(f"git could not clone {visible(source)}. Run this in a clone of it, or name one with --repo.")
    if _git(into, "checkout", "--quiet", "--detach", commit) != 0:
        raise UsageError(f"{visible(source)} does not have commit {commit[:12]}: it was never pushed, or is gone.")
    return None


def _patch(found: Run, code: dict[str, Any], into: Path, differs: list[str]) -> int:
    about = code["patch"]
    if about is None:
        return 0
    patch = RunFile(found._connection, found.key, about)
    if patch.size > _PATCH_MAX_BYTES:
        differs.append(f"uncommitted changes: {patch.size:,} bytes are more than are recorded of any run")
        return 0
    if not patch.held:
        differs.append("uncommitted changes: their bytes are not at the server")
        return 0
    inexact = [str(name) for name in patch.about.get("inexact") or []]
    if patch.about.get("redacted"):
        differs.append(f"uncommitted changes: {patch.about['redacted']} secrets are hidden")
    # Where a secret stood in a line that the commit has, too, the patch does not fit.
    command = ["apply", "--binary", "--whitespace=nowarn", "--allow-empty"]
    command += [f"--exclude={_GLOB.sub(_ESCAPED, name)}" for name in inexact]
    # A repository around the folder is none of ours: in it git would look for the files elsewhere.
    environ = {"GIT_CEILING_DIRECTORIES": str(into.parent)}
    done = run_git(into, *command, "-", given=patch.read(), environ=environ)
    if done.returncode != 0:
        text = done.stderr.decode("utf-8", "replace").strip().splitlines()
        differs.append(f"uncommitted changes: git cannot apply them ({text[0] if text else 'no reason given'})")
        return 0
    differs += [f"{name}: its changes hold a secret in a committed line, and are left out" for name in inexact]
    return int(patch.about.get("files") or 0)


def _path(file: RunFile) -> str:
    """Return the path of a recorded file below the folder; one that is no text is recorded as bytes, too."""
    name = _bytes_of(file.about.get("name"))
    return name if name is not None else file.name.removeprefix(_CODE)


def _bytes_of(digits: Any) -> str | None:
    if not isinstance(digits, str):
        return None
    try:
        return os.fsdecode(bytes.fromhex(digits))
    except ValueError:
        return None


def _write(file: RunFile, into: Path, differs: list[str]) -> None:
    path = _path(file)
    try:
        target = target_below(into, path)
    except InvalidName as error:
        differs.append(f"{path}: {error}")
        return
    link = _bytes_of(file.about.get("link_name")) or file.about.get("link")
    if link is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        inside = os.path.normpath(os.path.join(target.parent, str(link)))
        if os.path.isabs(str(link)) or not Path(inside).is_relative_to(into) or "\0" in str(link):
            differs.append(f"{path}: a link that leads out of the folder, to {visible(str(link))[:200]}")
        elif not os.path.lexists(target):
            target.symlink_to(str(link))
        return
    if not file.held:
        differs.append(f"{path}: its bytes are not at the server")
        return
    mode = file.about.get("mode")
    file.write_to(target, mode if isinstance(mode, int) else 0o644)
    if file.about.get("redacted"):
        differs.append(f"{path}: {file.about['redacted']} secrets are hidden")


def _git(folder: Path, *command: str) -> int:
    return run_git(folder, *command).returncode


def _place(code: dict[str, Any], detail: dict[str, Any], restored: Restored) -> Path:
    """Return the place below the restored folder where the run was started."""
    root = str((code["git"] or {}).get("root") or detail["meta"].get("code", {}).get("root") or "")
    cwd = str(code["cwd"])
    below = os.path.relpath(cwd, root) if root and (cwd + os.sep).startswith(root + os.sep) else "."
    return restored.folder if below == "." else restored.folder / below


def _how(code: dict[str, Any], detail: dict[str, Any], restored: Restored) -> str:
    """Return the command line that runs it again, from the place below the folder where it was run."""
    command, folder = str(code["command"]), _place(code, detail, restored)
    return f"cd {shlex.quote(str(folder))} && python {command}" if command else f"cd {shlex.quote(str(folder))}"


def _print(found: Run, restored: Restored, how: str) -> None:
    meta = found.detail["meta"]
    print(f"{visible(str(found.row['name']))} → {restored.folder}")
    if restored.commit:
        print(f"  commit {restored.commit}")
        print(f"  uncommitted changes of {restored.patched} files" if restored.patched else "  no uncommitted changes")
    print(f"  {restored.files} recorded files")
    for text in restored.differs:
        print(f"  differs: {visible(text)}", file=sys.stderr)
    print(f"  python {visible(str(meta.get('python', '')))} · {visible(str(meta.get('os', '')))}")
    print(f"  packages: treering runs files {found.key} requirements.txt > requirements.txt")
    for name, value in sorted((meta.get("environment") or {}).items()):
        print(f"  environment: {visible(f'{name}={value}')}")
    print(f"  {visible(how)}")
