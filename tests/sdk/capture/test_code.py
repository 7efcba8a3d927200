"""The code that a run ran: recorded beside it, and put together again byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sdk.conftest import Folder, wait_until
from treering.limits import CODE_FILE_MAX_BYTES, CODE_MAX_BYTES
from treering.runlog import records
from treering.sdk.capture.capture import capture
from treering.sdk.capture.repository import Repository
from treering.sdk.capture.storing import Storing
from treering.sdk.plan import Plan

TREERING = [sys.executable, "-m", "treering.cli"]
TRAIN = "import treering as tr\nwith tr.init(project='code') as run:\n    run.log({'a': 1})\nprint(run.key)\n"


class Notes:
    """Takes what is recorded."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.about: dict[str, dict[str, Any]] = {}

    def fact(self, topic: str, value: Any) -> None:
        self.facts[topic] = value

    def file(self, path: str, data: bytes, about: dict[str, Any]) -> None:
        self.files[path], self.about[path] = data, about

    def is_over(self) -> bool:
        return False

    @property
    def skipped(self) -> dict[str, str]:
        return {one["path"]: one["reason"] for one in self.facts["code"]["skipped"]}


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give git all the time that it takes on a busy machine; what has to end in time has tests of its own."""
    if "too_long" not in request.node.name and "in_time" not in request.node.name:
        monkeypatch.setattr("treering.sdk.capture.capture.CAPTURE_S", 60.0)


def git(folder: Path, *command: str) -> str:
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z"}
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *command], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit of several kinds of files."""
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "train.py").write_text(TRAIN)
    (folder / "model.py").write_text("layers = 3\n" * 50)
    (folder / "renamed.py").write_text("name = 1\n" * 30)
    (folder / "deleted.py").write_text("gone\n")
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 8)
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "sub dir").mkdir()
    (folder / "sub dir" / "ü #?%.txt").write_bytes(b"line\r\nno end")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def change(folder: Path) -> None:
    """Modify, delete, rename, stage, and leave files untracked."""
    (folder / "model.py").write_text("layers = 4\n" + "layers = 3\n" * 49)
    (folder / "weights.bin").write_bytes(bytes(reversed(range(256))) * 9)
    (folder / "deleted.py").unlink()
    git(folder, "mv", "renamed.py", "new name.py")
    os.chmod(folder / "run.sh", 0o755)
    (folder / "sub dir" / "ü #?%.txt").write_bytes(b"other\r\nline\n")
    (folder / "staged.py").write_text("staged = True\n")
    git(folder, "add", "staged.py")
    (folder / "staged.py").write_text("staged = True\nand_more = 1\n")
    (folder / "untracked.py").write_text("print('untracked')\n")
    (folder / "tool").write_bytes(b"\x7fELF" + os.urandom(500))
    os.chmod(folder / "tool", 0o755)
    (folder / "empty").write_bytes(b"")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "no newline").write_bytes(b"x")
    (folder / "link").symlink_to("model.py")
    (folder / ".gitignore").write_text("ignored.txt\n__pycache__/\n")
    (folder / "ignored.txt").write_text("not code")


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    """Return path → (hash or link, whether it can be executed) of all files but git's own and ignored ones."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.split("/")[0] in (".git", "ignored.txt", "__pycache__") or (path.is_dir() and not path.is_symlink()):
            continue
        mode = path.lstat().st_mode
        what = os.readlink(path) if stat.S_ISLNK(mode) else hashlib.sha256(path.read_bytes()).hexdigest()
        found[name] = what, mode & stat.S_IXUSR
    return found


def look(folder: Path, **plan: Any) -> Notes:
    notes = Notes()
    capture(Plan(**{"cwd": str(folder), "data_dir": str(folder / "none"), **plan}), notes, {})
    return notes


# ── put together again ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_code_is_restored_byte_for_byte(repo: Path, tmp_path: Path):
    change(repo)
    before = contents(repo)
    environ = {**os.environ, "TREERING_DIR": str(tmp_path / "data"), "TREERING_SILENT": "1"}
    train = subprocess.run(
        [sys.executable, "train.py", "--lr", "0.1"],
        cwd=repo,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    key = train.stdout.strip()
    assert contents(repo) == before, "looking changes nothing"
    done = subprocess.run(
        [*TREERING, "restore", key, "--into", str(tmp_path / "restored"), "--repo", str(repo)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "restored") == before
    assert f"cd {tmp_path / 'restored'} && python train.py --lr 0.1" in done.stdout
    again = subprocess.run(
        [*TREERING, "restore", key, "--into", str(tmp_path / "restored")],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_without_a_repository_the_files_themselves_are_restored(tmp_path: Path):
    folder = tmp_path / "project"
    (folder / "lib").mkdir(parents=True)
    (folder / "train.py").write_text("import lib.helper\n" + TRAIN)
    (folder / "lib" / "helper.py").write_text("x = 1\n")
    (folder / "conf.yaml").write_text("lr: 0.1\n")
    (folder / "data.csv").write_text("1,2\n")
    environ = {**os.environ, "TREERING_DIR": str(folder / "data"), "TREERING_SILENT": "1", "GIT_DIR": "/nowhere"}
    train = subprocess.run(
        [sys.executable, "train.py"], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    into = tmp_path / "restored"
    done = subprocess.run(
        [*TREERING, "restore", train.stdout.strip(), "--into", str(into), "--json"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"] == 3
    assert sorted(str(p.relative_to(into)) for p in into.rglob("*") if p.is_file()) == [
        "conf.yaml",
        "lib/helper.py",
        "train.py",
    ]
    assert (into / "lib" / "helper.py").read_text() == "x = 1\n"


# ── what is recorded ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_facts_of_a_repository(repo: Path):
    git(repo, "remote", "add", "origin", "https://ada:hunter2hunter2@example.org/x.git")
    facts = look(repo / "sub dir").facts

    assert facts["git"] == {
        "commit": git(repo, "rev-parse", "HEAD"),
        "branch": "main",
        "detached": False,
        "remote": "https://ada:[redacted]@example.org/x.git",
        "dirty": False,
        "message": "first",
        "root": str(repo),
        "submodules": [],
    }
    assert facts["code"]["kind"] == "git"
    git(repo, "checkout", "-q", "--detach")
    (repo / "model.py").write_text("")
    facts = look(repo).facts
    assert (facts["git"]["branch"], facts["git"]["detached"], facts["git"]["dirty"]) == (None, True, True)


def test_the_files_of_the_commit_are_listed(repo: Path):
    change(repo)
    rows = json.loads(look(repo).files["code.tree.json"])

    assert [row[0] for row in rows] == sorted(
        ["deleted.py", "model.py", "renamed.py", "run.sh", "sub dir/ü #?%.txt", "train.py", "weights.bin"]
    )
    assert rows[1][1:] == ["100644", git(repo, "rev-parse", "HEAD:model.py"), 550]


def test_a_repository_before_its_first_commit(tmp_path: Path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("a\n")
    (tmp_path / "b.py").write_text("b\n")
    git(tmp_path, "add", "a.py")
    notes = look(tmp_path)

    assert notes.facts["git"]["commit"] is None
    assert b"+a\n" in notes.files["code.patch"]
    assert notes.files["code/b.py"] == b"b\n"


def test_a_submodule_is_noted_with_its_commit(repo: Path, tmp_path: Path):
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "x.py").write_text("x\n")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "inner")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "vendor")
    git(repo, "commit", "-qm", "with a submodule")
    at = git(inner, "rev-parse", "HEAD")

    assert look(repo).facts["git"]["submodules"] == [{"path": "vendor", "commit": at, "recorded": at}]


def test_secrets_in_changes_are_hidden_and_counted(repo: Path):
    (repo / "model.py").write_text("layers = 3\n" * 50 + 'API_KEY = "abc123def456ghi"\nurl = "pg://u:pw12345@h/x"\n')
    (repo / ".env").write_text("TOKEN=abcdef123456\n")
    (repo / "id_rsa").write_text("-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----\n")
    (repo / "notes.py").write_text("hf = 'hf_AbCdEfGhIjKlMnOpQrStUvWx'\n")
    git(repo, "add", ".env")
    notes = look(repo)
    everything = b"".join(notes.files.values()) + json.dumps(notes.facts).encode()

    for secret in (b"abc123def456ghi", b"pw12345", b"abcdef123456", b"MIIabc", b"hf_AbCdEf"):
        assert secret not in everything
    assert notes.about["code.patch"]["redacted"] == 2
    assert notes.about["code.patch"]["inexact"] == []
    assert notes.about["code/notes.py"]["redacted"] == 1
    assert notes.facts["hidden"] == [{"where": "uncommitted changes", "count": 2}, {"where": "notes.py", "count": 1}]
    assert notes.skipped == {".env": "holds secrets, by its name", "id_rsa": "holds secrets, by its name"}


def test_a_secret_in_a_committed_line_makes_the_patch_inexact_and_says_so(repo: Path, tmp_path: Path):
    (repo / "model.py").write_text('a = 1\nkey_of = "none"\napi_key = "abc123def456ghi"\n')
    git(repo, "commit", "-aqm", "oops")
    (repo / "model.py").write_text('a = 2\nkey_of = "none"\napi_key = "abc123def456ghi"\n')
    (repo / "train.py").write_text(TRAIN + "# changed\n")
    notes = look(repo)

    assert notes.about["code.patch"]["inexact"] == ["model.py"]
    assert b"abc123def456ghi" not in notes.files["code.patch"]
    environ = {**os.environ, "TREERING_DIR": str(tmp_path / "data"), "TREERING_SILENT": "1"}
    train = subprocess.run(
        [sys.executable, "train.py"], cwd=repo, env=environ, capture_output=True, text=True, timeout=60
    )
    into = tmp_path / "restored"
    done = subprocess.run(
        [*TREERING, "restore", train.stdout.strip(), "--into", str(into), "--repo", str(repo)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "model.py: its changes hold a secret in a committed line" in done.stderr
    assert (into / "train.py").read_text() == TRAIN + "# changed\n"
    assert (into / "model.py").read_text().startswith("a = 1")


def test_what_is_too_large_is_left_out_by_name(repo: Path):
    (repo / "huge.bin").write_bytes(bytes(CODE_FILE_MAX_BYTES + 1))
    (repo / "model.py").write_bytes(os.urandom(CODE_MAX_BYTES + 1_000))
    (repo / "run.sh").write_text("#!/bin/sh\necho changed\n")
    notes = look(repo)

    assert notes.skipped["huge.bin"] == "too large"
    assert notes.skipped["model.py"].startswith("its changes are too large")
    assert b"+echo changed" in notes.files["code.patch"]
    assert sum(len(data) for data in notes.files.values()) < 2 * CODE_MAX_BYTES


def test_a_repository_cannot_make_us_run_anything(repo: Path, tmp_path: Path):
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path / 'sprung'}\ncat\n")
    trap.chmod(0o755)
    change(repo)
    git(repo, "config", "core.fsmonitor", str(trap))
    git(repo, "config", "diff.external", str(trap))
    git(repo, "config", "core.pager", str(trap))
    git(repo, "config", "diff.x.textconv", str(trap))
    git(repo, "config", "gpg.program", str(trap))
    git(repo, "config", "log.showSignature", "true")
    for part in ("clean", "smudge", "process"):
        git(repo, "config", f"filter.y.{part}", str(trap))
    git(repo, "config", "filter.y.required", "true")
    (repo / ".gitattributes").write_text("*.py diff=x\n*.bin filter=y\n")
    notes = look(repo)

    assert not (tmp_path / "sprung").exists()
    assert b"+layers = 4" in notes.files["code.patch"]


def test_what_git_keeps_in_another_form_is_left_out_by_name(repo: Path):
    git(repo, "config", "filter.crypt.clean", "tr a-z b-za")
    (repo / ".gitattributes").write_text("*.hidden filter=crypt\n")
    (repo / "old.hidden").write_text("private")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "encrypted")
    (repo / "old.hidden").write_text("private, too")
    (repo / "new.hidden").write_text("private, not added yet")
    notes = look(repo)

    assert notes.skipped == {
        "old.hidden": "goes through git's filter crypt",
        "new.hidden": "goes through git's filter crypt",
    }
    assert not any(b"private" in data for data in notes.files.values())


def test_a_repository_of_another_owner_and_odd_settings_is_read_all_the_same(repo: Path):
    git(repo, "config", "diff.noprefix", "true")
    git(repo, "config", "color.ui", "always")
    git(repo, "config", "core.quotePath", "true")
    (repo / "sub dir" / "ü #?%.txt").write_bytes(b"changed\n")
    patch = look(repo).files["code.patch"].decode()

    assert "--- a/sub dir/ü #?%.txt" in patch
    assert "\x1b" not in patch


def test_looking_ends_in_time_whatever_git_does(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}:{os.environ['PATH']}")
    begin = time.monotonic()
    notes = look(repo)

    assert time.monotonic() - begin < 10
    assert "hardware" in notes.facts
    assert Repository.find([repo], time.monotonic() - 1) is None


def test_what_took_too_long_is_named(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    change(repo)
    slow = tmp_path / "bin"
    slow.mkdir()
    real = shutil.which("git")
    (slow / "git").write_text(
        f'#!/bin/sh\ncase " $* " in *" ls-files --others"*) exec sleep 60;; esac\nexec {real} "$@"\n'
    )
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}:{os.environ['PATH']}")
    notes = look(repo)

    assert notes.facts["code_not_whole"] == "git ls-files took longer than 2 s, or says too much"
    assert b"+layers = 4" in notes.files["code.patch"]


def test_the_data_folder_is_no_code(repo: Path):
    (repo / "data" / "runs").mkdir(parents=True)
    (repo / "data" / "runs" / "x.trl").write_bytes(b"log")
    (repo / "other.py").write_text("x\n")
    notes = look(repo, data_dir=str(repo / "data"))

    assert [name for name in notes.files if name.startswith("code/")] == ["code/other.py"]


def test_parts_can_be_switched_off(repo: Path):
    change(repo)
    assert "git" not in look(repo, git=False, code=False).facts
    assert not [name for name in look(repo, code=False).files if name.startswith("code")]
    assert "git" in look(repo, code=False).facts
    everything = look(repo, everything=True).files
    assert everything["code/model.py"] == (repo / "model.py").read_bytes()


def test_packages_and_machine(repo: Path):
    notes = look(repo, path=sys.path)
    lines = notes.files["requirements.txt"].decode().splitlines()

    import msgspec
    import psutil

    assert f"msgspec=={msgspec.__version__}" in lines
    assert [line.split("==")[0].lower() for line in lines] == sorted(line.split("==")[0].lower() for line in lines)
    assert notes.facts["packages"]["count"] == len(lines)
    assert notes.facts["hardware"]["memory_bytes"] == psutil.virtual_memory().total
    assert notes.facts["hardware"]["cpu_count"] == os.cpu_count()


def test_variables_are_recorded_by_an_allow_list(tmp_path: Path):
    notes = Notes()
    environ = {
        "CUDA_VISIBLE_DEVICES": "0,1",
        "MY_FLAG": "on",
        "SECRET_TOKEN": "abc123abc123",
        "AWS_SECRET_ACCESS_KEY": "zzz",
        "OTHER": "x",
    }
    capture(Plan(cwd=str(tmp_path), git=False, code=False, variables=["MY_FLAG", "SECRET_TOKEN"]), notes, environ)

    assert notes.facts["environment"] == {"CUDA_VISIBLE_DEVICES": "0,1", "MY_FLAG": "on", "SECRET_TOKEN": "[redacted]"}


# ── what cannot be recorded is named ─────────────────────────────────────────────────────────────────────────────


def train(folder: Path, data: Path, *arguments: str) -> str:
    """Run ``train.py`` there; return the key of its run."""
    done = subprocess.run(
        [sys.executable, "train.py", *arguments],
        cwd=folder,
        env={**os.environ, "TREERING_DIR": str(data), "TREERING_SILENT": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def restore(key: str, data: Path, into: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "TREERING_DIR": str(data), "GIT_DIR": "/nonexistent"}  # as within a hook
    command = [*TREERING, "restore", key, "--into", str(into)]
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_names_that_not_every_system_can_have(repo: Path, tmp_path: Path):
    (repo / "at 12:30.py").write_text("x")
    (repo / "u:c.py").write_text("x")
    (repo / "back\\slash.py").write_text("x")
    (repo / "new\nline.py").write_text("x")
    with open(os.fsencode(repo) + b"/caf\xe9.py", "w") as file:
        file.write("one")
    with open(os.fsencode(repo) + b"/caf\xe8.py", "w") as file:
        file.write("two")
    os.symlink(b"caf\xe9.py", os.fsencode(repo) + b"/link")
    os.mkfifo(repo / "pipe")
    (repo / "loop").symlink_to("loop")
    nested = repo / "nested"
    nested.mkdir()
    git(nested, "init", "-q")
    (nested / "inside.py").write_text("x")
    key = train(repo, tmp_path / "data")
    done = restore(key, tmp_path / "data", "../restored", repo)

    assert done.returncode == 1
    differs = {line.removeprefix("  differs: ") for line in done.stderr.splitlines() if "differs" in line}
    assert differs == {"nested/: not recorded (is a repository of its own)"}
    restored = os.fsencode(tmp_path / "restored")
    assert {b"caf\xe9.py", b"caf\xe8.py", b"back\\slash.py", b"u:c.py"} <= set(os.listdir(restored))
    assert os.readlink(restored + b"/link") == b"caf\xe9.py"
    assert (tmp_path / "restored" / "at 12:30.py").exists()
    assert (tmp_path / "restored" / "new\nline.py").exists()
    assert os.readlink(tmp_path / "restored" / "loop") == "loop"


def test_a_repository_that_cannot_be_read_says_so(repo: Path):
    for path in (repo / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()

    assert look(repo).facts["code_not_whole"] == "git ls-tree, git diff failed"


def test_what_is_staged_before_the_first_commit_is_restored(tmp_path: Path):
    folder = tmp_path / "new"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "train.py").write_text(TRAIN)
    (folder / "staged.bin").write_bytes(bytes(range(256)))
    git(folder, "add", "-A")
    key = train(folder, tmp_path / "data")
    into = folder / "below" / "restored"  # within a repository
    into.parent.mkdir()
    done = restore(key, tmp_path / "data", into, tmp_path)

    assert done.returncode == 0, done.stderr
    assert (into / "staged.bin").read_bytes() == bytes(range(256))


def test_submodules_are_named_when_the_code_is_restored(repo: Path, tmp_path: Path):
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "part")
    git(repo, "commit", "-qm", "a part")
    key = train(repo, tmp_path / "data")
    elsewhere = tmp_path / "elsewhere"  # a clone that has not fetched it
    git(tmp_path, "clone", "-q", str(repo), str(elsewhere))
    done = restore(key, tmp_path / "data", tmp_path / "restored", elsewhere)

    assert done.returncode == 1
    assert "part: is a submodule, at commit" in done.stderr


def test_nothing_is_restored_into_what_belongs_to_git(tmp_path: Path):
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "train.py").write_text(
        "import treering as tr\nfrom treering.runlog import records\nimport hashlib, time\n"
        "run = tr.init(project='p')\n"
        "blob = run._encoding().blobs.put(b'[core]\\nfsmonitor = touch sprung')\n"
        "for name in ('.git/config', 'x/.GIT/hooks/post-checkout'):\n"
        "    run._record(records.FILE, [time.time_ns(), 'code/' + name, blob.sha256, blob.size, {'purpose': 'code'}])\n"
        "run.finish()\nprint(run.key)\n"
    )
    done = restore(train(folder, tmp_path / "data"), tmp_path / "data", tmp_path / "restored", tmp_path)

    assert done.returncode == 1
    assert done.stderr.count("is of git itself") == 2
    assert [path.name for path in (tmp_path / "restored").rglob("*")] == ["train.py"]


def test_a_data_folder_beside_the_code_is_no_code(tmp_path: Path):
    (tmp_path / "model.py").write_text("x")
    for name in ("server", "other"):
        (tmp_path / name / "runs").mkdir(parents=True)
        (tmp_path / name / "deep").mkdir()
        (tmp_path / name / "server.json").write_text('{"token": "trl_0123456789abcdefghijklmnop"}')
        (tmp_path / name / "deep" / "notes.md").write_text("x")
    (tmp_path / "server" / "store.json").write_text("{}")
    (tmp_path / "other" / "live").mkdir()

    assert [name for name in look(tmp_path).files if name.startswith("code/")] == ["code/model.py"]
    git(tmp_path, "init", "-q")
    assert [name for name in look(tmp_path).files if name.startswith("code/")] == ["code/model.py"]


# ── how long it takes ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_that_is_over_records_no_more_files(repo: Path):
    for number in range(10):
        (repo / f"new{number}.py").write_text("x")
    notes = Notes()
    notes.is_over = lambda: len(notes.files) >= 3  # type: ignore[method-assign]
    capture(Plan(cwd=str(repo), data_dir=str(repo / "none")), notes, {})

    assert len(notes.files) < 6
    assert "and others: the run had ended before they were read" in notes.skipped.values()


def test_files_are_stored_several_at_a_time_and_all_before_the_next_fact():
    stored: list[str] = []

    def store(path: str, data: bytes, about: dict[str, Any]) -> None:
        time.sleep(0.02)
        stored.append(path)
        if path == "bad":
            raise OSError("no room")

    storing = Storing(store)
    began = time.monotonic()
    for number in range(100):
        storing.add(str(number), b"", {})
    storing.wait()
    assert time.monotonic() - began < 1.5, "one after the other it is two seconds"
    assert sorted(stored, key=int) == [str(number) for number in range(100)]

    storing.add("bad", b"", {})
    with pytest.raises(OSError, match="no room"):
        storing.wait()
    storing.wait()


def test_a_short_run_does_not_wait_for_a_slow_repository(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    slow = tmp_path / "bin"
    slow.mkdir()
    real = shutil.which("git")
    (slow / "git").write_text(
        f'#!/bin/sh\ncase " $* " in *" diff "*) sleep 0.6;; *others*|*ls-tree*) sleep 1.2;; esac\nexec {real} "$@"\n'
    )
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}:{os.environ['PATH']}")
    change(repo)
    (repo / "train.py").write_text(
        "import time, treering as tr\nrun = tr.init(project='p')\nbegan = time.monotonic()\nrun.finish()\n"
        "print(time.monotonic() - began)\n"
    )
    took_s = float(train(repo, tmp_path / "data"))
    assert took_s < 2.5, "git alone takes 3.6 s"

    folder = Folder(tmp_path / "data")
    wait_until(lambda: bool(folder.records(records.SEAL, "system")))
    files = {file.path for file in folder.records(records.FILE, "system")}
    assert {"code.patch", "code/untracked.py", "requirements.txt"} <= files
