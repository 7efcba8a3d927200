"""Work trees whose bytes are not those of the commit: line ends, filters, names, submodules; and back again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sdk.capture.test_code import TRAIN, change, contents, git, look, repo, restore, train

__all__ = ["repo"]

_FILES = {
    "unix.txt": b"one\ntwo\n",
    "windows.txt": b"one\r\ntwo\r\n",
    "mixed.txt": b"one\ntwo\r\nthree\n",
    "no end.txt": b"one\ntwo",
    "binary.bin": bytes(range(256)),
    "always.bat": b"rem\n",
}


def checked_out(tmp_path: Path, settings: dict[str, str], attributes: str) -> Path:
    """Return a clone of some files, checked out with these settings: git has written them in its own way."""
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "-q")
    (origin / "train.py").write_text(TRAIN)
    for name, data in _FILES.items():
        (origin / name).write_bytes(data)
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "first")
    if attributes:
        (origin / ".gitattributes").write_text(attributes)
        git(origin, "add", "-A")
        git(origin, "commit", "-qm", "attributes")
    folder = tmp_path / "repo"
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    git(tmp_path, *options, "clone", "-q", str(origin), str(folder))
    for key, value in settings.items():
        git(folder, "config", key, value)
    return folder


@pytest.mark.parametrize(
    "changed", [pytest.param(False, marks=pytest.mark.exam), True], ids=["as committed", "changed"]
)
@pytest.mark.parametrize(
    ("settings", "attributes"),
    [
        pytest.param({"core.autocrlf": "true"}, "", marks=pytest.mark.exam),
        pytest.param({"core.autocrlf": "input"}, "", marks=pytest.mark.exam),
        ({"core.autocrlf": "true"}, "*.txt text eol=lf\n*.bat text eol=crlf\n"),
        pytest.param({}, "* text=auto eol=crlf\n", marks=pytest.mark.exam),
        pytest.param({"core.eol": "crlf"}, "*.txt text\n*.bin -text\n", marks=pytest.mark.exam),
        pytest.param(
            {}, "unix.txt ident\nalways.bat working-tree-encoding=UTF-16LE text eol=crlf\n", marks=pytest.mark.exam
        ),
    ],
    ids=["autocrlf", "input", "autocrlf and eol", "auto", "eol", "ident and encoding"],
)
def test_every_byte_is_given_back(tmp_path: Path, settings: dict[str, str], attributes: str, changed: bool) -> None:
    folder = checked_out(tmp_path, settings, attributes)
    if changed:
        (folder / "unix.txt").write_bytes(b"one\r\ntwo\r\nmore\r\n")
        (folder / "windows.txt").write_bytes(b"zero\none\ntwo\n")
        (folder / "no end.txt").write_bytes(b"one\r\nother\nmixed")
        (folder / "new.txt").write_bytes(b"new\r\nfile\n")
    before = contents(folder)
    key = train(folder, tmp_path / "data")
    done = restore(key, tmp_path / "data", tmp_path / "restored", folder)

    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "restored") == before
    # On a machine with other settings, from another clone.
    other = tmp_path / "other"
    git(tmp_path, "-c", "core.autocrlf=input", "clone", "-q", str(tmp_path / "origin"), str(other))
    done = restore(key, tmp_path / "data", tmp_path / "there", other)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "there") == before


def test_settings_of_the_machine_where_it_is_restored_change_nothing(repo: Path, tmp_path: Path) -> None:
    change(repo)
    before = contents(repo)
    key = train(repo, tmp_path / "data")
    git(repo, "config", "core.autocrlf", "true")
    git(repo, "config", "core.eol", "crlf")
    done = restore(key, tmp_path / "data", tmp_path / "restored", repo)

    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "restored") == before


def test_files_of_lfs_that_are_only_pointers_here_are_named(repo: Path, tmp_path: Path) -> None:
    (repo / ".gitattributes").write_text("*.big filter=lfs -text\n")
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n"
    (repo / "weights.big").write_bytes(pointer)
    (repo / "pointer.big").write_bytes(pointer)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "large")
    (repo / "weights.big").write_bytes(b"12345")  # as LFS would have written it
    git(repo, "update-index", "--assume-unchanged", "weights.big")
    key = train(repo, tmp_path / "data")
    done = restore(key, tmp_path / "data", tmp_path / "restored", repo)

    assert done.returncode == 1
    assert "weights.big: is kept by git LFS, and other bytes are here than the run had" in done.stderr
    assert "pointer.big" not in done.stderr
    assert (tmp_path / "restored" / "pointer.big").read_bytes() == pointer


def test_odd_names_and_links_are_given_back(repo: Path, tmp_path: Path) -> None:
    root = os.fsencode(repo)
    for name in (
        b"caf\xe9.py",
        b"new\nline.py",
        b"two  spaces .py",
        b"back\\slash.py",
        b"u:c.py",
        b'quo"te.py',
        b"\t.py",
    ):
        (Path(os.fsdecode(root + b"/" + name))).write_bytes(b"tracked " + name)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "names")
    for name in (b"caf\xe9.py", b"new\nline.py", b'quo"te.py'):
        (Path(os.fsdecode(root + b"/" + name))).write_bytes(b"changed " + name)
    for name in (b"caf\xe8.txt", b"caf\xea.txt", b"un\ntracked.txt", b"un\\tracked.txt"):
        (Path(os.fsdecode(root + b"/" + name))).write_bytes(b"untracked " + name)
    os.symlink(b"caf\xe8.txt", root + b"/link")
    os.symlink(b"nowhere", root + b"/caf\xeb")
    git(repo, "add", "link")
    git(repo, "commit", "-qm", "a link")
    os.unlink(root + b"/link")
    os.symlink(b"train.py", root + b"/link")
    before = contents(repo)
    key = train(repo, tmp_path / "data")
    done = restore(key, tmp_path / "data", tmp_path / "restored", repo)

    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "restored") == before


def test_a_submodule_at_another_commit_is_given_back(repo: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    git(tmp_path, "clone", "-q", str(repo), str(part))
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(part), "a part")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(part), "absent")
    git(repo, "commit", "-qm", "parts")
    (repo / "a part" / "model.py").write_text("another = 1\n")
    git(repo / "a part", "commit", "-qam", "another commit")
    git(repo, "submodule", "deinit", "-q", "-f", "absent")
    before = contents(repo)
    key = train(repo, tmp_path / "data")
    done = restore(key, tmp_path / "data", tmp_path / "restored", repo)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "restored" / "a part" / "model.py").read_text() == "another = 1\n"
    there = {name: what for name, what in contents(tmp_path / "restored").items() if not name.endswith("/.git")}
    assert there == {name: what for name, what in before.items() if not name.endswith("/.git")}


def test_changes_within_a_submodule_are_named(repo: Path, tmp_path: Path) -> None:
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "part")
    git(repo, "commit", "-qm", "a part")
    (repo / "part" / "model.py").write_text("changed\n")
    done = restore(train(repo, tmp_path / "data"), tmp_path / "data", tmp_path / "restored", repo)

    assert done.returncode == 1
    assert "part: is a submodule with changes of its own, which are not recorded" in done.stderr


def test_a_repository_without_any_such_setting_is_not_read_for_it(repo: Path) -> None:
    change(repo)

    assert "code.worktree.json" not in look(repo).files


def test_a_name_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    names = ["../out", "/abs", "x/../../out", ".git/config", "a/.GIT/hooks/x", "nul\0"]
    (folder / "train.py").write_text(
        "import treering as tr\nfrom treering.runlog import records\nimport time\n"
        "run = tr.init(project='p')\n"
        "blob = run._encoding().blobs.put(b'bad')\n"
        f"for n, name in enumerate({names!r}):\n"
        "    about = {'purpose': 'code', 'name': name.encode().hex()}\n"
        "    run._record(records.FILE, [time.time_ns(), f'code/{n}', blob.sha256, blob.size, about])\n"
        "run.finish()\nprint(run.key)\n"
    )
    done = restore(train(folder, tmp_path / "data"), tmp_path / "data", tmp_path / "restored", tmp_path)

    assert done.returncode == 1
    assert done.stderr.count("differs") == len(names)
    assert not any(
        path.is_file() and path.read_bytes() == b"bad" for path in tmp_path.rglob("*") if "blobs" not in str(path)
    )
